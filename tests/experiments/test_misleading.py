"""The misleading problems: their right answers, found another way."""

from __future__ import annotations

import importlib.util
import re
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def misleading() -> ModuleType:
    path = Path(__file__).parents[2] / "experiments" / "misleading.py"
    spec = importlib.util.spec_from_file_location("misleading", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def solved(kind: str, numbers: list[int]) -> Fraction:
    """The right answer from the numbers of the text, by going through what happens."""
    if kind == "average_speed":
        there, back = numbers
        road = Fraction(there * back)
        return 2 * road / (road / there + road / back)
    if kind == "before_the_discount":
        percent, price = numbers
        return next(Fraction(before) for before in range(1, 1000) if before * (100 - percent) == price * 100)
    if kind == "fence_posts":
        length, gap = numbers
        return Fraction(len(range(0, length + 1, gap)))
    if kind == "cuts":
        pieces, minutes, more = numbers
        return Fraction(minutes, pieces - 1) * (more - 1)
    if kind == "snail":
        depth, up, down = numbers
        height, day = 0, 1
        while height + up < depth:
            height, day = height + up - down, day + 1
        return Fraction(day)
    total, more = numbers
    return next(Fraction(ball) for ball in range(total) if ball + (ball + more) == total)


def test_right_answers_are_right_and_tempting_ones_are_not(misleading: ModuleType) -> None:
    rows = list(misleading.problems())
    assert len(rows) == 24
    assert len({row["id"] for row in rows}) == len({row["problem"] for row in rows}) == 24
    for row in rows:
        kind, numbers = row["id"].rsplit("-", 1)[0], [int(one) for one in re.findall(r"\d+", row["problem"])]
        assert Fraction(row["answer"]) == solved(kind, numbers), row
        assert Fraction(row["tempting"]) != Fraction(row["answer"]), row
