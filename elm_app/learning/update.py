"""The update of GRPO, whatever is learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from elm_app.core.config import LearnSettings
from elm_app.core.errors import ModelError
from elm_app.learning.grpo import advantages, grpo_loss, padded
from elm_app.learning.policies import Policy


def improve(
    optimizer: torch.optim.Optimizer,
    parameters: Sequence[Tensor],
    log_probs: Callable[[Sequence[Sequence[int]]], Tensor],
    rows: Sequence[Sequence[int]],
    rewards: Tensor,
    settings: LearnSettings,
) -> tuple[float, float]:
    """`settings.updates` steps of the optimizer from one batch of rollouts; those without an advantage cost nothing.

    Args:
        log_probs: token ids of some rollouts to the log-probabilities of their tokens, fp32 (ΣT,), row after row,
            differentiable; asked once for every step.
        rows: token ids of each rollout, at least one.
        rewards: fp32 (k,), not all equal.

    Returns:
        The loss and the gradient's norm before it was cut, both of the first step.

    Raises:
        ModelError: the first gradient is zero, or one is not finite.
    """
    gained = advantages(rewards, settings.loss)
    counted = [place for place in range(len(rows)) if gained[place] != 0]
    rollouts = [rows[place] for place in counted]
    sampled: Tensor | None = None
    told: tuple[float, float] | None = None
    for _ in range(settings.updates):
        optimizer.zero_grad()
        logprobs, mask = padded(log_probs(rollouts), [len(row) for row in rollouts])
        sampled = logprobs.detach() if sampled is None else sampled
        advantage = gained[counted].to(logprobs.device)
        loss = grpo_loss(logprobs, sampled, advantage, mask, settings.max_new_tokens, settings.loss, len(rows))
        loss.backward()
        norm = float(torch.nn.utils.clip_grad_norm_(list(parameters), settings.clip_norm))
        if told is not None and norm == 0:  # every ratio has reached its bound
            break
        if not norm > 0 or norm == float("inf"):
            raise ModelError(
                f"The gradient is {'zero' if norm == 0 else 'not a finite number'}.",
                "Choose another --quantization, or a lower learning rate.",
            )
        optimizer.step()
        told = told or (float(loss.detach()), norm)
    assert told is not None
    return told


class Learner:
    """Improves a policy, rollouts by rollouts; AdamW in fp32 without weight decay."""

    def __init__(self, policy: Policy, settings: LearnSettings) -> None:
        self.policy, self.settings = policy, settings
        self.optimizer = torch.optim.AdamW(policy.parameters, policy.rate, weight_decay=0.0)

    def learn(self, prompt: Sequence[int], rows: Sequence[Sequence[int]], rewards: Sequence[float | None]) -> bool:
        """Updates from the rollouts of a prompt; False, and nothing done, if they all have the same reward.

        Args:
            rows: token ids of each rollout, at least one.
            rewards: one a rollout; None is worth nothing.
        """
        values = torch.tensor([value or 0.0 for value in rewards])
        if bool((values == values[0]).all()):
            return False

        def log_probs(some: Sequence[Sequence[int]]) -> Tensor:
            return self.policy.log_probs(prompt, some, self.settings.temperature)

        improve(self.optimizer, self.policy.parameters, log_probs, rows, values, self.settings)
        return True
