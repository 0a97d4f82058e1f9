"""The int8 kernels of `int8_numba.py` as the decoder wants them: torch tensors in, torch tensors and `Rows` out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from elm_app.engine.quantized.int8_kernels import int8_numba
from elm_app.engine.quantized.int8_kernels.int8_intrinsics import PANEL
from elm_app.engine.quantized.kernels import Back, CopiedBack, Matrix, stacked, transposed_words

_MANY = 1 << 18
"""Numbers from which on it pays to quantise with all threads."""


def aligned(rows: int, size: int) -> NDArray[Any]:
    """An empty uint8 array (rows, size) that starts at a multiple of 64 bytes."""
    raw = np.empty(rows * size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + rows * size].reshape(rows, size)


@dataclass
class Rows:
    """Quantised activations, as the kernels pass them on."""

    codes: NDArray[Any]
    scale: NDArray[Any]
    total: NDArray[Any]


class Int8Linear:
    """A weight matrix (N, K), any float dtype, as packed int8 with a scale per output; `bias` (N,) or None."""

    def __init__(self, weight: Tensor, bias: Tensor | None, workers: int) -> None:
        self.outputs, self.workers = len(weight), workers
        number = -(-self.outputs // PANEL)
        spare = number * PANEL - self.outputs
        self.panels, self.scale = aligned(number, weight.shape[1] * PANEL), np.empty(number * PANEL, np.float32)
        int8_numba.pack(weight.float().contiguous().numpy(), self.panels, self.scale)
        given = np.zeros(self.outputs, np.float32) if bias is None else bias.float().numpy()
        self.bias = np.pad(given, (0, spare))[None]

    @property
    def bytes(self) -> int:
        """What a pass over the weights reads."""
        return int(self.panels.nbytes + self.scale.nbytes)

    def __call__(self, rows: Rows, add_to: Tensor | None = None) -> Tensor:
        """fp32 (B, N); with `add_to` (B, N) the result is added to it, in place, instead."""
        whole = len(self.scale) == self.outputs
        out = add_to if add_to is not None and whole else torch.empty(len(rows.codes), len(self.scale))
        base = self.bias if add_to is None or out is not add_to else add_to.numpy()
        int8_numba.linear(rows.codes, rows.scale, rows.total, self.panels, self.scale, base, out.numpy(), self.workers)
        if not whole:
            out = out[:, : self.outputs]
        return out if add_to is None or out is add_to else add_to.add_(out)


class Int8Kernels:
    """Kernels for int8, a scale an output."""

    takes_blocks = False

    def __init__(self) -> None:
        self.workers = min(torch.get_num_threads(), int(numba.config.NUMBA_NUM_THREADS))

    def linear(self, parts: Sequence[Matrix], bias: Tensor | None = None) -> Any:
        return Int8Linear(stacked(parts), bias, self.workers)

    def words(self, matrix: Matrix, packed: Any = None) -> Callable[[Tensor], Tensor]:  # noqa: ARG002
        return lambda tokens: F.embedding(tokens, stacked([matrix])).float()

    def transposed(self, role: str, linear: Any, parts: Callable[[], Sequence[Matrix]]) -> Back:  # noqa: ARG002
        return CopiedBack(self, parts)

    def words_back(self, head: Any, matrix: Callable[[], Matrix]) -> Callable[[Tensor], Tensor]:  # noqa: ARG002
        return transposed_words(self, matrix)

    def quantize(self, x: Tensor) -> Any:
        return quantized(x)

    def norm_quantize(self, x: Tensor, weight: Tensor, eps: float) -> Any:
        rows = _rows(*x.shape)
        int8_numba.norm_quantize(x.numpy(), weight.numpy(), eps, rows.codes, rows.scale, rows.total)
        return rows

    def gate_quantize(self, gate_up: Tensor) -> Any:
        rows = _rows(gate_up.shape[0], gate_up.shape[1] // 2)
        int8_numba.gate_quantize(gate_up.numpy(), rows.codes, rows.scale, rows.total)
        return rows

    def attend(self, qkv: Tensor, turn: Tensor, keys: Tensor, values: Tensor, length: int, out: Tensor) -> None:
        int8_numba.attend(qkv.numpy(), turn.numpy(), keys.numpy(), values.numpy(), length, out.numpy())


def quantized(x: Tensor) -> Rows:
    """fp32 (B, K) to int8 with a scale a row."""
    rows = _rows(*x.shape)
    work = int8_numba.quantize_many if x.numel() > _MANY else int8_numba.quantize
    work(x.numpy(), rows.codes, rows.scale, rows.total)
    return rows


def _rows(rows: int, size: int) -> Rows:
    return Rows(np.empty((rows, size), np.int8), np.empty(rows, np.float32), np.empty(rows, np.int32))
