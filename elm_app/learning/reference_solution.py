"""A reference solution, written by the model from all its attempts (Jayalath et al., 2509.14234)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from elm_app.answers.extract import extract
from elm_app.core.config import LearnSettings, SamplingSettings
from elm_app.core.types import Trace
from elm_app.engine.engine import Engine, Finished, RolloutRequest

_SHOWN = 1200
"""Characters of an attempt that are shown to the model, its end being what matters."""


def synthesise(
    engine: Engine,
    problem: str,
    attempts: Sequence[Trace],
    settings: LearnSettings,
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[str | None, int]:
    """The answer of one greedy solution that was written with all attempts in view, and its new tokens.

    As many attempts are shown as fit the model's context; None if the solution has no answer, or was stopped.

    Raises:
        BadInput: not even one attempt fits.
    """
    shown = [trace.text[-_SHOWN:] for trace in attempts]
    prompt = engine.encode(_question(problem, shown))
    while len(shown) > 1 and len(prompt) + settings.max_new_tokens > engine.context:
        shown.pop()
        prompt = engine.encode(_question(problem, shown))
    sampling = SamplingSettings(1, settings.max_new_tokens, 0.0, 0, settings.seed)
    for event in engine.rollout([RolloutRequest(prompt, 1, settings.seed)], sampling, stopped):
        if isinstance(event, Finished):
            return extract(event.text), len(event.tokens)
    return None, 0


def _question(problem: str, attempts: Sequence[str]) -> str:
    listed = "\n\n".join(f"Attempt {number}:\n{text.strip()}" for number, text in enumerate(attempts, 1))
    return (
        f"{problem}\n\nHere are {len(attempts)} attempts at this problem. Some may be wrong.\n\n{listed}\n\n"
        "Compare them and write one correct solution of the problem."
    )
