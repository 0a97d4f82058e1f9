"""GRPO on one prompt: advantages and the loss, pure functions of tensors.

Two variants, both without a KL term; with one update a batch, the default, they are on-policy:

`dr_grpo` (the default; Liu et al., arXiv 2503.20783, equations 3 and 4; TRL's `loss_type="dr_grpo"`,
`scale_rewards="none"`): advantage = reward − mean; every token counts the same; the sum is divided by the constant
k · T, so that long rollouts are not favoured. The ratio to the policy that sampled is 1, and its gradient that of the
log-probability.

`grpo` (the published formula; Shao et al., arXiv 2402.03300, equation 3; TRL's `loss_type="grpo"`,
`scale_rewards="group"`): advantage = (reward − mean) / (standard deviation + 1e-4); the mean over a rollout's tokens
first and over rollouts second; the ratio clipped to 1 ± ε.
"""

from __future__ import annotations

import torch
from torch import Tensor

from elm_app.core.config import Loss
from elm_app.learning.advantages import group_advantages

CLIP = 0.2
"""ε of the clipped ratio."""


def advantages(rewards: Tensor, loss: Loss = "dr_grpo") -> Tensor:
    """Rewards, fp32 (k,), to advantages, fp32 (k,); all zero where the rewards are equal.

    >>> advantages(torch.tensor([1.0, 0.0, 0.0, 1.0])).tolist()
    [0.5, -0.5, -0.5, 0.5]
    """
    return rewards.new_tensor(group_advantages(rewards.tolist(), loss))


def grpo_loss(
    logprobs: Tensor,
    sampled: Tensor,
    advantages: Tensor,
    mask: Tensor,
    max_new_tokens: int,
    loss: Loss = "dr_grpo",
    count: int | None = None,
) -> Tensor:
    """The loss to be minimised, a scalar.

    Args:
        logprobs: fp32 (k, T), log-probabilities of the rollouts' tokens, differentiable.
        sampled: fp32 (k, T), the same when the rollouts were sampled.
        advantages: fp32 (k,).
        mask: fp32 (k, T), 1 where there is a token.
        max_new_tokens: T at most, the constant of `dr_grpo`.
        count: rollouts in the batch, where some without an advantage were left out.
    """
    ratio = torch.exp(logprobs - sampled)
    gain = ratio * advantages[:, None]
    clipped = ratio.clamp(1 - CLIP, 1 + CLIP) * advantages[:, None]
    each = -torch.minimum(gain, clipped) * mask
    if loss == "grpo":
        return (each.sum(1) / mask.sum(1).clamp(min=1.0)).sum() / (count or len(each))
    return each.sum() / ((count or len(each)) * max_new_tokens)


def padded(values: Tensor, lengths: list[int]) -> tuple[Tensor, Tensor]:
    """Row after row, fp32 (ΣT,), to (k, max T) with zeros behind each row, and the mask, fp32 (k, max T)."""
    rows = torch.nn.utils.rnn.pad_sequence(list(values.split(lengths)), batch_first=True)
    ends = torch.tensor(lengths, device=values.device)
    return rows, (torch.arange(rows.shape[1], device=values.device) < ends[:, None]).float()
