"""How the distributions of a rollout's tokens were spread: entropy and self-certainty, in a pass of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from elm_app.engine.engine import Engine


@torch.no_grad()
def spread(
    engine: Engine, prompt: Sequence[int], soft_prompt: Tensor | None, row: Sequence[int], temperature: float
) -> tuple[float, float]:
    """Means over the tokens of a rollout, in nats: the entropy of p, and KL(uniform ‖ p) = −log V − mean log p.

    Args:
        soft_prompt: floats (P, H) in front of the prompt, or None.
        row: the rollout's token ids, at least one.
        temperature: that p was sampled with.
    """
    embed = engine.decoder.embed
    parts = [embed(torch.tensor([*prompt, *row[:-1]], dtype=torch.long))]
    if soft_prompt is not None:
        parts.insert(0, soft_prompt.detach().to(parts[0]))
    logits = engine.decoder.logits(torch.cat(parts))[-len(row) :].float() / temperature
    entropy = certainty = 0.0
    for part in logits.split(64):
        logprobs = part.log_softmax(1)
        entropy += float(-(logprobs.exp() * logprobs).sum(1).sum())
        certainty += float(-logprobs.mean(1).sum())
    vocabulary = logits.shape[1]
    return entropy / len(row), certainty / len(row) - float(torch.tensor(float(vocabulary)).log())
