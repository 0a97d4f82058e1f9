"""Where the reward of a rollout comes from: sources by name, as `LearnSettings.reward` has them.

A source gives each rollout a number, or None for all of them if it cannot judge. `majority` is the method; the others
are there to ask what of it matters.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from elm_app.answers.reward import majority_reward, match_reward
from elm_app.core.errors import BadInput
from elm_app.core.types import Trace, Vote


@dataclass(frozen=True)
class Spread:
    """How a rollout's next-token distributions were spread, means over its tokens, in nats.

    Attributes:
        entropy: of the distribution p over the vocabulary of V tokens.
        certainty: KL(uniform ‖ p), which is −log V − mean log p over the vocabulary.
    """

    entropy: float
    certainty: float


@dataclass(frozen=True)
class Judged:
    """What a source may look at.

    Attributes:
        traces: a step's rollouts in order.
        vote, before: their vote, and the one before learning.
        seed: of the step.
        gold: the right answer, if it is known.
        reference: the answer of a reference solution, if one was written.
        spreads: asks the model how each rollout's distributions were spread; costs a pass for each.
    """

    traces: Sequence[Trace]
    vote: Vote
    before: Vote
    seed: int = 0
    gold: str | None = None
    reference: str | None = None
    spreads: Callable[[], Sequence[Spread]] | None = None

    @property
    def answers(self) -> list[str | None]:
        return [trace.answer for trace in self.traces]


Rewards = list[float | None]


def majority(judged: Judged) -> Rewards:
    """1.0 for the rollouts in the majority's class of their own step: the method (arXiv 2606.17803; as in TTRL)."""
    return majority_reward(judged.answers, judged.vote)


def vote_before(judged: Judged) -> Rewards:
    """1.0 for the rollouts whose answer is the one that the vote before learning gave."""
    return match_reward(judged.answers, judged.before.answer)


def gold(judged: Judged) -> Rewards:
    """1.0 for the right answer: an oracle, the upper line."""
    if judged.gold is None:
        raise BadInput("The reward gold needs the right answer.", "Give it, or choose another reward.")
    return match_reward(judged.answers, judged.gold)


def at_random(judged: Judged) -> Rewards:
    """1.0 or 0.0 by the toss of a coin (as in Shao et al., Spurious Rewards, arXiv 2506.10947): what is left of the
    gain without any information."""
    coin = random.Random(judged.seed)
    return [float(coin.random() < 0.5) for _ in judged.traces]


def inverted(judged: Judged) -> Rewards:
    """1.0 for an answer that is not the majority's: what a wrong vote would teach."""
    rewards = majority_reward(judged.answers, judged.vote)
    return [
        None if reward is None else float(reward == 0.0 and trace.answer is not None)
        for reward, trace in zip(rewards, judged.traces, strict=True)
    ]


def certainty(judged: Judged) -> Rewards:
    """The model's self-certainty, mean KL(uniform ‖ p) (Zhao et al., Intuitor, arXiv 2505.19590, equation 3)."""
    assert judged.spreads is not None
    return [spread.certainty for spread in judged.spreads()]


def entropy(judged: Judged) -> Rewards:
    """Less entropy is better: minus the mean entropy of the tokens (Prabhudesai et al., RENT, arXiv 2505.22660)."""
    assert judged.spreads is not None
    return [-spread.entropy for spread in judged.spreads()]


def reference(judged: Judged) -> Rewards:
    """1.0 for the answer of a reference solution that the model wrote from all attempts before learning (Jayalath et
    al., Compute as Teacher, arXiv 2509.14234; here by its final answer alone)."""
    return match_reward(judged.answers, judged.reference)


SOURCES: dict[str, Callable[[Judged], Rewards]] = {
    "majority": majority,
    "vote": vote_before,
    "gold": gold,
    "random": at_random,
    "inverted": inverted,
    "certainty": certainty,
    "entropy": entropy,
    "reference": reference,
}
BY_VOTE = ("majority", "vote", "inverted")
"""The sources that have nothing to say without a majority."""
