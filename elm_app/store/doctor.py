"""Do folders and index agree, and does the index find what is nearest? Every disagreement, and all of it mended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np

from elm_app.core.errors import DamagedMemory, StoreError
from elm_app.store import memory_folder as files
from elm_app.store import repair
from elm_app.store.chroma_index import KEYS
from elm_app.store.cosine import cosines
from elm_app.store.memory_folder import WIDTH, Vector
from elm_app.store.row import Row, row_of
from elm_app.store.store import Store
from elm_app.store.turn import turn

_REBUILD = "`memories doctor --rebuild` makes the index anew from the folders."
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


@dataclass(frozen=True)
class Recall:
    """Of so many questions, how often the index's nearest memory was the one of the highest exact cosine."""

    asked: int
    found: int


def examine(store: Store) -> list[Finding]:
    """Everything that is not as it should be; empty if all is well. Reads every file of every memory.

    Nobody else can use the memories for as long as it lasts; raises `StoreLocked` if it does not get its turn.
    """
    with turn(store, "no"):
        store.index.close()  # what is on disk counts, not what was read of it before
        return list(_examine(store))


def recall(store: Store, questions: int = 200) -> Recall:
    """Asks the index for the nearest of points near the memories' keys (cosine about 0.7), of all models, and compares
    with every vector that it holds. Raises `StoreError` if it cannot be read."""
    with turn(store):
        held = store.index.vectors(list(store.index.rows()))
        ids, vectors = sorted(held), np.stack([held[id] for id in sorted(held)]) if held else np.zeros((0, WIDTH))
        random = np.random.default_rng(0)
        found = 0
        asked = min(questions, len(ids))
        for place in random.choice(len(ids), asked, replace=False) if ids else ():
            point = vectors[place] + random.normal(size=WIDTH) / np.sqrt(WIDTH)
            best = store.index.nearest("input", point.astype(np.float32), 1, None, None)
            found += bool(best) and best[0][1] >= float(cosines(vectors, point.astype(np.float32)).max()) - _CLOSE
    return Recall(asked, found)


def rebuild(store: Store) -> Rebuilt:
    """Makes the index anew from the folders, which alone are the truth; raises `StoreLocked`.

    Damaged folders are moved to `adapters-damaged/`, an index that cannot be read to `chroma-damaged/`.
    """
    with turn(store, "no"):
        indexed, aside = repair.remake(store, set_aside=True)
        return Rebuilt(indexed, tuple(aside))


def _examine(store: Store) -> Iterator[Finding]:
    for path in repair.strays(store):
        yield Finding("", f"{path.name} was left half written.", "Opening the store again removes it.")
    if intent := store.journal.pending():
        what = f"A change was begun and not finished ({intent.op} {', '.join(intent.ids[:3])})."
        yield Finding("", what, "Opening the store again finishes it.")
    names = repair.names(store)
    try:
        indexed = dict(store.index.rows())
    except StoreError as error:
        yield Finding("", f"Chroma cannot be read: {error.message}", _REBUILD)
        indexed = None
    if indexed is not None and store.index.entries() != len(indexed):
        yield Finding("", "The index has some memories twice.", _REBUILD)
    for start in range(0, len(names), _CHUNK):
        some = names[start : start + _CHUNK]
        vectors: dict[str, dict[str, Vector]] = {}
        if indexed is not None:
            try:
                vectors = {key: store.index.vectors([name for name in some if name in indexed], key) for key in KEYS}
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
            if indexed is not None:
                held = {key: found[name] for key, found in vectors.items() if name in found}
                yield from _compare(row_of(memory), keys, indexed.get(name), held)
    for name in sorted(set(indexed or ()) - set(names)):
        yield Finding(name, f"The index has {name}, but there is no folder of it.", _REBUILD)


def _compare(row: Row, keys: Mapping[str, Vector], found: Row | None, held: Mapping[str, Vector]) -> Iterator[Finding]:
    if found is None:
        yield Finding(row.id, f"The index lacks {row.id}: it is not found by searches.", _REBUILD)
        return
    names = [one.name for one in fields(Row) if getattr(row, one.name) != getattr(found, one.name)]
    if names:
        yield Finding(row.id, f"The index has another {' and '.join(names)} of {row.id} than its card.", _REBUILD)
    for key in KEYS:
        if not _same(keys.get(key), held.get(key)):
            yield Finding(row.id, f"The index has another {key} vector of {row.id} than its keys.", _REBUILD)


def _same(one: Vector | None, other: Vector | None) -> bool:
    if one is None or other is None:
        return one is None and other is None
    return one.shape == other.shape and bool(np.abs(one - other).max() <= _CLOSE)
