"""The program of `viewers.py`: `app.py` in a process of its own, and what it takes while it rests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180
USER, PASSWORD = "ada", "count:1815"
CLOSED = (
    ("GET", "/config"),
    ("GET", "/gradio_api/info"),
    ("POST", "/gradio_api/component_server/"),
    ("POST", "/gradio_api/run/predict"),
    ("POST", "/gradio_api/queue/join"),
    ("GET", "/gradio_api/queue/data?session_hash=x"),
    ("POST", "/gradio_api/call/v2/solve"),
    ("POST", "/gradio_api/upload"),
)
"""What a stranger is not told."""


@dataclass(frozen=True)
class Rest:
    """What the program takes: resident memory in KiB, open file descriptors, threads."""

    kib: int
    descriptors: int
    threads: int


class App:
    """The program over a folder, with ELM_AUTH; it has no weights, and fetches none."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._said = folder, folder / "said.txt"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        asked = {"GRADIO_SERVER_PORT": str(port), "ELM_AUTH": f"{USER}:{PASSWORD}", "ELM_HUB": "off"}
        environment = {**os.environ, **asked, "ELM_CACHE": str(folder / "cache"), "GRADIO_SERVER_NAME": "127.0.0.1"}
        environment |= {"PYTHONFAULTHANDLER": "1", "PYTHONUNBUFFERED": "1"}
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, str(ROOT / "app.py"), "--memories", str(folder / "memories")]
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                command, env=environment, stdout=said, stderr=subprocess.STDOUT, preexec_fn=_heeds_ctrl_c
            )
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                httpx.get(self.url, timeout=30)
                return
            except httpx.TransportError as error:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"the program does not start: {self.said()}") from error
                time.sleep(0.1)

    def said(self) -> str:
        """All that it has printed."""
        return self._said.read_text("utf-8", "replace")

    def rest(self, seconds: float = 10.0) -> Rest:
        """What it takes as soon as that is the same twice, half a second apart; after so many seconds, what it is."""
        until, last = time.monotonic() + seconds, self._takes()
        while True:
            time.sleep(0.5)
            now = self._takes()
            if (now.descriptors, now.threads) == (last.descriptors, last.threads) or time.monotonic() > until:
                return now
            last = now

    def _takes(self) -> Rest:
        place = Path(f"/proc/{self._process.pid}")
        lines = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
        count = len(list((place / "fd").iterdir()))
        return Rest(int(lines["VmRSS"].split()[0]), count, int(lines["Threads"]))

    def close(self) -> int:
        """End it as Ctrl+C does; its exit code. If it does not end, it says where it hangs."""
        self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGABRT)  # Python writes down the stack of every thread
            return self._process.wait()


def _heeds_ctrl_c() -> None:
    """What a shell starts in the background is told to ignore SIGINT, and passes that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def stranger(url: str) -> tuple[list[str], int]:
    """What somebody who knows no password is told all the same, and how often they ask."""
    with httpx.Client(base_url=url, timeout=120) as http:
        bad = [f"{way} {path} answers a stranger" for way, path in CLOSED if http.request(way, path).status_code != 401]
        refused = http.post("/login", data={"username": USER, "password": "count"})
        bad += ["a wrong password is taken"] if refused.status_code < 400 else []
        bad += ["the page is shown to a stranger"] if "elm-problem" in http.get("/").text else []
    return bad, len(CLOSED) + 2
