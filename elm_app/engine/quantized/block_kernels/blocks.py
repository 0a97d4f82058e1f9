"""4-bit weights as the decoder wants them: the checkpoint's own blocks, times int8 activations.

Torch tensors in, torch tensors and `BlockRows` out; the arithmetic is in `block_numba.py`, the layout in `formats.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from elm_app.engine.quantized.block_kernels import backward_numba, block_numba
from elm_app.engine.quantized.block_kernels.block_rows import MANY, BlockRows, block_rows, empty_rows
from elm_app.engine.quantized.formats import BLOCK, PANEL, Blocks, Format
from elm_app.engine.quantized.int8_kernels import int8_numba
from elm_app.engine.quantized.int8_kernels.int8 import Int8Kernels, aligned, quantized
from elm_app.engine.quantized.kernels import Matrix

_AHEAD = 8192
"""Bytes of codes that are fetched ahead: the processor's own guesses leave a third of the memory's speed unused."""
_LEAST_SHARE = np.float32(1e-4)
"""Words less likely than this are left out of the gradient of a log-probability."""


class Packed:
    """A matrix (N, K) of one format, as panels."""

    def __init__(self, blocks: Blocks) -> None:
        self.format, (self.outputs, self.size) = blocks.format, blocks.shape
        form, number = self.format, -(-self.outputs // PANEL)
        self.panels = aligned(number, self.size // BLOCK * form.code_bytes)
        self.scales = aligned(number, self.size // form.unit * form.scale_bytes)
        block_numba.pack(
            form.kind, form.unit, form.unit_bytes, form.bits, np.ascontiguousarray(blocks.data), self.panels,
            self.scales,
        )  # fmt: skip

    @property
    def width(self) -> int:
        """N, padded to whole panels."""
        return len(self.panels) * PANEL

    @property
    def bytes(self) -> int:
        """What a pass over it reads."""
        return self.panels.nbytes + self.scales.nbytes

    def summed(self, shares: Tensor) -> Tensor:
        """fp32 (B, N) times the weights, fp32 (B, K), without shares below `_LEAST_SHARE`."""
        form, out = self.format, np.empty((len(shares), self.size), np.float32)
        backward_numba.sum_outputs(
            form.kind, form.unit, form.bits, form.offset, self.panels, self.scales, shares.numpy(), _LEAST_SHARE, out
        )
        return torch.from_numpy(out)

    def floats(self, rows: Tensor) -> Tensor:
        """Some outputs' weights, int64 (n,), as fp32 (n, K)."""
        form, out = self.format, np.empty((len(rows), self.size), np.float32)
        block_numba.unpack_rows(
            form.kind, form.unit, form.bits, form.offset, self.panels, self.scales, rows.numpy(), out
        )
        return torch.from_numpy(out)


class Transposed:
    """The matrices of a `BlockLinear` the other way round, for gradients: fp32 (B, ΣN) to fp32 (B, K).

    Gradients are int8 with a scale a row, weights int8 with a scale an output, made anew each time (`backward_numba`).

    Args:
        scratch: where they are made; what shares it must be used right after it was prepared.
    """

    def __init__(self, linear: BlockLinear, scratch: Scratch) -> None:
        self.linear, self.scratch = linear, scratch
        self._scales: list[NDArray[np.float32]] = []
        self._panels: list[NDArray[np.uint8]] = []

    def prepare(self) -> None:
        """Turn the weights."""
        parts = self.linear.parts
        self._scales = self._scales or [_column_scales(part) for part in parts]
        self._panels = self.scratch.panels([(part.size // BLOCK, part.width * BLOCK) for part in parts])
        for part, scales, panels in zip(parts, self._scales, self._panels, strict=True):
            form = part.format
            backward_numba.transpose(
                form.kind, form.unit, form.code_bytes, form.scale_bytes, part.panels, part.scales, 1 / scales, panels
            )

    def __call__(self, gradient: Tensor) -> Tensor:
        out, at = torch.zeros(len(gradient), self.linear.parts[0].size), 0
        result = out.numpy()
        for part, scales, panels in zip(self.linear.parts, self._scales, self._panels, strict=True):
            mine = gradient[:, at : at + part.outputs]
            at += part.outputs
            spare = part.width - part.outputs
            rows = quantized((F.pad(mine, (0, spare)) if spare else mine).contiguous())
            int8_numba.linear(rows.codes, rows.scale, rows.total, panels, scales, result, result, self.linear.workers)
        return out


class Scratch:
    """Memory for a transposed matrix, kept for the next."""

    def __init__(self) -> None:
        self._bytes = aligned(1, 0)

    def panels(self, shapes: Sequence[tuple[int, int]]) -> list[NDArray[np.uint8]]:
        """uint8 arrays of these shapes, of any content, in the same memory each time."""
        need = sum(rows * size for rows, size in shapes)
        if self._bytes.size < need:
            self._bytes = aligned(1, need)
        found, at = [], 0
        for rows, size in shapes:
            found.append(self._bytes[0, at : at + rows * size].reshape(rows, size))
            at += rows * size
        return found


def _column_scales(part: Packed) -> NDArray[np.float32]:
    """The scale of each column's int8 codes, fp32 (K,)."""
    found, form = np.empty(part.size, np.float32), part.format
    backward_numba.peaks(form.kind, form.unit, form.bits, form.offset, part.panels, part.scales, found)
    return np.asarray(np.maximum(found, 1e-20) / 127.0, np.float32)


class BlockLinear:
    """Matrices (N, K) that multiply the same rows, one below the other; `bias` (ΣN,) or None."""

    def __init__(self, parts: Sequence[Blocks], bias: Tensor | None, workers: int) -> None:
        self.workers = workers
        self.parts = []
        for form, same in groupby(parts, key=lambda part: part.format):
            each = list(same)
            self.parts.append(Packed(each[0] if len(each) == 1 else _joined(form, each)))
        self.outputs = sum(part.outputs for part in self.parts)
        if any(part.outputs % PANEL for part in self.parts[:-1]):
            raise ValueError(f"matrices that stand above others need a multiple of {PANEL} outputs")
        self._width = sum(part.width for part in self.parts)
        given = np.zeros(self.outputs, np.float32) if bias is None else bias.float().numpy()
        self._bias = np.pad(given, (0, self._width - self.outputs))

    @property
    def bytes(self) -> int:
        """What a pass over the weights reads."""
        return sum(part.bytes for part in self.parts)

    def __call__(self, rows: BlockRows, add_to: Tensor | None = None) -> Tensor:
        """fp32 (B, N); with `add_to` (B, N) the result is added to it, in place, instead."""
        whole = self._width == self.outputs
        inside = add_to is not None and whole
        out = add_to if add_to is not None and inside else torch.empty(rows.rows, self._width)
        array, at = out.numpy(), 0
        for part in self.parts:
            base = array.reshape(-1)[at:] if inside else self._bias[at:]
            stride = 4 * self._width if inside else 0
            block_numba.linear(
                part.format.kind, part.format.unit, rows.codes, rows.factors, part.panels, part.scales, base, stride,
                array, at, rows.rows, self.workers, _AHEAD,
            )  # fmt: skip
            at += part.width
        if not whole:
            out = out[:, : self.outputs]
        return out if add_to is None or inside else add_to.add_(out)


class BlockKernels(Int8Kernels):
    """Kernels for blocks of a few bits; attention is that of the int8 kernels."""

    takes_blocks = True

    def __init__(self) -> None:
        super().__init__()
        self._scratch: dict[str, Scratch] = defaultdict(Scratch)

    def linear(self, parts: Sequence[Matrix], bias: Tensor | None = None) -> Any:
        return BlockLinear(_blocks(parts), bias, self.workers)

    def words(self, matrix: Matrix, packed: Any = None) -> Callable[[Tensor], Tensor]:
        (part,) = (packed or BlockLinear(_blocks([matrix]), None, self.workers)).parts
        found: Callable[[Tensor], Tensor] = part.floats
        return found

    def transposed(self, role: str, linear: Any, parts: Callable[[], Sequence[Matrix]]) -> Transposed:  # noqa: ARG002
        return Transposed(linear, self._scratch[role])

    def words_back(self, head: Any, matrix: Callable[[], Matrix]) -> Callable[[Tensor], Tensor]:  # noqa: ARG002
        (part,) = head.parts
        summed: Callable[[Tensor], Tensor] = part.summed
        return summed

    def quantize(self, x: Tensor) -> Any:
        return block_rows(x)

    def norm_quantize(self, x: Tensor, weight: Tensor, eps: float) -> Any:
        rows = empty_rows(*x.shape)
        work = block_numba.norm_quantize_many if x.numel() > MANY else block_numba.norm_quantize
        work(x.numpy(), weight.numpy(), eps, rows.codes, rows.factors)
        return rows

    def gate_quantize(self, gate_up: Tensor) -> Any:
        rows = empty_rows(gate_up.shape[0], gate_up.shape[1] // 2)
        block_numba.gate_quantize(gate_up.numpy(), rows.codes, rows.factors)
        return rows


def _blocks(parts: Sequence[Matrix]) -> list[Blocks]:
    return [part for part in parts if isinstance(part, Blocks)]


def _joined(form: Format, parts: list[Blocks]) -> Blocks:
    return Blocks(form, np.concatenate([part.data for part in parts]))
