"""Data sets by name: which file is meant, and a hub that is not there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from elm_app.core.errors import BadInput
from elm_app.pipelines.problem_files import hub
from elm_app.pipelines.problem_files.hub import DataSet, fetch, parse, pick

EGGS = [
    ".gitattributes", "README.md", "dataset_infos.json",
    "main/test-00000-of-00001.parquet", "main/train-00000-of-00001.parquet",
    "hard/test-00000-of-00001.parquet", "hard/train-00000-of-00001.parquet",
]  # fmt: skip
BOXES = ["README.md", "train.jsonl", "test.jsonl", "test.csv"]
LIDS = ["data/train-00000-of-00003.parquet", "data/train-00001-of-00003.parquet", "data/train-00002-of-00003.parquet"]


@pytest.mark.parametrize(
    ("name", "data_set"),
    [
        ("hf:a/b", DataSet("a/b")),
        ("hf:a/b-c.d/hard", DataSet("a/b-c.d", "hard")),
        ("hf:a/b:train", DataSet("a/b", "", "train")),
        ("hf:a/b/x/y.jsonl:dev", DataSet("a/b", "x/y.jsonl", "dev")),
    ],
)
def test_names(name: str, data_set: DataSet) -> None:
    assert parse(name) == data_set


@pytest.mark.parametrize("name", ["hf:", "hf:gsm8k", "hf:a/b:", "hf:a/b:c:d", "hf:https://a/b"])
def test_names_that_name_nothing(name: str) -> None:
    with pytest.raises(BadInput, match="names no data set"):
        parse(name)


@pytest.mark.parametrize(
    ("files", "config", "split", "path"),
    [
        (EGGS, "", "", "main/test-00000-of-00001.parquet"),
        (EGGS, "hard", "train", "hard/train-00000-of-00001.parquet"),
        (EGGS, "main/train-00000-of-00001.parquet", "", "main/train-00000-of-00001.parquet"),
        (BOXES, "", "", "test.jsonl"),
        (BOXES, "", "train", "train.jsonl"),
        (BOXES, "test.csv", "", "test.csv"),
        (LIDS, "", "", LIDS[0]),
        (["data/valid.csv", "data/notes.csv"], "", "", "data/valid.csv"),
        (["data/eggs_2024.json"], "", "", "data/eggs_2024.json"),
        (["test/easy.jsonl"], "", "", "test/easy.jsonl"),
        (["algebra/train.jsonl.gz"], "", "", "algebra/train.jsonl.gz"),
    ],
)
def test_which_file_is_meant(files: list[str], config: str, split: str, path: str) -> None:
    picked, said = pick(files, DataSet("a/b", config, split))
    assert picked == path
    assert bool(said) == (not split and config != path)


def test_of_several_pieces_the_first_is_taken_and_said() -> None:
    assert pick(LIDS, DataSet("a/b", "", "train"))[1] == (f"{LIDS[0]}, the first of 3 pieces",)


@pytest.mark.parametrize(
    ("files", "config", "split", "said"),
    [
        (["README.md", "weights.bin"], "", "", "a/b has no parquet, JSON or CSV files"),
        (EGGS, "soft", "", "a/b has no soft; it has: hard, main"),
        (EGGS, "main", "dev", "a/b has no split dev; it has: test, train"),
        (["x/test.csv", "y/test.csv"], "", "", "a/b has several configurations: x, y"),
        (["data/one.csv", "data/two.csv"], "", "", "a/b has more than one such file: data/one.csv, data/two.csv"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(files: list[str], config: str, split: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        pick(files, DataSet("a/b", config, split))
    assert caught.value.message.startswith(said)
    assert caught.value.remedy


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a hub that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ELM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hub, "ANSWER_SECONDS", 0.5)


def test_a_hub_that_is_not_there(monkeypatch: pytest.MonkeyPatch, silent: str) -> None:
    for address, said in (
        (silent, "the hub cannot be reached"),
        ("http://127.0.0.1:9", "the hub cannot be reached"),
        ("off", "the hub is switched off"),
    ):
        monkeypatch.setenv("ELM_HUB", address)
        with pytest.raises(BadInput, match=said) as caught:
            fetch("hf:a/b")
        assert caught.value.remedy == "Download the file on a machine that can reach it, and give its path."


def test_what_was_fetched_once_is_found_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ELM_HUB", "off")
    home = tmp_path / "cache" / "hub" / "datasets--a--b"
    (home / "snapshots" / "c0ffee").mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("c0ffee")
    (home / "snapshots" / "c0ffee" / "test.jsonl").write_bytes(b"{}")
    assert fetch("hf:a/b") == (b"{}", "test.jsonl", ("test.jsonl", "as fetched earlier"))
