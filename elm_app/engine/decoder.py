"""What the engine asks of a model's arithmetic: `quantized/` has it on a CPU, `dense_decoder.py` elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor

from elm_app.engine.attention import Attention


class Decoder(Protocol):
    """The arithmetic of a frozen causal model. `cache` and `batch` are its own business."""

    @property
    def layer_count(self) -> int:
        """How many layers it has."""

    @property
    def kv_heads(self) -> int:
        """How many heads of keys and values a layer has."""

    def embed(self, tokens: Tensor) -> Tensor:
        """Token ids, int64 (S,), to embeddings (S, H)."""

    def prefill(self, embeds: Tensor, past: Any | None = None) -> tuple[Tensor, Any]:
        """Embeddings (S, H) to the logits of the next token (V,) and a cache for one row; `past`, such a cache, stands
        in front, and stays as it is."""

    def cut(self, cache: Any, part: slice) -> Any:
        """These positions of a cache for one row, as a cache of their own; they move to the front."""

    def moved(self, cache: Any, by: int) -> Any:
        """A cache for one row whose keys stand so many positions later, or earlier."""

    def attention(self, embeds: Tensor, past: Any) -> list[Attention]:
        """Embeddings (S, H) that stand behind `past`: what attention is given in every layer of them alone, on the
        CPU."""

    def to_tensors(self, cache: Any) -> tuple[Tensor, Tensor]:
        """Keys and values of a cache for one row, fp32 (layers, kv heads, S, D) each, in the checkpoint's order."""

    def to_cache(self, keys: Tensor, values: Tensor) -> Any:
        """The reverse of `to_tensors`; differentiable."""

    def logits(self, embeds: Tensor) -> Tensor:
        """Embeddings (S, H) to the logits after every position (S, V)."""

    def keys(self, embeds: Tensor, layers: Sequence[int]) -> Tensor:
        """Embeddings (S, H) to the keys of some layers before the rotary embedding: fp32 (len(layers), S, kv · D), on
        the CPU, in the order of the checkpoint."""

    def log_probs(self, prompt: Tensor, rows: Sequence[Tensor], temperature: float, past: Any | None = None) -> Tensor:
        """A prompt's embeddings (S, H) and rollouts, int64 (T,) each, to the log-probabilities of the rollouts' tokens
        at that temperature, fp32 (ΣT,), row after row; differentiable with respect to `prompt` and `past`."""

    def begin(self, prompts: list[tuple[Any, int]]) -> Any:
        """A batch in which each prompt's cache stands n times, in this order."""

    def step(self, batch: Any, tokens: Tensor) -> Tensor:
        """One new token per row, int64 (B,), to the logits of the next (B, V)."""

    def keep(self, batch: Any, rows: list[int]) -> Any:
        """The batch with these rows only (ascending)."""
