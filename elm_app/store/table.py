"""The vectors of all memories, and what they are filtered and sorted by, in one memory-mapped file.

Search is exact: every vector is compared. Chroma's own index is approximate, in another process it does not see what
was added since it was loaded, and merely opening Chroma writes to its files; so this file is what is searched and
listed from, by any number of processes. It is derived: Chroma can make it again, and the folders can make Chroma again.

A header, then records of 2048 bytes. One process writes (`Writer` sees to that): a record is appended, written over as
a whole, or its `live` byte is cleared; what others have mapped never shrinks. When too many records are dead, a new
file takes the old one's place.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elm_app.core.errors import BadInput
from elm_app.store.memory_folder import WIDTH, Vector
from elm_app.store.nearest import closest
from elm_app.store.record import FIELDS, RECORD, Records, code_of, records_of
from elm_app.store.row import Row

SORTS = ("created", "problem", "label", "agreement_before", "agreement_after", "gain", "seconds", "retrieved")
_MAGIC, _HEADER = b"elm memories, table 1\n", 4096
_COUNTERS = 64
"""Where in the header it is counted how often something was written, and how often a vector was written over: 8 bytes
each."""
_FILTERS = ("live", "enabled", "improved", "model")
_CHUNK = 4096
"""Records copied at a time."""


@dataclass(frozen=True)
class _Mapped:
    """The file in memory: its inode, its two counters (they go on counting) and its records."""

    inode: int
    counters: NDArray[np.uint64]
    records: Records


_NOTHING = _Mapped(0, np.zeros(2, np.uint64), np.zeros(0, RECORD))


@dataclass(frozen=True)
class _Kept:
    """A copy of what every search reads, close together: that makes it three times as fast as from the records.

    Attributes:
        state: inode and counters of the file when it was copied.
        columns: (n,) each, what is filtered by.
        vectors: (m, 384) float32 with room to grow, the first n of them copied.
    """

    state: tuple[int, int, int]
    columns: dict[str, NDArray[Any]]
    vectors: Vector


class Table:
    """The file at `path`, which need not be there. Reading is for any thread and process, writing for one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mapping, self._keeping = threading.Lock(), threading.Lock()
        self._mapped, self._kept = _NOTHING, _Kept((0, 0, 0), {}, np.zeros((0, WIDTH), np.float32))

    def is_whole(self) -> bool:
        """Whether there is such a file, of this version."""
        try:
            with self.path.open("rb") as file:
                return file.read(len(_MAGIC)) == _MAGIC
        except OSError:
            return False

    def records(self) -> Records:
        """All records, dead ones too, as they are on disk now: (n,) of RECORD, read-only; empty without a file."""
        return self._map().records

    def versioned(self) -> tuple[tuple[int, int], Records, dict[str, NDArray[Any]]]:
        """A version, `records`, and a copy of their columns for `select`.

        Under the same version every record is of the same memory, dead or alive, and its keys are the same.
        """
        mapped = self._map()
        version = mapped.inode, int(mapped.counters[1])
        columns = self._keep(mapped).columns if len(mapped.records) else {}
        return version, mapped.records, {name: columns.get(name, mapped.records[name]) for name in _FILTERS}

    # reading

    def select(
        self,
        records: Records | dict[str, NDArray[Any]],
        model: str | None,
        enabled: bool | None,
        improved: bool | None,
    ) -> NDArray[np.bool_]:
        """(n,) which records are live and fit; columns do as well as whole records."""
        fit: NDArray[np.bool_] = records["live"].copy()
        if model is not None:
            fit &= records["model"] == code_of(model)
        if enabled is not None:
            fit &= records["enabled"] == enabled
        if improved is not None:
            fit &= records["improved"] == improved
        return fit

    def nearest(
        self, key: NDArray[Any], n: int, model: str | None, enabled: bool | None, improved: bool | None
    ) -> list[tuple[str, float]]:
        """The n ids of the highest cosine with `key` (384,) among those that fit, best first; ties: lower id first."""
        mapped = self._map()
        if not len(mapped.records):
            return []
        records, kept = mapped.records, self._keep(mapped)
        fit = self.select(kept.columns, model, enabled, improved)
        return closest(key, n, kept.vectors[: len(fit)], records["vector"], records["id"], np.flatnonzero(fit))

    def page(
        self,
        model: str | None,
        enabled: bool | None,
        improved: bool | None,
        sort: str,
        descending: bool,
        offset: int,
        limit: int,
    ) -> tuple[int, list[str]]:
        """How many fit, and the ids of some of them in order. What has no value comes last, whichever way it is sorted.

        Texts are sorted by their beginning, 96 bytes of a label and 224 of a problem; ties: lower id first.
        """
        if sort not in SORTS:
            raise BadInput(f"Memories cannot be sorted by {sort!r}.", f"Give one of {', '.join(SORTS)}.")
        if offset < 0 or limit < 0:
            raise BadInput("Offset and limit cannot be negative.", "Give 0 or more.")
        records = self.records()
        fit = self.select(records, model, enabled, improved)
        ids, values = records["id"][fit], records[sort][fit]
        if values.dtype.kind == "S":
            absent = values == b""
            values = np.unique(values, return_inverse=True)[1]
        else:
            absent = np.isnan(values.astype(np.float64))
            values = np.where(absent, 0, values)
        order = np.lexsort((ids, -values if descending else values, absent))[offset : offset + limit]
        return len(ids), [id.decode() for id in ids[order]]

    def find(self, ids: Sequence[str], records: Records) -> dict[str, int]:
        """The live record of each id that has one."""
        if len(ids) <= 8:
            places = [np.flatnonzero((records["id"] == id.encode()) & records["live"]) for id in ids]
            return {id: int(place[-1]) for id, place in zip(ids, places, strict=True) if place.size}
        wanted = set(ids)
        live = np.flatnonzero(records["live"])
        known = ((id.decode(), int(place)) for id, place in zip(records["id"][live], live, strict=True))
        return {id: place for id, place in known if id in wanted}

    def _map(self) -> _Mapped:
        """The file as it is now; what was mapped before goes on being good."""
        with self._mapping:
            try:
                state = self.path.stat()
            except FileNotFoundError:
                return _NOTHING
            count = max(0, state.st_size - _HEADER) // RECORD.itemsize
            if (self._mapped.inode, len(self._mapped.records)) != (state.st_ino, count):
                if count == 0 or not self.is_whole():
                    return _NOTHING
                data = np.asarray(np.memmap(self.path, np.uint8, "r", 0, (_HEADER + count * RECORD.itemsize,)))
                counters = data[_COUNTERS : _COUNTERS + 16].view(np.uint64)
                self._mapped = _Mapped(state.st_ino, counters, data[_HEADER:].view(RECORD))
            return self._mapped

    def _keep(self, mapped: _Mapped) -> _Kept:
        """The copy of what is searched, brought up to date: what was added is copied, and all if vectors changed."""
        with self._keeping:
            kept, count = self._kept, len(mapped.records)
            now = (mapped.inode, int(mapped.counters[0]), int(mapped.counters[1]))
            had = len(kept.columns["live"]) if kept.columns else 0
            if kept.state == now and had == count:
                return kept
            if (kept.state[0], kept.state[2]) != (now[0], now[2]) or count < had:
                had = 0
            vectors = kept.vectors
            if len(vectors) < count:
                vectors = np.empty((count + count // 4 + 64, WIDTH), np.float32)
                vectors[:had] = kept.vectors[:had]
            elif had == 0:
                vectors = np.empty_like(vectors)  # another thread may be searching the old ones
            vectors[had:count] = mapped.records["vector"][had:]
            columns = {name: np.ascontiguousarray(mapped.records[name]) for name in _FILTERS}
            self._kept = _Kept(now, columns, vectors)
            return self._kept

    # writing

    def put(self, rows: Sequence[Row], vectors: Sequence[Vector]) -> None:
        """Adds memories, or replaces those of the same ids; on disk when this returns. Vectors are (384,)."""
        records = self.records()
        fresh = records_of(rows, vectors)
        known = self.find([row.id for row in rows], records)
        new = [number for number, row in enumerate(rows) if row.id not in known]
        places = [known[row.id] for row in rows if row.id in known]
        old = [number for number, row in enumerate(rows) if row.id in known]
        moved = not np.array_equal(records["vector"][places], fresh["vector"][old])
        with self._writing(moved) as file:
            for number, place in zip(old, places, strict=True):
                self._write(file, place, fresh[number : number + 1])
            if new:
                self._write(file, len(records), fresh[new])

    def remove(self, ids: Sequence[str]) -> None:
        """Takes memories out; those that are not there already are."""
        records = self.records()
        places = self.find(ids, records)
        if not places:
            return
        with self._writing() as file:
            for place in places.values():
                file.seek(_HEADER + place * RECORD.itemsize + FIELDS["live"][1])
                file.write(b"\0")
        live = np.asarray(records["live"])
        alive = int(np.count_nonzero(live))
        if len(records) - alive > 1000 + alive // 4:
            self.replace([records[live]])

    def touch(self) -> None:
        """Tells all who keep copies of keys, in any process, to read them again."""
        with self._writing(moved=True):
            pass

    def replace(self, parts: Iterable[Records]) -> None:
        """A new file with these records takes the place of the old one."""
        half = self.path.with_name(self.path.name + ".tmp")
        try:
            with half.open("wb") as file:
                file.write(_MAGIC.ljust(_HEADER, b"\0"))
                for part in parts:
                    for start in range(0, len(part), _CHUNK):
                        file.write(np.ascontiguousarray(part[start : start + _CHUNK]).tobytes())
                file.flush()
                os.fsync(file.fileno())
            half.replace(self.path)
        except Exception:
            half.unlink(missing_ok=True)
            raise

    @contextmanager
    def _writing(self, moved: bool = False) -> Iterator[FileIO]:
        """The file, to be written; what was written is counted and on disk after. `moved`: vectors are written over."""
        if not self.is_whole():
            self.replace([])
        with self.path.open("r+b", buffering=0) as file:
            yield file
            file.seek(_COUNTERS)
            counted = np.frombuffer(file.read(16), np.uint64) + np.array([1, moved], np.uint64)
            file.seek(_COUNTERS)
            file.write(counted.tobytes())
            os.fsync(file.fileno())

    @staticmethod
    def _write(file: FileIO, place: int, records: Records) -> None:
        file.seek(_HEADER + place * RECORD.itemsize)
        rest = memoryview(records.tobytes())
        while rest:
            rest = rest[file.write(rest) :]
