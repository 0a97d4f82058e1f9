"""Rotary embeddings (Su et al., arXiv 2104.09864) of vectors in which what is rotated together stands side by side.

Checkpoints rotate element i with i + D/2. Here the rows of q and k matrices are put in another order when they are
packed (`pairs`), so that a kernel reads both at once; scores do not change, and `in_order` puts vectors back.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Rotary:
    """The angles of a model's positions; `scale` is what it multiplies rotated vectors with (YaRN), usually 1."""

    def __init__(self, config: Any, head_dim: int) -> None:
        self.frequencies, self.scale = _rope(config, head_dim)

    def turn(self, positions: Tensor) -> Tensor:
        """cos and sin of every pair's angle, alternating, times RoPE's scaling: int64 (S,) to fp32 (S, D)."""
        angles = (positions[:, None].float() * self.frequencies).double()  # the product in fp32, as transformers has it
        return (torch.stack([angles.cos(), angles.sin()], -1) * self.scale).float().flatten(1)

    def moved(self, keys: Tensor, by: int) -> Tensor:
        """Keys (…, D) that were rotated, to stand so many positions later: they have been scaled already."""
        return rotate(keys, self.turn(torch.tensor([by]))[0] / self.scale)


def rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Rotary embedding of neighbouring pairs: fp32 (…, D) by cos and sin alternating, (…, D)."""
    both = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    turned = both * torch.view_as_complex(turn.unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(turned).flatten(-2)


def pairs(heads: int, head_dim: int) -> Tensor:
    """Each head's outputs in an order, int64 (heads · D,), that puts those side by side that RoPE rotates together (i
    and i + D/2)."""
    return torch.arange(heads * head_dim).view(heads, 2, head_dim // 2).transpose(1, 2).flatten()


def in_order(x: Tensor) -> Tensor:
    """Vectors (…, D) whose neighbours are rotated together, in the order of the checkpoint."""
    return x.unflatten(-1, (-1, 2)).transpose(-1, -2).flatten(-2)


def _rope(config: Any, head_dim: int) -> tuple[Tensor, float]:
    """Rotary frequencies, fp32 (D / 2,), and the attention scaling, as transformers computes them."""
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    kind = config.rope_parameters["rope_type"]
    if kind == "default":
        exponents = torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim
        return 1.0 / (config.rope_parameters["rope_theta"] ** exponents), 1.0
    frequencies, scale = ROPE_INIT_FUNCTIONS[kind](config)
    return frequencies, float(scale)
