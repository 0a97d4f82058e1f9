"""Does pieces of a benchmark, in a process of its own and with an engine of its own."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from elm_app.core.errors import Stopped
from elm_app.core.events import Event, ProblemAnswered
from elm_app.core.results import Result
from elm_app.core.types import ModelInfo
from elm_app.engine.loader import Models
from elm_app.evaluation.answering import baseline
from elm_app.evaluation.cluster.pieces import Piece
from elm_app.evaluation.elm_method import elm
from elm_app.evaluation.folder import BenchFolder
from elm_app.evaluation.variants import VARIANTS
from elm_app.pipelines.resources import Tools
from elm_app.pipelines.stream.context_check import check_lengths
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.retrieval.embedder import Embedders
from elm_app.store.store import Store

Said = tuple[Event, Result | None]
"""An event, and with a `ProblemAnswered` the line, unless the worker has written it already."""


class Worker:
    """One at a time does pieces; `stop` may be called meanwhile, from another thread."""

    def __init__(self, folder: str) -> None:
        self.folder = BenchFolder(Path(folder))
        self.plan = self.folder.plan()
        self.settings = StreamSettings.from_json(self.plan.settings)
        self._nothing = tempfile.TemporaryDirectory()  # methods bring stores of their own
        self.tools = Tools(Models(), Store(Path(self._nothing.name)), Embedders())
        self._stopped, self._resting = threading.Event(), threading.Event()

    def load(self) -> ModelInfo:
        """Have the model ready. Raises what loading raises, and `BadInput` if a problem does not fit."""
        engine = self.tools.models.get(self.settings.model, lambda _: None, self._stopped.is_set)
        check_lengths(self.plan.problems, engine, self.settings)
        return engine.info

    def work(self, piece: Piece) -> Iterator[Said]:
        """Do a piece, saying what happens; ends early once it was told to stop."""
        lines: list[Result] = []
        if piece.method in VARIANTS:
            events = elm(self.folder, self.plan, piece.method, piece.seed, self.tools, self._stopped.is_set)
        else:
            numbers, keep = (None, None) if piece.alone else (piece.numbers, lines.append)
            events = baseline(
                self.folder, self.plan, piece.method, piece.seed, self.tools, self._stopped.is_set, numbers, keep
            )  # fmt: skip
        try:
            for event in events:
                answered = isinstance(event, ProblemAnswered)
                yield event, lines.pop() if answered and lines else None
                if answered and self._resting.is_set():
                    return
        except Stopped:
            return

    def stop(self, at_once: bool) -> None:
        """End, at once or when the problem that it is at is done."""
        (self._stopped if at_once else self._resting).set()
