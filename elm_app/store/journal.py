"""One writer at a time, and what it was doing if it was killed.

.lock          held while a process may write, from its first write until it closes the store
.lock.json     who holds it, for the one who is refused
pending.json   written before anything changes and removed after: what to finish or undo when a process was killed
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from filelock import FileLock, Timeout

from elm_app.core.errors import StoreLocked

Op = Literal["add", "change", "delete", "rebuild"]
_PATIENCE = 1.0
"""Seconds that a write waits for the lock: somebody may be mending, which is short."""


@dataclass(frozen=True)
class Intent:
    """What is being done to which memories; those to add lie ready in `stage`, a folder beside their places."""

    op: Op
    ids: tuple[str, ...] = ()
    stage: str = ""


class Writer:
    """The right to write into `folder`, and the note of what is being written."""

    def __init__(self, folder: Path) -> None:
        self._lock = FileLock(folder / ".lock", thread_local=False)
        self._holder, self._note = folder / ".lock.json", folder / "pending.json"
        self.folder = folder

    @property
    def held(self) -> bool:
        """Whether this process may write."""
        return self._lock.is_locked

    def hold(self, patience: float = _PATIENCE) -> None:
        """Takes the lock unless it is held already; raises `StoreLocked`, naming who has it, or OSError."""
        if self.held:
            return
        try:
            self._lock.acquire(timeout=patience)
        except Timeout as error:
            raise StoreLocked(
                f"Another process writes the memories in {self.folder}: {self._who()}.",
                "Close it first, or give another folder with --memories.",
            ) from error
        who = {"pid": os.getpid(), "program": _program(), "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"}
        write_whole(self._holder, json.dumps(who).encode(), durable=False)

    def release(self) -> None:
        """Lets others write."""
        if self.held:
            with suppress(OSError):
                self._holder.unlink(missing_ok=True)
            self._lock.release()

    def begin(self, intent: Intent) -> None:
        """Notes what is about to happen; it is on disk when this returns."""
        write_whole(self._note, json.dumps(asdict(intent)).encode())

    def end(self) -> None:
        """It has happened, or was undone."""
        self._note.unlink(missing_ok=True)  # should the note come back after a power cut, what it asks for is done

    def pending(self) -> Intent | None:
        """What was begun and not ended; a note that cannot be read asks for everything to be made anew."""
        try:
            value = json.loads(self._note.read_bytes())
            intent = Intent(value["op"], tuple(map(str, value["ids"])), str(value["stage"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError):
            return Intent("rebuild")
        return intent if intent.op in get_args(Op) else Intent("rebuild")

    def _who(self) -> str:
        try:
            who = json.loads(self._holder.read_bytes())
            return f"{who['program']} (process {who['pid']}), since {who['since']}"
        except (OSError, ValueError, LookupError, TypeError):
            return "one that does not give its name"


def write_whole(path: Path, data: bytes, durable: bool = True) -> None:
    """Replaces a file as a whole or not at all; `durable`: it is on disk when this returns."""
    half = path.with_name(path.name + ".tmp")
    try:
        with half.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        half.replace(path)
    except OSError:
        half.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """What was made, renamed or removed in the folder is on disk when this returns."""
    if os.name == "nt":  # cannot be asked for there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _program() -> str:
    path = Path(sys.argv[0] or "python")
    name = path.parent.name if path.name == "__main__.py" else path.name
    return " ".join([name, *sys.argv[1:2]])[:80]
