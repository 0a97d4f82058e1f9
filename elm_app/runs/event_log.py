"""A run's events on disk: `<id>.jsonl`, one event a line, written as it happens.

One writer, any number of readers, in this process or another. A reader keeps a *cursor* (a byte offset) and asks for
what came after it, so a page can be reloaded, or a second one opened, and nothing is lost. While a run is written,
`<id>.lock` is held; a lock that nobody holds belongs to a run without an ending, because its process died or the disk
was full, and `recover` closes such a run.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from filelock import FileLock, lock_descriptor

from elm_app.core.errors import RunError
from elm_app.core.events import ENDINGS, Event, Failed, RunStarted, event_from_json, event_to_json


@dataclass(frozen=True)
class Entry:
    """An event with its place in the log and the seconds since the run began."""

    seq: int
    at: float
    event: Event


class LogWriter:
    """Appends events to a new log; use as a context manager. Raises `RunError` if the folder cannot be written."""

    def __init__(self, folder: Path, run: str) -> None:
        self.path = folder / f"{run}.jsonl"
        self._seq = 0
        self._ended = False
        self._began = time.monotonic()
        self._lock = FileLock(self.path.with_suffix(".lock"), thread_local=False)  # a run ends in another thread
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
            try:
                self._file = self.path.open("xb", buffering=0)
            except OSError:
                self._unlock()
                raise
        except OSError as error:
            raise self._refused(error) from error

    def append(self, event: Event) -> Entry:
        """Write one event; it is visible to readers when this returns.

        Raises:
            RunError: the disk refuses; nothing of the event stays in the log, and a shorter one may still fit.
        """
        entry = Entry(self._seq, round(time.monotonic() - self._began, 4), event)
        line = json.dumps({"seq": entry.seq, "at": entry.at, **event_to_json(event)}, ensure_ascii=False)
        rest, start = memoryview(f"{line}\n".encode()), self._file.tell()
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(self._file.seek(start))
            raise self._refused(error) from error
        self._seq += 1
        self._ended = isinstance(event, ENDINGS)
        return entry

    def close(self) -> None:
        """Let go of the log. One without an event is removed; one without an ending is left to `recover`."""
        try:
            self._file.close()
            if self._seq == 0:
                self.path.unlink(missing_ok=True)
        finally:
            self._unlock(keep_file=self._seq > 0 and not self._ended)

    def _unlock(self, keep_file: bool = False) -> None:
        self._lock.release()
        if not keep_file:
            self.path.with_suffix(".lock").unlink(missing_ok=True)

    def _refused(self, error: OSError) -> RunError:
        reason = error.strerror or str(error)
        return RunError(
            f"The run's log {self.path} cannot be written: {reason}.",
            "Free some room, or choose another folder with --memories.",
        )

    def __enter__(self) -> LogWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def new_run_id() -> str:
    """An id that sorts by time and reads as one, UTC to the microsecond: `20261122-181639-482913`."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"


def read(folder: Path, run: str, cursor: int = 0) -> tuple[list[Entry], int]:
    """The entries after `cursor` (bytes) and the cursor to go on from; a line still being written waits for next time.

    Raises:
        RunError: no such run, or a line that is no event.
    """
    path = folder / f"{run}.jsonl"
    try:
        if Path(run).name != run:
            raise FileNotFoundError
        with path.open("rb") as file:
            file.seek(cursor)
            data = file.read()
    except (FileNotFoundError, ValueError) as error:  # ValueError: no file can be called so
        raise RunError(f"There is no run {run!r}.", f"Runs are kept in {folder}.") from error
    except OSError as error:
        raise RunError(f"The log of run {run!r} cannot be read: {error.strerror}.", f"Look at {folder}.") from error
    whole = data[: data.rfind(b"\n") + 1]
    return [_parse(line, path) for line in whole.splitlines()], cursor + len(whole)


def follow(folder: Path, run: str, poll_seconds: float = 0.05) -> Iterator[Entry]:
    """The entries of a run as they come, until it ends.

    Raises:
        RunError: as `read`; or nobody writes the log any more and it has no ending.
    """
    cursor = 0
    while True:
        written = _locked(folder / f"{run}.lock")  # asked first: what is written in between is still read
        entries, cursor = read(folder, run, cursor)
        yield from entries
        if entries and isinstance(entries[-1].event, ENDINGS):
            return
        if not entries:
            if not written:
                raise RunError(
                    f"The log of run {run} breaks off: its program died, or the disk is full.",
                    "Run it again; its seed is in the settings.",
                )
            time.sleep(poll_seconds)


def runs(folder: Path) -> list[str]:
    """The ids of all runs, newest first."""
    return sorted((path.stem for path in folder.glob("*.jsonl")), reverse=True)


def recover(folder: Path) -> list[str]:
    """Close the runs that were left without an ending: cut off a half-written line and append `Failed`.

    Returns their ids. A log that cannot be read is left alone, and so is one on a disk that refuses to be written.
    """
    closed = []
    for lock in sorted(folder.glob("*.lock")):
        path = lock.with_suffix(".jsonl")
        try:
            with FileLock(lock).acquire(timeout=0):
                if path.is_file() and _close_interrupted(folder, path):
                    closed.append(path.stem)
            lock.unlink(missing_ok=True)
        except OSError:  # its process lives (`filelock.Timeout` is one too), or the disk refuses: not now
            continue
    return closed


def _locked(lock: Path) -> bool:
    """Whether somebody holds the lock, or it cannot be found out. Unlike `FileLock` it never makes the file."""
    try:
        with lock.open("rb") as file:
            return not lock_descriptor(file.fileno(), blocking=False)
    except (FileNotFoundError, ValueError):  # ValueError: no file can be called so
        return False
    except OSError:
        return True


def _close_interrupted(folder: Path, path: Path) -> bool:
    try:
        entries, end = read(folder, path.stem)
    except RunError:
        return False
    if entries and isinstance(entries[-1].event, ENDINGS):
        return False
    if not entries or not isinstance(entries[0].event, RunStarted):
        path.unlink()
        return True
    last = entries[-1]
    event = Failed(
        "Interrupted", "The program ended before this run did.", "Run it again; its seed is in the settings."
    )
    line = json.dumps({"seq": last.seq + 1, "at": last.at, **event_to_json(event)}, ensure_ascii=False)
    os.truncate(path, end)
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    return True


def _parse(line: bytes, path: Path) -> Entry:
    try:
        value = json.loads(line)
        seq, at = int(value.pop("seq")), float(value.pop("at"))
        return Entry(seq, at, event_from_json(value))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise RunError(
            f"The log {path.name} has a line that is no event.", f"Move {path} away to go on without it."
        ) from error
