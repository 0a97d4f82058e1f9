"""What the pages ask about runs. Views are kept for the runs looked at last; a run that is not kept is folded from its
log again, with the same result."""

from __future__ import annotations

import html
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from elm_app.errors import ElmError
from elm_app.runs.runner import Runner
from elm_app.runs.view import RunView
from elm_app.studio import render
from elm_app.studio.actions import Actions
from elm_app.studio.live_run import LiveRun
from elm_app.studio.replayed import Replay

KEPT = 16
"""Runs whose views are kept."""
PAGES = {"stream": "stream", "bench": "compare"}
"""Commands whose runs have a page of their own."""


class Tail:
    """Answers the pages' questions about runs; one for the whole app."""

    def __init__(self, runner: Runner, actions: Actions | None = None) -> None:
        self.runner, self.actions = runner, actions
        self._lock = threading.Lock()
        self._runs: OrderedDict[tuple[str, str], LiveRun] = OrderedDict()

    def answer(self, run: str, since: int, viewer: str = "", at: float | None = None) -> dict[str, Any]:
        """What changed in `run` after entry `since` (-1: everything); without a run, in the one that is running. For a
        `viewer` who has it played again it stands as it did `at` seconds after it began."""
        live = self.runner.live()
        if not run:
            if not live:
                return {"run": ""}
            if self.command(live[0]) in PAGES:
                return {"run": "", "elsewhere": live[0]}
            run, since = live[0], -1
        elsewhere = live[0] if live and run not in live else ""
        try:
            kept = self._kept(run, viewer)
            with kept.lock:
                if isinstance(kept, Replay):
                    kept.at = at
                kept.update()
                if kept.view.command in PAGES:
                    return {"run": run, "page": PAGES[kept.view.command]}
                return {**kept.answer(since), "elsewhere": elsewhere}
        except ElmError as error:
            self._forget(run, viewer)
            return {"run": run, "error": render.error(error), "elsewhere": elsewhere}
        except Exception as error:  # a log that is valid line by line can still be nonsense as a whole
            self._forget(run, viewer)
            told = f"The log of run {html.escape(run)} cannot be shown: {type(error).__name__}."
            return {"run": run, "error": render.sentence(told, "Open another run."), "elsewhere": elsewhere}

    def view(self, run: str) -> RunView:
        """A run as it stands now. Raises `RunError` if there is none, or its log cannot be read."""
        with self.reading(run) as view:
            return view

    @contextmanager
    def reading(self, run: str) -> Iterator[RunView]:
        """As `view`; the view does not change until the block ends."""
        kept = self._kept(run)
        with kept.lock:
            kept.update()
            yield kept.view

    def command(self, run: str) -> str:
        """What a run does, "" if its log cannot be read."""
        try:
            return self.view(run).command
        except ElmError:
            return ""

    def _kept(self, run: str, viewer: str = "") -> LiveRun:
        with self._lock:
            kept = self._runs.get((run, viewer))
        if kept is None:
            kept = (Replay if viewer else LiveRun)(self.runner, run, self.actions)
        with self._lock:
            kept = self._runs.setdefault((run, viewer), kept)
            self._runs.move_to_end((run, viewer))
            while len(self._runs) > KEPT:
                self._runs.popitem(last=False)
            return kept

    def _forget(self, run: str, viewer: str) -> None:
        with self._lock:
            self._runs.pop((run, viewer), None)
