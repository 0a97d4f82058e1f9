"""Exact cosines: Chroma's are in float32, and an order of nearly equal ones would depend on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def cosines(vectors: NDArray[Any], key: NDArray[Any]) -> NDArray[np.float64]:
    """(n,) of (n, D) and (D,), in float64. A row's result depends on that row only."""
    wide, one = np.asarray(vectors, np.float64), np.asarray(key, np.float64)
    dots: NDArray[np.float64] = (wide * (one / np.linalg.norm(one))).sum(axis=1) / np.sqrt((wide * wide).sum(axis=1))
    return dots.clip(-1, 1)


def cosine(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The cosine of two vectors (D,)."""
    return float(cosines(one[None], other)[0])
