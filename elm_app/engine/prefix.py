"""Keys and values of P virtual tokens as one matrix, (P, L · 2 · kv heads · D), as PEFT keeps a prefix.

Of every position: layer after layer, first its keys and then its values, head after head, rotated already (Li and
Liang, arXiv 2101.00190; peft, `PrefixEncoder`). So a prefix has the shape of a soft prompt, (P, W), and its width W
tells the two apart: a soft prompt is as wide as the model's embeddings.
"""

from __future__ import annotations

import torch
from torch import Tensor


def packed(keys: Tensor, values: Tensor) -> Tensor:
    """Keys and values, (L, kv heads, P, D) each, as a matrix (P, W); differentiable."""
    return torch.stack([keys, values], 1).permute(3, 0, 1, 2, 4).flatten(1)


def unpacked(prefix: Tensor, layers: int, heads: int) -> tuple[Tensor, Tensor]:
    """The reverse, for a model with L layers and so many key and value heads; differentiable.

    Raises:
        ValueError: the prefix is not of such a model.
    """
    if prefix.shape[1] % (2 * layers * heads):
        raise ValueError(f"a prefix {prefix.shape[1]} wide is not of {layers} layers with {heads} heads")
    keys, values = prefix.unflatten(1, (layers, 2, heads, -1)).permute(2, 1, 3, 0, 4)
    return keys, values
