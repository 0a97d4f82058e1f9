"""`stream` and `bench` on the command line, with a random model."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Elm, sentence
from remembering import WordEmbedders, answers_by_length

PROBLEMS = [
    {"problem": "A farmer packs 7 crates with 24 eggs each.", "answer": "0"},
    {"problem": "A farmer packs 9 crates with 30 eggs each.", "answer": "1"},
    {"problem": "Find the derivative of sine at zero.", "answer": "1"},
]
SMALL = ("--samples", "3", "--max-new-tokens", "8", "--steps", "1", "--rollouts", "4", "--virtual-tokens", "5")


@pytest.fixture(autouse=True)
def _small_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in ("ELM_MODEL", "ELM_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ELM_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("ELM_MEMORIES", str(tmp_path / "memories"))
    monkeypatch.setattr("elm_app.retrieval.embedder.Embedders", WordEmbedders)
    answers_by_length(monkeypatch)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "eggs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in PROBLEMS), encoding="utf-8")
    return path


@pytest.fixture
def model(random_model: Path) -> tuple[str, ...]:
    return ("--model", str(random_model), "--device", "cpu")


def document(outcome: Any) -> dict[str, Any]:
    assert outcome.code == 0, outcome.err
    told: dict[str, Any] = json.loads(outcome.out)
    return told


def test_a_stream_from_its_file_to_its_results(elm: Elm, file: Path, model: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "out"
    outcome = elm("stream", file, *SMALL, *model, "--out", out, "--seed", "3", "--keep")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("3 of 3 problems\nright: zero-shot ")
    assert "1 of 3 · line-1: A farmer packs 7 crates" in outcome.err
    assert outcome.err.count("zero-shot") == 3
    with (out / "results.csv").open(encoding="utf-8", newline="") as table:
        assert [row["id"] for row in csv.DictReader(table)] == ["line-1", "line-2", "line-3"]
    again = document(elm("stream", "--resume", "--out", out, "--json"))
    assert (again["status"], again["done"], again["problems"]) == ("done", 3, 3)
    assert [row["number"] for row in again["rows"]] == [1, 2, 3]
    assert "holds a stream already" in sentence(elm("stream", file, *SMALL, *model, "--out", out, "--quiet"))


def test_a_stream_goes_on_with_what_it_began_with(elm: Elm, file: Path, model: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "out"
    document(elm("stream", file, *SMALL, *model, "--out", out, "--seed", "3", "--frozen", "--json"))
    lines = (out / "results.jsonl").read_bytes().splitlines(keepends=True)
    (out / "results.jsonl").write_bytes(lines[0])
    for options, said in (
        (("--samples", "9"), "began with samples 3, not 9"),
        (("--seed", "4"), "began with seed 3, not 4"),
        (("--steps", "7"), "began with steps 1"),
        (("--limit", "2"), "other problems, or in another order. Leave out the file and its options"),
        (("--order", "shuffled"), "other problems, or in another order"),
    ):
        assert said in sentence(elm("stream", file, *options, "--out", out, "--resume", "--quiet"))
    told = document(elm("stream", file, *SMALL, "--out", out, "--resume", "--json"))
    assert [row["number"] for row in told["rows"]] == [1, 2, 3]
    rows = [json.loads(line) for line in lines]
    assert [row["zero_shot"] for row in told["rows"]] == [row["zero_shot"] for row in rows]


def test_resuming_what_is_not_there_begins_it(elm: Elm, file: Path, model: tuple[str, ...], tmp_path: Path) -> None:
    told = document(
        elm("stream", file, *SMALL, *model, "--limit", "1", "--frozen", "--out", tmp_path / "o", "--resume", "--json")
    )
    assert (told["done"], told["problems"]) == (1, 1)


def test_the_limit_need_not_be_said_again(elm: Elm, file: Path, model: tuple[str, ...], tmp_path: Path) -> None:
    ask = ("stream", file, *SMALL, *model, "--frozen", "--out", tmp_path / "o", "--json")
    document(elm(*ask, "--limit", "2"))
    lines = (tmp_path / "o" / "results.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "o" / "results.jsonl").write_bytes(lines[0])
    told = document(elm(*ask, "--resume"))
    assert (told["done"], told["problems"]) == (2, 2)


def test_the_order_is_part_of_the_record(elm: Elm, file: Path, model: tuple[str, ...], tmp_path: Path) -> None:
    ask = ("stream", file, *SMALL, *model, "--frozen", "--order", "shuffled", "--json")
    orders = {
        seed: [row["id"] for row in document(elm(*ask, "--seed", seed, "--out", tmp_path / str(seed)))["rows"]]
        for seed in (1, 2, 3, 4)
    }
    assert len({tuple(order) for order in orders.values()}) > 1
    assert json.loads((tmp_path / "1" / "stream.json").read_text())["ids"] == orders[1]


def test_a_bad_file_is_named_by_line_and_can_be_skipped(elm: Elm, model: tuple[str, ...], tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"problem": "1?"}\n{\n{"question": "2?"}\n', encoding="utf-8")
    said = sentence(elm("stream", bad, *SMALL, *model, "--quiet"))
    assert "bad.jsonl has 2 bad rows: line 2: not JSON" in said
    assert 'line 3: no "problem"' in said
    outcome = elm("stream", bad, *SMALL, *model, "--frozen", "--skip-bad", "--json", "--out", tmp_path / "o")
    assert document(outcome)["done"] == 1
    assert "line 2 left out: not JSON" in outcome.err
    assert not (tmp_path / "memories" / "streams").exists()


@pytest.mark.parametrize("command", ["stream", "bench"])
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "x.csv is empty."),
        (b"frage\n1?\n", "x.csv has no column named problem"),
        (b"\x89PNG\xff\x00", "x.csv is not text in UTF-8 (byte 0)."),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_cannot_be_used(elm: Elm, command: str, data: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    if data is not None:
        path.write_bytes(data)
    outcome = elm(command, path, "--out", tmp_path / "o")
    assert outcome.code == 2
    assert said in sentence(outcome)
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["stream"], "Streaming needs a file of problems."),
        (["stream", "x", "--resume"], "--resume needs the folder of the stream."),
        (["stream", "--resume", "--out", "nowhere"], "There is no stream in nowhere."),
        (["bench", "x"], "A benchmark needs a folder for its results."),
        (["bench", "--out", "o"], "A benchmark needs a file of problems."),
        (["bench", "--out", "nowhere", "--report"], "There is no benchmark in nowhere."),
        (["solve", "1?", "--threshold", "2"], "threshold is 2.0."),
        (["learn", "1?", "--reward", "gold"], "The reward gold needs the right answer. Give --answer"),
    ],
)
def test_what_is_missing_is_said(elm: Elm, arguments: list[str], said: str) -> None:
    outcome = elm(*arguments)
    assert outcome.code == 2
    assert said in sentence(outcome)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--methods", "zero_shot,nothing"], "There is no method 'nothing'."),
        (["--seeds", "1,x"], "seeds is '1,x'."),
        (["--limit", "0"], "limit is 0."),
        (["--again", "4"], "again is 4."),
        (["--methods", "elm_frozen"], "elm_frozen needs memories made elsewhere."),
    ],
)
def test_a_benchmark_that_cannot_be(elm: Elm, file: Path, options: list[str], said: str, tmp_path: Path) -> None:
    outcome = elm("bench", file, "--out", tmp_path / "o", *options)
    assert outcome.code == 2
    assert said in sentence(outcome)
    assert not (tmp_path / "o").exists()


def test_a_benchmark_from_its_file_to_its_report(elm: Elm, file: Path, model: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "out"
    ask = ("bench", file, *SMALL, *model, "--limit", "2", "--out", out)
    outcome = elm(*ask, "--methods", "zero_shot, icl")
    assert outcome.code == 0, outcome.err
    assert outcome.out.strip() == f"{out}/report.md"
    assert "icl, seed 0 (2 of 2)" in outcome.err
    told = document(elm(*ask, "--methods", "zero_shot,icl,dynamic_cheatsheet", "--json"))
    assert [one["method"] for one in told["methods"]] == ["zero_shot", "icl", "dynamic_cheatsheet"]
    assert all(one["problems"] == 2 for one in told["methods"])
    assert document(elm("bench", "--report", "--out", out, "--json"))["methods"] == told["methods"]
    assert elm("bench", "--report", "--out", out).out.startswith("# eggs.jsonl: 2 problems")
    assert "other settings" in sentence(elm(*ask, "--samples", "5", "--quiet"))


def test_the_methods_are_listed(elm: Elm) -> None:
    outcome = elm("bench", "--methods", "list")
    assert outcome.code == 0
    assert {"zero_shot", "elm", "ttrl"} <= {line.split()[0] for line in outcome.out.splitlines()}


def test_problems_from_stdin(elm: Elm, stdin: Callable[[bytes], None], model: tuple[str, ...], tmp_path: Path) -> None:
    stdin(json.dumps(PROBLEMS[0]).encode())
    told = document(elm("stream", "-", *SMALL, *model, "--frozen", "--json", "--out", tmp_path / "o"))
    assert told["done"] == 1
