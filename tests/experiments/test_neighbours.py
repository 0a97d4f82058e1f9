"""Rung 2 on a random model and on lines made by hand."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from experiments import ladder, lines, neighbours, sampling
from experiments.families import families
from experiments.neighbours import report, table

SMALL = ["--families", "3", "--members", "1", "--samples", "4", "--max-new-tokens", "12"]


@pytest.fixture
def learned(random_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of the ladder that has made three memories of nothing."""
    monkeypatch.setattr(sampling, "extract", lambda text: str(sum(map(ord, text)) % 2) if text else None)
    out = tmp_path / "untrained.jsonl"
    more = ["--set", "virtual_tokens=4", "--model", str(random_model)]
    ladder.main(["--recipe", "untrained", "--out", str(out), *SMALL, *more])
    return out


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, float]]:
    """By a text's beginning: the place of its nearest memory, and the cosine; 0 at 0.9 where nothing is said."""
    said: dict[str, tuple[int, float]] = {}

    def nearest(asked: Sequence[str], stored: Sequence[str]) -> Any:
        assert list(stored) == [family.member(0).text for family in families("develop")[:3]]
        found = [next((one for start, one in said.items() if text.startswith(start)), (0, 0.9)) for text in asked]
        return np.array([place for place, _ in found]), np.array([score for _, score in found])

    monkeypatch.setattr(neighbours, "nearest", nearest)
    return said


def test_three_arms_where_a_memory_is_near_and_none_where_not(
    learned: Path, places: dict[str, tuple[int, float]], random_model: Path, tmp_path: Path
) -> None:
    places |= {"Far": (1, 0.59), "Near": (2, 0.61)}
    file = tmp_path / "strangers.jsonl"
    rows = [{"problem": "Far away.", "answer": "1"}, {"problem": "Unknown."}, {"problem": "Near by.", "answer": "0"}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    out = tmp_path / "neighbours.jsonl"
    given = ["--learned", str(learned), "--members", "1", "--strangers", str(file), "--out", str(out)]
    given += ["--model", str(random_model)]
    neighbours.main(given)
    head, *asked = lines.read(out)
    assert head["stored"] == [family.id for family in families("develop")[:3]]
    ids = [f"{family.id}/1" for family in families("develop")[:3]]
    assert [line["problem"] for line in asked] == [*ids, "stranger/0", "stranger/2"]
    assert [line["own"] for line in asked] == [1, 0, 0, 0, 0]
    far, near = asked[3:]
    assert not {"without", "with", "random", "drawn"} & far.keys()
    assert near["nearest"] == head["stored"][2]
    assert {"without", "with", "random"} <= near.keys()
    plain = {line["problem"]: line for line in lines.read(learned.with_name("plain.jsonl"))}
    for line in asked[:3]:
        assert line["without"]["answers"] == plain[line["problem"]]["answers"], "the seeds are the ladder's"
        assert line["drawn"] != line["nearest"]
    whole = out.read_bytes()
    out.write_bytes(whole[: len(whole) // 2])
    neighbours.main(given)
    assert out.read_bytes() == whole, "it goes on where it was broken off"


def side(right: int, vote: str) -> dict[str, Any]:
    """Four traces, so many of them right, all of which answer `vote`."""
    rights = [1] * right + [0] * (4 - right)
    return {"right": rights, "answers": [vote] * 4, "vote": vote, "vote_right": int(vote == "7")}


def asked(problem: str, score: float, *arms: dict[str, Any]) -> dict[str, Any]:
    """A line of a problem, with what its arms came to."""
    kind = "stranger" if problem.startswith("stranger") else "sibling"
    line = {"problem": problem, "kind": kind, "nearest": "a", "score": score, "own": int(problem.startswith("a/"))}
    return {**line, **dict(zip(("without", "with", "random"), arms, strict=False))}


def test_what_a_higher_threshold_would_change(tmp_path: Path) -> None:
    path = tmp_path / "n.jsonl"
    tie, right, wrong = {**side(2, "7"), "answers": ["7", "7", "8", "8"]}, side(4, "7"), side(0, "8")
    for line in (
        {"learned": "x", "how": {}, "stored": ["a", "b"], "least": 0.6},
        asked("a/1", 0.81, wrong | {"answers": ["8", "8", "7", None]}, right, wrong),  # won; a random one agrees
        asked("a/2", 0.66, tie, right, wrong),  # agreed; lost by a random one
        asked("b/1", 0.30),
        asked("stranger/0", 0.62, tie, wrong, tie),  # lost
        asked("stranger/1", 0.40),
    ):
        lines.append(path, line)
    numbers = report(path)
    siblings, strangers = (numbers[kind]["by threshold"] for kind in ("sibling", "stranger"))
    assert (numbers["sibling"]["asked"], numbers["stranger"]["asked"]) == (3, 2)
    assert [siblings[least]["found"] for least in ("0.60", "0.65", "0.70", "0.80")] == [2, 2, 1, 1]
    low = siblings["0.60"]
    assert (low["own"], low["without"], low["with"], low["random"]) == (2, 25.0, 100.0, 0.0)
    assert low["with routed"] == {"right before": 1, "right": 2, "won": 1, "lost": 0}
    assert low["random routed"] == {"right before": 1, "right": 0, "won": 0, "lost": 1}
    assert low["with − without"]["value"] == 75.0
    assert strangers["0.60"]["with routed"] == {"right before": 1, "right": 0, "won": 0, "lost": 1}
    assert strangers["0.65"] == {"found": 0, "own": 0}
    told = table(numbers)
    assert "+75.0" in told
    assert told.count("0.60") == 2
