"""Runs without a model: typed events, and disks that fill up."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from elm_app.core.events import (
    Decided,
    Event,
    ModelReady,
    Progress,
    PromptRead,
    Retrieved,
    RunFinished,
    RunStopped,
    TraceChunk,
    TraceFinished,
    VoteChanged,
)
from elm_app.core.learning_events import LearningEnded, MeasureFinished, MemoryStored, PhaseStarted, StepFinished
from elm_app.core.types import AnswerCount, Decision, LearnStep, Match, Measured, ModelInfo, Timing, Trace, Vote
from elm_app.runs.event_log import Entry, LogWriter

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
SECONDS = 30.0
"""How long a test waits for what should happen at once."""
TIMING = Timing(1.5, 0.25, 2.0, 40, 20.0)
MODEL = ModelInfo("random", "none", "cpu", "ab" * 32)
VOTE = Vote("72", 0.5, (AnswerCount("72", 1, (0,)),), abstained=1)


def trace(index: int, answer: str | None = "72", text: str = "So it is ½ · 144.") -> Trace:
    return Trace("zero_shot", index, 100 + index, text, answer, 20, True, -0.5)


def story() -> list[Event]:
    """A run of two samples from its first wait to its end; `RunStarted` and `Queued` are the runner's to say."""
    return [
        Progress("load", "Loading random", 0, 2, "layers"),
        ModelReady(MODEL, 1.5),
        Progress("prefill", "Reading the problem", 0, 0),
        PromptRead("zero_shot", 17, 0.25),
        TraceChunk("zero_shot", 0, "So it", 2),
        TraceChunk("zero_shot", 1, "I do", 2),
        TraceChunk("zero_shot", 0, " is ½", 4),
        TraceFinished(trace(0)),
        VoteChanged("zero_shot", Vote("72", 1.0, (AnswerCount("72", 1, (0,)),), 0), 1, 2),
        TraceFinished(trace(1, None, "I do not know.")),
        VoteChanged("zero_shot", VOTE, 2, 2),
        Decided(Decision("72", "zero_shot", "1 of 2 agree.")),
        RunFinished(TIMING),
    ]


def learning() -> list[Event]:
    """A learning run of one step, without its traces."""
    measured = Measured(VOTE, 2, 0.5, 20.0)
    return [
        Retrieved((Match("m1", 0.83, "1?"),), "m1", 0.6, "The nearest memory, at 0.83."),
        PhaseStarted("before", 0, 10, 2),
        MeasureFinished("before", measured),
        PhaseStarted("step", 1, 10, 8),
        StepFinished(LearnStep(1, "72", 0.5, 0.5, 1.0, 200.5, -0.25, 0.5, None, 4.0, 3.0, 7.1)),
        LearningEnded("Stopped in step 2.", 1, True),
        PhaseStarted("after", 1, 10, 2),
        MeasureFinished("after", measured),
        MemoryStored("m1", True, "It helps."),
    ]


def tells(*events: Event) -> Callable[[Callable[[], bool]], Iterator[Event]]:
    """Work that says these events and ends."""
    return lambda _stopped: iter(events)


class Held:
    """Work that starts, says one chunk, and goes on when it is let go or stopped."""

    def __init__(self) -> None:
        self.started, self.go = threading.Event(), threading.Event()

    def __call__(self, stopped: Callable[[], bool]) -> Iterator[Event]:
        self.started.set()
        yield TraceChunk("zero_shot", 0, "so far", 2)
        while not self.go.wait(0.005):
            if stopped():
                yield RunStopped(TIMING)
                return
        yield RunFinished(TIMING)


class SmallDisk(io.FileIO):
    """A file on a disk with room for so many bytes of it, which takes what fits before it refuses."""

    def __init__(self, path: Path, room: int) -> None:
        super().__init__(path, "r+b")
        self.seek(0, io.SEEK_END)
        self.room = room

    def write(self, data: bytes) -> int:  # type: ignore[override]
        left = self.room - self.tell()
        if left <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data[:left])


def on_small_disk(writer: LogWriter, room: int) -> LogWriter:
    """The writer, with room for so many bytes in its log."""
    writer._file.close()
    writer._file = SmallDisk(writer.path, room)
    return writer


def events(entries: list[Entry]) -> list[Event]:
    return [entry.event for entry in entries]


def soon(call: Callable[[], T]) -> T:
    """What a call returns or raises; a call that hangs is a failure."""
    done: Future[T] = Future()

    def target() -> None:
        try:
            done.set_result(call())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=target, daemon=True).start()
    return done.result(SECONDS)


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python process with this package, its input and output in our hands."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
