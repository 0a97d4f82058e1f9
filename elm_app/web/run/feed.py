"""What the pages ask about runs. Views are kept for the runs looked at last; a run that is not kept is folded from its
log again, with the same result."""

from __future__ import annotations

import html
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from elm_app.core.errors import ElmError
from elm_app.runs.runner import Runner
from elm_app.runs.state import RunView
from elm_app.web.commands import Actions
from elm_app.web.components import alerts, labels
from elm_app.web.components.guard import Answering, OfRun, Stopping, guarded
from elm_app.web.components.wait_rate import Wait
from elm_app.web.run import render, story
from elm_app.web.run.answers import BrokenRun, ComingWeights, NoRun, OfMoment, OnOwnPage, RunSince, ShownRun
from elm_app.web.run.live_run import LiveRun
from elm_app.web.run.replayed_run import Replay

KEPT = 16
"""Runs whose views are kept."""
PAGES = {"stream": "stream", "bench": "compare", "act": "explain"}
"""Commands whose runs have a page of their own."""
Tailed = NoRun | OnOwnPage | BrokenRun | ShownRun
"""How a run stands for a page that asks again and again."""


class Tail:
    """Answers the pages' questions about runs; one for the whole app."""

    def __init__(self, runner: Runner, actions: Actions | None = None) -> None:
        self.runner, self.actions = runner, actions
        self._lock = threading.Lock()
        self._runs: OrderedDict[tuple[str, str], LiveRun] = OrderedDict()

    def functions(self) -> list[Answering]:
        """What the page's script may call, each by the name that it has here."""
        return [guarded(self.tail), guarded(self.stop)]

    def tail(self, ask: RunSince) -> Tailed:
        """As `answer`, for a script."""
        run, since, (viewer, at) = ask.get("run"), ask.get("since"), moment(ask)
        return self.answer(run if isinstance(run, str) else "", since if isinstance(since, int) else -1, viewer, at)

    def stop(self, ask: OfRun) -> Stopping:
        """Stop a run."""
        run = ask.get("run")
        return {"stopping": isinstance(run, str) and self.runner.stop(run)}

    def answer(self, run: str, since: int, viewer: str = "", at: float | None = None) -> Tailed:
        """What changed in `run` after entry `since` (-1: everything); without a run, in the one that is running. For a
        `viewer` who has it played again it stands as it did `at` seconds after it began."""
        live, coming = self.runner.live(), self._coming()
        if not run:
            if not live:
                return NoRun(run="", coming=coming)
            if self.command(live[0]) in PAGES:
                return NoRun(run="", elsewhere=live[0], coming=coming)
            run, since = live[0], -1
        elsewhere = live[0] if live and run not in live else ""
        try:
            kept = self._kept(run, viewer)
            with kept.lock:
                if isinstance(kept, Replay):
                    kept.at = at
                kept.update()
                if kept.view.command in PAGES:
                    return OnOwnPage(run=run, page=PAGES[kept.view.command], coming=coming)
                waits = run in live and not isinstance(kept, Replay) and kept.waits()
                return ShownRun(**kept.answer(since), elsewhere=elsewhere, waits=waits, coming=coming)
        except ElmError as error:
            self._forget(run, viewer)
            return BrokenRun(run=run, error=alerts.error(error), elsewhere=elsewhere, coming=coming)
        except Exception as error:  # a log that is valid line by line can still be nonsense as a whole
            self._forget(run, viewer)
            told = f"The log of run {html.escape(run)} cannot be shown: {type(error).__name__}."
            told = alerts.sentence(told, "Open another run.")
            return BrokenRun(run=run, error=told, elsewhere=elsewhere, coming=coming)

    def opened(self, run: str, attempts: Sequence[str], viewer: str = "", at: float | None = None) -> str:
        """Attempts of a learning run opened, as HTML; `viewer` and `at` as for `answer`.

        Raises:
            RunError: no such run, or its log cannot be read.
        """
        kept = self._kept(run, viewer)
        with kept.lock:
            if isinstance(kept, Replay):
                kept.at = at
            kept.update()
            return kept.opened(attempts)

    def waiting(self) -> str | None:
        """The run that weights are fetched for, if any."""
        return self._fetched_for()[0]

    def _coming(self) -> ComingWeights | None:
        """The weights that are being fetched, for whatever: in a line, and in two words."""
        wait = (self.actions.fetching.wait() if self.actions else None) or self._fetched_for()[1]
        return None if wait is None else {"line": render.coming(wait), "chip": labels.coming(wait.progress)}

    def _fetched_for(self) -> tuple[str | None, Wait | None]:
        live = self.runner.live()
        if not live:
            return None, None
        try:
            kept = self._kept(live[0])
            with kept.lock:
                kept.update()
                wait = kept.coming()
        except ElmError:  # whoever opens that run is told
            return None, None
        return (live[0], wait) if wait is not None else (None, None)

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
            story.bring(run, self.runner.folder)
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


def moment(ask: OfMoment) -> tuple[str, float | None]:
    """The viewer of a replay, "" where there is none, and the moment that is shown to them."""
    viewer, at = ask.get("viewer"), ask.get("at")
    return viewer if isinstance(viewer, str) else "", at if isinstance(at, int | float) else None
