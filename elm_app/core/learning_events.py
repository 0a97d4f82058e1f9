"""What a learning run says, besides what every run says (`events.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from elm_app.core.types import LearnStep, Measured

Phase = Literal["before", "teach", "fit", "step", "after"]
"""What the traces of a learning run are for: measuring before, worked examples to be distilled, a step's rollouts,
measuring after."""


@dataclass(frozen=True)
class PhaseStarted:
    """In a learning run: the traces from here on are this phase's, `samples` of them; with 0 there are no new ones.

    `step` (from 1, of `steps`) is the step that comes next or goes on; 0 before the first. `teach` and `fit` are of the
    recipe `distil`: variants are solved, and the memory is made to start as the example.
    """

    phase: Phase
    step: int
    steps: int
    samples: int
    kind: Literal["phase_started"] = "phase_started"


@dataclass(frozen=True)
class VariantsMade:
    """In a learning run that distils: what the model solves next, with `example` in view.

    Attributes:
        example: a majority trace of the problem.
        variants: the problem with other numbers; traces of the phase `teach` are `each` of the first, `each` of the
            second, and so on.
    """

    example: str
    variants: tuple[str, ...]
    each: int
    kind: Literal["variants_made"] = "variants_made"


@dataclass(frozen=True)
class LessonsTaken:
    """In a learning run that distils: the traces of the phase `teach` that are learned, by index, and why these."""

    traces: tuple[int, ...]
    reason: str
    kind: Literal["lessons_taken"] = "lessons_taken"


@dataclass(frozen=True)
class StepFinished:
    """A step of learning is done, and kept on disk."""

    step: LearnStep
    kind: Literal["step_finished"] = "step_finished"


@dataclass(frozen=True)
class MeasureFinished:
    """Fresh samples were voted on, before or after learning."""

    when: Literal["before", "after"]
    measured: Measured
    kind: Literal["measure_finished"] = "measure_finished"


@dataclass(frozen=True)
class LearningEnded:
    """No more steps: why, in a sentence. `steps` have been made, `early` if more were asked for."""

    reason: str
    steps: int
    early: bool
    kind: Literal["learning_ended"] = "learning_ended"


@dataclass(frozen=True)
class MemoryStored:
    """What became of the soft prompt.

    Attributes:
        memory: its id in the store, or None if there is nothing to store.
        kept: whether it is offered from now on; a memory that did not help is stored disabled.
        reason: in a sentence.
    """

    memory: str | None
    kept: bool
    reason: str
    kind: Literal["memory_stored"] = "memory_stored"
