"""What retrieval finds among families: its numbers by hand, and a whole run with small keys."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from elm_app.retrieval.embedder import Embedders
from experiments import lines, nearest
from experiments.families import families
from experiments.nearest import KEYS, masked, report


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Yara and Tom pay $1,250.50. Yara's share is 30%.", "Sam and Sam pay $7. Sam's share is 7%."),
        ("On Monday she has 3. Anna's are 4, Annabel gets 5.", "On Monday she has 7. Sam's are 7, Sam gets 7."),
        ("Solve it.", "Solve it."),
    ],
)  # fmt: skip
def test_what_differs_within_a_kind_is_masked(text: str, same: str) -> None:
    assert masked(text) == same


def test_found_wrong_and_strange_by_threshold(tmp_path: Path) -> None:
    path = tmp_path / "nearest.jsonl"
    lines.append(path, {"split": "develop", "stored": 2, "families": 2, "asked": 5})
    for id, own, other in (("a/1", 0.9, 0.5), ("a/2", 0.62, 0.6), ("b/1", 0.5, 0.7), (None, 0, 0.58), (None, 0, 0.8)):
        known = {f"{name}: own": own for name in KEYS} if id else {}
        lines.append(path, {"problem": id, **known, **{f"{name}: other": other for name in KEYS}})
    numbers = report(path)
    for name in KEYS:
        one = numbers[name]
        assert one["nearest is own"] == 66.7
        assert one["by threshold"]["0.60"] == {"found": 66.7, "wrong": 33.3, "strange": 50.0}
        assert one["by threshold"]["0.65"] == {"found": 33.3, "wrong": 33.3, "strange": 50.0}
        assert one["by threshold"]["0.95"] == {"found": 0.0, "wrong": 0.0, "strange": 0.0}
    assert "develop: 2 stored, 5 asked" in nearest.table(numbers)


def test_a_family_finds_its_own(
    random_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = sorted({word for one in families("develop") for word in masked(one.member(0).text).split()})

    class Counted:
        def encode(self, texts: Sequence[str]) -> Any:
            rows = np.array([[text.split().count(word) for word in words] for text in texts], np.float32) + 1e-3
            return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    monkeypatch.setattr(Embedders, "get", lambda *_: Counted())
    others = tmp_path / "others.jsonl"
    others.write_text(
        "".join(json.dumps({"problem": f"What is {n} + {n}?"}) + "\n" for n in range(3)), encoding="utf-8"
    )
    out = tmp_path / "out.jsonl"
    asked = ["--members", "2", "--model", str(random_model), "--others", str(others), "--unknown", str(others)]
    monkeypatch.setattr(sys, "argv", ["nearest.py", "--out", str(out), *asked, "--limit", "2", "--json"])
    nearest.main()
    numbers = json.loads(capsys.readouterr().out)
    count = len(families("develop"))
    assert (numbers["stored"], numbers["asked"]) == (count + 2, 2 * count + 2)
    assert [line["problem"] for line in lines.read(out)[1:3]] == [f"{families('develop')[0].id}/{n}" for n in (1, 2)]
    assert numbers["masked"]["nearest is own"] > 95
    assert numbers["both"]["strange"][2] == pytest.approx(1, abs=1e-3), "it is stored as well"
    monkeypatch.setattr(sys, "argv", ["nearest.py", str(out)])
    nearest.main()
    assert "masked: own" in capsys.readouterr().out
    alone = ["--out", str(tmp_path / "input.jsonl"), "--without-kv", "--members", "1", "--json"]
    monkeypatch.setattr(sys, "argv", ["nearest.py", *alone])
    nearest.main()
    again = json.loads(capsys.readouterr().out)
    assert [name for name in KEYS if name in again] == ["input", "masked"]
    assert again["input"]["strange"] is None
    monkeypatch.setattr(sys, "argv", ["nearest.py", "--out", str(out)])
    with pytest.raises(SystemExit):
        nearest.main()
