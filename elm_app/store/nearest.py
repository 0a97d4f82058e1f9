"""The nearest of many vectors by exact cosine: every one is compared."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elm_app.store.memory_folder import WIDTH, Vector

_ROUNDING = 1e-4
"""More than float32 can be wrong about a cosine of 384 numbers, twice; of more numbers, so many times more."""
_CHUNK, _PART = 4096, 8192
"""Vectors scored at a time, in float64 and in float32."""
_threads = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "search")


def closest(
    key: NDArray[Any], n: int, quick: Vector, vectors: NDArray[Any], ids: NDArray[np.bytes_], places: NDArray[np.intp]
) -> list[tuple[str, float]]:
    """The n ids of the highest cosine with `key` (D,) among those at `places`, best first; ties: lower id first.

    All are scored in float32; those that could be among the n, given its rounding, are scored again in float64.

    Args:
        quick, vectors: (N, D) float32 of length 1, the same numbers twice: close together, and where they come from.
        ids: (N,).
    """
    if n <= 0 or places.size == 0:
        return []
    exact = np.asarray(key, np.float64)
    exact /= np.linalg.norm(exact)
    rough = _rough(quick, exact.astype(np.float32))[places]
    nth = places.size - min(n, places.size)
    near = places[rough >= np.partition(rough, nth)[nth] - _ROUNDING * max(1.0, exact.size / WIDTH)]
    steps = range(0, near.size, _CHUNK)
    scores = np.concatenate([_cosines(vectors[near[i : i + _CHUNK]], exact) for i in steps])
    best = np.lexsort((ids[near], -scores))[:n]
    return [(ids[near[i]].decode(), float(scores[i])) for i in best]


def _rough(vectors: Vector, key: Vector) -> Vector:
    """(n,) float32 products of (n, D) and (D,), part by part; a part waits for no core that is busy, unlike `@`."""
    products = np.empty(len(vectors), np.float32)

    def part(start: int) -> None:
        np.vecdot(vectors[start : start + _PART], key, out=products[start : start + _PART])

    starts = range(0, len(vectors), _PART)
    for _ in _threads.map(part, starts) if len(starts) > 1 else map(part, starts):
        pass
    return products


def cosine(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The cosine of two vectors (D,), as `nearest` gives it."""
    wide = np.asarray(other, np.float64)
    return float(_cosines(one[None], wide / np.linalg.norm(wide))[0])


def _cosines(vectors: NDArray[Any], key: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) of (n, D) and (D,) of length 1. A row's result depends on that row only."""
    wide = vectors.astype(np.float64)
    dots: NDArray[np.float64] = (wide * key).sum(axis=1) / np.sqrt((wide * wide).sum(axis=1))
    return dots.clip(-1, 1)
