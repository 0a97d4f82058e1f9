"""The rollout engine: many prompts, with and without soft prompts, sampled in one batch and streamed token by token.

Each prompt is read once; its cache is copied for its samples; rows that finish leave the batch. A row's trace depends
on the model, its prompt, its soft prompt, the settings and its own seed, not on who else is in the batch.

The arithmetic is a `Decoder`'s (`decoder.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers.decoders import DecodeStream
from torch import Tensor

from elm_app.core.config import SamplingSettings
from elm_app.core.errors import BadInput, ModelError, OutOfMemory
from elm_app.core.types import ModelInfo
from elm_app.engine.chat_template import chat_prompt
from elm_app.engine.decoder import Decoder
from elm_app.engine.prefix import unpacked
from elm_app.engine.sampler import draw, trace_seed, uniforms


@dataclass(frozen=True)
class RolloutRequest:
    """k samples of one prompt.

    Attributes:
        prompt: token ids.
        samples: k.
        seed: the run's seed; row i is seeded with `trace_seed(seed, first + i)`.
        soft_prompt: floats (P, H), vectors put in front of the prompt's embeddings, or None; or floats of another
            width: keys and values of P positions (`prefix.py`), without `past`.
        past: a decoder's cache for one row that stands in front of everything, or None.
        first: rows of this prompt and seed that were sampled before.
    """

    prompt: Sequence[int]
    samples: int
    seed: int
    soft_prompt: Tensor | NDArray[np.float32] | None = None
    past: Any | None = None
    first: int = 0


@dataclass(frozen=True)
class Prefilled:
    """Request number `request` has been read; `tokens` positions, soft prompt included, in `seconds`."""

    request: int
    tokens: int
    seconds: float


@dataclass(frozen=True)
class NewText:
    """A row grew by one token; `text` is what became readable (may be empty in the middle of a character)."""

    request: int
    index: int
    text: str
    tokens: int


@dataclass(frozen=True)
class Finished:
    """A row is done: its token ids (the stop token included), its text, whether it stopped by itself, and the natural
    log-probability of each token under the distribution that it was drawn from."""

    request: int
    index: int
    seed: int
    tokens: tuple[int, ...]
    text: str
    stopped: bool
    logprobs: tuple[float, ...]


RolloutEvent = Prefilled | NewText | Finished


class _Row:
    def __init__(self, request: int, index: int, seed: int, limit: int, stream: DecodeStream) -> None:
        self.request, self.index, self.seed, self.stream = request, index, seed, stream
        self.uniforms = uniforms(seed, limit)
        self.tokens: list[int] = []
        self.logprobs: list[float] = []


class Engine:
    """A loaded model, ready to sample. Made by `loader.load`."""

    def __init__(
        self,
        decoder: Decoder,
        tokenizer: Any,
        info: ModelInfo,
        context: int,
        stop_tokens: frozenset[int],
        architecture: dict[str, Any] | None = None,
    ):
        self.decoder, self.tokenizer, self.info = decoder, tokenizer, info
        self.context, self.stop_tokens = context, stop_tokens
        self.architecture = architecture or {}
        """What an adapter's description says of its model: layers, attention heads, hidden size, name."""

    def encode(self, problem: str) -> list[int]:
        """The token ids of the prompt that asks for `problem` to be solved."""
        return chat_prompt(self.tokenizer, problem)

    def check_length(self, prompt_tokens: int, max_new_tokens: int) -> None:
        """Raise `BadInput` where a prompt and T new tokens do not fit the model's context."""
        room = self.context - max_new_tokens
        if prompt_tokens > room:
            raise BadInput(
                f"The problem is {prompt_tokens} tokens long, and with {max_new_tokens} new tokens "
                f"it does not fit the model's context of {self.context}.",
                f"Shorten it to {room} tokens." if room > 0 else f"Ask for fewer than {self.context} new tokens.",
            )

    def rollout(
        self,
        requests: Sequence[RolloutRequest],
        sampling: SamplingSettings,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[RolloutEvent]:
        """Sample all requests in one batch (their own `samples` and `seed` count, not those of `sampling`).

        Yields every token as it is drawn. Ends early, between two tokens, when `stopped()` is true. Nothing is yielded
        while a gradient mode is set, so a consumer may suspend or move threads.

        Raises:
            BadInput: a prompt does not fit.
            OutOfMemory: the device's memory ran out.
        """
        with readable_errors():
            rows: list[_Row] = []
            prompts: list[tuple[Any, int]] = []
            first: list[Tensor] = []
            for number, request in enumerate(requests):
                if stopped():
                    return
                began = time.perf_counter()
                soft_prompt = None if request.soft_prompt is None else torch.as_tensor(request.soft_prompt).detach()
                embeds, past = self._in_front(soft_prompt, request.prompt, request.past)
                length = len(request.prompt) + (0 if soft_prompt is None else len(soft_prompt))
                self.check_length(length, sampling.max_new_tokens)
                logits, cache = self.decoder.prefill(embeds, past)
                prompts.append((cache, request.samples))
                first.append(logits.expand(request.samples, -1))
                for index in range(request.samples):
                    seed = trace_seed(request.seed, request.first + index)
                    stream = DecodeStream(skip_special_tokens=True)
                    rows.append(_Row(number, index, seed, sampling.max_new_tokens, stream))
                yield Prefilled(number, length, time.perf_counter() - began)
            batch = self.decoder.begin(prompts)
            logits = torch.cat(first)
            while rows and not stopped():
                tokens = self._draw(rows, logits, sampling)
                staying = []
                for place, (row, token) in enumerate(zip(rows, tokens.tolist(), strict=True)):
                    yield self._grow(row, token)
                    if token in self.stop_tokens or len(row.tokens) == sampling.max_new_tokens:
                        yield self._finish(row)
                    else:
                        staying.append(place)
                if len(staying) < len(rows):
                    rows = [rows[place] for place in staying]
                    if not rows:
                        return
                    batch = self.decoder.keep(batch, staying)
                    tokens = tokens[staying]
                logits = self.decoder.step(batch, tokens)

    def log_probs(
        self, prompt: Sequence[int], soft_prompt: Tensor, rows: Sequence[Sequence[int]], temperature: float = 1.0
    ) -> Tensor:
        """Log-probabilities of rollouts' tokens, fp32 (ΣT,), row after row, on the CPU.

        Differentiable with respect to `soft_prompt` only; the model is frozen.

        Args:
            prompt: token ids that stand behind the soft prompt.
            soft_prompt: (P, H), or of another width: keys and values, as in a `RolloutRequest`.
            rows: token ids of each rollout, at least one.

        Raises:
            OutOfMemory: the device's memory ran out.
        """
        with readable_errors("learning"):
            whole, past = self._in_front(soft_prompt, prompt)
            tokens = [torch.tensor(row, dtype=torch.long, device=whole.device) for row in rows]
            return self.decoder.log_probs(whole, tokens, temperature, past).cpu()

    def scores(
        self,
        prompt: Sequence[int],
        soft_prompts: Sequence[Tensor | NDArray[np.float32] | None],
        rows: Sequence[Sequence[int]],
        temperature: float = 1.0,
    ) -> Generator[int, None, list[list[list[float]]]]:
        """Natural log-probabilities of tokens that are given, all rows behind every soft prompt, in one batch.

        Token by token, with the very arithmetic of `rollout`: a row scores as it did when it was drawn, and nothing is
        kept for a gradient, as `log_probs` does. Yields how many tokens of each row are done.

        Args:
            soft_prompts: as in a `RolloutRequest`.
            rows: token ids, at least one each.
            temperature: as `sampler.draw` has it.

        Returns:
            Of every soft prompt, of every row, a number for each token. Raises what `rollout` raises.
        """
        with readable_errors("scoring", "Choose a shorter trace, or close what else uses the memory."):
            prompts, first, longest = [], [], max(map(len, rows))
            for given in soft_prompts:
                soft_prompt = None if given is None else torch.as_tensor(given).detach()
                self.check_length(len(prompt) + (0 if soft_prompt is None else len(soft_prompt)), longest)
                logits, cache = self.decoder.prefill(*self._in_front(soft_prompt, prompt))
                prompts.append((cache, len(rows)))
                first.append(logits.expand(len(rows), -1))
            wanted = [row for _ in soft_prompts for row in rows]
            found: list[list[float]] = [[] for _ in wanted]
            batch, logits, left = self.decoder.begin(prompts), torch.cat(first), list(range(len(wanted)))
            for place in range(longest):
                tokens = torch.tensor([wanted[row][place] for row in left], device=logits.device)
                for row, score in zip(left, _chosen(logits, tokens, temperature), strict=True):
                    found[row].append(score)
                yield place + 1
                staying = [at for at, row in enumerate(left) if place + 1 < len(wanted[row])]
                if not staying:
                    break
                if len(staying) < len(left):
                    batch, tokens = self.decoder.keep(batch, staying), tokens[staying]
                    left = [left[at] for at in staying]
                logits = self.decoder.step(batch, tokens)
        return [found[at : at + len(rows)] for at in range(0, len(found), len(rows))]

    def _in_front(
        self, soft_prompt: Tensor | None, prompt: Sequence[int], past: Any | None = None
    ) -> tuple[Tensor, Any | None]:
        """What is read, (S, H), and the cache that stands in front of it; differentiable."""
        embeds = self.decoder.embed(torch.tensor(prompt, dtype=torch.long)).detach()
        if soft_prompt is None:
            return embeds, past
        if soft_prompt.shape[1] == embeds.shape[1]:
            return torch.cat([soft_prompt.to(embeds), embeds]), past
        if past is not None:
            raise ValueError("a prefix has nothing in front of it")
        return embeds, self.decoder.to_cache(*unpacked(soft_prompt, self.decoder.layer_count, self.decoder.kv_heads))

    @torch.inference_mode()
    def _draw(self, rows: list[_Row], logits: Tensor, sampling: SamplingSettings) -> Tensor:
        uniform = torch.stack([row.uniforms[len(row.tokens)] for row in rows])
        tokens, logprobs = draw(logits, uniform, sampling.temperature, sampling.top_k)
        for row, logprob in zip(rows, logprobs.tolist(), strict=True):
            row.logprobs.append(logprob)
        return tokens

    def _grow(self, row: _Row, token: int) -> NewText:
        row.tokens.append(token)
        text = row.stream.step(self.tokenizer._tokenizer, token) or ""
        return NewText(row.request, row.index, text, len(row.tokens))

    def _finish(self, row: _Row) -> Finished:
        text = self.tokenizer.decode(row.tokens, skip_special_tokens=True)
        stopped = row.tokens[-1] in self.stop_tokens
        return Finished(row.request, row.index, row.seed, tuple(row.tokens), text, stopped, tuple(row.logprobs))


@torch.inference_mode()
def _chosen(logits: Tensor, tokens: Tensor, temperature: float) -> list[float]:
    """The log-probabilities of tokens, int64 (B,), under logits (B, V)."""
    scores = (logits.float() / (temperature or 1.0)).log_softmax(1).gather(1, tokens[:, None])[:, 0]
    chosen: list[float] = scores.tolist()
    return chosen


@contextmanager
def readable_errors(what: str = "sampling", less: str = "Lower the samples or the new tokens.") -> Iterator[None]:
    """Turns the device's errors into sentences."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error):
            raise OutOfMemory(f"Memory ran out while {what}.", less) from error
        if "CUDA" in str(error):
            raise ModelError(f"The GPU failed: {error}.", "Restart the app, or use --device cpu.") from error
        raise
