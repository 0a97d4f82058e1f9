"""Which runs there are, and which belong to a stream: the first line of every log, read once."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from elm_app.runs.event_log import runs


class Index:
    """How each run of a folder began. A log's first line never changes, so it is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Any]] = {}

    def started(self, run: str) -> dict[str, Any]:
        """The first event of a run's log; empty if there is none that can be read."""
        with self._lock:
            known = self._known.get(run)
        if known is not None:
            return known
        value = self._read(run)
        if value:
            with self._lock:
                self._known[run] = value
        return value

    def settings(self, run: str) -> dict[str, Any]:
        """The settings of a run, empty if they cannot be read."""
        value = self.started(run).get("settings")
        return value if isinstance(value, dict) else {}

    def of(self, command: str) -> list[str]:
        """The runs of a command, newest first."""
        return [run for run in runs(self.folder) if self.started(run).get("command") == command]

    def stream(self, run: str) -> str | None:
        """The stream that a run solved or learned a problem for: the run that began it."""
        stream = self.settings(run).get("stream")
        return stream if isinstance(stream, str) else None

    def streams(self) -> set[str]:
        """The runs that began the streams whose logs are there, one for each stream."""
        return {str(self.settings(run).get("stream_id") or run) for run in self.of("stream")}

    def latest(self, run: str) -> str:
        """The newest of the runs of one stream, or one benchmark: it was paused and went on, in the same folder. Else
        the run itself."""
        out, command = self.settings(run).get("out"), str(self.started(run).get("command"))
        same = (each for each in self.of(command) if out and self.settings(each).get("out") == out)
        return next(same, run)

    def at(self, command: str, out: Path) -> str | None:
        """The newest run of a command that has written into a folder."""
        wanted = out.resolve()
        outs = ((run, self.settings(run).get("out")) for run in self.of(command))
        return next((run for run, there in outs if isinstance(there, str) and Path(there).resolve() == wanted), None)

    def _read(self, run: str) -> dict[str, Any]:
        try:
            if Path(run).name != run:
                return {}
            with (self.folder / f"{run}.jsonl").open("rb") as file:
                value = json.loads(file.readline())
        except (OSError, ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}
