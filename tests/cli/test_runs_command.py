"""`python -m elm_app runs export`: one file of a run, or a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Elm, sentence
from runs.scripted import learning, story

from elm_app.core.events import Event, RunFinished, RunStarted, event_to_json
from elm_app.core.types import Timing

RUN = "20260101-000000-000000"


def written(told: list[Event], command: str = "solve") -> None:
    """The log of a run in which an event comes every half second."""
    settings = {"samples": 2, "max_new_tokens": 64, "seed": 7}
    told = [RunStarted(RUN, command, "1?", settings, "2026-01-01T00:00:00+00:00"), *told]
    folder = Path(os.environ["ELM_MEMORIES"]) / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"seq": seq, "at": seq / 2, **event_to_json(event)}) for seq, event in enumerate(told)]
    (folder / f"{RUN}.jsonl").write_text("".join(f"{line}\n" for line in lines))


def test_it_writes_a_file_and_says_so(elm: Elm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(story())
    monkeypatch.chdir(tmp_path)
    made = elm("runs", "export", RUN)
    path = tmp_path / f"elm-run-{RUN}.html"
    assert (made.code, made.err) == (0, "")
    assert made.out.startswith(f"run {RUN} in elm-run-{RUN}.html, ")
    assert path.read_text("utf-8").startswith("<!doctype html>")
    again = elm("runs", "export", RUN)
    assert again.code == 2
    assert sentence(again) == (
        f"elm: elm-run-{RUN}.html is there already. Give another name with --out, or replace it with --force."
    )
    assert elm("runs", "export", RUN, "--force").code == 0
    document = json.loads(elm("runs", "export", RUN, "--out", tmp_path / "a.html", "--json").out)
    assert document == {"run": RUN, "file": str(tmp_path / "a.html"), "bytes": (tmp_path / "a.html").stat().st_size}


def test_a_learning_run_too(elm: Elm, tmp_path: Path) -> None:
    written([*learning(), RunFinished(Timing(1.0, 0.0, 2.0, 9, 4.5))], "learn")
    assert elm("runs", "export", RUN, "--out", tmp_path / "a.html").code == 0


def test_what_cannot_be_exported_is_a_sentence(elm: Elm, tmp_path: Path) -> None:
    out = tmp_path / "a.html"
    missing = elm("runs", "export", RUN, "--out", out)
    assert missing.code == 1
    assert f"There is no run '{RUN}'." in sentence(missing)
    written(story()[:-1])
    unfinished = elm("runs", "export", RUN, "--out", out)
    assert (unfinished.code, sentence(unfinished)) == (
        2,
        f"elm: Run {RUN} has not ended. Wait until it has, or stop it.",
    )
    written(story())
    nowhere = elm("runs", "export", RUN, "--out", tmp_path / "none" / "a.html")
    assert nowhere.code == 1
    assert "a.html cannot be written: No such file or directory. Give another place with --out." in sentence(nowhere)
    assert not out.exists()


def test_it_needs_no_model_and_no_page(tmp_path: Path) -> None:
    written(story())
    code = (
        "import sys; from elm_app.cli.main import main; code = main(sys.argv[1:]); "
        "sys.exit(code or (9 if {'torch', 'gradio', 'transformers', 'chromadb'} & set(sys.modules) else 0))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "runs", "export", RUN, "--out", str(tmp_path / "a.html")],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
