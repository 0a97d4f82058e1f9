"""How fast a wait goes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from elm_app.core.events import Progress

PACE_SECONDS = 8.0
"""How far back the speed of a wait is measured."""


@dataclass(frozen=True)
class Pace:
    """How fast the wait in progress goes, in its unit per second; None while nobody knows."""

    per_second: float | None = None


@dataclass(frozen=True)
class Wait:
    """How far a wait has come, and how fast it goes."""

    progress: Progress
    pace: Pace


class Meter:
    """Is told every step of a wait. One that comes in several parts is still one; another begins anew."""

    def __init__(self) -> None:
        self._steps: deque[tuple[float, float]] = deque()
        self._what: tuple[str, float, str] | None = None

    def take(self, at: float, progress: Progress) -> None:
        """Take in a step, `at` seconds by any clock."""
        what = (progress.stage, progress.total, progress.unit)
        if what != self._what or progress.done < self._steps[0][1]:  # a little less now and then is no beginning
            self._what = what
            self._steps.clear()
        self._steps.append((at, progress.done))
        while len(self._steps) > 2 and at - self._steps[0][0] > PACE_SECONDS:
            self._steps.popleft()

    def pace(self) -> Pace:
        """The speed over the last seconds."""
        if len(self._steps) < 2:
            return Pace()
        (first_at, first), (last_at, last) = self._steps[0], self._steps[-1]
        if last_at - first_at < 0.5 or last <= first:
            return Pace()
        return Pace((last - first) / (last_at - first_at))
