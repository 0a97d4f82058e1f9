"""Soft prompts: where they start, how long their vectors may get, and the words nearest to them.

P virtual tokens, H hidden size, V vocabulary. PEFT's RANDOM start, N(0, 1), is far outside the scale of a model's
embeddings (0.015 an element for Qwen2.5 0.5B), so there are two others: a text, or random rows of the vocabulary.
"""

from __future__ import annotations

import hashlib

import torch
import torch.nn.functional as F
from torch import Tensor

from elm_app.config import Init
from elm_app.llm.engine import Engine

TEXT = "Solve the problem carefully step by step, check every calculation, and box the final answer.\n"
"""The text that a soft prompt starts from, repeated or cut to P tokens."""
_BATCH = 8192


def start(engine: Engine, virtual_tokens: int, init: Init, seed: int) -> Tensor:
    """A new soft prompt, fp32 (P, H), on the CPU."""
    if init == "text":
        ids = engine.tokenizer(TEXT, add_special_tokens=False)["input_ids"]
        tokens = torch.tensor((ids * (1 + virtual_tokens // len(ids)))[:virtual_tokens])
    else:
        generator = torch.Generator().manual_seed(seed)
        tokens = torch.randint(len(engine.tokenizer), (virtual_tokens,), generator=generator)
    return engine.decoder.embed(tokens).detach().float().cpu().clone()


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
