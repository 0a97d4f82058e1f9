"""One queue, one lock, one stop flag: runs happen one after the other, in a thread that outlives any page.

`submit` returns at once with the run's id; whoever wants to watch reads the run's log (`runs/event_log.py`).
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from elm_app.core import environment
from elm_app.core.errors import ElmError, RunError
from elm_app.core.events import ENDINGS, Event, Failed, Queued, RunStarted
from elm_app.runs.event_log import LogWriter, new_run_id, recover

Work = Callable[[Callable[[], bool]], Iterator[Event]]
"""A run's work: given `stopped()`, a generator of events that ends with one of `ENDINGS`."""

WAITING_EACH = 4
"""Runs of one caller that wait at most, besides the one that goes on."""
WAITING = 16
"""Runs of all callers that wait at most."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ready:
    """A run that is ready for `Runner.submit`; `problem` is what it is about, in words."""

    run: str
    problem: str
    settings: dict[str, Any]
    work: Work


@dataclass
class _Job:
    run: str
    work: Work
    log: LogWriter
    caller: str
    stop: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)


class Runner:
    """Runs jobs in order, each into its own log under `folder`; with `debug`, defects are logged with a traceback.

    `caller` says for whom a run is submitted, "" for nobody in particular; who has a name cannot fill the queue.
    """

    def __init__(self, folder: Path, debug: bool = False, caller: Callable[[], str] = str) -> None:
        self._caller = caller
        self.folder, self.debug = folder, debug or environment.debug()
        self.recovered = recover(folder) if folder.is_dir() else []
        self._jobs: dict[str, _Job] = {}
        self._queue: queue.Queue[_Job | None] = queue.Queue()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="elm-runs", daemon=True)
        self._thread.start()

    def submit(self, command: str, problem: str, settings: dict[str, Any], work: Work, run: str | None = None) -> str:
        """Queue a run and return its id (`run`, or a new one).

        Raises `RunError` if its log cannot be written, if the caller has enough runs waiting, or after `close`.
        """
        caller = self._caller()
        with self._lock:
            if self._closed:
                raise RunError("The program is about to end and takes no more runs.", "Start it again.")
            if caller:
                self._check_room(caller)
            run = run or new_run_id()
            log = LogWriter(self.folder, run)
            try:
                created = datetime.now(UTC).isoformat(timespec="seconds")
                log.append(RunStarted(run, command, problem, settings, created))
                if self._jobs:
                    log.append(Queued(len(self._jobs)))
            except BaseException:
                log.close()
                raise
            self._jobs[run] = job = _Job(run, work, log, caller)
            self._queue.put(job)
        return run

    def _check_room(self, caller: str) -> None:
        """Raises `RunError` if no more runs of that caller are taken now."""
        waiting = list(self._jobs.values())[1:]
        if sum(job.caller == caller for job in waiting) >= WAITING_EACH:
            raise RunError(f"{WAITING_EACH} of your runs are waiting already.", "Wait until one begins, or stop one.")
        if len(waiting) >= WAITING:
            raise RunError(f"{WAITING} runs are waiting already.", "Try again in a few minutes.")

    def stop(self, run: str) -> bool:
        """Ask a run to stop at its next token; False if it is not running or queued."""
        with self._lock:
            job = self._jobs.get(run)
        if job is not None:
            job.stop.set()
        return job is not None

    def live(self) -> list[str]:
        """The ids of the running and the queued runs, in order."""
        with self._lock:
            return list(self._jobs)

    def wait(self, run: str, timeout: float | None = None) -> bool:
        """Wait until a run has ended; False if `timeout` seconds passed first."""
        with self._lock:
            job = self._jobs.get(run)
        return job is None or job.done.wait(timeout)

    def close(self) -> None:
        """Stop everything and wait for the current run to write its ending."""
        with self._lock:
            self._closed = True
            for job in self._jobs.values():
                job.stop.set()
            self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            try:
                with job.log:
                    self._run(job)
            except Exception as error:  # the log itself could not be written: the next run may be luckier
                logger.error("%s", error)
            finally:
                with self._lock:
                    del self._jobs[job.run]
                job.done.set()

    def _run(self, job: _Job) -> None:
        try:
            for event in job.work(job.stop.is_set):
                job.log.append(event)
                if isinstance(event, ENDINGS):
                    return
            raise RuntimeError("the run's work ended without saying so")
        except BaseException as error:  # a panic in Rust, where the tokenizer lives, is no Exception
            if self.debug and not isinstance(error, ElmError):
                logger.exception("run %s", job.run)
            job.log.append(failure(error))


def failure(error: BaseException) -> Failed:
    """An error as the last event of a run."""
    if isinstance(error, ElmError):
        return Failed(type(error).__name__, error.message, error.remedy)
    text = str(error).strip() or "no further detail"
    remedy = "This is a defect: please report it with the run's log."
    return Failed(type(error).__name__, f"{type(error).__name__}: {text}", remedy)
