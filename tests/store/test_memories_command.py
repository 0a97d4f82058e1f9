"""`memories …`: what is printed, what is JSON, and sentences instead of tracebacks."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elm_app.cli.main import main
from elm_app.core.types import to_json
from elm_app.retrieval import embedder
from elm_app.store import journal
from elm_app.store.doctor import examine
from elm_app.store.journal import Intent
from elm_app.store.store import Store
from elm_app.store.turn import turn

from .made import MODEL, OTHER, card, key, tensor


class Outcome:
    """An exit code and what was printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


Elm = Callable[..., Outcome]


@pytest.fixture
def elm(capsys: pytest.CaptureFixture[str], store: Store, monkeypatch: pytest.MonkeyPatch) -> Elm:
    """Run `memories …` on the store; it is let go of first, as the program that filled it would have ended."""
    monkeypatch.delenv("ELM_MODEL", raising=False)
    monkeypatch.setenv("COLUMNS", "140")

    def run(*arguments: object) -> Outcome:
        store.close()
        code = main(["memories", *(str(argument) for argument in arguments), "--memories", str(store.folder)])
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return run


@pytest.fixture
def filled(store: Store) -> Store:
    for n, id in enumerate(["20261122-000001-000001", "20261122-000002-000002", "20261123-000003-000003"]):
        memory = card(
            id,
            problem=f"Problem {n}: " + "how many eggs? " * 20,
            label=["eggs", "", "trains"][n],
            created=f"2026-11-2{n}T08:00:00+00:00",
            enabled=n != 1,
            disabled_reason="It did not help." if n == 1 else "",
            improved=n != 1,
            retrieved=n,
            model=OTHER if n == 2 else MODEL,
        )
        store.add(memory, tensor(n), key(n))
    return store


@pytest.fixture
def fake_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of memory n for a text that ends in n."""

    class Fake:
        def encode(self, texts: list[str]) -> Any:
            return np.stack([key(int(text[-1])) for text in texts])

    monkeypatch.setattr(embedder.Embedders, "get", lambda *_: Fake())


def sentence(outcome: Outcome, code: int = 2) -> str:
    """The one line on stderr that says what was wrong."""
    assert (outcome.code, outcome.out) == (code, "")
    lines = outcome.err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("elm: ")
    return lines[0]


@pytest.mark.usefixtures("filled")
class TestList:
    def test_one_line_a_memory_newest_first_in_columns(self, elm: Elm) -> None:
        outcome = elm("list")
        head, *lines = outcome.out.splitlines()
        assert head.split() == ["id", "offered", "before", "after", "used", "model", "label", "problem"]
        assert [line.split()[0] for line in lines] == [
            "20261123-000003-000003",
            "20261122-000002-000002",
            "20261122-000001-000001",
        ]
        assert [line[head.index("offered") :].split()[0] for line in lines] == ["yes", "no", "yes"]
        assert {line.index("Problem") for line in lines} == {head.index("problem")}
        assert {len(line) for line in lines} == {140}
        assert all(line.endswith("…") for line in lines)
        assert "50%" in lines[0]
        assert outcome.err == "3 of 3 memories\n"

    def test_pages_and_order(self, elm: Elm) -> None:
        outcome = elm("list", "--limit", 1, "--offset", 1)
        assert len(outcome.out.splitlines()) == 2
        assert outcome.err == "1 of 3 memories; --offset 2 for more\n"
        ids = [row["label"] for row in elm("list", "--sort", "label", "--json").json["memories"]]
        assert ids == ["eggs", "trains", ""]
        used = [row["retrieved"] for row in elm("list", "--sort", "retrieved", "--reverse", "--json").json["memories"]]
        assert used == [0, 1, 2]

    def test_filters(self, elm: Elm) -> None:
        assert elm("list", "--enabled", "--json").json["total"] == 2
        assert elm("list", "--disabled", "--json").json["total"] == 1
        assert elm("list", "--improved", "--json").json["total"] == 2
        assert elm("list", "--model", "tiny", "--json").json["total"] == 1
        assert elm("list", "--model", MODEL.weights_sha256[:12], "--json").json["total"] == 2
        assert sentence(elm("list", "--model", "nope")) == (
            "elm: There is no memory of model 'nope'. There are memories of small, tiny."
        )
        assert "not allowed with" in sentence(elm("list", "--enabled", "--disabled"))
        assert "invalid choice" in sentence(elm("list", "--sort", "colour"))
        assert "negative" in sentence(elm("list", "--limit", -1))

    def test_json_holds_every_field_of_a_row(self, elm: Elm, filled: Store) -> None:
        document = elm("list", "--json").json
        assert document["memories"][0]["problem"] == filled.get("20261123-000003-000003").problem
        assert set(document) == {"total", "offset", "memories"}


class TestShow:
    def test_it_reads_like_a_label_beside_a_specimen(self, elm: Elm, filled: Store) -> None:
        filled.change("20261122-000002-000002", note="seen in the talk", helped=2)
        outcome = elm("show", "20261122-000002")
        lines = outcome.out.splitlines()
        assert lines[0] == "20261122-000002-000002 · not offered: It did not help."
        text = {line[:10].strip(): line[12:] for line in lines[1:]}
        assert text["problem"].startswith("Problem 1: how many eggs?")
        assert text["note"] == "seen in the talk"
        assert text["before"] == "8 of 16 agree on 72, 50% answered, 180 tokens a trace"
        assert text["learned"] == "2026-11-21 08:00 UTC in 2 steps, reward: majority, answer: 72"
        assert text["tensor"] == "soft prompt, 4 virtual tokens × 16, float32, 376 B"
        assert text["cost"] == "4 min 2 s, 20,480 tokens"
        assert text["since then"] == "used 1, helped 2, hurt 0 times"
        assert text["words"] == "eggs egg · crate · farm · 12"
        assert text["step 2"].endswith("· All rewards are equal.")
        assert "label" not in text

    def test_json_is_the_card(self, elm: Elm, filled: Store) -> None:
        given = elm("show", "20261123", "--json").json
        assert given == json.loads(json.dumps(to_json(filled.get("20261123-000003-000003"))))

    def test_text_cannot_steer_the_terminal(self, elm: Elm, store: Store) -> None:
        store.add(card("m1", problem="a\x1b[2J\x1b]0;x\x07\nb", label="\x1b[31m", note="\r\x9b"), tensor(), key())
        for command in (["show", "m1"], ["list"]):
            printed = elm(*command).out
            assert not any((ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160 for char in printed)

    def test_an_id_must_name_one_memory(self, elm: Elm, filled: Store) -> None:
        assert "2 memories begin with '20261122'" in sentence(elm("show", "20261122"))
        assert "There is no memory 'x'" in sentence(elm("show", "x"))
        (filled.adapters / "20261123-000003-000003" / "card.json").write_bytes(b"{")
        assert "is damaged: its card is not JSON" in sentence(elm("show", "20261123"), code=1)


@pytest.mark.usefixtures("filled", "fake_embedder")
class TestSearch:
    def test_nearest_first_with_scores(self, elm: Elm) -> None:
        lines = elm("search", "problem 2").out.splitlines()
        assert lines[0].split()[:2] == ["score", "id"]
        assert lines[1].split()[:2] == ["1.000", "20261123-000003-000003"]
        assert len(lines) == 4
        document = elm("search", "problem 1", "-n", 2, "--json").json
        assert document["matches"][0]["id"] == "20261122-000002-000002"
        assert len(document["matches"]) == 2
        assert document["matches"][0]["score"] == pytest.approx(1)
        assert document["text"] == "problem 1"

    def test_filters(self, elm: Elm) -> None:
        found = elm("search", "problem 1", "--enabled", "--model", "small", "--json").json["matches"]
        assert [match["id"] for match in found] == ["20261122-000001-000001"]
        assert elm("search", "problem 1", "--disabled", "--improved").err == "no memories fit\n"

    def test_explained_as_solving_would_retrieve(self, elm: Elm) -> None:
        lines = elm("search", "problem 0", "--explain", "--model", "small").out.splitlines()
        assert lines[0].split() == ["score", "input", "kv", "utility", "id", "problem"]
        assert lines[1].split()[:6] == ["used", "1.000", "1.000", "–", "–", "20261122-000001-000001"]
        document = elm("search", "problem 0", "--explain", "--model", "small", "--rank", "utility", "--json").json
        assert (document["model"], document["rank"], document["used"]) == ("small", "utility", "20261122-000001-000001")
        assert document["matches"][0]["utility"] is not None
        assert "several models" in sentence(elm("search", "problem 0", "--explain"))
        far = elm("search", "problem 5", "--explain", "--model", "small", "--threshold", "0.99").out.splitlines()
        assert far[1].split()[0] == "below"
        assert "below the threshold of 0.99" in far[-1]

    def test_nothing_to_search_for(self, elm: Elm) -> None:
        assert "is empty" in sentence(elm("search", "  "))
        assert "at least 1" in sentence(elm("search", "x", "-n", 0))


def test_an_empty_store_needs_no_embedder(elm: Elm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedder, "Embedders", lambda: pytest.fail("not needed"))
    assert elm("search", "eggs").err == "there are no memories yet\n"
    assert elm("list").err == "0 of 0 memories\n"
    assert elm("list", "--json").json == {"total": 0, "offset": 0, "memories": []}
    assert "no memory to export" in sentence(elm("export", "x.zip"))
    assert elm("doctor").out == "all is well\n"


class TestChanges:
    def test_enable_and_disable(self, elm: Elm, filled: Store) -> None:
        assert elm("disable", "20261123", "20261122-000001", "--reason", "It hurt.").out.splitlines() == [
            "20261123-000003-000003  disabled",
            "20261122-000001-000001  disabled",
        ]
        assert filled.get("20261123-000003-000003").disabled_reason == "It hurt."
        assert filled.page(enabled=True).total == 0
        document = elm("enable", "20261122-000002", "--json").json
        assert [one["enabled"] for one in document["changed"]] == [True]
        assert filled.get("20261122-000002-000002").disabled_reason == ""

    def test_label_and_note(self, elm: Elm, filled: Store) -> None:
        elm("label", "20261123", "fast trains")
        elm("note", "20261123", "first line\nsecond")
        memory = filled.get("20261123-000003-000003")
        assert (memory.label, memory.note) == ("fast trains", "first line\nsecond")
        assert elm("label", "20261123", "").out == "20261123-000003-000003  \n"
        assert filled.rows([memory.id])[0].label == ""

    def test_if_one_id_is_wrong_nothing_is_changed(self, elm: Elm, filled: Store) -> None:
        assert "no memory 'x'" in sentence(elm("disable", "20261123", "x"))
        assert filled.page(enabled=True).total == 2

    def test_delete_needs_a_yes(self, elm: Elm, filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
        assert sentence(elm("delete", "20261123")) == ("elm: 1 memory would be deleted for good. Say so with --yes.")
        assert filled.count() == 3
        assert elm("delete", "20261123", "20261123-000003", "--yes").out == "deleted 1 memory\n"
        assert elm("delete", "20261122-000001", "--yes", "--json").json == {"deleted": ["20261122-000001-000001"]}
        assert filled.vectors()[0] == ["20261122-000002-000002"]

    @pytest.mark.parametrize(("answer", "left"), [("y\n", 1), ("YES\n", 1), ("n\n", 3), ("\n", 3), ("", 3)])
    def test_on_a_terminal_it_asks(
        self, elm: Elm, filled: Store, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
    ) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        monkeypatch.setattr(sys, "stdin", Terminal(answer))
        outcome = elm("delete", "20261122-000001", "20261122-000002")
        assert "Delete 2 memories for good? [y/N]" in outcome.err
        assert "Problem 0" in outcome.err, "it shows what goes"
        assert outcome.code == (0 if left == 1 else 130)
        assert filled.count() == left

    def test_who_does_not_give_its_turn_is_named(
        self, elm: Elm, filled: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with turn(filled):
            monkeypatch.setattr(journal, "PATIENCE", 0.05)
            assert f"(process {os.getpid()})" in sentence(elm("label", "20261123", "x"), code=1)
            assert elm("show", "20261123-000003-000003", "--quiet").code == 0
        assert elm("label", "20261123", "x", "--quiet").code == 0


class TestArchive:
    def test_out_and_in_again(self, elm: Elm, filled: Store, tmp_path: Path) -> None:
        file = tmp_path / "mine.elm.zip"
        printed = elm("export", file).out
        assert printed == f"3 memories in {file}, {file.stat().st_size / 1000:.1f} KB\n"
        elm("delete", "20261123", "--yes")
        assert elm("import", file).out == "added 1 memory; 2 known already and left as they are\n"
        assert elm("import", file, "--json").json["added"] == []
        assert filled.count() == 3
        assert examine(filled) == []

    def test_some_of_them(self, elm: Elm, filled: Store, tmp_path: Path) -> None:
        document = elm("export", tmp_path / "one.zip", "20261123", "--json").json
        assert document["memories"] == ["20261123-000003-000003"]
        assert document["bytes"] == (tmp_path / "one.zip").stat().st_size
        other = Store(tmp_path / "other")
        other.close()
        assert main(["memories", "import", str(tmp_path / "one.zip"), "--memories", str(tmp_path / "other")]) == 0
        assert other.vectors()[0] == ["20261123-000003-000003"]
        assert filled.count() == 3

    @pytest.mark.usefixtures("filled")
    def test_what_is_there_is_not_replaced_unasked(self, elm: Elm, tmp_path: Path) -> None:
        (tmp_path / "x.zip").write_text("mine")
        assert "is there already" in sentence(elm("export", tmp_path / "x.zip"))
        assert (tmp_path / "x.zip").read_text() == "mine"
        assert elm("export", tmp_path / "x.zip", "--force").code == 0
        (tmp_path / "bad.zip").write_text("no zip")
        assert "bad.zip is not imported: it is no zip file" in sentence(elm("import", tmp_path / "bad.zip"))
        assert "cannot be read" in sentence(elm("import", tmp_path / "none.zip"))


class TestDoctor:
    def test_findings_and_rebuilding(self, elm: Elm, filled: Store) -> None:
        recall = "the nearest memory was found for 3 of 3 points near the memories"
        assert elm("doctor").out.splitlines() == ["all is well", recall]
        assert elm("doctor", "--json").json["recall"] == {"asked": 3, "found": 3}
        with turn(filled):
            filled.index.remove(["20261122-000001-000001"])
            filled.journal.renew()
        (filled.adapters / "20261123-000003-000003" / "keys.safetensors").write_bytes(b"")
        found = elm("doctor")
        assert found.code == 1
        assert found.out.splitlines()[-1] == "2 findings"
        assert "The index lacks 20261122-000001-000001" in found.out
        document = json.loads(elm("doctor", "--json").out)
        assert [finding["id"] for finding in document["findings"]] == [
            "20261122-000001-000001",
            "20261123-000003-000003",
        ]
        assert (document["rebuilt"], document["recall"]) == (None, None)
        rebuilt = elm("doctor", "--rebuild").out.splitlines()
        assert rebuilt[0] == "made anew: 2 memories"
        assert rebuilt[1].startswith("set aside: 20261123-000003-000003: ")
        assert rebuilt[2] == "all is well"
        assert elm("doctor", "--rebuild", "--json").json["rebuilt"] == {"indexed": 2, "set_aside": []}

    def test_what_opening_cleaned_up_is_told_once(self, elm: Elm, filled: Store) -> None:
        filled.close()
        filled.journal.begin(Intent("delete", ("20261123-000003-000003",)))
        outcome = elm("list")
        assert outcome.err.splitlines()[0] == "elm: Finished deleting memory 20261123-000003-000003."
        assert elm("list").err == "2 of 2 memories\n"
