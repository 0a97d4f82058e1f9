"""The map of the memories as plain columns, for the canvas that `components/memory_map.js` draws."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from elm_app.store.store import Store
from elm_app.web.components.pca import Plane, plane

DRAWN = 5000
"""Memories on the map at most: more could not be told apart, and would be slow to draw."""
_FEW = 0.1
"""A plane is made anew when more than this share of the memories that it was made from came or went."""


class MapColumns(TypedDict):
    """Memories on the map, column by column, in one order.

    `x`, `y` are thousandths in [-1000, 1000]; `state` has bit 1 for improved and bit 2 for enabled; `gain` is in
    hundredths or None; `created` are seconds since 1970; `model` are places in `models`, pairs of hash and id; `total`
    is how many memories there are.
    """

    ids: list[str]
    x: list[int]
    y: list[int]
    state: list[int]
    gain: list[int | None]
    created: list[int]
    model: list[int]
    models: list[tuple[str, str]]
    total: int


def stamp(store: Store) -> str:
    """A text that is another one whenever any memory has changed."""
    return store.version() or "none"


class Atlas:
    """The map of a store. Its plane stays while few memories come and go, so that nothing jumps."""

    def __init__(self, store: Store) -> None:
        self._store, self._lock = store, threading.Lock()
        self._made_from: frozenset[str] = frozenset()
        self._plane: Plane | None = None
        self._places: dict[str, int] = {}
        self._points: NDArray[np.float32] = np.zeros((0, 2), np.float32)
        self._sample: NDArray[np.intp] = np.zeros(0, np.intp)

    def columns(self, ids: Iterable[str] | None = None) -> MapColumns:
        """What is drawn: `DRAWN` memories at most, picked evenly, or those of `ids` that there are."""
        with self._lock:
            rows = {row.id: row for row in self._store.indexed()}
            if self._plane is None or rows.keys() != self._places.keys():
                self._update()
                rows = {id: rows[id] for id in self._places if id in rows}
            all_ids = list(self._places)
            some = [all_ids[place] for place in self._sample] if ids is None else list(dict.fromkeys(ids))
            drawn = [rows[id] for id in some if id in rows]
            models = {row.model_sha256: row.model for row in rows.values()}
            numbers = {sha256: number for number, sha256 in enumerate(models)}
            points = np.rint(self._points[[self._places[row.id] for row in drawn]] * 1000).astype(int)
            return {
                "ids": [row.id for row in drawn],
                "x": points[:, 0].tolist(),
                "y": points[:, 1].tolist(),
                "state": [row.improved + 2 * row.enabled for row in drawn],
                "gain": [None if row.gain is None else round(row.gain * 100) for row in drawn],
                "created": [_seconds(row.created) for row in drawn],
                "model": [numbers[row.model_sha256] for row in drawn],
                "models": list(models.items()),
                "total": len(rows),
            }

    def place(self, vectors: NDArray[np.float32]) -> list[list[int]]:
        """Where new vectors (n, 384) lie, in thousandths; the map must have been asked for before."""
        if self._plane is None:
            self.columns([])
        assert self._plane is not None
        return np.rint(self._plane.place(vectors) * 1000).astype(int).tolist()  # type: ignore[no-any-return]

    def _update(self) -> None:
        names, vectors = self._store.vectors()
        if self._plane is None or len(self._made_from ^ set(names)) > _FEW * len(self._made_from):
            self._plane, self._made_from = plane(vectors), frozenset(names)
        self._points = self._plane.place(vectors)
        self._places = {id: place for place, id in enumerate(names)}
        self._sample = np.arange(len(names))
        if len(names) > DRAWN:  # by a hash, so that nearly the same are drawn when some come or go
            hashed = np.fromiter((zlib.crc32(id.encode()) for id in names), np.uint32, len(names))
            self._sample = np.sort(np.argpartition(hashed, DRAWN)[:DRAWN])


def _seconds(created: str) -> int:
    try:
        return round(datetime.fromisoformat(created).timestamp())
    except (ValueError, OverflowError):
        return 0
