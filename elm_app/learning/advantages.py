"""What a rollout's reward is worth beside the others of its group: pure numbers, so that whoever looks at a run can ask
for them without a model."""

from __future__ import annotations

import math
from collections.abc import Sequence

from elm_app.core.config import Loss

_STD_FLOOR = 1e-4


def group_advantages(rewards: Sequence[float], loss: Loss = "dr_grpo") -> list[float]:
    """The rewards of the k rollouts of one step, k at least 2, to their advantages; all zero where they are equal.

    `dr_grpo`: reward − mean (Liu et al., arXiv 2503.20783, equation 3). `grpo`: that divided by the sample standard
    deviation + 1e-4 (Shao et al., arXiv 2402.03300, section 4.1).

    >>> group_advantages([1.0, 0.0, 0.0, 1.0])
    [0.5, -0.5, -0.5, 0.5]
    """
    if min(rewards) == max(rewards):
        return [0.0] * len(rewards)
    mean = math.fsum(rewards) / len(rewards)
    centred = [reward - mean for reward in rewards]
    if loss != "grpo":
        return centred
    deviation = math.sqrt(math.fsum(value * value for value in centred) / (len(rewards) - 1))
    return [value / (deviation + _STD_FLOOR) for value in centred]
