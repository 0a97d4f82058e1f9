"""Int8 kernels from torch alone (oneDNN), for CPUs with VNNI but without AVX512; see `vnni.py` for the faster ones.

Activations are unsigned codes with zero point 128, because oneDNN's fast kernel wants them so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from elm_app.engine.quantized.kernels import Back, CopiedBack, Matrix, stacked, transposed_words
from elm_app.engine.quantized.rotary import rotate

Rows = tuple[Tensor, Tensor]
"""uint8 codes (B, K) and the scale of each row, fp32 (B, 1)."""


class OneDnnLinear:
    """A weight matrix (N, K), any float dtype, as packed int8 with a scale per output; `bias` (N,) or None."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        codes, scale = quantize_weight(weight)
        self._packed = torch.ops.onednn.qlinear_prepack(codes, None)
        self._scale, self._zero = scale, torch.zeros(len(weight), dtype=torch.long)
        self._bias = None if bias is None else bias.float()
        self.bytes = codes.numel() + scale.nbytes

    def __call__(self, rows: Rows, add_to: Tensor | None = None) -> Tensor:
        """fp32 (B, N); with `add_to` (B, N) the result is added to it, in place, instead."""
        out: Tensor = torch.ops.onednn.qlinear_pointwise(
            rows[0], 1.0, 128, self._packed, self._scale, self._zero, None, 1.0, 0, torch.float32, "none", [], ""
        )
        if add_to is not None:
            return add_to.addcmul_(out, rows[1])
        return out.mul_(rows[1]) if self._bias is None else torch.addcmul(self._bias, out, rows[1])


class OneDnnKernels:
    """The kernels as `QuantizedDecoder` wants them."""

    name = "onednn"
    takes_blocks = False

    def linear(self, parts: Sequence[Matrix], bias: Tensor | None = None) -> OneDnnLinear:
        return OneDnnLinear(stacked(parts), bias)

    def words(self, matrix: Matrix, packed: object = None) -> Callable[[Tensor], Tensor]:  # noqa: ARG002
        return lambda tokens: F.embedding(tokens, stacked([matrix])).float()

    def transposed(self, role: str, linear: object, parts: Callable[[], Sequence[Matrix]]) -> Back:  # noqa: ARG002
        return CopiedBack(self, parts)

    def words_back(self, head: object, matrix: Callable[[], Matrix]) -> Callable[[Tensor], Tensor]:  # noqa: ARG002
        return transposed_words(self, matrix)

    def quantize(self, x: Tensor) -> Rows:
        peak = x.abs().amax(-1, keepdim=True).clamp_min_(1e-20)
        return torch.addcmul(torch.tensor(128.5), x, 127.0 / peak).to(torch.uint8), peak / 127.0

    def norm_quantize(self, x: Tensor, weight: Tensor, eps: float) -> Rows:
        codes, scale = self.quantize(x * weight)
        return codes, scale.mul_(torch.rsqrt(x.square().mean(-1, keepdim=True).add_(eps)))

    def gate_quantize(self, gate_up: Tensor) -> Rows:
        gate, up = gate_up.chunk(2, -1)
        return self.quantize(F.silu(gate).mul_(up))

    def attend(self, qkv: Tensor, turn: Tensor, keys: Tensor, values: Tensor, length: int, out: Tensor) -> None:
        rows, kv_heads, size, _ = keys.shape
        heads = out.shape[1] // size
        query, key, value = qkv.unflatten(1, (-1, size)).split([heads, kv_heads, kv_heads], 1)
        keys[..., length], values[:, :, length] = rotate(key, turn), value
        grouped = rotate(query, turn).view(rows, kv_heads, -1, size)
        known, seen = keys[..., : length + 1].transpose(2, 3), values[:, :, : length + 1]
        out[:] = F.scaled_dot_product_attention(grouped, known, seen).flatten(1)


def quantize_weight(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix (N, K) as int8 codes and the scale of each output, fp32 (N,)."""
    weight = weight.float()
    scale = weight.abs().amax(1).clamp_min_(1e-20) / 127.0
    return (weight / scale[:, None]).round_().to(torch.int8), scale
