"""The map of the memories as plain columns, for the canvas that `components/memory_map.js` draws."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elm_app.store.store import Store
from elm_app.web.components.pca import Plane, plane

DRAWN = 5000
"""Memories on the map at most: more could not be told apart, and would be slow to draw."""
_FEW = 0.1
"""A plane is made anew when more than this share of the memories that it was made from came or went."""


def stamp(store: Store) -> str:
    """A text that is another one whenever any memory has changed."""
    try:
        state = store.table.path.stat()
    except FileNotFoundError:
        return "none"
    return f"{state.st_ino:x}-{state.st_size:x}-{state.st_mtime_ns:x}"


class Atlas:
    """The map of a store. Its plane stays while few memories come and go, so that nothing jumps."""

    def __init__(self, store: Store) -> None:
        self._store, self._lock = store, threading.Lock()
        self._made_from: frozenset[bytes] = frozenset()
        self._plane: Plane | None = None
        self._ids: NDArray[np.bytes_] = np.zeros(0, "S1")
        self._places: dict[bytes, int] = {}
        self._points: NDArray[np.float32] = np.zeros((0, 2), np.float32)
        self._sample: NDArray[np.intp] = np.zeros(0, np.intp)

    def columns(self, ids: Iterable[str] | None = None) -> dict[str, Any]:
        """What is drawn, column by column, in one order: `DRAWN` memories at most, picked evenly, or those of `ids`
        that there are.

        `x`, `y` are thousandths in [-1000, 1000]; `state` has bit 1 for improved and bit 2 for enabled; `gain` is in
        hundredths or None; `created` are seconds since 1970; `model` are places in `models`; `total` is how many
        memories there are.
        """
        with self._lock:
            records = self._store.table.records()
            live = np.flatnonzero(records["live"])
            self._update(records, live)
            if ids is None:
                some = self._sample
            else:
                places = (self._places.get(id.encode()) for id in dict.fromkeys(ids))
                some = np.array([place for place in places if place is not None], np.intp)
            codes, first = np.unique(records["model"][live], return_index=True)
            named = self._store.rows([self._ids[place].decode() for place in first])
            drawn = {name: records[name][live[some]] for name in ("model", "improved", "enabled", "gain", "created")}
            points = np.rint(self._points[some] * 1000).astype(int)
            return {
                "ids": [id.decode() for id in self._ids[some]],
                "x": points[:, 0].tolist(),
                "y": points[:, 1].tolist(),
                "state": (drawn["improved"] + 2 * drawn["enabled"].astype(int)).tolist(),
                "gain": [None if np.isnan(gain) else round(float(gain) * 100) for gain in drawn["gain"]],
                "created": [_seconds(created.decode()) for created in drawn["created"]],
                "model": np.searchsorted(codes, drawn["model"]).tolist(),
                "models": [[row.model_sha256, row.model] for row in named],
                "total": len(live),
            }

    def place(self, vectors: NDArray[np.float32]) -> list[list[int]]:
        """Where new vectors (n, 384) lie, in thousandths; the map must have been asked for before."""
        if self._plane is None:
            self.columns([])
        assert self._plane is not None
        return np.rint(self._plane.place(vectors) * 1000).astype(int).tolist()  # type: ignore[no-any-return]

    def _update(self, records: NDArray[np.void], live: NDArray[np.intp]) -> None:
        ids = records["id"][live]
        if self._plane is not None and np.array_equal(ids, self._ids):
            return
        names, vectors = ids.tolist(), records["vector"][live]
        if self._plane is None or len(self._made_from ^ set(names)) > _FEW * len(self._made_from):
            self._plane, self._made_from = plane(vectors), frozenset(names)
        self._points = self._plane.place(vectors)
        self._ids, self._places = ids, {id: place for place, id in enumerate(names)}
        self._sample = np.arange(len(names))
        if len(names) > DRAWN:  # by a hash, so that nearly the same are drawn when some come or go
            hashed = np.fromiter((zlib.crc32(id) for id in names), np.uint32, len(names))
            self._sample = np.sort(np.argpartition(hashed, DRAWN)[:DRAWN])


def _seconds(created: str) -> int:
    try:
        return round(datetime.fromisoformat(created).timestamp())
    except (ValueError, OverflowError):
        return 0
