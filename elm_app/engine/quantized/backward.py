"""Log-probabilities of rollouts, differentiable with respect to the soft prompt only; the model stays frozen.

The prompt goes through the model once, however many rollouts follow it: prompt and rollouts are one list of positions,
nothing is padded, and each rollout attends to the prompt's keys and values and to its own.

Both directions are computed in integers, the way there with the very arithmetic of the rollouts: the gradient that
flows back is quantised with one scale per token against the transposed weights. What the way back needs is kept small:
of each layer its input, q, k and v in 16 bits, and what goes into the gate in 8 bits as long as `_KEPT_BYTES` last;
later layers compute that once more.

Shapes: S prompt positions (soft prompt included), T tokens of a rollout, N positions in all, H hidden size, I the size
between gate/up and down, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from elm_app.engine.chosen_logprobs import ChosenLogProbs
from elm_app.engine.quantized.block_kernels import backward_numba
from elm_app.engine.quantized.block_kernels.block_rows import BlockRows, block_rows
from elm_app.engine.quantized.kernels import Back, Matrix
from elm_app.engine.quantized.layers import KVCache, Layer, Matrices, Packed
from elm_app.engine.quantized.rotary import rotate

_ROWS = 256
"""Positions that go through the gate at a time: what is made of them stays in the processor's cache."""
_KEPT_BYTES = 1 << 29
"""What may be kept of gates for the way back."""


@dataclass
class _Backs:
    """The transposed matrices of a layer."""

    qkv: Back
    out: Back
    gate_up: Back
    down: Back


@dataclass(frozen=True)
class _Layout:
    """Where what stands in a list of N positions: the prompt, then so many tokens of each rollout; `turn` (N, 1, D)."""

    prompt: int
    lengths: list[int]
    turn: Tensor


@dataclass
class _Kept:
    """What the way back needs of a layer: bf16 (N, H) before it and between attention and gate, fp16 q, k and v (N, …),
    and gate and up, `_ROWS` positions each, or nothing if they are to be computed once more."""

    before: Tensor
    qkv: Tensor
    between: Tensor
    gate_up: list[BlockRows] = field(default_factory=list)


class Gradients:
    """The differentiable pass of a model."""

    def __init__(self, decoder: Packed) -> None:
        self.decoder, kernels = decoder, decoder.kernels
        self.backs = []
        for number, layer in enumerate(decoder.layers):
            matrices = cache(partial(decoder.matrices, number))  # read once, by kernels that copy them
            self.backs.append(
                _Backs(
                    *(
                        kernels.transposed(role, getattr(layer, role), partial(_matrices_of, matrices, role))
                        for role in ("qkv", "out", "gate_up", "down")
                    )
                )
            )
        self.words_back = kernels.words_back(decoder.head, decoder.head_matrix)

    def log_probs(
        self, prompt: Tensor, rows: Sequence[Tensor], temperature: float, past: KVCache | None = None
    ) -> Tensor:
        """Log-probabilities of the tokens of rollouts that follow a prompt.

        Args:
            prompt: fp32 (S, H), embeddings, soft prompt in front; differentiable.
            rows: int64 (T,) each, at least one token.
            temperature: of the sampling.
            past: keys and values in front of the prompt; differentiable.

        Returns:
            fp32 (ΣT,), row after row.
        """
        decoder, kernels = self.decoder, self.decoder.kernels
        lengths = [len(row) - 1 for row in rows]
        written = decoder.embed(torch.cat([row[:-1] for row in rows]))
        positions = torch.cat([torch.arange(len(prompt)), *(torch.arange(n) + len(prompt) for n in lengths)])
        turn = decoder.rotary.turn(positions + (past.length if past else 0))[:, None]
        layout = _Layout(len(prompt), lengths, turn)
        pasts = (past.keys, past.values) if past else (None, None)
        x = _Layers.apply(self, layout, prompt.float(), written, *pasts)
        x = F.rms_norm(x, (x.shape[1],), decoder.norm, decoder.eps)
        last, *parts = x[len(prompt) - 1 :].split([1, *lengths])
        hidden = torch.cat([piece for part in parts for piece in (last, part)])
        result: Tensor = ChosenLogProbs.apply(
            hidden, torch.cat(list(rows)), lambda h: decoder.head(kernels.quantize(h.contiguous())), self.words_back,
            temperature,
        )  # fmt: skip
        return result

    def forth(self, x: Tensor, number: int, layout: _Layout, past: _Past, room: float) -> _Kept:
        """One layer, fp32 (N, H), in place; `room` says how many bytes of its gate may be kept."""
        layer, kernels, eps = self.decoder.layers[number], self.decoder.kernels, self.decoder.eps
        before = x.bfloat16()
        qkv = layer.qkv(kernels.norm_quantize(x, layer.attn_norm, eps))
        mixed = self._attention(qkv, layer, layout, past)
        layer.out(kernels.quantize(mixed), add_to=x)
        kept = _Kept(before, qkv.half(), x.bfloat16())
        keep = room > 2 * layer.width * len(x)
        for part in x.split(_ROWS):
            gate_up = layer.gate_up(kernels.norm_quantize(part, layer.mlp_norm, eps))
            if keep:
                kept.gate_up.append(block_rows(gate_up))
            layer.down(kernels.gate_quantize(gate_up), add_to=part)
        return kept

    def back(self, gradient: Tensor, number: int, kept: _Kept, layout: _Layout, past: _Past) -> list[Tensor]:
        """The gradient with respect to a layer's input, fp32 (N, H), in place of that of its output; returns that of
        `past`."""
        layer, backs, kernels = self.decoder.layers[number], self.backs[number], self.decoder.kernels
        eps = self.decoder.eps
        for way in (backs.qkv, backs.out, backs.gate_up, backs.down):
            way.prepare()
        for place, part in enumerate(gradient.split(_ROWS)):
            x = kept.between[place * _ROWS : place * _ROWS + len(part)].float()
            gates = (
                kept.gate_up[place]
                if kept.gate_up
                else block_rows(layer.gate_up(kernels.norm_quantize(x, layer.mlp_norm, eps)))
            )
            both = torch.empty(len(part), 2 * layer.width)
            backward_numba.gate_backward(backs.down(part).numpy(), gates.codes, gates.factors, both.numpy())
            part.add_(_norm_back(x, layer.mlp_norm, eps, backs.gate_up(both)))
        with torch.enable_grad():
            qkv = kept.qkv.float().requires_grad_()
            leaves = [part.detach().requires_grad_() for part in past or ()]
            mixed = self._attention(qkv, layer, layout, (leaves[0], leaves[1]) if leaves else None)
        turned, *found = torch.autograd.grad(mixed, [qkv, *leaves], backs.out(gradient))
        gradient.add_(_norm_back(kept.before.float(), layer.attn_norm, eps, backs.qkv(turned)))
        return list(found)

    def _attention(self, qkv: Tensor, layer: Layer, layout: _Layout, past: _Past) -> Tensor:
        """(N, (heads + 2 · kv heads) · D) to (N, heads · D)."""
        decoder = self.decoder
        heads = [decoder.heads, decoder.kv_heads, decoder.kv_heads]
        query, key, value = qkv.unflatten(1, (-1, decoder.head_dim)).split(heads, 1)
        if layer.qk_norm is not None:
            norms = layer.qk_norm.split(heads[:2])
            query, key = (
                F.rms_norm(part, (decoder.head_dim,), eps=decoder.eps) * norm
                for part, norm in zip((query, key), norms, strict=True)
            )
        query, key = rotate(query, layout.turn), rotate(key, layout.turn)
        return _attend(query, key, value, layout.prompt, layout.lengths, past)


_Past = tuple[Tensor, Tensor] | None


class _Layers(torch.autograd.Function):
    """All layers, from the embeddings of prompt and rollouts to hidden states (N, H), not yet normalised."""

    @staticmethod
    def forward(
        ctx: Any, body: Gradients, layout: _Layout, prompt: Tensor, written: Tensor, keys: Tensor | None,
        values: Tensor | None,
    ) -> Tensor:  # fmt: skip
        x = torch.cat([prompt.detach(), written])
        ctx.body, ctx.layout, ctx.keys, ctx.values, ctx.kept = body, layout, keys, values, []
        room: float = _KEPT_BYTES if any(ctx.needs_input_grad) else 0
        for number in range(len(body.decoder.layers)):
            kept = body.forth(x, number, layout, _past(keys, values, number), room)
            if any(ctx.needs_input_grad):
                ctx.kept.append(kept)
                room -= sum(rows.bytes for rows in kept.gate_up)
        return x

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        gradient, pasts = grads[0].float().clone(), []
        for number in reversed(range(len(ctx.kept))):
            past = _past(ctx.keys, ctx.values, number)
            pasts.append(ctx.body.back(gradient, number, ctx.kept.pop(), ctx.layout, past))
        whole = [torch.stack(part) for part in zip(*reversed(pasts), strict=True)] or [None, None]
        return None, None, gradient[: ctx.layout.prompt], None, *whole


def _matrices_of(matrices: Callable[[], Matrices], role: str) -> list[Matrix]:
    found: list[Matrix] = getattr(matrices(), role)
    return found


def _past(keys: Tensor | None, values: Tensor | None, number: int) -> _Past:
    return None if keys is None or values is None else (keys[number], values[number])


def _norm_back(x: Tensor, weight: Tensor, eps: float, gradient: Tensor) -> Tensor:
    """What RMSNorm makes of a gradient: fp32 (N, H) each."""
    share = torch.rsqrt(x.square().mean(1, keepdim=True) + eps)
    weighted = gradient * weight
    along = (weighted * x).mean(1, keepdim=True)
    return share * (weighted - x * (along * share.square()))


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    prompt: int,
    lengths: list[int],
    past: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """(N, heads, D), (N, kv heads, D) twice to (N, heads · D); see `Gradients.log_probs` for the positions.

    `past`: keys and values that all attend to, (1, kv heads, S, D) each.
    """
    query, key, value = (part.transpose(0, 1)[None] for part in (query, key, value))

    def mix(query: Tensor, key: Tensor, value: Tensor, **how: Any) -> Tensor:
        mixed = F.scaled_dot_product_attention(query, key, value, enable_gqa=True, **how)
        return mixed[0].transpose(0, 1).flatten(1)

    shared_key, shared_value = key[:, :, :prompt], value[:, :, :prompt]
    if past is None:
        mixed = [mix(query[:, :, :prompt], shared_key, shared_value, is_causal=True)]
    else:
        shared_key, shared_value = torch.cat([past[0], shared_key], 2), torch.cat([past[1], shared_value], 2)
        seen = torch.ones(prompt, shared_key.shape[2], dtype=torch.bool).tril_(shared_key.shape[2] - prompt)
        mixed = [mix(query[:, :, :prompt], shared_key, shared_value, attn_mask=seen)]
    start, before = prompt, shared_key.shape[2]
    for length in lengths:
        if length:
            own = slice(start, start + length)
            start += length
            mask = torch.ones(length, before + length, dtype=torch.bool).tril_(before)
            keys = torch.cat([shared_key, key[:, :, own]], 2)
            values = torch.cat([shared_value, value[:, :, own]], 2)
            mixed.append(mix(query[:, :, own], keys, values, attn_mask=mask))
    return torch.cat(mixed)
