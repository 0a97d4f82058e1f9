"""`python -m elm_app replay`: the same words and the same document as the run itself, without a model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Elm, sentence

from elm_app.cli.main import main

SOLVE = ("--samples", "3", "--max-new-tokens", "12", "--seed", "7", "--device", "cpu", "--quantization", "none")


def test_it_says_what_the_run_said(elm: Elm, random_model: Path) -> None:
    solved = elm("solve", "6 · 12?", "--model", random_model, *SOLVE, "--json")
    document = json.loads(solved.out)
    played = elm("replay", document["run"], "--speed", "inf", "--json")
    assert (played.code, json.loads(played.out)) == (0, document)
    traces = [line for line in solved.err.splitlines() if line.startswith("trace ")]
    assert len(traces) == 3
    assert [line for line in played.err.splitlines() if line.startswith("trace ")] == traces
    assert "Loading" not in played.err  # nothing is loaded
    assert elm("replay", document["run"], "--speed", "inf", "--quiet").out.strip()


def test_it_needs_no_torch(random_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--memories", str(tmp_path / "mine")]
    assert main(["solve", "6 · 12?", "--model", str(random_model), *SOLVE, "--json", *where]) == 0
    run = json.loads(capsys.readouterr().out)["run"]
    code = (
        "import sys; from elm_app.cli.main import main; code = main(sys.argv[1:]); "
        "sys.exit(code or (9 if {'torch', 'gradio', 'transformers', 'chromadb'} & set(sys.modules) else 0))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "replay", run, "--speed", "inf", *where],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_cannot_be_played_is_a_sentence(elm: Elm) -> None:
    missing = elm("replay", "20260101-000000-000000")
    assert missing.code == 1
    assert "There is no run '20260101-000000-000000'" in sentence(missing)
