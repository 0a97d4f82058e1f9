"""What the page can ask for; `launch.py` and the tests say how it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.events import Retrieved
from elm_app.core.types import Arm, ModelInfo, Problem
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.retrieval.embedder import Embedders
from elm_app.store.store import Store
from elm_app.web.fetching import Fetching


@dataclass(frozen=True)
class StreamActions:
    """Callables of the Stream page; each raises `ElmError` if it cannot.

    Attributes:
        start: queue a stream of these problems, in this order; the last argument is the name of their file, the one
            before it how they were arranged (`limit`, `order`), to stand in the settings. Returns the run's id.
        resume: go on with the stream in that folder, in a new run.
        can_resume: whether there are problems left in that folder, and nobody works at them.
    """

    start: Callable[
        [Sequence[Problem], ModelSettings, SamplingSettings, RouteSettings, LearnSettings, dict[str, Any], str], str
    ]
    resume: Callable[[Path], str]
    can_resume: Callable[[Path], bool]


@dataclass(frozen=True)
class BenchActions:
    """Callables of the Compare page; each raises `ElmError` if it cannot.

    Attributes:
        start: queue a benchmark: problems in their order, methods, seeds, settings, its folder, and the name of the
            file. Returns the run's id.
        resume: go on with the benchmark in that folder, in a new run.
        pause: end that run when the problem that it is at is done; False if it is not running or queued.
    """

    start: Callable[[Sequence[Problem], Sequence[str], Sequence[int], StreamSettings, Path, str], str]
    resume: Callable[[Path], str]
    pause: Callable[[str], bool]


@dataclass(frozen=True)
class Actions:
    """Callables that queue runs and return their ids; each raises `ElmError` if it cannot.

    Attributes:
        solve: problem, model, sampling, and which memories it is tried with.
        learn: learn from a problem; the last argument is the run that it was asked from, or None.
        resume: go on with the learning run of that id.
        can_resume: whether that run left something to go on from.
        retrieve: which memories a text would be given, and for which model, with nothing sampled; the text, how it is
            retrieved, the model (None: the loaded one), and how many are named at most.
        act: score the tokens of a trace of that run without its memory and with it; the arm that had the memory, and
            which trace (from 0; None: one that tells something).
        fetching: brings a model here before anything is asked of it.
        streams: what the Stream page can ask for; without it there is no such page.
        benches: what the Compare page can ask for; without it the page only shows what there is.
        readonly: nothing is learned, changed, deleted or uploaded (`readonly.py`).
    """

    solve: Callable[[str, ModelSettings, SamplingSettings, RouteSettings], str]
    learn: Callable[[str, ModelSettings, LearnSettings, str | None], str]
    resume: Callable[[str], str]
    can_resume: Callable[[str], bool]
    retrieve: Callable[[str, RouteSettings, str | None, int], tuple[ModelInfo | None, Retrieved]]
    act: Callable[[str, Arm, int | None], str]
    store: Store
    embedders: Embedders
    fetching: Fetching
    streams: StreamActions | None = None
    benches: BenchActions | None = None
    readonly: bool = False
