"""What the decoder asks of kernels, and what several of them share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from elm_app.engine.quantized.formats import Blocks

Matrix: TypeAlias = Tensor | Blocks
"""Weights (N, K), floats or blocks of few bits, as the kernels take them."""


class Linear(Protocol):
    """A packed weight matrix (N, K)."""

    @property
    def bytes(self) -> int:
        """What a pass over the weights reads."""

    def __call__(self, rows: Any, add_to: Tensor | None = None) -> Tensor:
        """Quantised rows (B, K) to fp32 (B, N); with `add_to` (B, N) the result is added to it instead, in place."""


class Back(Protocol):
    """A matrix (N, K) the other way round."""

    def prepare(self) -> None:
        """Must be called before it is used, and again after another one of the same role was."""

    def __call__(self, gradient: Tensor) -> Tensor:
        """fp32 (B, N) to fp32 (B, K)."""


class Kernels(Protocol):
    """Integer arithmetic on a CPU. Quantised rows are each kernel's own type; no row shares a scale with another."""

    takes_blocks: bool
    """Whether weights are blocks, or floats to be packed as int8."""

    def linear(self, parts: Sequence[Matrix], bias: Tensor | None = None) -> Linear:
        """Pack matrices (N, K) that multiply the same rows, one below the other; `bias` (ΣN,)."""

    def words(self, matrix: Matrix, packed: Linear | None = None) -> Callable[[Tensor], Tensor]:
        """Rows of a matrix (V, H) by number: int64 (n,) to fp32 (n, H). `packed`: the same, packed already."""

    def transposed(self, role: str, linear: Linear, parts: Callable[[], Sequence[Matrix]]) -> Back:
        """What `linear`, made of `parts`, does to gradients; `role` is what it is in its layer."""

    def words_back(self, head: Linear, matrix: Callable[[], Matrix]) -> Callable[[Tensor], Tensor]:
        """The same for the vocabulary: shares of words, fp32 (B, V), to fp32 (B, H)."""

    def quantize(self, x: Tensor) -> Any:
        """fp32 (B, K) to quantised rows."""

    def norm_quantize(self, x: Tensor, weight: Tensor, eps: float) -> Any:
        """RMSNorm of fp32 (B, H), quantised."""

    def gate_quantize(self, gate_up: Tensor) -> Any:
        """silu(gate) · up of fp32 (B, 2 I), quantised to (B, I)."""

    def attend(self, qkv: Tensor, turn: Tensor, keys: Tensor, values: Tensor, length: int, out: Tensor) -> None:
        """One new position of n rows that share a cache.

        Args:
            qkv: fp32 (n, (heads + 2 · kv heads) · D), pairs that RoPE rotates being neighbours.
            turn: fp32 (D,), cos and sin of each pair's angle, alternating.
            keys: fp32 (n, kv heads, D, capacity), values: fp32 (n, kv heads, capacity, D); `length` is written.
            out: fp32 (n, heads · D), written.
        """


class CopiedBack:
    """`Back` with a packed copy of the transposed matrices, made when it is first wanted."""

    def __init__(self, kernels: Kernels, parts: Callable[[], Sequence[Matrix]]) -> None:
        self.kernels = kernels
        self._parts: Callable[[], Sequence[Matrix]] | None = parts
        self._linear: Linear | None = None

    def prepare(self) -> None:
        if self._parts is not None:
            self._linear = self.kernels.linear([stacked(self._parts()).T.contiguous()])
            self._parts = None  # what has been read for it can go

    def __call__(self, gradient: Tensor) -> Tensor:
        assert self._linear is not None, "it was not prepared"
        return self._linear(self.kernels.quantize(gradient.contiguous()))


def transposed_words(kernels: Kernels, matrix: Callable[[], Matrix]) -> Callable[[Tensor], Tensor]:
    """`words_back` with a packed copy of the vocabulary, transposed."""
    words = stacked([matrix()])
    spare = -len(words) % 16  # packed matrices have rows of a multiple of 16
    back = kernels.linear([F.pad(words.T, (0, spare)).contiguous()])
    return lambda shares: back(kernels.quantize(F.pad(shares, (0, spare)) if spare else shares))


def stacked(parts: Sequence[Matrix]) -> Tensor:
    """Float matrices one below the other."""
    floats = [part for part in parts if isinstance(part, Tensor)]
    return floats[0] if len(floats) == 1 else torch.cat(floats)
