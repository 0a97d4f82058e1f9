"""What decoder and gradients share: where weights come from, a layer as it is packed, the cache of a prompt's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from elm_app.engine.quantized.formats import Raw
from elm_app.engine.quantized.kernels import Kernels, Linear, Matrix
from elm_app.engine.quantized.rotary import Rotary

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


class Packed(Protocol):
    """A model as it is packed, as far as the way back needs it."""

    kernels: Kernels
    layers: list[Layer]
    rotary: Rotary
    head: Linear
    norm: Tensor
    eps: float
    heads: int
    kv_heads: int
    head_dim: int

    def embed(self, tokens: Tensor) -> Tensor:
        """int64 (S,) to fp32 (S, H)."""

    def matrices(self, number: int) -> Matrices:
        """The weights of a layer, read anew."""

    def head_matrix(self) -> Matrix:
        """The vocabulary (V, H)."""


class KVCache:
    """Keys and values of a prompt, read once: fp32 (L, 1, kv heads, S, D)."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self.keys, self.values = keys, values

    @property
    def length(self) -> int:
        """S, how many positions it holds."""
        return int(self.keys.shape[3])

    def rows(self, n: int) -> RowsCache:
        """n copies that grow."""
        keys, values = (part.expand(-1, n, -1, -1, -1) for part in (self.keys, self.values))
        spare = _GROWTH - self.length % _GROWTH
        longer = F.pad(keys.transpose(3, 4), (0, spare)), F.pad(values, (0, 0, 0, spare))
        return RowsCache(*longer, self.length)


class RowsCache:
    """Keys, fp32 (L, n, kv heads, D, capacity), and values, fp32 (L, n, kv heads, capacity, D), of n rows that share a
    prompt; `length` positions are in use."""

    def __init__(self, keys: Tensor, values: Tensor, length: int) -> None:
        self.keys, self.values, self.length = keys, values, length

    def __len__(self) -> int:
        return int(self.keys.shape[1])

    def reserve(self) -> None:
        """Make room for one more position."""
        if self.length == self.keys.shape[4]:
            self.keys, self.values = F.pad(self.keys, (0, _GROWTH)), F.pad(self.values, (0, 0, 0, _GROWTH))

    def keep(self, rows: list[int]) -> None:
        """Drop all rows but these."""
        index = torch.tensor(rows)
        self.keys, self.values = self.keys.index_select(1, index), self.values.index_select(1, index)
