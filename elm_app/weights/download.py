"""Fetching a file whose SHA-256 is known from whichever mirror has it.

The hash is the file's identity, so every mirror is as good as the next: they are tried in order, the first that answers
serves, and bytes that do not match are thrown away. What was fetched survives a stop or a kill and is gone on from.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from elm_app.core.errors import Stopped, WeightsError
from elm_app.core.events import Progress, Stage

CHUNK = 1 << 20
"""Bytes read and written at a time."""
POLL = 0.1
"""Seconds between two looks at the clock and the stop button."""


class MirrorFailed(Exception):
    """One mirror cannot serve a file; the text goes on from the mirror's name: "did not answer"."""


class Watch:
    """Who hears how far a wait is, and who may stop it."""

    def __init__(self, progress: Callable[[Progress], None], cancelled: Callable[[], bool] = lambda: False) -> None:
        self.progress, self.cancelled = progress, cancelled
        self._said, self._when = "", 0.0

    def report(self, stage: Stage, message: str, done: float, total: float, unit: str = "B") -> None:
        """Tells how far it is, at most ten times a second; raises `Stopped` if the wait was cancelled."""
        if self.cancelled():
            raise Stopped("Stopped while getting the model.", "What was fetched is kept; start again to go on.")
        now = time.monotonic()
        if message != self._said or done >= total > 0 or now - self._when >= POLL:
            self._said, self._when = message, now
            self.progress(Progress(stage, message, min(done, total) if total else done, total, unit))


class Source(Protocol):
    """A mirror of a file."""

    @property
    def name(self) -> str:
        """What the mirror is called in a sentence."""

    def get(self, file: RemoteFile, target: Path, watch: Watch) -> None:
        """Brings the file to `target`, going on from what is there; `target.parent` is the place for what is half done.

        Raises `MirrorFailed` if it cannot, `Stopped` if cancelled.
        """


@dataclass(frozen=True)
class RemoteFile:
    """A file named by its hash: `title` for people, `bytes` its size, `sources` its mirrors in the order of asking."""

    name: str
    title: str
    sha256: str
    bytes: int
    sources: tuple[Source, ...]


def fetch(file: RemoteFile, folder: Path, watch: Watch) -> tuple[Path, str]:
    """The file with its hash checked, at `folder/file.name`, and the name of the mirror that served it.

    Raises:
        WeightsError: no mirror could serve it, and why; or there is no room.
        Stopped: cancelled; the next call goes on from there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / file.name
    if done.exists():
        if _sha256(done, file, watch) == file.sha256:
            return done, "an earlier download"
        done.unlink()
    check_room(folder, 2 * file.bytes - folder_size(folder), file.title)
    failed = []
    for number, source in enumerate(file.sources):
        part = folder / f"{number}.part"
        try:
            if not part.exists() or part.stat().st_size != file.bytes:
                source.get(file, part, watch)
            if _sha256(part, file, watch) != file.sha256:
                part.unlink()
                raise MirrorFailed("served other bytes (the SHA-256 does not match)")
        except MirrorFailed as error:
            failed.append(f"{source.name} {error}")
            continue
        with part.open("rb+") as handle:
            os.fsync(handle.fileno())
        part.replace(done)
        return done, source.name
    raise WeightsError(
        f"{file.title} could not be fetched: {'; '.join(failed)}.",
        "Check the connection and start again (what was fetched is kept), "
        "or give a folder that has the model: --model /path/to/folder.",
    )


def check_room(folder: Path, need: int, title: str) -> None:
    """Raises `WeightsError` unless the disk of `folder` has `need` bytes free, and a little more."""
    free = shutil.disk_usage(folder).free
    if free < need + (64 << 20):
        raise WeightsError(
            f"{title} needs {need / 1e9:.1f} GB in {folder}, and {free / 1e9:.1f} GB are free.",
            "Make room there, or set ELM_CACHE to a folder on a larger disk.",
        )


def folder_size(folder: Path) -> int:
    """Bytes in the files of a folder, which may change meanwhile: what is gone is passed over."""
    total = 0
    for place, _, names in os.walk(folder):  # unlike `rglob` it goes on where a folder vanishes under it
        for name in names:
            with suppress(OSError):
                found = Path(place, name).lstat()
                total += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return total


def _sha256(path: Path, file: RemoteFile, watch: Watch) -> str:
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            watch.report("verify", f"Checking {file.title}", done, file.bytes)
    return digest.hexdigest()
