"""The loss against TRL's, on the same tensors."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor
from trl import GRPOTrainer

from elm_app.core.config import Loss
from elm_app.learning.grpo import advantages, grpo_loss, padded

K, T, LONGEST = 6, 9, 16


def tensors(seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Log-probabilities now and when sampled, rewards, and a mask with rows of different lengths."""
    generator = torch.Generator().manual_seed(seed)
    now = -3 * torch.rand(K, T, generator=generator)
    sampled = now + 0.4 * torch.randn(K, T, generator=generator)
    rewards = torch.tensor([1.0, 0.0, 0.0, 1.0, 1.0, 0.0])
    lengths = torch.tensor([9, 1, 4, 7, 9, 2])
    mask = (torch.arange(T) < lengths[:, None]).float()
    return now, sampled, rewards, mask


def theirs(now: Tensor, sampled: Tensor | None, gained: Tensor, mask: Tensor, loss: Loss) -> Tensor:
    """TRL's own `_compute_loss`, which only asks its trainer for log-probabilities and settings."""

    def logps(*_: Any, **__: Any) -> tuple[Tensor, Tensor, None]:
        return now, torch.zeros_like(now), None

    args = SimpleNamespace(delta=None, use_bias_correction_kl=False, steps_per_generation=1)
    trainer: Any = SimpleNamespace(
        _get_per_token_logps_and_entropies=logps,
        aux_loss_enabled=False,
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        importance_sampling_level="token",
        beta=0.0,
        loss_type=loss,
        epsilon_low=0.2,
        epsilon_high=0.2,
        use_vllm=False,
        _entropy_bonus_enabled=False,
        current_gradient_accumulation_steps=1,
        max_completion_length=LONGEST,
        model=SimpleNamespace(training=True),
        args=args,
        accelerator=Accelerator(cpu=True),
        _metrics={"train": defaultdict(list)},
    )
    ids = torch.zeros(K, T, dtype=torch.long)
    inputs = {
        "prompt_ids": ids,
        "prompt_mask": ids + 1,
        "completion_ids": ids,
        "completion_mask": mask,
        "advantages": gained,
    }
    if sampled is not None:
        inputs["old_per_token_logps"] = sampled
    result: Tensor = GRPOTrainer._compute_loss(trainer, None, inputs)
    return result


@pytest.mark.parametrize("loss", ["dr_grpo", "grpo"])
@pytest.mark.parametrize("on_policy", [True, False])
def test_the_loss_and_its_gradient_are_those_of_trl(loss: Loss, on_policy: bool) -> None:
    now, sampled, rewards, mask = tensors()
    gained = advantages(rewards, loss)
    ours_at, theirs_at = now.clone().requires_grad_(), now.clone().requires_grad_()
    old = ours_at.detach() if on_policy else sampled
    ours = grpo_loss(ours_at, old, gained, mask, LONGEST, loss)
    reference = theirs(theirs_at, None if on_policy else sampled, gained, mask, loss)
    torch.testing.assert_close(ours, reference)
    ours.backward()
    reference.backward()
    assert ours_at.grad is not None
    assert ours_at.grad.abs().sum() > 0
    torch.testing.assert_close(ours_at.grad, theirs_at.grad)


def test_the_two_variants_differ() -> None:
    now, sampled, rewards, mask = tensors()
    losses = [
        float(grpo_loss(now, sampled, advantages(rewards, kind), mask, LONGEST, kind)) for kind in ("dr_grpo", "grpo")
    ]
    assert losses[0] != pytest.approx(losses[1], rel=0.01)


def test_advantages_as_trl_scales_them() -> None:
    rewards = torch.tensor([1.0, 0.0, 0.0, 1.0, 1.0])
    centred = rewards - rewards.mean()
    torch.testing.assert_close(advantages(rewards), centred)
    torch.testing.assert_close(advantages(rewards, "grpo"), centred / (rewards.std() + 1e-4))
    assert advantages(torch.ones(4), "grpo").abs().max() == 0


def test_rows_of_different_lengths_are_padded_and_masked() -> None:
    rows, mask = padded(torch.arange(1.0, 7.0), [3, 1, 2])
    assert rows.tolist() == [[1, 2, 3], [4, 0, 0], [5, 6, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0], [1, 1, 0]]


def test_what_stands_behind_a_row_does_not_count() -> None:
    now, sampled, rewards, mask = tensors()
    gained = advantages(rewards)
    noisy = torch.where(mask.bool(), now, torch.randn(K, T) * 3)
    assert grpo_loss(noisy, sampled, gained, mask, LONGEST) == grpo_loss(now, sampled, gained, mask, LONGEST)
