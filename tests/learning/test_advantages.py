"""Advantages as plain numbers, against the definition written with tensors."""

from __future__ import annotations

import pytest
import torch

from elm_app.learning.advantages import group_advantages


@pytest.mark.parametrize("rewards", [[1.0, 0.0, 0.0], [0.3, -2.5, 7.0, 7.0, 0.1], [1.0, 1.0, 1.0, 0.0]])
def test_they_are_the_rewards_beside_their_mean(rewards: list[float]) -> None:
    given = torch.tensor(rewards, dtype=torch.float64)
    centred = given - given.mean()
    assert group_advantages(rewards) == pytest.approx(centred.tolist())
    assert group_advantages(rewards, "grpo") == pytest.approx((centred / (given.std() + 1e-4)).tolist())


@pytest.mark.parametrize("loss", ["dr_grpo", "grpo"])
def test_equal_rewards_are_worth_nothing_to_the_last_bit(loss: str) -> None:
    assert group_advantages([0.1] * 3, loss) == [0.0] * 3  # type: ignore[arg-type]
