"""A run's events on disk: `<id>.jsonl`, one event a line, written as it happens.

One writer, any number of readers, in this process or another. A reader keeps a *cursor* (a byte offset) and asks for
what came after it, so a page can be reloaded, or a second one opened, and nothing is lost. While a run is written,
`<id>.lock` is held; a lock that nobody holds belongs to a process that died, and `recover` closes such a run.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout
from pydantic import ValidationError

from elm_app.errors import RunError
from elm_app.events import ENDINGS, Event, Failed, RunStarted, event_from_json, event_to_json


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
        self._began = time.monotonic()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.path.with_suffix(".lock"))
            self._lock.acquire(timeout=0)
            self._file = self.path.open("x", encoding="utf-8")
        except OSError as error:
            raise RunError(f"The run's log {self.path} cannot be written: {error}.", _WRITE_REMEDY) from error

    def append(self, event: Event) -> Entry:
        """Write one event; it is visible to readers when this returns. Raises `RunError` if the disk refuses."""
        entry = Entry(self._seq, round(time.monotonic() - self._began, 4), event)
        line = json.dumps({"seq": entry.seq, "at": entry.at, **event_to_json(event)}, ensure_ascii=False)
        try:
            self._file.write(line + "\n")
            self._file.flush()
        except OSError as error:
            raise RunError(f"The run's log {self.path} cannot be written: {error}.", _WRITE_REMEDY) from error
        self._seq += 1
        return entry

    def __enter__(self) -> LogWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        finally:
            self._lock.release()
            self.path.with_suffix(".lock").unlink(missing_ok=True)


_WRITE_REMEDY = "Free some room, or choose another folder with --memories."


def new_run_id() -> str:
    """An id that sorts by time and reads as one: `20261122-181639-4f2a`, UTC."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def read(folder: Path, run: str, cursor: int = 0) -> tuple[list[Entry], int]:
    """The entries after `cursor` (bytes) and the cursor to go on from; a line still being written waits for next time.

    Raises:
        RunError: no such run, or a line that is no event.
    """
    path = folder / f"{run}.jsonl"
    if Path(run).name != run or not path.is_file():
        raise RunError(f"There is no run {run!r}.", f"Runs are kept in {folder}.")
    with path.open("rb") as file:
        file.seek(cursor)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    return [_parse(line, path) for line in whole.splitlines()], cursor + len(whole)


def follow(folder: Path, run: str, poll_seconds: float = 0.05) -> Iterator[Entry]:
    """The entries of a run as they come, until it ends."""
    cursor = 0
    while True:
        entries, cursor = read(folder, run, cursor)
        yield from entries
        if entries and isinstance(entries[-1].event, ENDINGS):
            return
        if not entries:
            time.sleep(poll_seconds)


def runs(folder: Path) -> list[str]:
    """The ids of all runs, newest first."""
    return sorted((path.stem for path in folder.glob("*.jsonl")), reverse=True)


def recover(folder: Path) -> list[str]:
    """Close the runs whose process died: cut off a half-written line and append `Failed`. Returns their ids."""
    closed = []
    for lock_path in sorted(folder.glob("*.lock")):
        lock = FileLock(lock_path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        try:
            path = lock_path.with_suffix(".jsonl")
            if path.is_file() and _close_interrupted(folder, path):
                closed.append(path.stem)
        finally:
            lock.release()
            lock_path.unlink(missing_ok=True)
    return closed


def _close_interrupted(folder: Path, path: Path) -> bool:
    entries, end = read(folder, path.stem)
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
    except (ValueError, KeyError, AttributeError, ValidationError) as error:
        raise RunError(
            f"The log {path.name} has a line that is no event.", f"Move {path} away to go on without it."
        ) from error
