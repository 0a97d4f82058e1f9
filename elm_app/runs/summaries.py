"""Runs without their text: what each was about and how it ended."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from elm_app.core.events import event_from_json
from elm_app.runs.event_log import Entry
from elm_app.runs.state import RunView

_CHUNK = b'"kind": "trace_chunk"'


class Summaries:
    """Summaries of the runs in a folder, read again only when a log has grown."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, RunView | None]] = {}

    def of(self, run: str) -> RunView | None:
        """A run's view without its text; None if its log is damaged or gone."""
        path = self.folder / f"{run}.jsonl"
        try:
            size = path.stat().st_size
            with self._lock:
                known = self._known.get(run)
            if known is None or known[0] != size:
                known = (size, summary(path))
                with self._lock:
                    self._known[run] = known
            return known[1]
        except OSError:
            return None


def summary(path: Path) -> RunView | None:
    """A run's view without the text that was streamed; None if its log is damaged."""
    view = RunView()
    try:
        data = path.read_bytes()
        for line in data[: data.rfind(b"\n") + 1].splitlines():
            if not line.endswith(_CHUNK + b"}"):
                value = json.loads(line)
                view.apply(Entry(int(value.pop("seq")), float(value.pop("at")), event_from_json(value)))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None
    return view if view.run else None
