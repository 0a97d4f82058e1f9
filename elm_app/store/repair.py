"""Opening a store after a kill, and making its index and table anew. Used by `store` and `doctor` only."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from elm_app.core.errors import DamagedMemory, ElmError, StoreError, StoreLocked
from elm_app.store import memory_folder as files
from elm_app.store.journal import Intent, sync_folder
from elm_app.store.layout import StoreLayout
from elm_app.store.record import Records, records_of
from elm_app.store.row import row_of

_CHUNK = 1000
ASIDE = "adapters-damaged"


def opening(store: StoreLayout) -> tuple[str, ...]:
    """Mends what needs it, if no other process writes; says what was done, a sentence each."""
    if not (store.writer.pending() or strays(store) or _table_is_lost(store)):
        return ()
    had = store.writer.held
    try:
        store.writer.hold(patience=0)
    except StoreLocked:  # it is not left behind, it is under way
        return ()
    try:
        return tuple(mend(store))
    except (ElmError, OSError) as error:
        return (f"What a killed program left could not be mended yet: {error}",)
    finally:
        if not had:
            store.close()


def mend(store: StoreLayout) -> list[str]:
    """Finishes what is pending, removes what is stray and makes a lost table again; needs the lock."""
    said = []
    if intent := store.writer.pending():
        try:
            said.append(settle(store, intent))
        except StoreError:  # Chroma itself was hit: the folders have everything
            remake(store)
            said.append("The index was left damaged; it was made anew from the memories' folders.")
    if found := strays(store):
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        said.append(f"Removed what was half written: {', '.join(path.name for path in found)}.")
    if _table_is_lost(store):
        if store.index.folder.exists():
            store.table.replace(_parts_of_index(store))
            said.append("The table of vectors was missing; it was made anew from the index.")
        else:
            remake(store)
            said.append("The index was missing; it was made anew from the memories' folders.")
    return said


def settle(store: StoreLayout, intent: Intent) -> str:
    """Does the rest of what was begun, and ends it; returns a sentence."""
    match intent.op:
        case "add":
            unstage(store, store.adapters / intent.stage, intent.ids)
        case "delete":
            remove(store, intent.ids)
        case "rebuild":
            remake(store)
    if intent.op in ("add", "change"):
        reconcile(store, intent.ids)
    if intent.op == "change":
        store.table.touch()
    store.writer.end()
    which = f"{len(intent.ids)} memories" if len(intent.ids) != 1 else f"memory {intent.ids[0]}"
    return {
        "add": f"Finished storing {which}.",
        "change": f"Finished changing {which}.",
        "delete": f"Finished deleting {which}.",
        "rebuild": "Finished making the index anew.",
    }[intent.op]


def unstage(store: StoreLayout, stage: Path, ids: Sequence[str]) -> None:
    """Moves what lies ready to its place."""
    for id in ids:
        if (stage / id).is_dir():
            (stage / id).rename(store.adapters / id)
    sync_folder(store.adapters)
    if stage.is_dir():
        stage.rmdir()


def remove(store: StoreLayout, ids: Sequence[str]) -> None:
    """Takes memories out of the table, the index and the folders."""
    store.table.remove(ids)
    store.index.remove(ids)
    trash = store.adapters / f".tmp-{secrets.token_hex(4)}"
    trash.mkdir()
    for id in ids:
        if (store.adapters / id).is_dir():
            (store.adapters / id).rename(trash / id)
    sync_folder(store.adapters)
    shutil.rmtree(trash)


def reconcile(store: StoreLayout, ids: Sequence[str]) -> None:
    """Makes index and table say what the folders of these memories say."""
    rows, keys, gone = [], [], []
    for id in ids:
        place = store.adapters / id
        if not place.is_dir():
            gone.append(id)
            continue
        for name in (files.CARD, files.KEYS):
            (place / f"{name}.tmp").unlink(missing_ok=True)
        try:
            memory, _, found = files.read_whole(place)
        except DamagedMemory:  # left as it is, for `doctor` to explain
            continue
        rows.append(row_of(memory))
        keys.append(found["input"])
    store.table.remove(gone)
    store.index.remove([*gone, *(row.id for row in rows)])  # a replaced row would keep the fields that it has no more
    store.index.put(rows, keys)
    store.table.put(rows, keys)


def remake(store: StoreLayout) -> tuple[int, list[tuple[str, str]]]:
    """Makes index and table anew from the folders; returns how many memories there are, and what was set aside and why.

    An index that can be read holds nothing of its own and is removed; one that cannot is kept beside the new one.
    """
    store.writer.begin(Intent("rebuild"))
    try:
        store.index.ids()
        readable = True
    except StoreError:
        readable = False
    store.index.close()
    if store.index.folder.exists() or store.index.folder.is_symlink():
        old = store.index.folder.rename(_free(store.folder / "chroma-damaged"))
        if readable:
            shutil.rmtree(old)
    aside: list[tuple[str, str]] = []
    store.table.replace(_parts_of_folders(store, aside))
    for name, _ in aside:
        (store.folder / ASIDE).mkdir(exist_ok=True)
        (store.adapters / name).rename(_free(store.folder / ASIDE / name))
    store.writer.end()
    return store.count(), aside


def strays(store: StoreLayout) -> list[Path]:
    """Temporary files and folders that nobody is using, if nobody writes."""
    with os.scandir(store.adapters) as entries:
        found = [Path(entry.path) for entry in entries if entry.name.startswith(".tmp-")]
    half = [store.table.path, store.folder / "pending.json", store.folder / ".lock.json"]
    return found + [path for path in (one.with_name(one.name + ".tmp") for one in half) if path.exists()]


def names(store: StoreLayout) -> list[str]:
    """What lies among the folders, sorted; hidden files are none of ours."""
    with os.scandir(store.adapters) as entries:
        return sorted(entry.name for entry in entries if not entry.name.startswith("."))


def _table_is_lost(store: StoreLayout) -> bool:
    return not store.table.is_whole() and (store.index.folder.exists() or bool(names(store)))


def _parts_of_index(store: StoreLayout) -> Iterator[Records]:
    ids = store.index.ids()
    for start in range(0, len(ids), _CHUNK):
        found = store.index.read(ids[start : start + _CHUNK])
        yield records_of([row for row, _ in found.values()], [vector for _, vector in found.values()])


def _parts_of_folders(store: StoreLayout, aside: list[tuple[str, str]]) -> Iterator[Records]:
    """Feeds the index from the folders, and yields the same for the table; names what is damaged in `aside`."""
    store.index.ids()  # so that there is an index, even for no memories
    every = names(store)
    for start in range(0, len(every), _CHUNK):
        rows, keys = [], []
        for name in every[start : start + _CHUNK]:
            try:
                if not files.is_id(name):
                    raise DamagedMemory(f"{name} is no memory.")
                memory, _, found = files.read_whole(store.adapters / name)
            except DamagedMemory as error:
                aside.append((name, error.message))
                continue
            rows.append(row_of(memory))
            keys.append(found["input"])
        store.index.put(rows, keys)
        yield records_of(rows, keys)


def _free(path: Path) -> Path:
    """The path, or with a number if it is taken."""
    return next(one for one in (path.with_name(f"{path.name}{n or ''}") for n in range(10**6)) if not one.exists())
