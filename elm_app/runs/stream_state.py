"""A stream and a benchmark as they stand, folded from their events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from elm_app.core.events import MethodStarted, ProblemAnswered, ProblemFinished, ProblemStarted
from elm_app.core.results import ArmResult, StreamRow
from elm_app.core.types import to_json


@dataclass
class StreamView:
    """A stream so far: the rows of the problems that are done, in order, and the one that goes on."""

    rows: list[StreamRow] = field(default_factory=list)
    total: int = 0
    current: ProblemStarted | None = None

    def apply(self, event: ProblemStarted | ProblemFinished) -> None:
        if isinstance(event, ProblemStarted):
            self.current, self.total = event, event.total
        else:
            self.rows.append(event.row)
            self.current = None

    @property
    def judged(self) -> list[StreamRow]:
        """The rows whose right answer is known."""
        return [row for row in self.rows if row.right is not None]

    def accuracy(self) -> list[tuple[int, float, float]]:
        """After each judged row: its number, the share right so far of zero-shot, and of ELM."""
        points, bare, ours = [], 0, 0
        for place, row in enumerate(self.judged, 1):
            bare += bool(row.zero_shot.right)
            ours += bool(row.right)
            points.append((row.number, bare / place, ours / place))
        return points

    @property
    def agreement(self) -> tuple[float, float]:
        """Mean agreement without a memory, and of the arm with one where there was one; 0.0 without rows."""
        with_it = [row.memory or row.zero_shot for row in self.rows]
        return _mean([row.zero_shot for row in self.rows]), _mean(with_it)

    @property
    def kept(self) -> int:
        """Memories that were made and are offered from then on."""
        return sum(row.learned is not None and row.enabled for row in self.rows)

    @property
    def hits(self) -> int:
        """Problems that were tried with a memory."""
        return sum(row.memory is not None for row in self.rows)

    @property
    def tokens(self) -> int:
        return sum(row.tokens for row in self.rows)

    @property
    def seconds(self) -> float:
        """Spent on the problems that are done, over all sittings."""
        return sum(row.seconds for row in self.rows)

    @property
    def seconds_left(self) -> float | None:
        """What the problems that are left will take, at the median of those that are done; None before the first."""
        if not self.rows:
            return None
        times = sorted(row.seconds for row in self.rows)
        return times[len(times) // 2] * (self.total - len(self.rows))


@dataclass
class BenchView:
    """A benchmark so far: the method and seed that go on, and the answers of this sitting.

    Attributes:
        current: the one that was begun last.
        begun: how many answers each had when it was begun.
        walls: for each of `answered`, the seconds by the clock since the one before, or since its method began.
    """

    current: MethodStarted | None = None
    begun: dict[tuple[str, int], int] = field(default_factory=dict)
    answered: list[ProblemAnswered] = field(default_factory=list)
    walls: list[float] = field(default_factory=list)
    since: float = 0.0

    def apply(self, event: MethodStarted | ProblemAnswered, at: float = 0.0) -> None:
        """Take in an event, `at` seconds after the run began."""
        if isinstance(event, MethodStarted):
            self.current = event
            self.begun.setdefault((event.method, event.seed), event.done)
        else:
            self.answered.append(event)
            self.walls.append(at - self.since)
        self.since = at

    @property
    def done_of_current(self) -> int:
        """Answers of the method and seed that go on, those of earlier sittings included."""
        now = self.current
        if now is None:
            return 0
        return now.done + sum((one.method, one.seed) == (now.method, now.seed) for one in self.answered)

    @property
    def done(self) -> int:
        """Answers that there are, over all methods and seeds."""
        return sum(self.begun.values()) + len(self.answered)

    @property
    def total(self) -> int:
        """Answers that there will be; 0 before the first method."""
        return self.current.places * self.current.total if self.current else 0


def _mean(arms: list[ArmResult]) -> float:
    return sum(arm.agreement for arm in arms) / len(arms) if arms else 0.0


def stream_json(stream: StreamView | None) -> dict[str, Any]:
    """What `stream --json` prints of a stream: its rows, and what they come to."""
    view = stream or StreamView()
    judged, total = view.judged, max(view.total, len(view.rows))
    share = (lambda right: right / len(judged)) if judged else (lambda _: None)
    bare_agreement, agreement = view.agreement
    return {
        "problems": total,
        "done": len(view.rows),
        "accuracy": {
            "zero_shot": share(sum(bool(row.zero_shot.right) for row in judged)),
            "elm": share(sum(bool(row.right) for row in judged)),
            "judged": len(judged),
        },
        "agreement": {"zero_shot": round(bare_agreement, 4), "memory": round(agreement, 4)},
        "memories": view.kept,
        "hits": view.hits,
        "tokens": view.tokens,
        "seconds": round(view.seconds, 3),
        "rows": [to_json(row) for row in view.rows],
    }
