"""What the page can ask for; app.py and the tests say how it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from elm_app.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.memory.embedder import Embedders
from elm_app.memory.store import Store


@dataclass(frozen=True)
class Actions:
    """Callables that queue runs and return their ids; each raises `ElmError` if it cannot.

    Attributes:
        solve: problem, model, sampling, and which memories it is tried with.
        learn: learn from a problem; the last argument is the run that it was asked from, or None.
        resume: go on with the learning run of that id.
        can_resume: whether that run left something to go on from.
    """

    solve: Callable[[str, ModelSettings, SamplingSettings, RouteSettings], str]
    learn: Callable[[str, ModelSettings, LearnSettings, str | None], str]
    resume: Callable[[str], str]
    can_resume: Callable[[str], bool]
    store: Store
    embedders: Embedders
