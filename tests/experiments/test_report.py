"""What the ladder's files say, on files made by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from elm_app.answers.vote import vote
from experiments import ladder, lines
from experiments.report import report, routed, table

HOW = {"weights": "w", "seed": 0, "samples": 4}


def line(problem: str, right: int, tokens: int = 100, vote: bool = True) -> dict[str, Any]:
    rights = [1] * right + [0] * (4 - right)
    answers = ["7"] * right + ["8", None, None, None][: 4 - right]
    voted = {"vote": "7", "agreement": right / 4, "vote_right": int(vote), "read": 60}
    return {
        "problem": problem,
        "gold": "7",
        "answers": answers,
        "right": rights,
        "tokens": [tokens] * 4,
        "read": 60,
        **voted,
    }


def made(folder: Path, name: str, after: dict[str, int], unhelped: tuple[str, ...] = ()) -> Path:
    """A file with these right traces of 4, and without help 2 of each."""
    path = folder / f"{name}.jsonl"
    lines.append(path, {"recipe": name, "settings": {}, "split": "develop", "how": HOW})
    for family in dict.fromkeys(problem.split("/")[0] for problem in after):
        told = {
            "learned": family,
            "from": f"{family}/0",
            "label_right": int(family != "c"),
            "made": family not in unhelped,
        }
        lines.append(path, {**told, "reason": "", "tokens": 1000, "seconds": 30.0})
    known = {one["problem"] for one in lines.read(folder / "plain.jsonl")}
    for problem, right in after.items():
        lines.append(path, line(problem, right, 80))
        if problem not in known:
            lines.append(folder / "plain.jsonl", {"how": HOW, **line(problem, 2)})
    return path


def test_a_rung_is_told_by_family_and_by_label(tmp_path: Path) -> None:
    after = {"a/0": 4, "b/0": 3, "c/0": 1, "a/1": 4, "a/2": 4, "b/1": 2, "b/2": 3, "c/1": 0}
    path = made(tmp_path, "distil", after, unhelped=("b",))
    lines.append(tmp_path / "plain.jsonl", {"how": {**HOW, "seed": 1}, **line("a/0", 0)})  # another seed's
    own, siblings = report([path])
    assert (own["rung"], own["all"]["families"], own["all"]["problems"], own["all"]["samples"]) == (0, 3, 3, 4)
    assert own["all"]["before"]["value"] == 50
    assert own["all"]["after"]["value"] == pytest.approx(100 * 8 / 12, abs=0.01)
    gap = own["all"]["difference"]
    assert gap["value"] == pytest.approx(100 / 6, abs=0.01)
    assert gap["low"] == -25
    assert gap["high"] == 50
    assert own["label_right"]["difference"]["value"] == 37.5
    assert own["label_wrong"]["difference"]["value"] == -25
    assert own["memory"]["families"] == own["learning"]["memories"] == 2
    assert own["learning"] == {"memories": 2, "labels_right": 2, "seconds": 30.0, "tokens": 1000}
    assert own["all"]["tokens"] == {"before": 100, "after": 80}
    assert siblings["all"]["families"] == 2, "c is not done yet"
    assert siblings["all"]["problems"] == 4
    assert siblings["all"]["difference"]["value"] == pytest.approx((50 + 12.5) / 2, abs=0.01)
    assert siblings["all"]["answered"] == {"before": 75.0, "after": pytest.approx(100 * (1 + 0.875) / 2)}
    assert siblings["label_wrong"] is None
    told = table([own, siblings])
    assert "+16.7 (-25.0 to +50.0)" in told
    assert len(told.splitlines()) == 6


@pytest.mark.parametrize(
    ("before", "after", "right"),
    [
        (["7", "7", "8", None], ["8", "8", "8", None], False),
        (["8", "8", "7", None], ["7", "7", "7", None], True),
        (["7", "7", "8", None], ["8", "8", "7", None], True),
        (["7", "7", None, None], ["8", "8", "8", "7"], True),
        ([None] * 4, ["7", None, None, None], True),
        (["7", None, None, None], [None] * 4, True),
        (["7", "7.0", "8", "8"], ["8", "8", "7", "9"], False),
        ([None] * 4, [None] * 4, False),
    ],
)
def test_of_two_votes_the_one_with_the_larger_margin_is_given(before: Any, after: Any, right: bool) -> None:
    ours, theirs = (
        {"answers": answers, "vote": vote(answers).answer, "vote_right": int(vote(answers).answer == "7")}
        for answers in (before, after)
    )
    assert routed(ours, theirs) is right


def test_votes_that_the_router_wins_and_loses_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "distil.jsonl"
    lines.append(path, {"recipe": "distil", "settings": {}, "split": "develop", "how": HOW})
    lines.append(path, {"learned": "a", "label_right": 1, "made": True, "tokens": 0, "seconds": 0.0})
    for number, (before, after) in enumerate([(1, 4), (3, 0), (2, 2)], 1):
        for file, right, extra in ((tmp_path / "plain.jsonl", before, {"how": HOW}), (path, after, {})):
            answers = ["7"] * right + ["8"] * (4 - right)
            voted = {"answers": answers, "vote": vote(answers).answer, "vote_right": int(right >= 2)}
            lines.append(file, {**extra, **line(f"a/{number}", right), **voted})
    (row,) = report([path])
    expected = {"right": round(200 / 3, 2), "won": 1, "lost": 1}
    assert {name: row["all"]["routed"][name] for name in expected} == expected
    assert "66.7 →  66.7 →  66.7%,   1,   1" in table([row])


def test_recipes_are_compared_on_what_both_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = made(tmp_path, "distil", {"a/0": 4, "b/0": 3, "c/0": 1})
    bar = made(tmp_path, "icl", {"a/0": 4, "b/0": 4})
    ladder.main(["--json", str(mine), str(bar)])
    first, second = json.loads(capsys.readouterr().out)
    beside = first["beside"]["icl.jsonl"]
    assert beside["families"] == 2
    assert (beside["before"]["value"], beside["after"]["value"]) == (50, 87.5)
    assert (beside["gain"]["value"], beside["its_gain"]["value"]) == (37.5, 50)
    assert beside["difference"]["value"] == -12.5
    assert beside["share_of_its_gain"] == 0.75
    assert second["beside"]["distil.jsonl"]["difference"]["value"] == 12.5
    assert second["beside"]["distil.jsonl"]["share_of_its_gain"] == pytest.approx(4 / 3, abs=1e-3)


def test_half_a_line_gives_way(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.jsonl"
    assert lines.read(path) == []
    lines.append(path, {"a": 1})
    with path.open("a") as file:
        file.write('{"b": ')
    assert lines.read(path) == [{"a": 1}]
    lines.append(path, {"c": "é"})
    assert path.read_text(encoding="utf-8") == '{"a": 1}\n{"c": "é"}\n'
