"""Drawing the next token of every row, each row from its own stream of random numbers.

Sampling is exact over the whole vocabulary (no truncation unless `top_k` asks for it): a draw u is looked up in the
cumulative distribution in two levels, blocks of the vocabulary first and tokens inside the block second, which costs
three passes over the logits. Sorting or `multinomial` over 151,936 tokens costs ten times as much.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

_BLOCK = 128


def trace_seed(seed: int, index: int) -> int:
    """The seed of the trace with this index: a hash, so that neighbouring seeds share no traces."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{index}".encode()).digest()[:4], "big")


def uniforms(seed: int, count: int) -> Tensor:
    """A trace's random numbers, one per new token: float64 (count,) in [0, 1), the same on every machine."""
    return torch.from_numpy(np.random.Generator(np.random.Philox(seed)).random(count))


def draw(logits: Tensor, uniform: Tensor, temperature: float, top_k: int = 0) -> tuple[Tensor, Tensor]:
    """Draw one token per row.

    Args:
        logits: floats (B, V); may be overwritten.
        uniform: float64 (B,) in [0, 1), one number per row.
        temperature: divides the logits; 0 takes the likeliest token.
        top_k: only the k likeliest tokens can be drawn; 0 is the whole vocabulary.

    Returns:
        Tokens, int64 (B,), and the natural log of the probability with which each was drawn, fp32 (B,);
        for temperature 0 it is the model's own log-probability.
    """
    logits = logits.float()
    if temperature == 0:
        tokens = logits.argmax(-1)
        chosen = logits.gather(1, tokens[:, None])[:, 0]
        return tokens, chosen - logits.logsumexp(-1)
    if 0 < top_k < logits.shape[1]:
        kept, ids = logits.topk(top_k, dim=-1)
        place, log_prob = draw(kept, uniform, temperature)
        return ids.gather(1, place[:, None])[:, 0], log_prob
    rows, vocabulary = logits.shape
    peak = logits.amax(-1, keepdim=True)
    weights = (logits - peak).div_(temperature).exp_()
    if vocabulary % _BLOCK:
        weights = F.pad(weights, (0, -vocabulary % _BLOCK))
    blocks = weights.view(rows, -1, _BLOCK)
    block_ends = blocks.sum(-1).double().cumsum(-1)
    total = block_ends[:, -1]
    target = uniform.to(total) * total
    block = (block_ends <= target[:, None]).sum(-1).clamp_max_(blocks.shape[1] - 1)
    row = torch.arange(rows, device=logits.device)
    inside = blocks[row, block].double()
    before = torch.where(block > 0, block_ends[row, block - 1], 0.0)
    ends = inside.cumsum(-1) + before[:, None]
    # Rounding may place the target at the very end of its block: stay on a token that has weight.
    last = (
        (inside > 0).to(torch.int8).mul_(torch.arange(_BLOCK, device=logits.device, dtype=torch.int8)).amax(-1).long()
    )
    tokens = block * _BLOCK + torch.minimum((ends <= target[:, None]).sum(-1), last)
    chosen = logits[row, tokens] - peak[:, 0]
    return tokens, chosen / temperature - total.log().float()
