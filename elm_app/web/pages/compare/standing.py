"""How a comparison stands: while it runs here, after it was paused or broke off, or when all is done."""

from __future__ import annotations

import html
import time
from dataclasses import dataclass
from pathlib import Path

from elm_app.core.errors import ElmError
from elm_app.evaluation.estimate import seconds_left
from elm_app.evaluation.folder import BenchFolder, BenchPlan
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.runs.catalog import Index
from elm_app.runs.state import RunView
from elm_app.web.components import alerts, benchmark_labels, labels
from elm_app.web.pages.compare.answers import ComparisonStanding
from elm_app.web.run import render
from elm_app.web.run.feed import Tail
from elm_app.web.run.learning_view import about


@dataclass(frozen=True)
class Standing:
    """A comparison of which the plan is there.

    Attributes:
        view: its newest run, None if that is not known here.
        done, total: answers that there are, and that there will be.
        ahead: runs that come before its own; None if it does not run here, nor waits.
        busy: whether another program works at it.
    """

    plan: BenchPlan
    view: RunView | None
    done: int
    total: int
    ahead: int | None = None
    busy: bool = False

    @property
    def live(self) -> bool:
        return self.ahead is not None

    def answer(self, now: float) -> ComparisonStanding:
        """What the page shows of it; `now` is in seconds since its run began."""
        view = self.view
        return {
            "run": view.run if view else "",
            "live": self.live,
            "resume": not self.live and not self.busy and self.done < self.total,
            "share": round(self.done / self.total, 4) if self.total else 0.0,
            "parts": {
                "status": html.escape(self._status()),
                "clock": html.escape(self._clock(now)),
                "wait": render.progress(view) if view and self.live and not view.bench else "",
                "failure": self._failure(),
            },
            "chip": render.chip(view) if view and self.live else "",
        }

    def _status(self) -> str:
        if self.view is not None and self.ahead is not None:
            return benchmark_labels.doing(self.view, self.ahead)
        if self.busy:
            return f"Another program works at it: {self.done} of {labels.count(self.total, 'answer')} are in"
        return benchmark_labels.standing(self.view, self.done, self.total)

    def _clock(self, now: float) -> str:
        view = self.view
        if view is None or not self.live or view.bench is None or view.status == "queued":
            return ""
        told = f"{labels.whole_seconds(now)} gone"
        plan, its = self.plan, view.settings  # a comparison grows: the run does a part of its folder's plan
        methods, seeds = its.get("methods", plan.methods), its.get("seeds", plan.seeds)
        rest = seconds_left(view.bench, methods, seeds, StreamSettings.from_json(plan.settings))
        if rest is None:
            return told
        return f"{told}, {about(max(1.0, rest - (now - view.bench.since)))} left"

    def _failure(self) -> str:
        view = self.view
        if view is None or view.failure is None or self.live or self.busy or self.done >= self.total:
            return ""
        if view.failure.error == "Interrupted":
            return alerts.sentence("The program ended before this comparison did.", "Go on: what is done is kept.")
        return render.failure(view)


class Standings:
    """Finds out how comparisons stand. Plans are read anew only when they have changed."""

    def __init__(self, tail: Tail, index: Index) -> None:
        self.tail, self.index = tail, index
        self._plans: dict[Path, tuple[int, BenchPlan]] = {}

    def of(self, folder: Path) -> tuple[Standing, float]:
        """The comparison in a folder, and the seconds since its newest run began, by the clock while it runs.

        Raises:
            BadInput: there is none, or it is damaged.
        """
        plan, run = self._plan(folder), self.index.at("bench", folder)
        live = self.tail.runner.live()
        try:
            view = self.tail.view(run) if run else None
        except ElmError:  # its log is damaged; the folder has all that counts
            view = None
        if run is None or view is None:
            return Standing(plan, view, *BenchFolder(folder).counted(plan)), 0.0
        if run not in live:
            busy = not view.ended and BenchFolder(folder).busy()
            return Standing(plan, view, *BenchFolder(folder).counted(plan), busy=busy), view.seconds
        counted = BenchFolder(folder).counted(plan)
        waited = time.time() - (self.tail.runner.folder / f"{run}.jsonl").stat().st_mtime
        return Standing(plan, view, *counted, live.index(run)), view.seconds + max(0.0, waited)

    def _plan(self, folder: Path) -> BenchPlan:
        try:
            changed = (folder / "bench.json").stat().st_mtime_ns
        except OSError:
            changed = 0
        known = self._plans.get(folder)
        if known is None or known[0] != changed:
            known = self._plans[folder] = (changed, BenchFolder(folder).plan())
        return known[1]
