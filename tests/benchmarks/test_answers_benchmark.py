"""benchmarks/answers.py: what it says of recorded votes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def line(id: str, texts: list[str], answer: str, agreement: float, right: bool) -> str:
    traces = [{"text": text, "answer": "5", "right": right} for text in texts]
    return json.dumps(
        {"id": id, "gold": "5", "answer": answer, "agreement": agreement, "right": right, "traces": traces}
    )


def test_every_vote_that_differs_is_named(tmp_path: Path) -> None:
    same = line("same", [r"\boxed{5}", r"\boxed{5.0}"], "5", 1.0, True)
    other = line("other", [r"\boxed{6}", r"\boxed{\frac{12}{2}}", r"\boxed{5}"], "5", 1.0, True)
    (tmp_path / "results.jsonl").write_text(f"{same}\n{other}\n", encoding="utf-8")
    command = [sys.executable, str(ROOT / "benchmarks" / "answers.py"), "--recorded", str(tmp_path), "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout)
    assert (told["votes"], told["changed"], told["now_wrong"], told["now_right"], told["agreement_fell"]) == (
        2,
        1,
        1,
        0,
        1,
    )
    assert told["changes"][0]["now"] == {"answer": "6", "agreement": 2 / 3, "right": False}
    assert (told["traces"], told["extracted_differently"], told["judged_differently"]) == (5, 3, 2)


def test_gold_answers_are_timed(tmp_path: Path) -> None:
    (tmp_path / "some.jsonl").write_text('{"answer": "7"}\n{"answer": "\\\\frac{1}{2}"}\n', encoding="utf-8")
    command = [sys.executable, str(ROOT / "benchmarks" / "answers.py"), "--data", str(tmp_path), "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout)
    assert (told["comparisons"], told["answers"], told["timeouts"]) == (10_000, 2, 0)
    assert told["equal"] > 5000
