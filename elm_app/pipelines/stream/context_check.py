"""Whether all problems fit the model, asked before the first of them is solved and not at the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from elm_app.core.errors import BadInput
from elm_app.core.types import Problem

if TYPE_CHECKING:
    from elm_app.engine.engine import Engine
    from elm_app.pipelines.stream.settings import StreamSettings


def check_lengths(problems: Sequence[Problem], engine: Engine, settings: StreamSettings) -> None:
    """Raise `BadInput` for the first problem that does not fit the context with a memory and T new tokens."""
    routing, new = settings.routing, settings.sampling.max_new_tokens
    virtual = settings.learning.virtual_tokens * (routing.top_n if routing.compose == "join" else 1)
    for problem in problems:
        length = len(engine.encode(problem.text))
        if length + virtual + new > engine.context:
            raise BadInput(
                f"Problem {problem.id} is {length} tokens long; with {virtual} virtual and {new} new tokens it does "
                f"not fit the model's context of {engine.context}.",
                "Shorten it, leave it out, or ask for fewer new tokens.",
            )
