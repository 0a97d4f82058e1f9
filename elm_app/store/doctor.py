"""Do the folders, the index and the table agree? Every disagreement by name, with what to do; and all of it mended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from elm_app.core.errors import DamagedMemory, StoreError
from elm_app.store import memory_folder as files
from elm_app.store import repair
from elm_app.store.memory_folder import Vector
from elm_app.store.record import RECORD, records_of
from elm_app.store.row import Row, row_of
from elm_app.store.store import Store

_REBUILD = "`memories doctor --rebuild` makes index and table anew from the folders."
_ASIDE = f"`memories doctor --rebuild` moves it to {repair.ASIDE}/; get it again from an export, or learn it again."
_CHUNK = 1000
_CLOSE = 1e-6
"""Chroma gives a vector back up to the last bit of a float32."""


@dataclass(frozen=True)
class Finding:
    """One disagreement: `id` is the memory's, or "" where it is about the store as a whole."""

    id: str
    what: str
    remedy: str


@dataclass(frozen=True)
class Rebuilt:
    """How many memories are in the index now, and which were set aside as damaged, with why."""

    indexed: int
    set_aside: tuple[tuple[str, str], ...]


def examine(store: Store) -> list[Finding]:
    """Everything that is not as it should be; empty if all is well. Reads every file of every memory.

    It takes the right to write for as long as it lasts, because only the writer may open Chroma; raises `StoreLocked`.
    """
    with store.exclusive():
        return list(_examine(store))


def rebuild(store: Store) -> Rebuilt:
    """Makes index and table anew from the folders, which alone are the truth; raises `StoreLocked`.

    Damaged folders are moved to `adapters-damaged/`, an index that cannot be read to `chroma-damaged/`.
    """
    with store.exclusive():
        indexed, aside = repair.remake(store)
        return Rebuilt(indexed, tuple(aside))


def _examine(store: Store) -> Iterator[Finding]:
    for path in repair.strays(store):
        yield Finding("", f"{path.name} was left half written.", "Opening the store again removes it.")
    if intent := store.writer.pending():
        what = f"A change was begun and not finished ({intent.op} {', '.join(intent.ids[:3])})."
        yield Finding("", what, "Opening the store again finishes it.")
    if not store.table.is_whole() and (repair.names(store) or store.index.folder.exists()):
        yield Finding("", "The table of vectors is missing or damaged.", _REBUILD)
    names = repair.names(store)
    try:
        indexed = set(store.index.ids())
    except StoreError as error:
        yield Finding("", f"Chroma cannot be read: {error.message}", _REBUILD)
        indexed = None
    records = store.table.records()
    tabled = {id.decode(): place for place, id in enumerate(records["id"]) if records["live"][place]}
    if len(tabled) != np.count_nonzero(records["live"]):
        yield Finding("", "The table has some memories twice.", _REBUILD)
    for start in range(0, len(names), _CHUNK):
        some = names[start : start + _CHUNK]
        rows = {}
        if indexed is not None:
            try:
                rows = store.index.read([name for name in some if name in indexed])
            except StoreError as error:
                yield Finding("", f"Chroma cannot be read: {error.message}", _REBUILD)
                indexed = None
        for name in some:
            try:
                if not files.is_id(name):
                    raise DamagedMemory(f"{name} in {store.adapters.name}/ is no memory.")
                memory, _, keys = files.read_whole(store.adapters / name)
            except DamagedMemory as error:
                yield Finding(name, error.message, _ASIDE)
                continue
            row, key = row_of(memory), keys["input"]
            if indexed is not None:
                yield from _compare_index(row, key, rows.get(name))
            yield from _compare_table(row, key, records[tabled[name]] if name in tabled else None)
    here = set(names)
    for name in sorted((indexed or set()) - here):
        yield Finding(name, f"The index has {name}, but there is no folder of it.", _REBUILD)
    for name in sorted(set(tabled) - here):
        yield Finding(name, f"The table has {name}, but there is no folder of it.", _REBUILD)


def _compare_index(row: Row, key: Vector, found: tuple[Row, Vector] | None) -> Iterator[Finding]:
    if found is None:
        yield Finding(row.id, f"The index lacks {row.id}.", _REBUILD)
        return
    names = [one.name for one in fields(Row) if getattr(row, one.name) != getattr(found[0], one.name)]
    if names:
        yield Finding(row.id, f"The index has another {' and '.join(names)} of {row.id} than its card.", _REBUILD)
    if np.abs(found[1] - key).max() > _CLOSE:
        yield Finding(row.id, f"The index has another vector of {row.id} than its keys.", _REBUILD)


def _compare_table(row: Row, key: Vector, record: np.void | None) -> Iterator[Finding]:
    if record is None:
        yield Finding(row.id, f"The table lacks {row.id}: it is not found by searches.", _REBUILD)
        return
    right = records_of([row], [key])[0]
    names = [name for name in RECORD.names or () if name != "vector" and not _same(record[name], right[name])]
    if names:
        yield Finding(row.id, f"The table has another {' and '.join(names)} of {row.id} than its card.", _REBUILD)
    if not np.abs(record["vector"] - right["vector"]).max() <= _CLOSE:
        yield Finding(row.id, f"The table has another vector of {row.id} than its keys.", _REBUILD)


def _same(one: object, other: object) -> bool:
    return one == other or (one != one and other != other)  # NaN stands for what is not known
