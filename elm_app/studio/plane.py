"""The map of all memories as plain columns, for the canvas that `assets/plane.js` draws."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elm_app.memory.projection import Plane, plane
from elm_app.memory.store import Store

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
        self._ids: tuple[bytes, ...] | None = None
        self._made_from: frozenset[bytes] = frozenset()
        self._plane: Plane | None = None
        self._points: NDArray[np.float32] = np.zeros((0, 2), np.float32)

    def columns(self) -> dict[str, Any]:
        """What is drawn, column by column, for all memories in one order.

        `x`, `y` are thousandths in [-1000, 1000]; `state` has bit 1 for improved and bit 2 for enabled; `gain` is in
        hundredths or None; `created` are seconds since 1970; `model` are places in `models`.
        """
        with self._lock:
            records = self._store.table.records()
            records = records[records["live"]]
            self._update(records)
            codes, places = np.unique(records["model"], return_inverse=True)
            first = [int(np.argmax(records["model"] == code)) for code in codes]
            named = self._store.rows([records["id"][place].decode() for place in first])
            points = np.rint(self._points * 1000).astype(int)
            return {
                "ids": [id.decode() for id in records["id"]],
                "x": points[:, 0].tolist(),
                "y": points[:, 1].tolist(),
                "state": (records["improved"] + 2 * records["enabled"].astype(int)).tolist(),
                "gain": [None if np.isnan(gain) else round(float(gain) * 100) for gain in records["gain"]],
                "created": [_seconds(created.decode()) for created in records["created"]],
                "model": places.tolist(),
                "models": [[row.model_sha256, row.model] for row in named],
            }

    def place(self, vectors: NDArray[np.float32]) -> list[list[int]]:
        """Where new vectors (n, 384) lie, in thousandths; the map must have been asked for before."""
        if self._plane is None:
            self.columns()
        assert self._plane is not None
        return np.rint(self._plane.place(vectors) * 1000).astype(int).tolist()  # type: ignore[no-any-return]

    def _update(self, records: NDArray[np.void]) -> None:
        ids = tuple(records["id"].tolist())
        if ids != self._ids:
            vectors = np.ascontiguousarray(records["vector"])
            if self._plane is None or len(self._made_from ^ set(ids)) > _FEW * len(self._made_from):
                self._plane, self._made_from = plane(vectors), frozenset(ids)
            self._points = self._plane.place(vectors)
            self._ids = ids


def _seconds(created: str) -> int:
    try:
        return round(datetime.fromisoformat(created).timestamp())
    except (ValueError, OverflowError):
        return 0
