"""What the logs tell of the runs of `viewers.py`, read when all is over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from viewers_page import Followed

from elm_app.runs.event_log import read
from elm_app.web.run.live_run import LiveRun

CLOCK_SECONDS = 0.05
"""How far the clock of a folder and that of a log may be from each other."""


@dataclass(frozen=True)
class Logs:
    """A folder of logs, as somebody sees it who has no program at hand."""

    folder: Path

    def live(self) -> list[str]:
        """Nothing goes on any more."""
        return []

    def whole(self, run: str) -> Followed:
        """A run as a page shows it that was told everything at once."""
        drawn, shown = LiveRun(self, run), Followed(run)
        drawn.update()
        shown.take(drawn.answer(-1))
        return shown

    def span(self, run: str) -> tuple[float, float]:
        """When the work of a run began and when it ended, in seconds since the epoch."""
        entries = read(self.folder, run)[0]
        end = (self.folder / f"{run}.jsonl").stat().st_mtime
        first = next(entry for entry in entries if entry.event.kind not in ("run_started", "queued"))
        return end - (entries[-1].at - first.at), end

    def wrong(self, runs: list[str], stopped: set[str]) -> list[str]:
        """Where the runs, in the order queued, were not one after the other, or did not end as they should have."""
        spans = [self.span(run) for run in runs]
        pairs = zip(runs[1:], spans, spans[1:], strict=False)
        early = [run for run, before, after in pairs if after[0] < before[1] - CLOCK_SECONDS]
        bad = [f"run {run} began before the one ahead of it had ended" for run in early]
        states = {run: self.whole(run).state for run in runs}
        wanted = {run: "stopped" if run in stopped else "done" for run in runs}
        bad += [f"run {run} is {states[run]}, not {wanted[run]}" for run in runs if states[run] != wanted[run]]
        left = sorted(path.name for path in self.folder.glob("*.lock"))
        known = sorted(path.stem for path in self.folder.glob("*.jsonl"))
        bad += [f"locks are left: {left}"] if left else []
        return bad + ([f"there are the runs {known}, not {sorted(runs)}"] if known != sorted(runs) else [])
