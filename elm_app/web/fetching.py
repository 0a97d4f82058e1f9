"""Fetching a model before anything is asked of it: not a run, so that nothing waits behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from elm_app.core.config import ModelSettings
from elm_app.core.errors import ElmError, Stopped
from elm_app.core.events import Progress
from elm_app.web.components.wait_rate import Meter, Wait
from elm_app.weights.choice import Choice


@dataclass(frozen=True)
class Weights:
    """What can be asked about a model's weights; `launch.py` and the tests say how it is done.

    Attributes:
        choice: which model `auto` is, and why; takes seconds the first time. Raises `ElmError`.
        here: whether a model's weights are on this machine. Raises `ElmError`.
        fetch: brings them here and loads them, telling how far it is; the last argument is asked whether to stop, then
            `Stopped` is raised. Raises `ElmError`.
    """

    choice: Callable[[], Choice]
    here: Callable[[ModelSettings], bool]
    fetch: Callable[[ModelSettings, Callable[[Progress], None], Callable[[], bool]], None]


class Fetching:
    """One for the whole app; one model at a time."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._lock = threading.Lock()
        self._work: _Work | None = None

    def start(self, settings: ModelSettings) -> None:
        """Begin, or go on from what was fetched before; nothing if it goes on already."""
        with self._lock:
            if self._work is None or self._work.ended.is_set():
                self._work = _Work(self.weights, settings)

    def stop(self) -> bool:
        """Ask it to stop; False if nothing is fetched. What was fetched is kept."""
        work = self._work
        if work is None or work.ended.is_set():
            return False
        work.stop.set()
        return True

    def close(self) -> None:
        """Stop, and wait until it has."""
        if self.stop() and self._work is not None:
            self._work.ended.wait()

    def wait(self) -> Wait | None:
        """How far it is; None if nothing is fetched."""
        work = self._work
        return None if work is None or work.ended.is_set() else Wait(work.progress, work.meter.pace())

    def left(self, settings: ModelSettings) -> ElmError | Progress | None:
        """How the last attempt at that model ended: an error, where it was stopped, or None."""
        work = self._work
        if work is None or work.settings != settings or not work.ended.is_set() or work.error is None:
            return None
        return work.progress if isinstance(work.error, Stopped) else work.error


class _Work:
    """A model on its way, in a thread of its own."""

    def __init__(self, weights: Weights, settings: ModelSettings) -> None:
        self.settings, self.meter = settings, Meter()
        self.stop, self.ended = threading.Event(), threading.Event()
        self.progress = Progress("download", "Fetching the model", 0, 0)
        self.error: ElmError | None = None
        self._fetch = weights.fetch
        threading.Thread(target=self._run, name="elm-fetch", daemon=True).start()

    def _run(self) -> None:
        try:
            self._fetch(self.settings, self._report, self.stop.is_set)
        except ElmError as error:
            self.error = error
        except Exception as error:  # nobody else hears what a thread raises
            self.error = ElmError(f"The model cannot be fetched ({type(error).__name__}: {error}).")
        finally:
            self.ended.set()

    def _report(self, progress: Progress) -> None:
        self.meter.take(time.monotonic(), progress)
        self.progress = progress
