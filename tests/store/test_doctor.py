"""Every disagreement is found and named, nothing else is, and rebuilding mends all of them from the folders."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from elm_app.store.doctor import examine, rebuild, recall
from elm_app.store.store import Store
from elm_app.store.turn import turn

from .made import OTHER, card, key, tensor


@pytest.fixture
def filled(store: Store) -> Store:
    store.add_many((card(f"m{n}", label=f"label {n}"), tensor(n), {"input": key(n)}) for n in range(4))
    store.close()
    return store


def recarded(**changes: Any) -> Callable[[Store], None]:
    def do(store: Store) -> None:
        path = store.adapters / "m1" / "card.json"
        path.write_text(json.dumps({**json.loads(path.read_bytes()), **changes}))

    return do


def in_index(do: Callable[[Any], object]) -> Callable[[Store], None]:
    """Something done to Chroma behind the store's back."""

    def change(store: Store) -> None:
        with turn(store), store.index._open():
            (collection,) = store.index._collections.values()
            do(collection)
            store.journal.renew()

    return change


def write(name: str, data: bytes | None) -> Callable[[Store], None]:
    def do(store: Store) -> None:
        path = store.folder / name
        path.unlink() if data is None else path.write_bytes(data)

    return do


def move_away(store: Store) -> None:
    shutil.rmtree(store.adapters / "m1")


def copied(store: Store) -> None:
    shutil.copytree(store.adapters / "m1", store.adapters / "copy")


def foreign(store: Store) -> None:
    (store.adapters / "not a memory").mkdir()


def garbage_chroma(store: Store) -> None:
    (store.folder / "chroma" / "chroma.sqlite3").write_bytes(b"garbage" * 1000)


def no_chroma(store: Store) -> None:
    shutil.rmtree(store.folder / "chroma")


TENSOR, KEYS = "adapters/m1/adapter_model.safetensors", "adapters/m1/keys.safetensors"
NAN = safetensors.numpy.save({"prompt_embeddings": np.full((4, 16), np.nan, np.float32)})
WIDE = safetensors.numpy.save({"prompt_embeddings": tensor(1, 4, 17)})
ELSEWHERE = safetensors.numpy.save({"input": key(77)})
BOTH = safetensors.numpy.save({"input": key(1), "kv": key(5)})
WITHOUT_MODEL = {name: value for name, value in vars(OTHER).items() if name != "id"}

ILLS: dict[str, tuple[Callable[[Store], None], list[str], list[str]]] = {
    # what is done; what is found; who is left in the store after a rebuild, besides m0, m2 and m3
    "row without folder": (move_away, ["The index has m1, but there is no"], []),
    "folder without row": (in_index(lambda c: c.delete(ids=["m1"])), ["The index lacks m1"], ["m1"]),
    "row that differs": (
        in_index(lambda c: c.update(ids=["m1"], metadatas=[{"label": "x", "tokens": 1}])),
        ["The index has another label and tokens of m1"],
        ["m1"],
    ),
    "problem that differs": (
        in_index(lambda c: c.update(ids=["m1"], documents=["x"], embeddings=[key(1)])),
        ["The index has another problem of m1"],
        ["m1"],
    ),
    "row with a field too much": (
        in_index(lambda c: c.update(ids=["m1"], metadatas=[{"colour": "red"}])),
        ["Chroma cannot be read"],
        ["m1"],
    ),
    "vector that differs": (
        in_index(lambda c: c.update(ids=["m1"], embeddings=[key(50)])),
        ["The index has another input vector of m1"],
        ["m1"],
    ),
    "keys that differ": (
        write(KEYS, ELSEWHERE),
        ["The index has another input vector of m1"],
        ["m1"],
    ),
    "key that nobody indexed": (
        write(KEYS, BOTH),
        ["The index has another kv vector of m1"],
        ["m1"],
    ),
    "card that differs": (
        recarded(label="mine", enabled=False),
        ["The index has another label and enabled of m1"],
        ["m1"],
    ),
    "damaged card": (write("adapters/m1/card.json", b"{"), ["Memory m1 is damaged: its card is not JSON"], []),
    "no card": (write("adapters/m1/card.json", None), ["Memory m1 is damaged: card.json is missing"], []),
    "card of another": (recarded(id="m2"), ["Memory m1 is damaged: its card is that of m2"], []),
    "card without a field": (recarded(model=WITHOUT_MODEL), ["its card has no good model.id"], []),
    "NaN": (write(TENSOR, NAN), ["Memory m1 is damaged: its soft prompt holds NaN"], []),
    "wrong shape": (write(TENSOR, WIDE), [r"Memory m1 is damaged: its soft prompt has shape \(4, 17\)"], []),
    "no tensor": (write(TENSOR, None), ["adapter_model.safetensors is missing"], []),
    "torn tensor": (write(TENSOR, NAN[:-9]), ["adapter_model.safetensors is not safetensors"], []),
    "no config": (write("adapters/m1/adapter_config.json", None), ["adapter_config.json is missing"], []),
    "no keys": (write(KEYS, None), ["keys.safetensors is missing"], []),
    "a folder that is no memory": (foreign, ["not a memory in adapters/ is no memory"], ["m1"]),
    "a copied folder": (copied, ["Memory copy is damaged: its card is that of m1"], ["m1"]),
    "stray folder": (lambda s: (s.adapters / ".tmp-12").mkdir(), [".tmp-12 was left half written"], ["m1"]),
    "stray file": (write("pending.json.tmp", b""), ["pending.json.tmp was left half written"], ["m1"]),
    "pending": (
        write("pending.json", b'{"op": "change", "ids": ["m1"], "stage": ""}'),
        [r"A change was begun and not finished \(change m1\)"],
        ["m1"],
    ),
    "garbage for Chroma": (garbage_chroma, ["Chroma cannot be read.*not a database"], ["m1"]),
    "no Chroma": (no_chroma, [f"The index lacks m{n}" for n in range(4)], ["m1"]),
}  # fmt: skip


def test_a_sound_store_is_sound(filled: Store) -> None:
    assert examine(filled) == []
    assert not filled.journal.held


@pytest.mark.parametrize("ill", ILLS)
def test_each_ill_is_found_explained_and_mended(filled: Store, ill: str) -> None:
    make, expected, left = ILLS[ill]
    make(filled)
    filled.close()
    found = examine(filled)
    assert len(found) == len(expected), found
    for finding, said in zip(sorted(found, key=lambda one: one.what), sorted(expected), strict=True):
        assert re.search(said, finding.what), finding
        assert finding.remedy
    rebuilt = rebuild(filled)
    reopened = Store(filled.folder)
    ids = sorted(["m0", "m2", "m3", *left])
    assert reopened.vectors()[0] == ids
    assert rebuilt.indexed == len(ids)
    assert examine(reopened) == []
    assert reopened.nearest(key(2), 1)[0].id == "m2"
    aside = filled.folder / "adapters-damaged"
    damaged = [path.name for path in aside.iterdir()] if aside.is_dir() else []
    assert sorted(damaged) == sorted(id for id, _ in rebuilt.set_aside)
    assert ("m1" in damaged) == ("m1" not in left and ill != "row without folder")
    reopened.add(card("new"), tensor(), key(3))
    assert examine(reopened) == []
    reopened.close()


def test_an_unreadable_index_is_kept_beside_the_new_one(filled: Store) -> None:
    for _ in range(2):
        garbage_chroma(filled)
        rebuild(filled)
    assert (filled.folder / "chroma-damaged" / "chroma.sqlite3").read_bytes().startswith(b"garbage")
    assert (filled.folder / "chroma-damaged1").is_dir()
    rebuild(filled)
    assert not (filled.folder / "chroma-damaged2").exists()


def test_an_index_torn_while_chroma_wrote_its_graph(store: Store) -> None:
    """Chroma writes its graph to disk from a thousand rows on; a kill may tear it."""
    store.add_many((card(f"m{n:04}"), tensor(n), {"input": key(n)}) for n in range(1100))
    store.close()
    for path in store.folder.glob("chroma/*/*.bin"):
        path.write_bytes(b"x")
    assert [finding.what for finding in examine(store) if "Chroma cannot be read" in finding.what]
    assert store.nearest(key(700), 1)[0].id == "m0700"
    assert rebuild(store).indexed == 1100
    assert examine(store) == []


def test_what_was_set_aside_before_stays(filled: Store) -> None:
    for _ in range(2):
        write("adapters/m1/card.json", b"{")(filled)
        assert rebuild(filled).set_aside[0][0] == "m1"
        filled.add(card("m1"), tensor(1), key(1))
        filled.close()
    assert sorted(path.name for path in (filled.folder / "adapters-damaged").iterdir()) == ["m1", "m11"]


def test_recall_counts_what_the_index_finds(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert recall(store).asked == 0
    store.add_many((card(f"m{n:03}"), tensor(n), {"input": key(n)}) for n in range(300))
    assert (recall(store).asked, recall(store).found) == (200, 200)
    nearest = store.index.nearest
    monkeypatch.setattr(store.index, "nearest", lambda *asked: nearest(*asked)[1:])
    assert recall(store).found == 0
