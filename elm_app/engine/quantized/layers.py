"""What decoder and gradients share: where weights come from, a layer as it is packed, the cache of a prompt's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from elm_app.engine.quantized.formats import Raw
from elm_app.engine.quantized.kernels import Linear, Matrix

_GROWTH = 128
"""Cache positions are allocated in blocks of this many."""


class Weights(Protocol):
    """The tensors of a transformers state dict."""

    def __call__(self, name: str) -> Tensor:
        """The tensor of that name, any float dtype."""

    def blocks(self, name: str) -> Raw | None:
        """The matrix of that name as its file has it; None if the file holds floats."""

    def close(self) -> None:
        """Nothing is wanted for now."""


@dataclass
class Matrices:
    """The weights of a layer, each a list of matrices (N, K) that multiply the same rows; `qkv_bias` (N,) or None."""

    qkv: list[Matrix]
    qkv_bias: Tensor | None
    out: list[Matrix]
    gate_up: list[Matrix]
    down: list[Matrix]


@dataclass
class Layer:
    """A layer as it is packed."""

    width: int
    """I, the size between gate/up and down."""
    attn_norm: Tensor
    qkv: Linear
    qk_norm: Tensor | None
    out: Linear
    mlp_norm: Tensor
    gate_up: Linear
    down: Linear

    @property
    def linears(self) -> tuple[Linear, ...]:
        """Its matrices."""
        return self.qkv, self.out, self.gate_up, self.down


class KVCache:
    """Keys and values of n rows that share a prompt: fp32 (L, n, kv heads, positions, D), `length` positions in use."""

    def __init__(self, keys: Tensor, values: Tensor, length: int) -> None:
        self.keys, self.values, self.length = keys, values, length

    @property
    def rows(self) -> int:
        return int(self.keys.shape[1])

    def expand(self, n: int) -> KVCache:
        """n copies of a one-row cache."""
        keys, values = (part.expand(-1, n, -1, -1, -1) for part in (self.keys, self.values))
        return KVCache(_longer(keys), _longer(values), self.length)

    def reserve(self) -> None:
        """Make room for one more position."""
        if self.length == self.keys.shape[3]:
            self.keys, self.values = _longer(self.keys), _longer(self.values)

    def keep(self, rows: list[int]) -> None:
        """Drop all rows but these."""
        index = torch.tensor(rows)
        self.keys, self.values = self.keys.index_select(1, index), self.values.index_select(1, index)


def _longer(positions: Tensor) -> Tensor:
    return F.pad(positions, (0, 0, 0, _GROWTH))
