"""What `int8.Int8Decoder` asks of int8 kernels, and the choice between the two that exist."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor


class Linear(Protocol):
    """A packed weight matrix (N, K)."""

    def __call__(self, rows: Any, add_to: Tensor | None = None) -> Tensor:
        """Quantised rows (B, K) to fp32 (B, N); with `add_to` (B, N) the result is added to it instead, in place."""


class Kernels(Protocol):
    """Int8 arithmetic on a CPU. Quantised rows are each kernel's own type; every row has a scale of its own."""

    name: str

    def linear(self, weight: Tensor, bias: Tensor | None = None) -> Linear:
        """Pack a weight (N, K) of any float dtype."""

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
            keys, values: fp32 (n, kv heads, capacity, D); position `length` is written.
            out: fp32 (n, heads · D), written.
        """


def choose() -> Kernels | None:
    """The fastest kernels that this CPU can run, or None (int8 needs VNNI instructions)."""
    able = torch.cpu.get_capabilities()
    if able.get("avx512_vnni") and able.get("avx512_vl"):
        from elm_app.llm.vnni_kernels import VnniKernels

        return VnniKernels()
    if torch.cpu._is_vnni_supported() and hasattr(torch.ops.onednn, "qlinear_prepack"):
        from elm_app.llm.onednn import OneDnnKernels

        return OneDnnKernels()
    return None


def rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Rotary embedding of neighbouring pairs: fp32 (…, D) by cos and sin alternating, (…, D)."""
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    turned = pairs * torch.view_as_complex(turn.unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(turned).flatten(-2)
