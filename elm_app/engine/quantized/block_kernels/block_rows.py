"""Activations in int8 with a scale for every 32 of them, as `block_numba` wants them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from elm_app.engine.quantized.block_kernels import block_numba
from elm_app.engine.quantized.block_kernels.block_intrinsics import ROWS
from elm_app.engine.quantized.formats import BLOCK

MANY = 1 << 16
"""Numbers from which on it pays to quantise with all threads."""


@dataclass
class BlockRows:
    """Quantised activations (B, K): codes int8 (⌈B / 8⌉, K / 32, 8, 32), factors fp32 (⌈B / 8⌉, K / 32, 8, 4)."""

    codes: NDArray[Any]
    factors: NDArray[Any]
    rows: int

    @property
    def bytes(self) -> int:
        """What they take in memory."""
        return int(self.codes.nbytes + self.factors.nbytes)


def empty_rows(rows: int, size: int) -> BlockRows:
    """Room for (B, K)."""
    shape = (-(-rows // ROWS), size // BLOCK, ROWS)
    spare = rows % ROWS != 0  # rows that nobody fills are computed all the same: let them be numbers
    factors = (np.zeros if spare else np.empty)((*shape, 4), np.float32)
    return BlockRows(np.empty((*shape, BLOCK), np.int8), factors, rows)


def block_rows(x: Tensor) -> BlockRows:
    """fp32 (B, K), K a multiple of 32."""
    rows = empty_rows(*x.shape)
    work = block_numba.quantize_many if x.numel() > MANY else block_numba.quantize
    work(x.numpy(), rows.codes, rows.factors)
    return rows
