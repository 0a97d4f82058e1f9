"""What a verifier sees, and what it must do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from elm_app.core.events import Progress
from elm_app.core.scores import SideScore
from elm_app.core.types import Trace, Vote


@dataclass(frozen=True)
class Sample:
    """A trace with what it was drawn by.

    Attributes:
        logprobs: the natural log-probability of each token, the stop token included.
        ends: how many characters of `trace.text` there were after each token (a special token adds none).
    """

    trace: Trace
    logprobs: tuple[float, ...]
    ends: tuple[int, ...]


@dataclass(frozen=True)
class Side:
    """One of the two answers that are weighed: all traces of its arms, and the vote over them.

    `vote.counts[i].traces` are places in `samples`.
    """

    side: Literal["zero_shot", "memory"]
    samples: tuple[Sample, ...]
    vote: Vote

    def supporters(self) -> list[Sample]:
        """The traces that gave the side's answer."""
        return [self.samples[place] for place in self.vote.counts[0].traces] if self.vote.counts else []


class Verifier(Protocol):
    """Weighs answers; both sides have one, and they differ."""

    name: str

    def weigh(
        self,
        problem: str,
        sides: Sequence[Side],
        report: Callable[[Progress], None],
        stopped: Callable[[], bool],
    ) -> tuple[SideScore, ...]:
        """A score for each side, in the order given. A long wait is reported; raises `Stopped` if `stopped()`."""
