"""A benchmark as the command that does the same."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.evaluation.folder import BenchPlan
from elm_app.pipelines.stream.settings import StreamSettings


def command(plan: BenchPlan, file: str, out: Path, more: Sequence[str] = ()) -> str:
    """What to type for a plan; of its settings those that are not as usual.

    Args:
        file: where its problems are.
        more: options about the file.
    """
    words = ["python", "-m", "elm_app", "bench", file, "--methods", ",".join(plan.methods)]
    words += ["--seeds", ",".join(map(str, plan.seeds)), *more]
    words += ["--again", str(plan.again)] if plan.again else []
    words += ["--memories-from", plan.memories] if plan.memories else []
    words += _unusual(StreamSettings.from_json(plan.settings))
    return shlex.join([*words, "--out", str(out)])


def _unusual(settings: StreamSettings) -> Iterator[str]:
    """The options for what is not as the command line has it by default."""
    recipe, seed = settings.learning.recipe, settings.sampling.seed
    usual = StreamSettings(
        ModelSettings(), SamplingSettings(seed=seed), RouteSettings(), LearnSettings.by_recipe(recipe=recipe, seed=seed)
    )
    yield from _differing(usual.model, settings.model)
    yield from _differing(usual.sampling, settings.sampling)
    yield from _differing(usual.routing, settings.routing)
    yield from ("--recipe", recipe) if recipe != LearnSettings.recipe else ()
    learning = StreamSettings(settings.model, settings.sampling, settings.routing, usual.learning).learning
    yield from _differing(learning, settings.learning)


def _differing(usual: Any, given: Any) -> Iterator[str]:
    for field in fields(given):
        value = getattr(given, field.name)
        if value != getattr(usual, field.name):
            flag = f"--{field.name.replace('_', '-')}"
            yield from (flag,) if value is True else (flag, str(value))
