"""Log-probabilities of rollouts, differentiable with respect to the soft prompt only; the model stays frozen.

The prompt goes through the model once, however many rollouts follow it: prompt and rollouts are one list of positions,
nothing is padded, and each rollout attends to the prompt's keys and values and to its own. Logits are made for a few
hundred positions at a time and dropped. With c = onehot(token) − softmax(logits), the gradient of a chosen token's
log-probability with respect to the last hidden state is c · W / temperature, which does not depend on the loss; so it
is made at once, and neither logits nor a second pass over the vocabulary are needed later.

`Int8Gradients` computes both directions in int8, as the rollouts were: the gradient that flows back is quantised with
one scale per token against the transposed weights. Shapes: S prompt positions (soft prompt included), T tokens of a
rollout, N positions in all, H hidden size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from elm_app.llm.kernels import Kernels, Linear, rotate

if TYPE_CHECKING:
    from elm_app.llm.int8 import Int8Decoder, KVCache, _Layer

_CHUNK = 256
"""Positions whose logits are held at a time."""
_BLOCK = 512
"""Rows that go through a packed matrix at a time: their results stay in the processor's cache."""
_SAVED_BYTES = 4 << 30
"""Where a pass would keep more than this for the way back, layers are computed twice instead."""


class ChosenLogProbs(torch.autograd.Function):
    """Natural log-probabilities of chosen tokens.

    Args:
        hidden: (N, H), the last hidden states, normalised.
        tokens: int64 (N,).
        head: (n, H) to logits, fp32 (n, V); may be overwritten.
        back: c, fp32 (n, V), to c · W, fp32 (n, H).
        temperature: divides the logits.

    Returns:
        fp32 (N,).
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        tokens: Tensor,
        head: Callable[[Tensor], Tensor],
        back: Callable[[Tensor], Tensor],
        temperature: float,
    ) -> Tensor:
        hidden = hidden.detach()
        logprobs, gradients = [], []
        for start in range(0, len(tokens), _CHUNK):
            part = slice(start, start + _CHUNK)
            logits = head(hidden[part]).float().div_(temperature)
            chosen = logits.gather(1, tokens[part, None])
            peak = logits.amax(1, keepdim=True)
            weights = logits.sub_(peak).exp_()
            norm = weights.sum(1, keepdim=True)
            logprobs.append((chosen - peak - norm.log())[:, 0])
            if ctx.needs_input_grad[0]:
                surplus = weights.div_(-norm)
                surplus.scatter_add_(1, tokens[part, None], torch.ones_like(chosen))
                gradients.append(back(surplus).float().div_(temperature))
        if gradients:
            ctx.save_for_backward(torch.cat(gradients))
            ctx.dtype = hidden.dtype
        return torch.cat(logprobs)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        return (gradient * grads[0][:, None]).to(ctx.dtype), None, None, None, None


class _Matmul(torch.autograd.Function):
    """x · Wᵀ forward and g · W back, each with its own packed int8 matrix."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, forth: Linear, back: Linear, kernels: Kernels) -> Tensor:
        ctx.back, ctx.kernels = back, kernels
        return _blocks(x.detach(), forth, kernels)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return _blocks(grads[0], ctx.back, ctx.kernels), None, None, None


def _blocks(x: Tensor, linear: Linear, kernels: Kernels) -> Tensor:
    return torch.cat([linear(kernels.quantize(part.contiguous())) for part in x.split(_BLOCK)])


@dataclass
class _Back:
    """The transposed matrices of a layer."""

    qkv: Linear
    out: Linear
    gate_up: Linear
    down: Linear


class Int8Gradients:
    """The differentiable pass of an `Int8Decoder`; packs its transposed weights once (half a gigabyte for a 0.5B)."""

    def __init__(self, decoder: Int8Decoder) -> None:
        self.decoder = decoder
        transposed = lambda weight: decoder.kernels.linear(weight.T.contiguous())  # noqa: E731
        self.layers = []
        for number in range(len(decoder.layers)):
            matrices = decoder.matrices(number)
            self.layers.append(
                _Back(
                    transposed(matrices.qkv),
                    transposed(matrices.out),
                    transposed(matrices.gate_up),
                    transposed(matrices.down),
                )
            )
        head = decoder.head_matrix()
        self.vocabulary = len(head)
        self.padding = -len(head) % 4  # packed matrices have rows of a multiple of four
        self.head = decoder.kernels.linear(F.pad(head.T, (0, self.padding)).contiguous())

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
        written = torch.cat([row[:-1] for row in rows])
        x = torch.cat([prompt.float(), decoder.embed(written)])
        positions = torch.cat([torch.arange(len(prompt)), *(torch.arange(n) + len(prompt) for n in lengths)])
        turn = decoder.turn(positions + (past.length if past else 0))[:, None]
        pasts = [(past.keys[n], past.values[n]) if past else None for n in range(len(self.layers))]
        saved = len(x) * len(self.layers) * 4 * (10 * x.shape[1] + 3 * decoder.layers[0].width)
        again = saved > _SAVED_BYTES and torch.is_grad_enabled()
        for layer, back, pair in zip(decoder.layers, self.layers, pasts, strict=True):
            if again:
                x = checkpoint(self._layer, x, layer, back, turn, len(prompt), lengths, pair, use_reentrant=False)
            else:
                x = self._layer(x, layer, back, turn, len(prompt), lengths, pair)
        x = F.rms_norm(x, (x.shape[1],), decoder.norm, decoder.eps)
        last, *parts = x[len(prompt) - 1 :].split([1, *lengths])
        hidden = torch.cat([piece for part in parts for piece in (last, part)])
        result: Tensor = ChosenLogProbs.apply(
            hidden, torch.cat(list(rows)), lambda h: decoder.head(kernels.quantize(h.contiguous())), self._head_back,
            temperature,
        )  # fmt: skip
        return result

    def _head_back(self, surplus: Tensor) -> Tensor:
        padded = F.pad(surplus, (0, self.padding)) if self.padding else surplus
        return self.head(self.decoder.kernels.quantize(padded))

    def _layer(
        self,
        x: Tensor,
        layer: _Layer,
        back: _Back,
        turn: Tensor,
        prompt: int,
        lengths: list[int],
        past: tuple[Tensor, Tensor] | None,
    ) -> Tensor:
        decoder, size = self.decoder, x.shape[1]

        def matmul(x: Tensor, forth: Linear, way_back: Linear) -> Tensor:
            result: Tensor = _Matmul.apply(x, forth, way_back, decoder.kernels)
            return result

        qkv = matmul(F.rms_norm(x, (size,), layer.attn_norm, decoder.eps), layer.qkv, back.qkv)
        heads = [decoder.heads, decoder.kv_heads, decoder.kv_heads]
        query, key, value = qkv.unflatten(1, (-1, decoder.head_dim)).split(heads, 1)
        if layer.qk_norm is not None:
            norms = layer.qk_norm.split(heads[:2])
            query, key = (
                F.rms_norm(part, (decoder.head_dim,), eps=decoder.eps) * norm
                for part, norm in zip((query, key), norms, strict=True)
            )
        mixed = _attend(rotate(query, turn), rotate(key, turn), value, prompt, lengths, past)
        x = x + matmul(mixed, layer.out, back.out)
        gate_up = matmul(F.rms_norm(x, (size,), layer.mlp_norm, decoder.eps), layer.gate_up, back.gate_up)
        gate, up = gate_up.chunk(2, 1)
        return x + matmul(F.silu(gate) * up, layer.down, back.down)


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    prompt: int,
    lengths: list[int],
    past: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """(N, heads, D), (N, kv heads, D) twice to (N, heads · D); see `Int8Gradients.log_probs` for the positions.

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
