"""Waits inside a run: a call in a thread of its own, its progress as events."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from typing import TypeVar

from elm_app.core.errors import Stopped
from elm_app.core.events import Progress

T = TypeVar("T")


def while_waiting(
    call: Callable[[Callable[[Progress], None]], T], stopped: Callable[[], bool]
) -> Generator[Progress, None, T]:
    """Run `call` in a thread and yield the progress that it reports; returns, or raises, what it does.

    Once `stopped()` is true, its next report raises `Stopped` inside it.
    """
    reports: queue.Queue[Progress | None] = queue.Queue()
    result: list[T] = []
    errors: list[BaseException] = []

    def report(progress: Progress) -> None:
        if stopped():
            raise Stopped("The run was stopped.")
        reports.put(progress)

    def target() -> None:
        try:
            result.append(call(report))
        except BaseException as error:
            errors.append(error)
        finally:
            reports.put(None)

    thread = threading.Thread(target=target, name="elm-load", daemon=True)
    thread.start()
    while (progress := reports.get()) is not None:
        yield progress
    thread.join()
    if errors:
        raise errors[0]
    return result[0]
