"""Soft prompts and prefixes: where they start, how long their vectors may get, and the words nearest to them.

P virtual tokens, H hidden size, V vocabulary. PEFT's RANDOM start, N(0, 1), is far outside the scale of a model's
embeddings (0.015 an element for Qwen2.5 0.5B), so there are two others: a text in the model's own chat format, or
random rows of the vocabulary.
"""

from __future__ import annotations

import hashlib
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from elm_app.core.config import Form, Init
from elm_app.core.errors import ModelError
from elm_app.engine.engine import Engine
from elm_app.engine.prefix import packed

TEXT = "You are a careful mathematician who checks every step."
"""The text that a soft prompt starts from, repeated or cut to fit."""
_BATCH = 8192
_MARKER = "ELM-TEXT-GOES-HERE"


def start(engine: Engine, virtual_tokens: int, init: Init, seed: int, form: Form = "soft") -> Tensor:
    """A new soft prompt, fp32 (P, H), on the CPU; or a prefix, fp32 (P, L · 2 · kv heads · D), that starts as the keys
    and values of such a soft prompt. As long as there is no `example`, the text stands in for it."""
    if init != "vocabulary":
        tokens = torch.tensor(_text_tokens(engine.tokenizer, virtual_tokens))
    else:
        generator = torch.Generator().manual_seed(seed)
        tokens = torch.randint(len(engine.tokenizer), (virtual_tokens,), generator=generator)
    vectors = engine.decoder.embed(tokens).detach()
    if form == "soft":
        return vectors.float().cpu().clone()
    _, cache = engine.decoder.prefill(vectors)
    prefix = packed(*engine.decoder.to_tensors(cache)).cpu()
    if prefix.shape[1] == vectors.shape[1]:
        raise ModelError("A prefix of this model is as wide as its soft prompts.", "Use --form soft.")
    return prefix


def _text_tokens(tokenizer: Any, count: int) -> list[int]:
    """`TEXT` as a turn of the system in the model's own chat format, `count` tokens in all; plain where there is none.

    Words that stand outside any turn cost the model half of its accuracy before anything is learned (docs/TRAINING.md).
    """
    words: list[int] = tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    before, after = _system_turn(tokenizer)
    room = count - len(before) - len(after)
    if room < 1:
        before, after, room = [], [], count
    return before + (words * (1 + room // len(words)))[:room] + after


def _system_turn(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The tokens around what the system says, as the chat template has them; nothing if it has no such turn."""
    from jinja2 import TemplateError

    if not tokenizer.chat_template:
        return [], []
    try:
        said = tokenizer.apply_chat_template([{"role": "system", "content": _MARKER}], tokenize=False)
    except (TemplateError, ValueError):
        return [], []
    before, found, after = said.partition(_MARKER)
    if not found or _MARKER in after:
        return [], []
    pair = [tokenizer(part, add_special_tokens=False)["input_ids"] for part in (before, after)]
    return pair[0], pair[1]


def tokenizer_sha256(engine: Engine) -> str:
    """The hash of the tokenizer's own description of itself."""
    return hashlib.sha256(engine.tokenizer._tokenizer.to_str().encode()).hexdigest()


def mean_length(engine: Engine) -> float:
    """Mean Euclidean length of a word's embedding, over a thousand words spread over the vocabulary."""
    tokens = torch.linspace(0, len(engine.tokenizer) - 1, 1000).long()
    return float(engine.decoder.embed(tokens).float().norm(dim=1).mean())


def cap(soft_prompt: Tensor, longest: float) -> Tensor:
    """The soft prompt (P, H) with vectors longer than `longest` shortened to it."""
    return soft_prompt * (longest / soft_prompt.norm(dim=1, keepdim=True)).clamp(max=1.0)


@torch.no_grad()
def nearest_words(engine: Engine, soft_prompt: Tensor, count: int = 5) -> tuple[tuple[str, ...], ...]:
    """For each virtual token the `count` vocabulary entries nearest by cosine, nearest first."""
    wanted = F.normalize(soft_prompt.float(), dim=1)
    size = len(engine.tokenizer)
    best, ids = torch.full((len(wanted), count), -2.0), torch.zeros(len(wanted), count, dtype=torch.long)
    for first in range(0, size, _BATCH):
        tokens = torch.arange(first, min(first + _BATCH, size))
        scores = wanted @ F.normalize(engine.decoder.embed(tokens).float().cpu(), dim=1).T
        all_scores, all_ids = torch.cat([best, scores], 1), torch.cat([ids, tokens.expand(len(wanted), -1)], 1)
        best, places = all_scores.topk(count, dim=1)
        ids = all_ids.gather(1, places)
    return tuple(tuple(engine.tokenizer.decode([token]) for token in row) for row in ids.tolist())
