"""Log-probabilities of chosen tokens and their gradient, without whole logits kept for the way back.

Logits are made for a few hundred positions at a time and dropped. With c = onehot(token) − softmax(logits), the
gradient of a chosen token's log-probability with respect to the last hidden state is c · W / temperature, which does
not depend on the loss; so it is made at once, and neither logits nor another pass over the vocabulary are needed later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_CHUNK = 256
"""Positions whose logits are held at a time."""


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
