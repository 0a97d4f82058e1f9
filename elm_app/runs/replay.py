"""A run once more, from its log alone: what was said, at the pace at which it was said. No model is loaded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from elm_app.core.errors import BadInput, RunError
from elm_app.core.events import (
    ENDINGS,
    Decided,
    ModelReady,
    ProblemAnswered,
    ProblemFinished,
    Progress,
    RunStarted,
    VoteChanged,
)
from elm_app.core.learning_events import LearningEnded, MeasureFinished, MemoryStored, StepFinished
from elm_app.runs.event_log import Entry, read

_MARKS = {
    "solve": (VoteChanged, Decided),
    "learn": (StepFinished, MeasureFinished, LearningEnded, MemoryStored),
    "stream": (ProblemFinished,),
    "bench": (ProblemAnswered,),
}
"""Events of a command that are worth stopping at; so is every run's ending."""
_ONE = 0.05
"""Seconds: what is nearer together is one thing to look at."""


@dataclass(frozen=True)
class Recording:
    """A run that can be played.

    Attributes:
        entries: its events, `RunStarted` first.
        start: seconds into it at which a replay starts: the model was ready.
        length: seconds to its end.
        marks: seconds that are worth stopping at, ascending.
    """

    entries: tuple[Entry, ...]
    start: float
    length: float
    marks: tuple[float, ...]


def recording(folder: Path, run: str) -> Recording:
    """A run's events as they are now. Raises `RunError` if there is no such run, or its log cannot be read."""
    entries = tuple(read(folder, run)[0])
    started = entries[0].event if entries else None
    if not isinstance(started, RunStarted):
        raise RunError(f"The log of run {run} has no beginning.", "Play another run.")
    kinds = (*_MARKS.get(started.command, ()), *ENDINGS)
    ready = next((entry.at for entry in entries if isinstance(entry.event, ModelReady)), 0.0)
    marks = [entry.at for entry in entries if isinstance(entry.event, kinds)]
    last = [mark for mark, after in pairwise([*marks, float("inf")]) if after - mark > _ONE]
    return Recording(entries, ready, entries[-1].at, tuple(last))


def play(
    recorded: Recording,
    speed: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Entry]:
    """The events at their own pace, `speed` times as fast; what was before `start` comes at once, without its waits.

    Raises:
        BadInput: the speed is not above 0.
    """
    if not speed > 0:
        raise BadInput(f"speed is {speed:g}.", "It must be above 0; 2 is twice as fast, inf at once.")
    began = clock()
    for entry in recorded.entries:
        if entry.at < recorded.start and isinstance(entry.event, Progress):
            continue
        left = (entry.at - recorded.start) / speed - (clock() - began)
        if left > 0:
            sleep(left)
        yield entry
