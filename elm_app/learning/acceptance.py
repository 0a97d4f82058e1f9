"""Was it worth it? A memory against fresh samples without it, on its own problem."""

from __future__ import annotations

from elm_app.answers.vote import Equivalent
from elm_app.core.types import Measured

_SHORTER = 0.95
"""A trace of less than this share of the tokens counts as shorter."""


def judge(before: Measured, after: Measured, equivalent: Equivalent) -> tuple[bool, str]:
    """Whether a memory helps its own problem, and why, in a sentence.

    It helps if more of the samples agree; with the same agreement, if more have an answer; with that the same too, if
    they are at least 5% shorter. A memory that moves the majority to another answer does not count as a help, because
    the vote that it was learned from says so.
    """
    old, new = before.vote.answer, after.vote.answer
    if old is None or new is None or not equivalent(old, new):
        return False, f"The majority moved from {old or 'no answer'} to {new or 'no answer'}."
    agree = f"{_voters(before)} of {before.samples}", f"{_voters(after)} of {after.samples}"
    if after.vote.agreement != before.vote.agreement:
        more = after.vote.agreement > before.vote.agreement
        return more, f"Agreement {'rose' if more else 'fell'} from {agree[0]} to {agree[1]}."
    if after.answered != before.answered:
        more = after.answered > before.answered
        shares = f"from {before.answered:.0%} to {after.answered:.0%}"
        return more, f"{agree[1]} agree as before; traces with an answer {'rose' if more else 'fell'} {shares}."
    if after.tokens < _SHORTER * before.tokens:
        return (
            True,
            f"{agree[1]} agree as before, with {after.tokens:.0f} tokens a trace instead of {before.tokens:.0f}.",
        )
    return False, f"{agree[1]} agree, as before."


def _voters(measured: Measured) -> int:
    return measured.vote.counts[0].count if measured.vote.counts else 0
