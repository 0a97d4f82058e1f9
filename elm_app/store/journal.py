"""Processes take turns with a store, and leave a note of what they are changing.

.lock          held for the length of one question or one change
.lock.json     who held it last, for the one who waits too long
.version       another text after every change: whoever had Chroma open before must open it anew
pending.json   written before anything changes and removed after: what to finish or undo when a process was killed
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from filelock import FileLock, Timeout

from elm_app.core.errors import StoreLocked

Op = Literal["add", "change", "delete", "rebuild"]
PATIENCE = 30.0
"""Seconds that a turn is waited for: others ask and change in milliseconds, but store or examine thousands in more."""


@dataclass(frozen=True)
class Intent:
    """What is being done to which memories; those to add lie ready in `stage`, a folder beside their places."""

    op: Op
    ids: tuple[str, ...] = ()
    stage: str = ""


class Journal:
    """Whose turn it is in `folder`, and the note of what is being changed. Making one touches nothing."""

    def __init__(self, folder: Path) -> None:
        self._lock = FileLock(folder / ".lock", thread_local=False)
        self._holder, self._note, self._version = folder / ".lock.json", folder / "pending.json", folder / ".version"
        self.folder = folder
        self._known = ""
        self._signed: int | None = None

    @property
    def held(self) -> bool:
        """Whether it is this process' turn."""
        return self._lock.is_locked

    def take(self, patience: float) -> None:
        """Waits for its turn, as often as it is given back by `release`; raises `StoreLocked`, or OSError."""
        first = not self.held
        try:
            self._lock.acquire(timeout=patience, poll_interval=0.01)
        except Timeout as error:
            raise self.refusal() from error
        if first:
            with suppress(OSError):  # a courtesy: whoever waits in vain is not told for whom
                self._sign()

    def refusal(self) -> StoreLocked:
        """What to tell one who has waited in vain."""
        return StoreLocked(
            f"The memories in {self.folder} have been in use for a while, by {self._who()}.",
            "Wait until that is done or close it, or give another folder with --memories.",
        )

    def release(self) -> None:
        """Lets others have their turn."""
        self._lock.release()

    def close(self) -> None:
        """Lets go of the file that is kept open; it is opened again when it is needed."""
        if self._signed is not None:
            os.close(self._signed)
            self._signed = None

    def _sign(self) -> None:
        """Says whose turn it is, in a file that stays open: that takes a fiftieth of writing a new one."""
        if self._signed is None:
            self._signed = os.open(self._holder, os.O_RDWR | os.O_CREAT, 0o666)
        who = {"pid": os.getpid(), "program": _program(), "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"}
        os.lseek(self._signed, 0, os.SEEK_SET)
        os.write(self._signed, json.dumps(who).encode().ljust(1024))

    def version(self) -> str:
        """A text that is another one after every change by any process; "" before the first."""
        try:
            return self._version.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def is_news(self) -> bool:
        """Whether another process has changed something since this was asked, or since this process last did."""
        now = self.version()
        news, self._known = now != self._known, now
        return news

    def renew(self) -> None:
        """Tells all others that something changes; before it does, so that a kill in between is told as well."""
        self._known = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._version.write_text(self._known, encoding="utf-8")

    def begin(self, intent: Intent) -> None:
        """Notes what is about to happen; it is on disk when this returns."""
        self.renew()
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
