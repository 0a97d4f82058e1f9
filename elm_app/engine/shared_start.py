"""What several prompts begin with, read once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from elm_app.engine.engine import Engine


def shared_start(engine: Engine, prompts: Sequence[Sequence[int]]) -> tuple[list[Sequence[int]], Any | None]:
    """What is left of each prompt, at least one token, and the cache of what all begin with: the `past` of a
    `RolloutRequest`; None if they begin with nothing in common."""
    common = common_start(prompts)
    if not common:
        return list(prompts), None
    past = engine.decoder.prefill(engine.decoder.embed(torch.tensor(common)))[1]
    return [prompt[len(common) :] for prompt in prompts], past


def common_start(prompts: Sequence[Sequence[int]]) -> list[int]:
    """The token ids that all prompts begin with; each has at least one more.

    >>> common_start([[1, 2, 3], [1, 2, 4, 5]]), common_start([[1, 2]])
    ([1, 2], [1])
    """
    most = min(map(len, prompts)) - 1
    same = next((place for place in range(most) if len({prompt[place] for prompt in prompts}) > 1), most)
    return list(prompts[0][:same])
