"""Search by KV keys: the model's own keys on each memory's problem, read from the folders and kept in memory.

Nothing of this is on disk besides `keys.safetensors`, so there is nothing to keep in step: a key is read when a search
first meets its memory, and once more if another memory took its place in the table. Search is exact.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elm_app.errors import DamagedMemory
from elm_app.memory import folder as files
from elm_app.memory.folder import Vector
from elm_app.memory.table import Table, closest

NAME = "kv"


@dataclass
class _Kept:
    """The keys of one model's memories, at the places that they have in the table.

    Attributes:
        ids: (n,) whose key is at that place; empty where none is.
        vectors: (n, D) float32.
    """

    ids: NDArray[np.bytes_]
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
            records = self._table.records()
            fit = np.flatnonzero(self._table.select(records, model, enabled, None))
            kept = self._read(records["id"], fit, model, key.size)
            fit = fit[kept.ids[fit] == records["id"][fit]]
            return closest(key, n, kept.vectors, kept.vectors, kept.ids, fit)

    def missing(self, model: str, width: int) -> list[str]:
        """The memories of a model that have no KV key of `width` numbers."""
        with self._lock:
            records = self._table.records()
            fit = np.flatnonzero(self._table.select(records, model, None, None))
            kept = self._read(records["id"], fit, model, width)
            return [id.decode() for id in records["id"][fit[kept.ids[fit] != records["id"][fit]]]]

    def forget(self) -> None:
        """Read all keys again when they are wanted: some have changed."""
        with self._lock:
            self._kept.clear()

    def _read(self, ids: NDArray[np.bytes_], fit: NDArray[np.intp], model: str, width: int) -> _Kept:
        """Brings what is kept up to date at the places `fit`."""
        kept = self._kept.get((model, width))
        if kept is None or len(kept.ids) != len(ids):
            had = kept or _Kept(np.zeros(0, ids.dtype), np.zeros((0, width), np.float32))
            count = min(len(had.ids), len(ids))
            kept = _Kept(np.zeros(len(ids), ids.dtype), np.zeros((len(ids), width), np.float32))
            kept.ids[:count], kept.vectors[:count] = had.ids[:count], had.vectors[:count]
            self._kept[model, width] = kept
        for place in fit[kept.ids[fit] != ids[fit]]:
            kept.ids[place] = b""
            id = ids[place].decode()
            try:
                key = files.parse_keys(id, files.read(self._adapters / id, files.KEYS)).get(NAME)
            except DamagedMemory:  # found by its other key it is named; here it is merely not found
                continue
            if key is not None and key.size == width:
                kept.vectors[place], kept.ids[place] = key, ids[place]
        return kept
