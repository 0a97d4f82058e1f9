"""Mending a store after a kill, and making its index anew. Used by `turn`, `reader`, `store` and `doctor` only."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from elm_app.core.errors import DamagedMemory, StoreError
from elm_app.store import memory_folder as files
from elm_app.store.chroma_index import Item
from elm_app.store.chroma_place import free
from elm_app.store.journal import Intent, sync_folder
from elm_app.store.layout import StoreLayout
from elm_app.store.row import row_of

_CHUNK = 1000
ASIDE = "adapters-damaged"


def is_needed(store: StoreLayout) -> bool:
    """Whether a killed process left something, or there is no index of this version."""
    return bool(store.journal.pending() or strays(store) or _index_is_lost(store))


def mend(store: StoreLayout) -> list[str]:
    """Finishes what is pending, removes what is stray and makes a lost index anew; says what was done."""
    said = []
    store.journal.renew()
    if intent := store.journal.pending():
        try:
            said.append(settle(store, intent))
        except StoreError:  # Chroma itself was hit: the folders have everything
            if not store.index.place.is_derived_here:
                raise
            said.append(remade(store, "was left damaged"))
    if found := strays(store):
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        said.append(f"Removed what was half written: {', '.join(path.name for path in found)}.")
    if _index_is_lost(store):
        said.append(remade(store, "was missing, elsewhere or of an earlier version"))
    return said


def settle(store: StoreLayout, intent: Intent) -> str:
    """Does the rest of what was begun, and ends it; returns a sentence."""
    match intent.op:
        case "add":
            unstage(store, store.adapters / intent.stage, intent.ids)
        case "delete":
            remove(store, intent.ids)
        case "rebuild":
            remake(store, set_aside=False)
    if intent.op in ("add", "change"):
        reconcile(store, intent.ids)
    store.journal.end()
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
    """Takes memories out of the index and the folders."""
    store.index.remove(ids)
    trash = store.adapters / f".tmp-{secrets.token_hex(4)}"
    trash.mkdir()
    for id in ids:
        if (store.adapters / id).is_dir():
            (store.adapters / id).rename(trash / id)
    sync_folder(store.adapters)
    shutil.rmtree(trash)


def reconcile(store: StoreLayout, ids: Sequence[str]) -> None:
    """Makes the index say what the folders of these memories say."""
    items: list[Item] = []
    gone: list[str] = []
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
        items.append((row_of(memory), found))
    store.index.remove([*gone, *(row.id for row, _ in items)])  # a replaced row would keep fields that it has no more
    store.index.put(items)


def remade(store: StoreLayout, why: str) -> str:
    """Makes the index anew because it `why` ("was empty"), says so; what cannot be read stays where it is."""
    _, damaged = remake(store, set_aside=False)
    left = f" {len(damaged)} that cannot be read are left out; `memories doctor` names them." if damaged else ""
    return f"The index {why}; it was made anew from the memories' folders.{left}"


def remake(store: StoreLayout, set_aside: bool) -> tuple[int, list[tuple[str, str]]]:
    """Makes the index anew from the folders; returns how many memories there are, and which are damaged and why: those
    are moved to `adapters-damaged/`, if they are to be `set_aside`.

    An index that can be read holds nothing of its own and is removed; one that cannot is kept beside the new one.
    """
    store.journal.begin(Intent("rebuild"))
    store.index.close()  # what is on disk counts, not what was read of it before
    try:
        store.index.rows()
        readable = True
    except StoreError:
        readable = False
    store.index.close()
    store.index.place.clear(readable)
    aside: list[tuple[str, str]] = []
    count = 0
    store.index.rows()  # so that there is an index, even for no memories
    for items in _from_folders(store, aside):
        store.index.put(items)
        count += len(items)
    for name, _ in aside if set_aside else ():
        (store.folder / ASIDE).mkdir(exist_ok=True)
        (store.adapters / name).rename(free(store.folder / ASIDE / name))
    _earlier(store).unlink(missing_ok=True)
    store.journal.end()
    return count, aside


def strays(store: StoreLayout) -> list[Path]:
    """Temporary files and folders that nobody is using, if nobody writes."""
    with os.scandir(store.adapters) as entries:
        found = [Path(entry.path) for entry in entries if entry.name.startswith(".tmp-")]
    half = store.folder / "pending.json.tmp"
    return [*found, half] if half.exists() else found


def names(store: StoreLayout) -> list[str]:
    """What lies among the folders, sorted; hidden files are none of ours."""
    with os.scandir(store.adapters) as entries:
        return sorted(entry.name for entry in entries if not entry.name.startswith("."))


def _index_is_lost(store: StoreLayout) -> bool:
    return _earlier(store).exists() or (store.index.place.is_lost() and bool(names(store)))


def _earlier(store: StoreLayout) -> Path:
    """A file that 0.1 had beside an index with everything in one collection."""
    return store.folder / "vectors.table"


def _from_folders(store: StoreLayout, aside: list[tuple[str, str]]) -> Iterator[list[Item]]:
    """What the folders hold, some at a time; names what is damaged in `aside`."""
    every = names(store)
    for start in range(0, len(every), _CHUNK):
        items: list[Item] = []
        for name in every[start : start + _CHUNK]:
            try:
                if not files.is_id(name):
                    raise DamagedMemory(f"{name} is no memory.")
                memory, _, found = files.read_whole(store.adapters / name)
            except DamagedMemory as error:
                aside.append((name, error.message))
                continue
            items.append((row_of(memory), found))
        yield items
