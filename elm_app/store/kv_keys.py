"""Search by KV keys: the model's own keys on each memory's problem, read from the folders and kept in memory.

Nothing of this is on disk besides `keys.safetensors`, so there is nothing to keep in step: a key is read when a search
first meets its memory, and all are read again when the table says that places or keys have changed. Search is exact.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elm_app.core.errors import DamagedMemory
from elm_app.store import memory_folder as files
from elm_app.store.memory_folder import Vector
from elm_app.store.nearest import closest
from elm_app.store.table import Table

NAME = "kv"


@dataclass
class _Kept:
    """The keys of one model's memories, at the places that they have in the table.

    Attributes:
        version: the table's, when the keys were read.
        has: (n,) whether there is a key at that place.
        vectors: (m, D) float32 with room to grow, zero where no key is.
    """

    version: tuple[int, int]
    has: NDArray[np.bool_]
    vectors: Vector


class KvKeys:
    """The KV keys of the memories in `table`, whose folders are in `adapters`. Thread-safe."""

    def __init__(self, table: Table, adapters: Path) -> None:
        self._table, self._adapters = table, adapters
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, int], _Kept] = {}

    def nearest(self, key: NDArray[Any], n: int, model: str, enabled: bool | None) -> list[tuple[str, float]]:
        """The n ids of the highest cosine with `key` (D,), best first, ties: lower id first; without a key no score."""
        with self._lock:
            kept, ids, fit = self._read(model, key.size, enabled)
            vectors = kept.vectors[: len(ids)]
            return closest(key, n, vectors, vectors, ids, fit[kept.has[fit]])

    def missing(self, model: str, width: int) -> list[str]:
        """The memories of a model that have no KV key of `width` numbers."""
        with self._lock:
            kept, ids, fit = self._read(model, width, None)
            return [id.decode() for id in ids[fit[~kept.has[fit]]]]

    def _read(self, model: str, width: int, enabled: bool | None) -> tuple[_Kept, NDArray[np.bytes_], NDArray[np.intp]]:
        """What is kept, up to date; the ids in the table; and the places of the memories that fit."""
        version, records, columns = self._table.versioned()
        ids, fit = records["id"], np.flatnonzero(self._table.select(columns, model, enabled, None))
        kept = self._kept.get((model, width))
        if kept is None or kept.version != version or len(kept.has) > len(ids):
            kept = _Kept(version, np.zeros(0, bool), np.zeros((0, width), np.float32))
        more = len(ids) - len(kept.has)
        if len(kept.vectors) < len(ids):
            vectors = np.zeros((len(ids) + len(ids) // 4 + 64, width), np.float32)
            vectors[: len(kept.has)] = kept.vectors[: len(kept.has)]
            kept.vectors = vectors
        kept.has = np.pad(kept.has, (0, more))
        self._kept[model, width] = kept
        for place in fit[~kept.has[fit]]:
            id = ids[place].decode()
            try:
                key = files.parse_keys(id, files.read(self._adapters / id, files.KEYS)).get(NAME)
            except DamagedMemory:  # found by its other key it is named; here it is merely not found
                continue
            if key is not None and key.size == width:
                kept.vectors[place], kept.has[place] = key, True
        return kept, ids, fit
