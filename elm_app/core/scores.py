"""What a verifier makes of answers, traces and their steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from elm_app.core.types import Arm


@dataclass(frozen=True)
class StepScore:
    """What a verifier makes of a stretch of a trace, `text[start:end]` in characters."""

    start: int
    end: int
    score: float


@dataclass(frozen=True)
class TraceScore:
    """What a verifier makes of a trace; `steps` are what its score comes from, where it looks inside."""

    arm: Arm
    index: int
    score: float
    steps: tuple[StepScore, ...] = ()


@dataclass(frozen=True)
class SideScore:
    """What a verifier makes of an answer: the one without (`zero_shot`) or the one with memories (`memory`).

    Attributes:
        answer: the side's vote.
        score: higher is better; comparable between the sides of one decision only.
        traces: of the traces that it was weighed by, the numbers one by one; empty if it does not look at traces.
    """

    side: Literal["zero_shot", "memory"]
    answer: str | None
    score: float
    traces: tuple[TraceScore, ...] = ()
