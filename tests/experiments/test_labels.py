"""experiments/labels.py: which problems were learned from with the right label, and what other rewards made of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from elm_app.core.types import AnswerCount, LearnStep, Measured, Vote
from experiments import labels


def step(answer: str | None, skipped: str | None = None) -> LearnStep:
    return LearnStep(1, answer, 0.5, 0.5, 1.0, 200.0, None, None, skipped, 4.0, 3.0, 7.0)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([step("26.0"), step("28")], ("right", 2)),  # the first label is nobody's doing
        ([step("28"), step("26")], ("wrong", 2)),
        ([step("26", "equal rewards"), step("28")], ("wrong", 1)),  # no update, no label
        ([step(None, "no majority")], ("none", 0)),
    ],
)
def test_a_problem_belongs_where_its_updates_went(steps: list[LearnStep], expected: tuple[str, int]) -> None:
    assert labels.group(steps, "26") == expected
    if expected[1]:
        assert labels.group(steps, "26", vote="26")[0] == "right"
        assert labels.group(steps, "26", vote="27")[0] == "wrong"


def test_right_traces_are_counted_by_what_they_mean() -> None:
    vote = Vote("26", 0.5, (AnswerCount("26", 4, ()), AnswerCount("26.00", 1, ()), AnswerCount("28", 2, ())), 1)
    assert labels.share(Measured(vote, 8, 0.9, 100.0), "26") == 5 / 8


def test_two_rewards_are_compared_on_the_problems_that_both_learned_from() -> None:
    def entry(id: str, after: float) -> dict[str, Any]:
        return {"id": id, "right_before": 0.25, "right_after": after}

    mine = {"right": [entry("a", 0.9), entry("b", 0.5)], "wrong": [entry("c", 0.1)]}
    theirs = {"wrong": [entry("b", 0.4), entry("c", 0.2)], "none": [entry("d", 0.0)]}
    assert labels.shared(mine, theirs) == (
        {"right": [entry("b", 0.5)], "wrong": [entry("c", 0.1)]},
        {"right": [entry("b", 0.4)], "wrong": [entry("c", 0.2)]},
    )
    told = labels.report(mine)["all"]
    assert (told["problems"], told["right_after"], told["gain"]) == (3, 0.5, 0.25)
    assert told["gain_low"] <= 0.25 <= told["gain_high"]
