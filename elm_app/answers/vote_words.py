"""A vote in words, the same on the page and on the command line: what stands as its answer, and on how many it rests.

Where no two attempts agree there is no answer to show: one guess of eight is as good as another. Of answers that share
the most votes none stands alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from elm_app.core.text import count
from elm_app.core.types import Vote

Standing = Literal["none", "lone", "scattered", "tied", "weak", "clear"]
"""How far a vote holds: no attempt has an answer; there was one attempt; no two agree; the most votes are shared; few
agree (`FEW` or fewer, less than half); or neither of these."""
FEW = 3
NAMED = 3
"""So many answers of a tie are named; more are counted."""


def attempts(vote: Vote) -> int:
    """How many traces were voted over, those without an answer included."""
    return sum(each.count for each in vote.counts) + vote.abstained


def standing(vote: Vote) -> Standing:
    """
    >>> from elm_app.core.types import AnswerCount
    >>> standing(Vote("72", 1 / 8, (AnswerCount("72", 1), AnswerCount("48", 1)), 6, tied=True))
    'scattered'
    """
    if vote.answer is None:
        return "none"
    total, first = attempts(vote), vote.counts[0].count
    if total == 1:
        return "lone"
    if not vote.agreed:
        return "scattered"
    if vote.tied:
        return "tied"
    return "weak" if first <= FEW and 2 * first < total else "clear"


def leaders(vote: Vote) -> tuple[str, ...]:
    """The answers with the most votes, in the vote's order; none where no two attempts agree."""
    if standing(vote) in ("none", "scattered"):
        return ()
    return tuple(each.answer for each in vote.counts if each.count == vote.counts[0].count)


def headline(vote: Vote, asked: int) -> str:
    """What stands in place of an answer, in words; "" where the `leaders` can stand there.

    Args:
        asked: k, the attempts that there were to be.
    """
    total = attempts(vote)
    match standing(vote):
        case "none":
            return "No answer"
        case "lone" if asked > 1:
            return "No vote"
        case "scattered":
            return f"{_no_two(total, 'attempts ')}agree"
        case "tied" if len(leaders(vote)) > NAMED:
            return f"A tie of {len(leaders(vote))} answers"
    return ""


def either(answers: Sequence[str]) -> str:
    """
    >>> either(["72"]), either(["72", "48", "12"])
    ('72', '72, 48 or 12')
    """
    return " or ".join([", ".join(answers[:-1]), answers[-1]] if answers[1:] else answers)


def verdict(vote: Vote) -> list[str]:
    """How the vote went: first how many agree, then what there is besides."""
    told = _rest(vote)
    return [agreement(vote), *([told] if told else []), *_abstained(vote)]


def beside(vote: Vote, asked: int) -> list[str]:
    """The verdict without what the `headline` says already."""
    told = verdict(vote)
    if not headline(vote, asked):
        return told
    match standing(vote):
        case "scattered" | "lone":
            return told[1:]
        case "tied":
            return [f"{vote.counts[0].count} of {attempts(vote)} each", *told[1:]]
    return told


def agreement(vote: Vote) -> str:
    """How many agree, in a few words."""
    total = attempts(vote)
    match standing(vote):
        case "none":
            return f"none of the {total} traces has an answer" if total > 1 else "1 trace, no answer"
        case "lone":
            return "1 attempt, no vote"
        case "scattered":
            return f"{_no_two(total)}agree".lower()
        case "tied":
            which = leaders(vote)
            many = f"a tie of {len(which)} answers" if len(which) > 2 else "a tie"
            return f"{many}, {vote.counts[0].count} of {total} each"
    return f"{vote.counts[0].count} of {total} agree"


def agree_on(vote: Vote) -> str:
    """How many agree on what.

    >>> from elm_app.core.types import AnswerCount
    >>> agree_on(Vote("72", 3 / 4, (AnswerCount("72", 3),), 1))
    '3 of 4 agree on 72'
    """
    match standing(vote):
        case "none":
            return agreement(vote)
        case "lone":
            return f"1 attempt, which says {vote.answer}"
        case "scattered":
            return f"{agreement(vote)}, the first says {vote.answer}"
        case "tied":
            return f"{vote.counts[0].count} of {attempts(vote)} agree on {vote.answer}, as many on another answer"
    return f"{agreement(vote)} on {vote.answer}"


def capital(text: str) -> str:
    """With a capital letter."""
    return text[:1].upper() + text[1:]


def _no_two(total: int, noun: str = "") -> str:
    return f"The two {noun}do not " if total == 2 else f"No two of {total} {noun}"


def _rest(vote: Vote) -> str:
    """The answers besides those in front."""
    match standing(vote):
        case "none" | "lone":
            return ""
        case "scattered":
            return count(len(vote.counts), "different answer") if len(vote.counts) > 1 else "1 answer"
    others = len(vote.counts) - len(leaders(vote))
    return count(others, "other answer") if others else ""


def _abstained(vote: Vote) -> list[str]:
    return [f"{vote.abstained} without an answer"] if vote.abstained and vote.answer is not None else []
