"""The map of all memories: their vectors seen in the plane of their two widest directions (PCA)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elm_app.store.memory_folder import Vector


@dataclass(frozen=True)
class Plane:
    """Where a vector lies on the map.

    Attributes:
        mean: (n,) float64, what lies at the origin.
        axes: (2, n) float64, of length 1, or zero where there is no second (or first) direction.
        scale: what the largest coordinate of the vectors it was made from is divided by.
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    scale: float

    def place(self, vectors: NDArray[Any]) -> Vector:
        """(m, n) vectors as (m, 2) float32 points in [-1, 1]; a new vector farther out is put on the edge."""
        points = (np.asarray(vectors, np.float64) - self.mean) @ self.axes.T / self.scale
        return points.clip(-1, 1).astype(np.float32)


def plane(vectors: NDArray[Any]) -> Plane:
    """The plane for (m, n) vectors. Deterministic: an axis points where its largest component is positive."""
    wide = np.asarray(vectors, np.float64)
    mean = wide.mean(axis=0) if len(wide) else np.zeros(wide.shape[1])
    centred = wide - mean
    spread, directions = np.linalg.eigh(centred.T @ centred)  # ascending
    axes = directions[:, ::-1][:, :2].T.copy()
    axes[spread[::-1][:2] <= 1e-12 * max(1.0, len(wide))] = 0.0
    for axis in axes:
        axis *= np.sign(axis[np.abs(axis).argmax()]) or 1.0
    scale = float(np.abs(centred @ axes.T).max(initial=0.0))
    return Plane(mean, axes, scale or 1.0)
