"""Where the reward of a rollout comes from: sources by name, as `LearnSettings.reward` has them.

A source gives each rollout 1.0 or 0.0, or None for all of them if it cannot judge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from elm_app.answers.reward import majority_reward, match_reward
from elm_app.types import Trace, Vote


@dataclass(frozen=True)
class Judged:
    """What a source may look at: a step's rollouts in order, their vote, and the vote before learning."""

    traces: Sequence[Trace]
    vote: Vote
    before: Vote

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


SOURCES: dict[str, Callable[[Judged], Rewards]] = {"majority": majority, "vote": vote_before}
