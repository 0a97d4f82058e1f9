"""A run on the page as it stood some seconds after it began, from its log alone. Where the seconds come from is the
page's business (`run/replay.js`): it lets them pass, faster or slower, or goes to any of them."""

from __future__ import annotations

from bisect import bisect_right

from elm_app.runs.replay import recording
from elm_app.runs.runner import Runner
from elm_app.web.commands import Actions
from elm_app.web.run.answers import Fragments, ReplaySpan
from elm_app.web.run.live_run import LiveRun


class Replay(LiveRun):
    """`at` is the moment that `update` goes to; None is where a replay starts. Raises `RunError` as `recording`."""

    def __init__(self, runner: Runner, run: str, actions: Actions | None = None) -> None:
        super().__init__(runner, run, actions)
        self._recorded, self._played = recording(runner.folder, run), 0
        self.at: float | None = None

    def update(self) -> None:
        """Take in the events up to `at`; to go back, everything is drawn anew."""
        recorded = self._recorded
        at = recorded.start if self.at is None else self.at
        place = bisect_right(recorded.entries, at, key=lambda entry: entry.at)
        if place < self._played:
            self.clear()
            self._played = 0
        self.take(recorded.entries[self._played : place])
        self._played = place

    def answer(self, since: int) -> Fragments:
        """As a live run's, and what there is to play."""
        recorded = self._recorded
        replay: ReplaySpan = {"start": recorded.start, "length": recorded.length, "marks": recorded.marks}
        return {**super().answer(since), "live": False, "replay": replay}
