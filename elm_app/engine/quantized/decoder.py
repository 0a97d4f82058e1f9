"""Decoding with quantised weights on a CPU for models of the Llama family (Llama, Mistral, Qwen2, Qwen3).

Weights are the blocks of a 4-bit checkpoint as they are (`blocks.py`), or int8 with one scale per output
(`int8.py`); activations are int8 with a scale for every 32 of them, or one per *token*. (One scale for a whole tensor
ruins these models: KL to fp32 0.19.) Fewer and larger matmuls: q/k/v are one, gate/up are one, and RMSNorm's division
is folded into the scales. Rows of one prompt share a cache of their own, so nothing is padded or masked.

Shapes: B rows, S positions, H hidden size, D head size, V vocabulary, L layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from elm_app.core.errors import ModelError
from elm_app.engine.attention import Attention
from elm_app.engine.quantized.choose_kernels import choose
from elm_app.engine.quantized.formats import blocks_of, quantize
from elm_app.engine.quantized.kernels import Kernels, Matrix
from elm_app.engine.quantized.layers import KVCache, Layer, Matrices, RowsCache, Weights
from elm_app.engine.quantized.rotary import Rotary, in_order, pairs, rotate
from elm_app.engine.quantized.supported import head_dim

_WORDS = "model.embed_tokens.weight"


class QuantizedDecoder:
    """A frozen causal model for rollouts.

    Args:
        config: the transformers configuration.
        weights: asked once for every tensor, and once more when the first gradient is wanted.
        kernels: by default the fastest that this CPU can run.
        progress: called with the number of layers packed so far.
    """

    def __init__(
        self,
        config: Any,
        weights: Weights,
        kernels: Kernels | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        chosen = kernels or choose()
        if chosen is None:
            raise ModelError("This needs a CPU with AVX2 instructions.", "Use --quantization nf4 or none.")
        self.kernels = chosen
        self.config, self._weights = config, weights
        self._gradients: Any = None
        self.heads: int = config.num_attention_heads
        self.kv_heads: int = config.num_key_value_heads
        self.head_dim: int = head_dim(config)
        self.eps: float = config.rms_norm_eps
        self.rotary = Rotary(config, self.head_dim)
        self.layers: list[Layer] = []
        for number in range(config.num_hidden_layers):
            self.layers.append(self._layer(number))
            progress(number + 1)
        self.norm = weights("model.norm.weight").float()
        self.head = chosen.linear([self.head_matrix()])
        tied = bool(config.tie_word_embeddings)
        self._words = chosen.words(self.matrix(_WORDS, fine=True), self.head if tied else None)
        weights.close()

    @property
    def layer_count(self) -> int:
        return len(self.layers)

    @property
    def step_bytes(self) -> int:
        """The weights that every step reads, however many rows there are."""
        layers = sum(each.bytes for layer in self.layers for each in layer.linears)
        return layers + self.head.bytes

    def matrix(self, name: str, fine: bool = False) -> Matrix:
        """A matrix (N, K) as the kernels want it; where blocks have to be made of floats, `fine` ones of 8 bits."""
        if not self.kernels.takes_blocks:
            return self._weights(name)
        raw = self._weights.blocks(name)
        return blocks_of(raw) if raw is not None else quantize(self._weights(name), fine)

    def head_matrix(self) -> Matrix:
        """The weights that make logits: (V, H)."""
        return self.matrix(_WORDS if self.config.tie_word_embeddings else "lm_head.weight", fine=True)

    def matrices(self, number: int) -> Matrices:
        """A layer's weights as they are packed; the outputs that RoPE rotates together stand side by side."""
        config, name = self.config, f"model.layers.{number}."
        order = {"q": pairs(self.heads, self.head_dim), "k": pairs(self.kv_heads, self.head_dim)}

        def turned(part: str, of: Matrix) -> Any:
            return of[order[part]] if part in order else of

        def projection(part: str) -> str:
            return f"{name}self_attn.{part}_proj"

        bias = config.model_type == "qwen2" or bool(getattr(config, "attention_bias", False))
        return Matrices(
            qkv=[turned(part, self.matrix(f"{projection(part)}.weight")) for part in "qkv"],
            qkv_bias=torch.cat([turned(part, self._weights(f"{projection(part)}.bias")) for part in "qkv"])
            if bias
            else None,
            out=[self.matrix(f"{projection('o')}.weight")],
            gate_up=[self.matrix(f"{name}mlp.{part}_proj.weight") for part in ("gate", "up")],
            down=[self.matrix(f"{name}mlp.down_proj.weight")],
        )

    def _layer(self, number: int) -> Layer:
        name, matrices, linear = f"model.layers.{number}.", self.matrices(number), self.kernels.linear
        qk_norm = None
        if self.config.model_type == "qwen3":
            parts = (self._weights(f"{name}self_attn.{part}_norm.weight").float() for part in "qk")
            query_norm, key_norm = (part[pairs(1, self.head_dim)] for part in parts)
            qk_norm = torch.cat([query_norm.expand(self.heads, -1), key_norm.expand(self.kv_heads, -1)])
        return Layer(
            width=self.config.intermediate_size,
            attn_norm=self._weights(f"{name}input_layernorm.weight").float(),
            qkv=linear(matrices.qkv, matrices.qkv_bias),
            qk_norm=qk_norm,
            out=linear(matrices.out),
            mlp_norm=self._weights(f"{name}post_attention_layernorm.weight").float(),
            gate_up=linear(matrices.gate_up),
            down=linear(matrices.down),
        )

    def embed(self, tokens: Tensor) -> Tensor:
        """Token ids, int64 (S,), to embeddings, fp32 (S, H)."""
        return self._words(tokens)

    @torch.inference_mode()
    def prefill(self, embeds: Tensor, past: KVCache | None = None) -> tuple[Tensor, KVCache]:
        """Read a prompt once, behind `past`: fp32 (S, H) to the logits of the next token, fp32 (V,), and a one-row
        cache."""
        hidden, cache = self._read(embeds, past=past)
        return self._logits(hidden[-1:])[0], cache

    @torch.inference_mode()
    def cut(self, cache: KVCache, part: slice) -> KVCache:
        """These positions of a one-row cache, moved to the front."""
        start, stop, _ = part.indices(cache.length)
        front: KVCache = self.moved(KVCache(cache.keys[..., start:stop, :], cache.values[..., start:stop, :]), -start)
        return front

    @torch.inference_mode()
    def moved(self, cache: KVCache, by: int) -> KVCache:
        """The keys of a one-row cache rotated to stand so many positions later."""
        return KVCache(self.rotary.moved(cache.keys, by), cache.values)

    @torch.inference_mode()
    def attention(self, embeds: Tensor, past: KVCache) -> list[Attention]:
        """See `Decoder.attention`."""
        found: list[Attention] = []
        turn = self.rotary.turn(torch.arange(past.length, past.length + len(embeds)))[:, None]

        def watch(_: int, qkv: Tensor) -> None:
            parts = qkv.unflatten(1, (-1, self.head_dim)).split([self.heads, self.kv_heads, self.kv_heads], 1)
            queries, keys = (in_order(rotate(part, turn)).half() for part in parts[:2])
            found.append(Attention(queries, keys, parts[2].half()))

        self._read(embeds, watch, past=past)
        return found

    def to_tensors(self, cache: KVCache) -> tuple[Tensor, Tensor]:
        """Keys and values of a one-row cache, fp32 (L, kv heads, S, D) each, in the order of the checkpoint."""
        return in_order(cache.keys[:, 0]), cache.values[:, 0].clone()

    def to_cache(self, keys: Tensor, values: Tensor) -> KVCache:
        """The reverse of `to_tensors`; differentiable."""
        return KVCache(keys[:, None].unflatten(-1, (2, -1)).transpose(-1, -2).flatten(-2), values[:, None])

    @torch.inference_mode()
    def logits(self, embeds: Tensor) -> Tensor:
        """The logits after every position: fp32 (S, H) to fp32 (S, V)."""
        return self._logits(self._read(embeds)[0])

    @torch.inference_mode()
    def keys(self, embeds: Tensor, layers: Sequence[int]) -> Tensor:
        """What attention compares with, before it is rotated: fp32 (S, H) to fp32 (len(layers), S, kv heads · D)."""
        first, size = self.heads * self.head_dim, self.kv_heads * self.head_dim
        found: dict[int, Tensor] = {}

        def watch(number: int, qkv: Tensor) -> None:
            if number in layers:
                found[number] = in_order(qkv[:, first : first + size].unflatten(1, (-1, self.head_dim))).flatten(1)

        self._read(embeds, watch, max(layers) + 1)
        return torch.stack([found[number] for number in layers])

    def log_probs(
        self, prompt: Tensor, rows: Sequence[Tensor], temperature: float, past: KVCache | None = None
    ) -> Tensor:
        """Differentiable log-probabilities of rollouts that follow a prompt: see `Gradients.log_probs`."""
        from elm_app.engine.quantized.backward import Gradients

        if self._gradients is None:
            self._gradients = Gradients(self)
            self._weights.close()
        result: Tensor = self._gradients.log_probs(prompt, rows, temperature, past)
        return result

    def begin(self, prompts: list[tuple[KVCache, int]]) -> list[RowsCache]:
        """A batch: each prompt's cache, copied for its number of rows; the rows stand in this order."""
        return [cache.rows(n) for cache, n in prompts]

    @torch.inference_mode()
    def step(self, batch: list[RowsCache], tokens: Tensor) -> Tensor:
        """One new token for every row, int64 (B,), to the logits of the next, fp32 (B, V)."""
        for cache in batch:
            cache.reserve()
        turns = [self.rotary.turn(torch.tensor([cache.length]))[0] for cache in batch]
        mixed = torch.empty(len(tokens), self.heads * self.head_dim)

        def attend(number: int, qkv: Tensor) -> Tensor:
            start = 0
            for cache, turn in zip(batch, turns, strict=True):
                rows = slice(start, start + len(cache))
                keys, values = cache.keys[number], cache.values[number]
                self.kernels.attend(qkv[rows], turn, keys, values, cache.length, mixed[rows])
                start += len(cache)
            return mixed

        hidden = self._forward(self.embed(tokens), attend)
        for cache in batch:
            cache.length += 1
        return self._logits(hidden)

    def keep(self, batch: list[RowsCache], rows: list[int]) -> list[RowsCache]:
        """The batch with these rows only (ascending); a prompt without rows leaves."""
        kept, start = [], 0
        for cache in batch:
            end = start + len(cache)
            mine = [row - start for row in rows if start <= row < end]
            start = end
            if mine:
                cache.keep(mine)
                kept.append(cache)
        return kept

    def _read(
        self,
        embeds: Tensor,
        watch: Callable[[int, Tensor], None] = lambda *_: None,
        depth: int | None = None,
        past: KVCache | None = None,
    ) -> tuple[Tensor, KVCache]:
        """Hidden states (S, H) after `depth` layers, and a one-row cache; `watch` sees each layer's q, k and v."""
        before = past.length if past else 0
        length, depth = before + len(embeds), depth or len(self.layers)
        shape = (depth, 1, self.kv_heads, length, self.head_dim)
        cache = KVCache(torch.empty(shape), torch.empty(shape))
        if past is not None:
            cache.keys[..., :before, :], cache.values[..., :before, :] = past.keys, past.values
        seen = torch.ones(len(embeds), length, dtype=torch.bool).tril_(before) if before else None
        turn = self.rotary.turn(torch.arange(before, length))[:, None]
        sizes = [self.heads, self.kv_heads, self.kv_heads]

        def attend(number: int, qkv: Tensor) -> Tensor:
            watch(number, qkv)
            query, key, value = qkv.unflatten(1, (-1, self.head_dim)).split(sizes, 1)
            query, key, value = (part.transpose(0, 1)[None] for part in (rotate(query, turn), rotate(key, turn), value))
            cache.keys[number, :, :, before:], cache.values[number, :, :, before:] = key, value
            if before:
                key, value = cache.keys[number], cache.values[number]
            key, value = (part.repeat_interleave(self.heads // self.kv_heads, 1) for part in (key, value))
            out = F.scaled_dot_product_attention(query, key, value, attn_mask=seen, is_causal=seen is None)
            return out[0].transpose(0, 1).flatten(1)

        return self._forward(embeds.float(), attend, depth), cache

    def _forward(self, x: Tensor, attend: Callable[[int, Tensor], Tensor], depth: int | None = None) -> Tensor:
        """fp32 (B, H) to the hidden states after `depth` layers, fp32 (B, H), not yet normalised; `x` is used up."""
        kernels, turned = self.kernels, (self.heads + self.kv_heads) * self.head_dim
        for number, layer in enumerate(self.layers[:depth]):
            qkv = layer.qkv(kernels.norm_quantize(x, layer.attn_norm, self.eps))
            if layer.qk_norm is not None:
                query_key = qkv[:, :turned].unflatten(1, (-1, self.head_dim))
                query_key.copy_(F.rms_norm(query_key, (self.head_dim,), eps=self.eps) * layer.qk_norm)
            x = layer.out(kernels.quantize(attend(number, qkv)), add_to=x)
            gate_up = layer.gate_up(kernels.norm_quantize(x, layer.mlp_norm, self.eps))
            x = layer.down(kernels.gate_quantize(gate_up), add_to=x)
        return x

    def _logits(self, hidden: Tensor) -> Tensor:
        return self.head(self.kernels.norm_quantize(hidden, self.norm, self.eps))
