"""The update: what is asked of the model, and several steps from one batch of rollouts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from elm_app.core.config import LearnSettings
from elm_app.core.errors import ModelError
from elm_app.learning.grpo import CLIP
from elm_app.learning.update import improve

SETTINGS = LearnSettings(seed=1, max_new_tokens=4, clip_norm=1e6)
ROWS = [[0, 1], [2], [1, 2, 3], [3]]
Asked = Callable[[Sequence[Sequence[int]]], Tensor]


def made(learning_rate: float = 0.1) -> tuple[Tensor, torch.optim.Optimizer, Asked, list[list[list[int]]]]:
    """Four logits that are learned, and the log-probabilities of tokens under them; what was asked is written down."""
    leaf = torch.zeros(4, requires_grad=True)
    asked: list[list[list[int]]] = []

    def log_probs(rows: Sequence[Sequence[int]]) -> Tensor:
        asked.append([list(row) for row in rows])
        return leaf.log_softmax(0)[torch.tensor([token for row in rows for token in row])]

    return leaf, torch.optim.SGD([leaf], learning_rate), log_probs, asked


def test_rollouts_without_an_advantage_are_not_asked_for_and_change_nothing() -> None:
    rewards = torch.tensor([1.0, 0.5, 0.0, 0.5])
    leaf, optimizer, log_probs, asked = made()
    loss, norm = improve(optimizer, [leaf], log_probs, ROWS, rewards, SETTINGS)
    assert asked == [[ROWS[0], ROWS[2]]]
    assert loss == pytest.approx(-(0.5 * 2 - 0.5 * 3) / (4 * 4))
    expected = torch.zeros(4, requires_grad=True)
    told = expected.log_softmax(0)
    (-(0.5 * told[[0, 1]].sum() - 0.5 * told[[1, 2, 3]].sum()) / (4 * 4)).backward()
    assert expected.grad is not None
    assert norm == pytest.approx(float(expected.grad.norm()))
    torch.testing.assert_close(leaf.detach(), -0.1 * expected.grad)


@pytest.mark.parametrize("kind", ["dr_grpo", "grpo"])
def test_several_updates_go_on_from_the_policy_that_sampled(kind: str) -> None:
    settings = replace(SETTINGS, updates=3, loss=kind)
    rewards = torch.tensor([1.0, 0.0, 0.0, 1.0])
    leaf, optimizer, log_probs, asked = made(0.05)
    told = improve(optimizer, [leaf], log_probs, ROWS, rewards, settings)
    assert len(asked) == 3
    once, first, ask, _ = made(0.05)
    assert improve(first, [once], ask, ROWS, rewards, replace(settings, updates=1)) == told
    assert not torch.allclose(leaf, once)
    assert leaf.log_softmax(0)[0] > once.log_softmax(0)[0]


def test_updates_end_where_every_ratio_has_reached_its_bound() -> None:
    leaf, optimizer, log_probs, asked = made(100.0)
    improve(optimizer, [leaf], log_probs, [[0], [1]], torch.tensor([1.0, 0.0]), replace(SETTINGS, updates=5))
    assert len(asked) == 2
    ratio = (leaf.log_softmax(0) - torch.zeros(4).log_softmax(0)).exp()
    assert ratio[0] > 1 + CLIP
    assert ratio[1] < 1 - CLIP


def test_a_gradient_that_is_zero_at_once_is_refused() -> None:
    leaf, optimizer, _, _ = made()
    with pytest.raises(ModelError, match="gradient is zero"):
        improve(optimizer, [leaf], lambda rows: leaf[[0] * sum(map(len, rows))] * 0, ROWS, torch.arange(4.0), SETTINGS)
