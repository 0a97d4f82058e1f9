"""Rewards: 1.0, 0.0, or None for "cannot judge". Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from elm_app.answers.compare import comparer
from elm_app.answers.vote import Classes
from elm_app.core.types import Vote


def majority_reward(answers: Sequence[str | None], vote: Vote) -> list[float | None]:
    """1.0 for each of the voters in the winner's class, 0.0 for the others; all None if nobody had an answer.

    A tie is judged by the vote's tie rule.

    Args:
        answers: the very answers that were voted on, in the order of their trace indices 0 … k−1.

    >>> majority_reward(["7"], Vote(None, 0.0, (), 1))
    Traceback (most recent call last):
        ...
    ValueError: This is not the vote over these answers.
    >>> majority_reward([None, None], Vote(None, 0.0, (), 2))
    [None, None]
    """
    voters = {index for count in vote.counts for index in count.traces}
    if len(voters) + vote.abstained != len(answers) or voters != {i for i, a in enumerate(answers) if a and a.strip()}:
        raise ValueError("This is not the vote over these answers.")
    if not vote.counts:
        return [None] * len(answers)
    winners = set(vote.counts[0].traces)
    return [float(index in winners) for index in range(len(answers))]


def match_reward(
    answers: Sequence[str | None], target: str | None, classes: Classes | None = None
) -> list[float | None]:
    """1.0 for each answer that means the same as the target (an earlier vote's answer, or the gold one), 0.0 for the
    others and for no answer; all None without a target.

    >>> match_reward(["0.5", "2", None], "1/2")
    [1.0, 0.0, 0.0]
    """
    if target is None or not target.strip():
        return [None] * len(answers)
    given = [answer for answer in answers if answer is not None and answer.strip()]
    *classes_of, wanted = (classes or comparer().classes)([*given, target])
    right = {answer for answer, number in zip(given, classes_of, strict=True) if number == wanted}
    return [float(answer in right) for answer in answers]
