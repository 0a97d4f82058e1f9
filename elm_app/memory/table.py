"""The vectors of all memories, and what they are filtered and sorted by, in one memory-mapped file.

Search is exact: every vector is compared. Chroma's own index is approximate, in another process it does not see what
was added since it was loaded, and merely opening Chroma writes to its files; so this file is what is searched and
listed from, by any number of processes. It is derived: Chroma can make it again, and the folders can make Chroma again.

A header, then records of 2048 bytes. One process writes (`Writer` sees to that): a record is appended, written over as
a whole, or its `live` byte is cleared; what others have mapped never shrinks. When too many records are dead, a new
file takes the old one's place.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elm_app.errors import BadInput
from elm_app.memory.folder import WIDTH, Vector
from elm_app.memory.rows import Row

_MAGIC = b"elm memories, table 1\n"
_HEADER = 4096
_FIELDS: dict[str, tuple[str | tuple[str, tuple[int]], int]] = {
    "vector": (("<f4", (WIDTH,)), 0),
    "id": ("S64", 1536),
    "created": ("S32", 1600),
    "label": ("S96", 1632),  # the beginning: enough to sort by
    "problem": ("S224", 1728),
    "agreement_before": ("<f8", 1952),
    "agreement_after": ("<f8", 1960),
    "gain": ("<f8", 1968),
    "seconds": ("<f8", 1976),
    "retrieved": ("<i8", 1984),
    "model": ("<u8", 1992),
    "live": ("?", 2000),
    "enabled": ("?", 2001),
    "improved": ("?", 2002),
}
RECORD = np.dtype(
    {
        "names": list(_FIELDS),
        "formats": [format for format, _ in _FIELDS.values()],
        "offsets": [offset for _, offset in _FIELDS.values()],
        "itemsize": 2048,
    }
)
SORTS = ("created", "problem", "label", "agreement_before", "agreement_after", "gain", "seconds", "retrieved")
_ROUNDING = 1e-4
"""More than float32 can be wrong about a cosine of 384 numbers, twice."""
_CHUNK = 4096

Records = NDArray[np.void]
"""(n,) of RECORD."""


class Table:
    """The file at `path`, which need not be there. Reading is for any thread and process, writing for one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mapping = threading.Lock()
        self._mapped: tuple[tuple[int, int], Records] | None = None

    def is_whole(self) -> bool:
        """Whether there is such a file, of this version."""
        try:
            with self.path.open("rb") as file:
                return file.read(len(_MAGIC)) == _MAGIC
        except OSError:
            return False

    def records(self) -> Records:
        """All records, dead ones too, as they are on disk now: (n,) of RECORD, read-only; empty without a file."""
        with self._mapping:
            try:
                state = self.path.stat()
            except FileNotFoundError:
                return np.zeros(0, RECORD)
            count = max(0, state.st_size - _HEADER) // RECORD.itemsize
            if self._mapped is None or self._mapped[0] != (state.st_ino, count):
                if count == 0:
                    return np.zeros(0, RECORD)
                self._mapped = ((state.st_ino, count), np.memmap(self.path, RECORD, "r", _HEADER, (count,)).view())
            return np.asarray(self._mapped[1])

    # reading

    def select(
        self, records: Records, model: str | None, enabled: bool | None, improved: bool | None
    ) -> NDArray[np.bool_]:
        """(n,) which records are live and fit."""
        fit: NDArray[np.bool_] = records["live"].copy()
        if model is not None:
            fit &= records["model"] == _code(model)
        if enabled is not None:
            fit &= records["enabled"] == enabled
        if improved is not None:
            fit &= records["improved"] == improved
        return fit

    def nearest(
        self, key: NDArray[Any], n: int, model: str | None, enabled: bool | None, improved: bool | None
    ) -> list[tuple[str, float]]:
        """The n ids of the highest cosine with `key` (384,) among those that fit, best first; ties: lower id first.

        All are scored in float32; those that could be among the n, given its rounding, are scored again in float64.
        """
        records = self.records()
        fit = self.select(records, model, enabled, improved)
        found = int(np.count_nonzero(fit))
        if n <= 0 or found == 0:
            return []
        exact = np.asarray(key, np.float64)
        exact /= np.linalg.norm(exact)
        rough = np.vecdot(records["vector"], exact.astype(np.float32))  # one thread: `@` waits for a core that is busy
        rough[~fit] = -np.inf
        nth = rough.size - min(n, found)
        near = np.flatnonzero(rough >= np.partition(rough, nth)[nth] - _ROUNDING)
        near = near[fit[near]]
        scores = np.concatenate([_cosines(records["vector"][near[i : i + _CHUNK]], exact) for i in _steps(near.size)])
        ids = records["id"][near]
        best = np.lexsort((ids, -scores))[:n]
        return [(ids[i].decode(), float(scores[i])) for i in best]

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

    # writing

    def put(self, rows: Sequence[Row], vectors: Sequence[Vector]) -> None:
        """Adds memories, or replaces those of the same ids; on disk when this returns. Vectors are (384,)."""
        records = self.records()
        fresh = records_of(rows, vectors)
        known = self.find([row.id for row in rows], records)
        new = [number for number, row in enumerate(rows) if row.id not in known]
        with self._writing() as file:
            for number, row in enumerate(rows):
                if row.id in known:
                    self._write(file, known[row.id], fresh[number : number + 1])
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
                file.seek(_HEADER + place * RECORD.itemsize + _FIELDS["live"][1])
                file.write(b"\0")
        live = np.asarray(records["live"])
        alive = int(np.count_nonzero(live))
        if len(records) - alive > 1000 + alive // 4:
            self.replace([records[live]])

    def replace(self, parts: Iterable[Records]) -> None:
        """A new file with these records takes the place of the old one."""
        half = self.path.with_name(self.path.name + ".tmp")
        with half.open("wb") as file:
            file.write(_MAGIC.ljust(_HEADER, b"\0"))
            for part in parts:
                for start in _steps(len(part)):
                    file.write(np.ascontiguousarray(part[start : start + _CHUNK]).tobytes())
            file.flush()
            os.fsync(file.fileno())
        half.replace(self.path)

    @contextmanager
    def _writing(self) -> Iterator[FileIO]:
        if not self.is_whole():
            self.replace([])
        with self.path.open("r+b", buffering=0) as file:
            yield file
            os.fsync(file.fileno())

    @staticmethod
    def _write(file: FileIO, place: int, records: Records) -> None:
        file.seek(_HEADER + place * RECORD.itemsize)
        rest = memoryview(records.tobytes())
        while rest:
            rest = rest[file.write(rest) :]


def records_of(rows: Sequence[Row], vectors: Sequence[Vector]) -> Records:
    """Rows and their vectors (384,) as live records."""
    records = np.zeros(len(rows), RECORD)
    for number, (row, vector) in enumerate(zip(rows, vectors, strict=True)):
        record = records[number]
        record["vector"] = vector
        record["id"], record["created"] = row.id.encode(), row.created.encode()
        record["label"], record["problem"] = row.label.casefold().encode()[:96], row.problem.casefold().encode()[:224]
        for name in ("agreement_before", "agreement_after", "gain", "seconds"):
            value = getattr(row, name)
            record[name] = np.nan if value is None else value
        record["retrieved"], record["model"] = row.retrieved, _code(row.model_sha256)
        record["live"], record["enabled"], record["improved"] = True, row.enabled, row.improved
    return records


def cosine(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The cosine of two vectors (384,), as `nearest` gives it."""
    wide = np.asarray(other, np.float64)
    return float(_cosines(one[None], wide / np.linalg.norm(wide))[0])


def _cosines(vectors: NDArray[Any], key: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) of (n, 384) and (384,) of length 1. A row's result depends on that row only."""
    wide = vectors.astype(np.float64)
    dots: NDArray[np.float64] = (wide * key).sum(axis=1) / np.sqrt((wide * wide).sum(axis=1))
    return dots.clip(-1, 1)


def _code(model: str) -> np.uint64:
    """64 bits that stand for the hash of a model's weights."""
    return np.uint64(int.from_bytes(hashlib.blake2b(model.encode(), digest_size=8).digest(), "little"))


def _steps(count: int) -> range:
    return range(0, count, _CHUNK)
