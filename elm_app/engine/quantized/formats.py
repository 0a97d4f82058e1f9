"""The block formats of GGUF checkpoints, and how their blocks are laid out for a CPU.

A weight is w = scale · code − minimum, with an unsigned code of a few bits; codes, scales and minimums are those of the
file, bit by bit, only their order changes. Formats without minimums have an offset instead (w = scale · (code −
offset)), which is a minimum of scale · offset. K-quants keep scales and minimums of six or eight bits for groups of
weights, times one fp16 for 256 weights. (llama.cpp, ggml-common.h and ggml-quants.c; `gguf.quants` for the values.)

The layout: panels of 16 outputs. For every 32 weights of a row a panel holds the low four bits of the codes, 4 · 64
bytes, [pair of quads][16 outputs][4 weights], the first quad of a pair in the low nibble and the second in the high
one; behind them the fifth bits (64 bytes, a bit a quad) or the fifth and sixth (128 bytes, two bits a quad). Codes of 8
bits are bytes, 8 · 64. Scales stand apart: for every unit of weights fp16 scales of the 16 outputs, and fp16 minimums;
in K-quants then bytes for every group, the scales of 16 outputs and, where there are any, their minimums.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

PANEL = 16
"""Outputs in a panel: one vector of 16."""
BLOCK = 32
"""Weights that share a scale of activations; every unit is one such block, or eight."""


@dataclass(frozen=True)
class Format:
    """One kind of block.

    Attributes:
        kind: its number in GGUF files.
        bits: of a code.
        unit: weights in a block of the file.
        group: weights that share a scale.
        minimums: whether scales come with minimums of their own.
        offset: what is taken off every code otherwise.
        unit_bytes: a block's size in the file.
    """

    kind: int
    name: str
    bits: int
    unit: int
    group: int
    minimums: bool
    offset: int
    unit_bytes: int

    @property
    def nested(self) -> bool:
        """Whether groups have scales of their own within the unit's."""
        return self.group < self.unit

    @property
    def code_bytes(self) -> int:
        """Bytes of codes for 32 weights of 16 outputs."""
        return 64 * self.bits

    @property
    def scale_bytes(self) -> int:
        """Bytes of scales and minimums for one unit of 16 outputs."""
        pair = 2 if self.minimums else 1
        return pair * (2 * PANEL + (PANEL * self.unit // self.group if self.nested else 0))

    @property
    def bytes_a_weight(self) -> float:
        """What a weight takes in memory."""
        return self.code_bytes / BLOCK / PANEL + self.scale_bytes / self.unit / PANEL


FORMATS: dict[int, Format] = {
    each.kind: each
    for each in (
        Format(2, "Q4_0", 4, 32, 32, False, 8, 18),
        Format(3, "Q4_1", 4, 32, 32, True, 0, 20),
        Format(6, "Q5_0", 5, 32, 32, False, 16, 22),
        Format(7, "Q5_1", 5, 32, 32, True, 0, 24),
        Format(8, "Q8_0", 8, 32, 32, False, 128, 34),
        Format(12, "Q4_K", 4, 256, 32, True, 0, 144),
        Format(13, "Q5_K", 5, 256, 32, True, 0, 176),
        Format(14, "Q6_K", 6, 256, 16, False, 32, 210),
    )
}
Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K = FORMATS


class Raw(Protocol):
    """A matrix (N, K) as a file holds it: `kind` of blocks, `shape`, `data` uint8 (N, bytes a row)."""

    @property
    def kind(self) -> int: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def data(self) -> NDArray[np.uint8]: ...


@dataclass(frozen=True)
class Blocks:
    """A matrix (N, K) in one format, rows as in the file: `data` is uint8 (N, K / unit · unit_bytes)."""

    format: Format
    data: NDArray[np.uint8]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.data), self.data.shape[1] // self.format.unit_bytes * self.format.unit

    def __getitem__(self, rows: Any) -> Blocks:
        """These rows, in this order."""
        return Blocks(self.format, self.data[np.asarray(rows)])

    def floats(self) -> NDArray[np.float32]:
        """What the blocks stand for, fp32 (N, K), by the format's own library."""
        from gguf.constants import GGMLQuantizationType
        from gguf.quants import dequantize

        return np.asarray(dequantize(self.data, GGMLQuantizationType(self.format.kind)), np.float32)


def blocks_of(raw: Raw) -> Blocks:
    """Blocks as a file has them, of a kind in `FORMATS`."""
    return Blocks(FORMATS[raw.kind], raw.data)


def quantize(weight: Any, fine: bool = False) -> Blocks:
    """Blocks for a float matrix, a torch tensor (N, K), K a multiple of 32: Q4_1 made by the format's own library, Q8_0
    where `fine` (4-bit checkpoints keep the vocabulary in more bits as well)."""
    from gguf.constants import GGMLQuantizationType
    from gguf.quants import quantize as quantized

    kind = Q8_0 if fine else Q4_1
    data = quantized(weight.float().contiguous().numpy(), GGMLQuantizationType(kind))
    return Blocks(FORMATS[kind], data)
