"""Was it worth it: agreement first, then answers, then length."""

from __future__ import annotations

import pytest

from elm_app.core.types import AnswerCount, Measured, Vote
from elm_app.learning.acceptance import judge


def measured(votes: int, answer: str | None = "72", answered: float = 1.0, tokens: float = 200.0) -> Measured:
    counts = (AnswerCount(answer, votes, tuple(range(votes))),) if answer else ()
    return Measured(Vote(answer, votes / 16, counts, 0), 16, answered, tokens)


@pytest.mark.parametrize(
    ("before", "after", "helps", "says"),
    [
        (measured(9), measured(12), True, "Agreement rose from 9 of 16 to 12 of 16."),
        (measured(9), measured(8, tokens=50), False, "Agreement fell from 9 of 16 to 8 of 16."),
        (measured(9, answered=0.75), measured(9), True, "traces with an answer rose from 75% to 100%"),
        (measured(9), measured(9, answered=0.75), False, "traces with an answer fell from 100% to 75%"),
        (measured(9), measured(9, tokens=150), True, "with 150 tokens a trace instead of 200"),
        (measured(9), measured(9, tokens=195), False, "9 of 16 agree, as before."),
        (measured(9), measured(9, tokens=300), False, "9 of 16 agree, as before."),
        (measured(9), measured(16, "48"), False, "The majority moved from 72 to 48."),
        (measured(9), measured(0, None), False, "The majority moved from 72 to no answer."),
    ],
)
def test_verdicts(before: Measured, after: Measured, helps: bool, says: str) -> None:
    improved, verdict = judge(before, after, lambda a, b: a == b)
    assert improved is helps
    assert says in verdict


def test_the_same_answer_spelt_differently_is_the_same() -> None:
    improved, _ = judge(measured(9, "1/2"), measured(12, "0.5"), lambda a, b: {a, b} == {"1/2", "0.5"})
    assert improved
