"""A run inside a run: with a log of its own, so that it can be opened and explained like any other."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from elm_app.core.events import Event, ModelReady, Progress, RunStarted
from elm_app.runs.event_log import LogWriter
from elm_app.runs.runner import failure
from elm_app.runs.state import RunView

_LOADING = ("download", "verify", "convert", "load")


def child(
    folder: Path, run: str, command: str, problem: str, settings: dict[str, Any], events: Iterator[Event]
) -> Generator[Event, None, RunView]:
    """Run `events` to their end into the log `run`; the waits for a model are yielded, for the outer run's log.

    Returns the state at the end; an error is written down there and raised.
    """
    view = RunView()
    with LogWriter(folder, run) as log:
        created = datetime.now(UTC).isoformat(timespec="seconds")
        view.apply(log.append(RunStarted(run, command, problem, settings, created)))
        try:
            for event in events:
                view.apply(log.append(event))
                if isinstance(event, ModelReady) or (isinstance(event, Progress) and event.stage in _LOADING):
                    yield event
        except Exception as error:
            view.apply(log.append(failure(error)))
            raise
    return view
