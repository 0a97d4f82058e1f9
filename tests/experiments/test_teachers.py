"""The experiment on examples: who is tried, and what agreement says of a teacher."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from elm_app.core.types import Trace
from experiments.examples import agreed, candidates, report


def trace(index: int, answer: str | None, finished: bool = True) -> Trace:
    return Trace("zero_shot", index, 0, f"text {index}", answer, 50 + index, finished, -0.1)


def test_two_of_the_majority_and_two_others_that_ended() -> None:
    answers = ["7", "7", "8", "7", "7", None, "9", "10", "11"]
    traces = [trace(index, answer, index != 2) for index, answer in enumerate(answers)]
    assert [one.index for one in candidates("", traces)] == [0, 1, 6, 7]


def line(trace: int | None, *answers: list[str | None], **more: Any) -> dict[str, Any]:
    return {"family": "f", "trace": trace, "variants": {str(n): some for n, some in enumerate(answers)}, **more}


def test_a_teacher_is_held_against_what_others_wrote() -> None:
    others = line(None, ["1", "1"], ["2", "3"], ["5", "5"])
    right, wrong = line(0, ["1.0"], ["2"], ["6"]), line(1, ["4"], ["2"], [None])
    lines = [others, right, wrong]
    assert agreed(right, lines) == pytest.approx(2 / 3)  # 1 and 2 are what the others say, 5 is not what it says
    assert agreed(wrong, [others, wrong]) == 0  # of the second variant no two others agree


def test_the_teacher_that_agrees_most_is_chosen(tmp_path: Path) -> None:
    def teacher(index: int, answer: str, right: int, usual: bool) -> dict[str, Any]:
        told = {"usual": usual, "of_majority": True, "own_right": 1, "tokens": 9, "answer": "7"}
        return line(index, [answer], **told, siblings={"f/1": [right, right], "f/2": [right, 0]})

    lines = [line(None, ["1", "1"]), teacher(0, "2", 0, True), teacher(1, "1", 1, False)]
    path = tmp_path / "examples.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    found = report(path)
    assert found["mean"] == {"usual": 0, "chosen": 0.75, "best": 0.75}
