"""What the methods share that learn something with GRPO."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from elm_app.core.events import Event
from elm_app.core.types import Problem
from elm_app.evaluation.method import Desk
from elm_app.learning.rewards import Judged, gold, majority
from elm_app.learning.trainer import nothing_to_learn

if TYPE_CHECKING:
    from elm_app.learning.update import Learner


def learn_once(
    desk: Desk, learner: Learner, problem: Problem, seed: int, by_gold: bool = False
) -> Generator[Event, None, bool]:
    """k rollouts of a problem, their reward (by the majority, or the right answer), one update.

    Returns whether there was an update: without a majority, or with equal rewards, there is none.
    """
    settings, policy = desk.learning, learner.policy
    by_gold = by_gold or settings.reward == "gold"
    prompt = policy.engine.encode(problem.text)
    sampled = yield from desk.sample(
        policy.request(prompt, settings.rollouts, seed),
        "memory",
        policy.engine,
        temperature=settings.temperature,
        max_new_tokens=settings.max_new_tokens,
    )
    traces = [sampled.traces["memory"][index] for index in range(settings.rollouts)]
    vote = sampled.votes["memory"]
    if not by_gold and nothing_to_learn(vote, settings.rollouts, settings.min_agreement):
        return False
    judged = Judged(traces, vote, vote, gold=problem.answer)
    rewards = gold(judged) if by_gold else majority(judged)
    rows = [sampled.tokens["memory"][index] for index in range(settings.rollouts)]
    return learner.learn(prompt, rows, rewards)
