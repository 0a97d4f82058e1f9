"""Opening after a kill: at every step of every operation, and with every derived file gone."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from elm_app.core.errors import StoreError
from elm_app.store import journal as journal_module
from elm_app.store import repair
from elm_app.store import store as store_module
from elm_app.store.archive import export, import_
from elm_app.store.chroma_index import Index
from elm_app.store.doctor import examine, rebuild
from elm_app.store.journal import Intent, Journal
from elm_app.store.store import Store
from elm_app.store.turn import turn

from .made import card, key, tensor


class Killed(BaseException):
    """What no handler of errors catches."""


STEPS: list[tuple[Any, str]] = [
    (Path, "rename"),
    (Path, "replace"),
    (Path, "unlink"),
    (Path, "mkdir"),
    (Path, "rmdir"),
    (Index, "put"),
    (Index, "change"),
    (Index, "set_key"),
    (Index, "remove"),
    (Journal, "begin"),
    (Journal, "renew"),
    (Journal, "end"),
    (shutil, "rmtree"),
    (journal_module, "sync_folder"),
    (store_module, "write_whole"),
    (repair, "sync_folder"),
    (journal_module.os, "fsync"),
]


def kill_at(patched: pytest.MonkeyPatch, step: int) -> Callable[[], bool]:
    """Lets the program die before the step-th of `STEPS` from now on, and every time after; says whether it has."""
    count, died = 0, False

    def wrap(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def wrapped(*arguments: Any, **named: Any) -> Any:
            nonlocal count, died
            count += 1
            if count > step:
                died = True
                raise Killed
            return original(*arguments, **named)

        patched.setattr(owner, name, wrapped)

    for owner, name in STEPS:
        wrap(owner, name)
    return lambda: died


def state(store: Store) -> dict[str, str]:
    return {row.id: row.label for row in store.page().rows}


BEFORE = {"a": "", "b": "", "c": ""}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    other = Store(folder / "other")
    other.add_many((card(id), tensor(n), {"input": key(n)}) for n, id in enumerate(["x", "y"]))
    export(other, ["x", "y"], folder / "two.elm.zip")
    other.close()
    store = Store(folder / "store")
    store.add_many((card(id), tensor(n), {"input": key(n)}) for n, id in enumerate(BEFORE))
    store.close()
    return folder


OPERATIONS: dict[str, tuple[Callable[[Store, Path], object], dict[str, str]]] = {
    "add": (lambda store, _: store.add(card("d"), tensor(9), key(9)), {**BEFORE, "d": ""}),
    "change": (lambda store, _: store.change("b", label="new"), {**BEFORE, "b": "new"}),
    "delete": (lambda store, _: store.delete(["a", "c"]), {"b": ""}),
    "switch off": (lambda store, _: store.change("b", label="new", enabled=False), {**BEFORE, "b": "new"}),
    "key": (lambda store, _: store.set_keys("kv", {"b": key(5)[:24]}), BEFORE),
    "import": (lambda store, folder: import_(store, folder / "two.elm.zip"), {**BEFORE, "x": "", "y": ""}),
    "rebuild": (lambda store, _: rebuild(store), BEFORE),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_killed_at_any_step_it_has_happened_or_it_has_not(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    operation, after = OPERATIONS[name]
    seen, step = [], 0
    while True:
        folder = tmp_path / f"{step}"
        shutil.copytree(template / "store", folder)
        store = Store(folder)
        with monkeypatch.context() as patched:
            died = kill_at(patched, step)
            with contextlib.suppress(Killed):
                operation(store, template)
        store.index.close()
        store.journal._lock.release(force=True)
        opened = Store(folder)
        assert state(opened) in (BEFORE, after), f"killed at step {step}"
        assert examine(opened) == [], f"killed at step {step}"
        assert [path.name for path in opened.adapters.iterdir() if path.name.startswith(".")] == []
        opened.add(card("z"), tensor(7), key(7))
        assert opened.nearest(key(7), 1)[0].id == "z"
        seen.append(state(opened) == {**after, "z": ""})
        opened.close()
        shutil.rmtree(folder)
        if not died():
            break
        step += 1
    assert step > 4
    assert seen == sorted(seen), "once it has happened, a later kill does not undo it"
    assert seen[-1]
    assert name in ("rebuild", "key") or not seen[0]


def test_what_was_cleaned_up_is_said(template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    shutil.copytree(template / "store", folder)
    (folder / "adapters" / ".tmp-1234" / "q").mkdir(parents=True)
    Journal(folder).begin(Intent("delete", ("a",)))
    store = Store(folder)
    assert store.cleaned == ("Finished deleting memory a.", "Removed what was half written: .tmp-1234.")
    assert not store.journal.held
    assert Store(folder).cleaned == ()
    assert sorted(state(store)) == ["b", "c"]


def test_what_another_process_is_writing_is_left_alone(store: Store) -> None:
    store.add(card("a"), tensor(), key())
    (store.adapters / ".tmp-1234").mkdir()
    store.journal.begin(Intent("delete", ("a",)))
    with turn(store, "no"):
        reader = Store(store.folder)
        assert reader.cleaned == ()
        assert (store.adapters / ".tmp-1234").is_dir()
        assert reader.get("a").id == "a"
    assert reader.count() == 0
    assert reader.cleaned == ("Finished deleting memory a.", "Removed what was half written: .tmp-1234.")


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"op": "explode", "ids": [], "stage": ""}', b'{"op": "add"}'])
def test_a_note_that_cannot_be_read_makes_everything_anew(template: Path, tmp_path: Path, note: bytes) -> None:
    shutil.copytree(template / "store", tmp_path / "store")
    (tmp_path / "store" / "pending.json").write_bytes(note)
    store = Store(tmp_path / "store")
    assert store.cleaned == ("Finished making the index anew.",)
    assert state(store) == BEFORE
    assert examine(store) == []


@pytest.mark.parametrize("gone", ["chroma", "of an earlier version"])
def test_an_index_that_is_not_there_is_made(template: Path, tmp_path: Path, gone: str) -> None:
    folder = tmp_path / "store"
    shutil.copytree(template / "store", folder)
    if gone == "chroma":
        shutil.rmtree(folder / "chroma")
    else:
        (folder / "vectors.table").write_bytes(b"elm memories, table 1")
    store = Store(folder)
    assert store.cleaned == (
        "The index was missing, elsewhere or of an earlier version; it was made anew from the memories' folders.",
    )
    assert state(store) == BEFORE
    assert store.nearest(key(1), 1)[0].id == "b"
    assert not (folder / "vectors.table").exists()
    assert examine(store) == []


def test_an_index_that_cannot_be_read_is_made_anew_when_it_is_asked(template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    shutil.copytree(template / "store", folder)
    (folder / "chroma" / "chroma.sqlite3").write_bytes(b"torn" * 1000)
    store = Store(folder)
    assert store.cleaned == ()
    assert store.nearest(key(1), 1)[0].id == "b"
    assert store.cleaned == ("The index could not be read; it was made anew from the memories' folders.",)
    assert (folder / "chroma-damaged" / "chroma.sqlite3").read_bytes().startswith(b"torn")
    assert examine(store) == []


def test_an_index_that_a_kill_has_damaged_is_made_anew(template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    shutil.copytree(template / "store", folder)
    for path in folder.glob("chroma/*/*.bin"):
        path.write_bytes(b"torn")
    (folder / "chroma" / "chroma.sqlite3").write_bytes(b"torn")
    Journal(folder).begin(Intent("change", ("a",)))
    store = Store(folder)
    assert store.cleaned == ("The index was left damaged; it was made anew from the memories' folders.",)
    assert state(store) == BEFORE
    assert examine(store) == []


def test_what_cannot_be_mended_is_said_and_reading_goes_on(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "store"
    shutil.copytree(template / "store", folder)
    Journal(folder).begin(Intent("change", ("a",)))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Index, "put", full)
        store = Store(folder)
    assert "could not be mended yet" in store.cleaned[0]
    assert "No space left on device" in store.cleaned[0]
    assert state(store) == BEFORE
    store.change("b", label="later")
    assert examine(store) == []
    store.close()


def test_a_store_error_while_writing_is_undone_before_the_next_change(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(card("a"), tensor(), key())

    def broken(*_: Any, **__: Any) -> None:
        raise StoreError("The index cannot be used.")

    with monkeypatch.context() as patched:
        patched.setattr(store.index, "put", broken)
        patched.setattr(store.index, "remove", broken)
        with pytest.raises(StoreError):
            store.add(card("b"), tensor(), key(2))
    assert store.journal.pending() == Intent("delete", ("b",))
    store.add(card("c"), tensor(), key(3))
    assert sorted(state(store)) == ["a", "c"]
    assert examine(store) == []


def test_what_cannot_be_read_stays_where_it_is_when_the_index_is_made_anew(template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    shutil.copytree(template / "store", folder)
    shutil.rmtree(folder / "chroma")
    (folder / "adapters" / "b" / "card.json").write_bytes(b"")
    store = Store(folder)
    assert store.cleaned[0].endswith("1 that cannot be read are left out; `memories doctor` names them.")
    assert sorted(state(store)) == ["a", "c"]
    assert (folder / "adapters" / "b").is_dir()
    assert not (folder / "adapters-damaged").exists()
    assert [finding.id for finding in examine(store)] == ["b"]


def test_who_cannot_sign_has_its_turn_and_gives_it_back(store: Store) -> None:
    (store.folder / ".lock.json").mkdir(parents=True)
    store.add(card("a"), tensor(), key())
    assert not store.journal.held
    assert Store(store.folder).count() == 1
