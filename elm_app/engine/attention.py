"""What attention is given."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Attention(NamedTuple):
    """What a layer's attention is given of S positions, fp16, in the order of the checkpoint, with positional rotation:
    queries (S, heads, D), keys and values (S, kv heads, D). Its scores are their products divided by √D."""

    queries: Tensor
    keys: Tensor
    values: Tensor
