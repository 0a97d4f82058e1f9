"""Decoding with any causal model that transformers can run: unquantised, or bitsandbytes NF4, on a CPU or a GPU.

Rows of different prompts share one `DynamicCache`, padded on the left; positions are counted without the padding.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from elm_app.core.errors import ModelError
from elm_app.engine.attention import Attention
from elm_app.engine.chosen_logprobs import ChosenLogProbs

_WATCHED = "elm-watched"
"""The name under which transformers knows an attention that also keeps what it is given."""
_WATCHING = threading.local()
"""`keep`: what takes the queries, keys, values and scale of this thread's attention."""
_NOT_WATCHED = ("The attention of this kind of model cannot be watched.", "Learn with --init text: from a short text.")
_NOT_MOVED = (
    "This kind of model keeps keys that cannot be moved.",
    "Choose another model; to learn, --init text will do.",
)


@dataclass
class _Batch:
    cache: Any
    mask: Tensor  # int64 (B, positions), 0 where padded
    lengths: Tensor  # int64 (B,), positions without the padding


class DenseDecoder:
    """Wraps a frozen `PreTrainedModel`.

    `Linear4bit` layers stay in training mode: bitsandbytes repacks them for inference in evaluation mode on some CPUs,
    and gradients with respect to a soft prompt are lost from then on.
    """

    def __init__(self, model: Any) -> None:
        self.model = model.eval().requires_grad_(False)
        for module in model.modules():
            if type(module).__name__ == "Linear4bit":
                module.train()
        self.device: torch.device = model.get_input_embeddings().weight.device

    @property
    def layer_count(self) -> int:
        return int(self.model.config.num_hidden_layers)

    @property
    def kv_heads(self) -> int:
        config = self.model.config
        return int(getattr(config, "num_key_value_heads", None) or config.num_attention_heads)

    def embed(self, tokens: Tensor) -> Tensor:
        """Token ids, int64 (S,), to embeddings (S, H)."""
        embeds: Tensor = self.model.get_input_embeddings()(tokens.to(self.device))
        return embeds

    @torch.no_grad()
    def prefill(self, embeds: Tensor, past: Any | None = None) -> tuple[Tensor, Any]:
        """Read a prompt once, behind `past`: (S, H) to the logits of the next token, fp32 (V,), and a cache."""
        out = self.model(inputs_embeds=embeds[None], past_key_values=_copy(past), use_cache=True, logits_to_keep=1)
        return out.logits[0, -1].float(), out.past_key_values

    @torch.no_grad()
    def cut(self, cache: Any, part: slice) -> Any:
        """These positions of a one-row cache, moved to the front; raises `ModelError` without rotary embeddings."""
        keys, values = self.to_tensors(cache)
        start, stop, _ = part.indices(keys.shape[2])
        return self.moved(self.to_cache(keys[:, :, start:stop], values[:, :, start:stop]), -start)

    @torch.no_grad()
    def moved(self, cache: Any, by: int) -> Any:
        """The keys of a one-row cache rotated to stand so many positions later; raises `ModelError` without rotary
        embeddings."""
        keys, values = self.to_tensors(cache)
        turned = self._rotated(keys, torch.tensor([by], device=self.device))
        scale = getattr(self.model.base_model.rotary_emb, "attention_scaling", 1.0)  # the keys have been scaled already
        return self.to_cache(turned / scale, values)

    @torch.no_grad()
    def attention(self, embeds: Tensor, past: Any) -> list[Attention]:
        """See `Decoder.attention`; raises `ModelError` where the model's attention cannot be watched."""
        from transformers import AttentionInterface, AttentionMaskInterface
        from transformers.masking_utils import sdpa_mask

        found: list[Attention] = []

        def keep(query: Tensor, key: Tensor, value: Tensor, scaling: float | None) -> None:
            own = [part[0, :, -len(embeds) :].transpose(0, 1).float() for part in (query, key, value)]
            own[0] *= (scaling or query.shape[3] ** -0.5) * query.shape[3] ** 0.5
            found.append(Attention(*(part.half().cpu() for part in own)))

        if self.model.config._attn_implementation != "sdpa":
            raise ModelError(*_NOT_WATCHED)
        AttentionInterface.register(_WATCHED, _watched)
        AttentionMaskInterface.register(_WATCHED, sdpa_mask)
        try:
            _WATCHING.keep = keep
            self.model.set_attn_implementation(_WATCHED)
            self.model.base_model(inputs_embeds=embeds[None], past_key_values=_copy(past), use_cache=True)
        finally:
            _WATCHING.keep = None
            self.model.set_attn_implementation("sdpa")
        if len(found) != self.layer_count:
            raise ModelError(*_NOT_WATCHED)
        return found

    def _rotated(self, x: Tensor, places: Tensor) -> Tensor:
        """Vectors (…, S, D) with the rotary embedding of positions, int64 (S,) or one for all."""
        try:
            cos, sin = (part[0].to(x) for part in self.model.base_model.rotary_emb(x, places[None]))
        except (AttributeError, TypeError) as error:  # there are none, or they differ from layer to layer
            raise ModelError(*_NOT_MOVED) from error
        if cos.shape[-1] != x.shape[-1]:
            raise ModelError(*_NOT_MOVED)
        first, second = x.chunk(2, -1)
        turned: Tensor = x * cos + torch.cat([-second, first], -1) * sin
        return turned

    def to_tensors(self, cache: Any) -> tuple[Tensor, Tensor]:
        """Keys and values of a one-row cache, fp32 (L, kv heads, S, D) each."""
        pairs = [(layer.keys[0].float(), layer.values[0].float()) for layer in cache.layers]
        return torch.stack([key for key, _ in pairs]), torch.stack([value for _, value in pairs])

    def to_cache(self, keys: Tensor, values: Tensor) -> Any:
        """The reverse of `to_tensors`; differentiable."""
        from transformers import DynamicCache

        dtype = self.model.get_input_embeddings().weight.dtype
        pairs = zip(keys.to(self.device, dtype), values.to(self.device, dtype), strict=True)
        return DynamicCache([(key[None], value[None]) for key, value in pairs])

    @torch.no_grad()
    def logits(self, embeds: Tensor) -> Tensor:
        """The logits after every position: (S, H) to fp32 (S, V)."""
        out: Tensor = self.model(inputs_embeds=embeds[None], use_cache=False).logits[0].float()
        return out

    @torch.no_grad()
    def keys(self, embeds: Tensor, layers: Sequence[int]) -> Tensor:
        """See `Decoder.keys`; raises `ModelError` where the model's keys are not to be had."""
        found: dict[int, Tensor] = {}
        hooks = []
        try:
            for number in layers:
                attention = self.model.base_model.layers[number].self_attn
                module = attention.k_norm if hasattr(attention, "k_norm") else attention.k_proj

                def take(_module: object, _given: object, out: Tensor, number: int = number) -> None:
                    found[number] = out[0].flatten(1).float().cpu()

                hooks.append(module.register_forward_hook(take))
            self.model.base_model(inputs_embeds=embeds[None], use_cache=False)
        except AttributeError as error:
            raise ModelError("This kind of model does not show its keys.", "Use --retrieval input.") from error
        finally:
            for hook in hooks:
                hook.remove()
        return torch.stack([found[number] for number in layers])

    def log_probs(self, prompt: Tensor, rows: Sequence[Tensor], temperature: float, past: Any | None = None) -> Tensor:
        """Log-probabilities of rollouts that follow a prompt, which is read once: see `Decoder.log_probs`."""
        model = self.model.base_model
        lengths = torch.tensor([len(row) - 1 for row in rows], device=self.device)
        before = len(prompt) + (past.get_seq_length() if past is not None else 0)
        first = model(inputs_embeds=prompt[None], past_key_values=_copy(past), use_cache=True)
        hidden = [first.last_hidden_state[:, -1:].expand(len(rows), -1, -1)]
        if int(lengths.max()) > 0:
            cache = first.past_key_values
            cache.batch_repeat_interleave(len(rows))
            written = torch.nn.utils.rnn.pad_sequence([row[:-1] for row in rows], batch_first=True)
            places = torch.arange(written.shape[1], device=self.device)
            seen = torch.ones(len(rows), before, device=self.device)
            second = model(
                inputs_embeds=self.embed(written),
                attention_mask=torch.cat([seen, (places < lengths[:, None])], 1).long(),
                position_ids=(places + before).expand(len(rows), -1),
                past_key_values=cache,
                use_cache=True,
            )
            hidden.append(second.last_hidden_state)
        wide = torch.cat(hidden, 1)
        kept = torch.arange(wide.shape[1], device=self.device) <= lengths[:, None]
        head = self.model.get_output_embeddings().weight
        result: Tensor = ChosenLogProbs.apply(
            wide[kept],
            torch.cat(list(rows)),
            lambda states: states @ head.T,
            lambda surplus: surplus.to(head.dtype) @ head,
            temperature,
        )
        return result

    @torch.no_grad()
    def begin(self, prompts: list[tuple[Any, int]]) -> _Batch:
        """A batch: each prompt's cache repeated for its rows, padded on the left to the longest."""
        from transformers import DynamicCache

        lengths = [cache.get_seq_length() for cache, _ in prompts]
        longest = max(lengths)
        layers = []
        for number in range(len(prompts[0][0].layers)):
            pair = []
            for name in ("keys", "values"):
                parts = []
                for (cache, n), length in zip(prompts, lengths, strict=True):
                    part = getattr(cache.layers[number], name).repeat_interleave(n, 0)
                    parts.append(F.pad(part, (0, 0, longest - length, 0)))
                pair.append(torch.cat(parts))
            layers.append((pair[0], pair[1]))
        rows = torch.tensor([length for length, (_, n) in zip(lengths, prompts, strict=True) for _ in range(n)])
        mask = (torch.arange(longest)[None] >= longest - rows[:, None]).long()
        return _Batch(DynamicCache(layers), mask.to(self.device), rows.to(self.device))

    @torch.no_grad()
    def step(self, batch: _Batch, tokens: Tensor) -> Tensor:
        """One new token for every row, int64 (B,), to the logits of the next, fp32 (B, V)."""
        batch.mask = F.pad(batch.mask, (0, 1), value=1)
        out = self.model(
            input_ids=tokens.to(self.device)[:, None],
            attention_mask=batch.mask,
            position_ids=batch.lengths[:, None],
            past_key_values=batch.cache,
            use_cache=True,
        )
        batch.lengths = batch.lengths + 1
        return out.logits[:, -1].float()

    @torch.no_grad()
    def keep(self, batch: _Batch, rows: list[int]) -> _Batch:
        """The batch with these rows only (ascending), without columns that are padding for all of them."""
        index = torch.tensor(rows, device=self.device)
        mask = batch.mask[index]
        first = int(mask.any(0).int().argmax())
        for layer in batch.cache.layers:
            layer.keys, layer.values = layer.keys[index, :, first:], layer.values[index, :, first:]
        return _Batch(batch.cache, mask[:, first:], batch.lengths[index])


def _watched(module: Any, query: Tensor, key: Tensor, value: Tensor, *rest: Any, **how: Any) -> Any:
    """The usual attention; whoever watches in this thread gets what it is given."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if keep := getattr(_WATCHING, "keep", None):
        keep(query, key, value, how.get("scaling"))
    return sdpa_attention_forward(module, query, key, value, *rest, **how)


def _copy(past: Any | None) -> Any | None:
    """A cache that may grow without the given one growing; the tensors are shared."""
    from transformers import DynamicCache

    return None if past is None else DynamicCache([(layer.keys, layer.values) for layer in past.layers])
