"""What is said of a file of problems before anything runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Elm, sentence

TABLE = "Frage;Wert\r\nWie viele Körbe?;7,5\r\n;2\r\nWie viele Eier?;\r\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "eier.csv"
    path.write_bytes(TABLE.encode("cp1252"))
    return path


@pytest.mark.parametrize("command", ["stream", "bench"])
def test_a_dry_run_says_what_is_in_a_file(elm: Elm, table: Path, command: str) -> None:
    outcome = elm(command, "--dry-run", table, "--columns", "problem=Frage,answer=Wert")
    assert outcome.code == 0
    assert outcome.err == ""
    assert outcome.out.splitlines() == [
        "eier.csv: 2 problems, 1 with an answer, 1 bad row",
        "eier.csv, read as: Windows-1252, not being UTF-8 (byte 23; if letters look wrong, save it as UTF-8); "
        "CSV with semicolons; decimal commas in answers. If that is wrong: --columns problem=NAME,answer=NAME",
        "bad line 3: the problem is empty",
        "A run refuses the file unless bad rows are left out: --skip-bad",
        "  line-2: Wie viele Körbe? → 7.5",
        "  line-4: Wie viele Eier? → no answer",
    ]


def test_a_dry_run_as_json(elm: Elm, table: Path) -> None:
    outcome = elm("stream", "--dry-run", "--json", table, "--columns", "problem=Frage,answer=")
    told = json.loads(outcome.out)
    assert (told["file"], told["problems"], told["with_answers"]) == ("eier.csv", 2, 0)
    assert told["bad"] == [{"line": 3, "reason": "the problem is empty"}]
    assert told["assumed"][1] == "CSV with semicolons"
    assert told["warnings"][0].startswith("No right answers were found")
    assert told["first"][1] == {"text": "Wie viele Eier?", "id": "line-4", "answer": None, "source": None}


def test_a_dry_run_loads_no_model(elm: Elm, stdin: Callable[[bytes], None]) -> None:
    before = set(sys.modules)
    stdin(b'{"problem": "1?", "answer": "2"}\n')
    assert elm("stream", "-", "--dry-run").out == (
        "standard input: 1 problem, 1 with an answer, 0 bad rows\n  line-1: 1? → 2\n"
    )
    assert not {"torch", "chromadb", "transformers"} & (set(sys.modules) - before)


def test_a_file_that_cannot_be_read_is_a_sentence(elm: Elm, table: Path) -> None:
    assert "has no column named problem; its first line reads: Frage, Wert. Name it" in sentence(
        elm("stream", "--dry-run", table)
    )
    assert "columns is 'Frage'. It must be such as" in sentence(elm("bench", "--dry-run", table, "--columns", "Frage"))


def test_a_data_set_and_no_hub(elm: Elm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ELM_HUB", "off")
    monkeypatch.setenv("ELM_CACHE", str(tmp_path))
    said = sentence(elm("stream", "hf:a/b", "--dry-run"))
    assert said.startswith("elm: a/b is not on this machine, and the hub is switched off. Download the file")


@pytest.mark.parametrize("command", ["stream", "bench"])
def test_a_dry_run_needs_a_file(elm: Elm, command: str, tmp_path: Path) -> None:
    more = ("--resume",) if command == "stream" else ()
    assert "needs a file of problems." in sentence(elm(command, "--dry-run", "--out", tmp_path, *more))
