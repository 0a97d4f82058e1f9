"""One update of GRPO, whatever is learned."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from elm_app.config import LearnSettings
from elm_app.errors import ModelError
from elm_app.learning.loss import advantages, grpo_loss, padded
from elm_app.learning.policies import Policy


def improve(
    optimizer: torch.optim.Optimizer,
    parameters: Sequence[Tensor],
    flat: Tensor,
    lengths: list[int],
    rewards: Tensor,
    settings: LearnSettings,
) -> tuple[float, float]:
    """One step of the optimizer; returns the loss and the gradient's norm before it was cut.

    Args:
        flat: fp32 (ΣT,), log-probabilities of the rollouts' tokens, row after row, differentiable.
        lengths: T of each row.
        rewards: fp32 (k,), not all equal.

    Raises:
        ModelError: the gradient is zero, or not finite.
    """
    logprobs, mask = padded(flat, lengths)
    gained = advantages(rewards, settings.loss).to(flat.device)
    loss = grpo_loss(logprobs, logprobs.detach(), gained, mask, settings.max_new_tokens, settings.loss)
    loss.backward()
    norm = float(torch.nn.utils.clip_grad_norm_(list(parameters), settings.clip_norm))
    if not norm > 0 or norm == float("inf"):
        raise ModelError(
            f"The gradient is {'zero' if norm == 0 else 'not a finite number'}.",
            "Choose another --quantization, or a lower learning rate.",
        )
    optimizer.step()
    return float(loss.detach()), norm


class Learner:
    """Improves a policy, rollouts by rollouts; AdamW in fp32 without weight decay."""

    def __init__(self, policy: Policy, settings: LearnSettings) -> None:
        self.policy, self.settings = policy, settings
        self.optimizer = torch.optim.AdamW(policy.parameters, policy.rate, weight_decay=0.0)

    def learn(self, prompt: Sequence[int], rows: Sequence[Sequence[int]], rewards: Sequence[float | None]) -> bool:
        """One update from the rollouts of a prompt; False, and nothing done, if they all have the same reward.

        Args:
            rows: token ids of each rollout, at least one.
            rewards: one a rollout; None is worth nothing.
        """
        values = torch.tensor([value or 0.0 for value in rewards])
        if bool((values == values[0]).all()):
            return False
        self.optimizer.zero_grad()
        flat = self.policy.log_probs(prompt, rows, self.settings.temperature)
        improve(self.optimizer, self.policy.parameters, flat, [len(row) for row in rows], values, self.settings)
        return True
