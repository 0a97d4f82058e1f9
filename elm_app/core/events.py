"""What a run says while it runs: frozen events, JSON in and out.

A run is a log of these, in order. Whoever watches (page, command line, tests, benchmarks, replay) reads the log only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter

from elm_app.core.learning_events import (
    LearningEnded,
    LessonsTaken,
    MeasureFinished,
    MemoryStored,
    PhaseStarted,
    StepFinished,
    VariantsMade,
)
from elm_app.core.results import StreamRow
from elm_app.core.scores import SideScore
from elm_app.core.token_effect import TraceEffect
from elm_app.core.types import (
    Arm,
    Decision,
    Match,
    ModelInfo,
    Outcome,
    Timing,
    Trace,
    Vote,
    to_json,
)

Stage = Literal["download", "verify", "convert", "load", "prefill", "update", "store", "retrieve", "weigh"]
"""What a wait is for: fetching bytes, checking them, converting them once, loading the model, reading the problem,
improving the soft prompt, storing it, looking for memories, weighing two answers."""


@dataclass(frozen=True)
class RunStarted:
    """The first event of every log. `settings` are those the run uses, seed included; `created` is ISO 8601, UTC."""

    run: str
    command: str
    problem: str
    settings: dict[str, Any]
    created: str
    kind: Literal["run_started"] = "run_started"


@dataclass(frozen=True)
class Queued:
    """Another run has the model; `ahead` runs come first."""

    ahead: int
    kind: Literal["queued"] = "queued"


@dataclass(frozen=True)
class Progress:
    """A wait with a length. `done` of `total` in `unit` ("B", "tensors", "s", …); total 0 means unknown."""

    stage: Stage
    message: str
    done: float
    total: float
    unit: str = ""
    kind: Literal["progress"] = "progress"


@dataclass(frozen=True)
class ModelReady:
    """The model is loaded; 0.0 seconds if it already was."""

    model: ModelInfo
    load_seconds: float
    kind: Literal["model_ready"] = "model_ready"


@dataclass(frozen=True)
class PromptRead:
    """The prompt went through the model once; sampling starts."""

    arm: Arm
    prompt_tokens: int
    seconds: float
    kind: Literal["prompt_read"] = "prompt_read"


@dataclass(frozen=True)
class TraceChunk:
    """More text of one trace: append `text`; `tokens` is its length so far."""

    arm: Arm
    index: int
    text: str
    tokens: int
    kind: Literal["trace_chunk"] = "trace_chunk"


@dataclass(frozen=True)
class TraceFinished:
    """A trace with its extracted answer. `trace.text` is whole and replaces the chunks."""

    trace: Trace
    kind: Literal["trace_finished"] = "trace_finished"


@dataclass(frozen=True)
class VoteChanged:
    """The vote over the traces of an arm that have finished so far (`finished` of `samples`)."""

    arm: Arm
    vote: Vote
    finished: int
    samples: int
    kind: Literal["vote_changed"] = "vote_changed"


@dataclass(frozen=True)
class Decided:
    """The answer given to the user."""

    decision: Decision
    kind: Literal["decided"] = "decided"


@dataclass(frozen=True)
class Retrieved:
    """The stored memories nearest to the problem, nearest first, and the one that is used.

    Attributes:
        used: id of the memory that the `memory` arm has, or None.
        threshold: the least score at which a memory is used by itself.
        reason: why this one, or why none, in a sentence.
        arms: the memories of each arm; several in one arm are joined to one longer soft prompt.
        retrieval: `input`, `kv` or `both`: what `score` is.
        rank: `similarity` or `utility`: what the matches are sorted by.
    """

    matches: tuple[Match, ...]
    used: str | None
    threshold: float
    reason: str
    arms: dict[Arm, tuple[str, ...]] = field(default_factory=dict)
    retrieval: str = "input"
    rank: str = "similarity"
    kind: Literal["retrieved"] = "retrieved"


@dataclass(frozen=True)
class Verified:
    """The answers without and with memories differ, and a verifier has weighed them."""

    verifier: str
    sides: tuple[SideScore, ...]
    seconds: float
    kind: Literal["verified"] = "verified"


@dataclass(frozen=True)
class Credited:
    """How the use of a memory ended, and by which verifier (None: it needed none); its card counts it.

    `problem` says in a sentence why the card could not be written, if so.
    """

    memory: str
    outcome: Outcome
    verifier: str | None
    problem: str = ""
    kind: Literal["credited"] = "credited"


@dataclass(frozen=True)
class EffectMeasured:
    """The tokens of a trace of another run have been scored, without its memory and with it."""

    effect: TraceEffect
    kind: Literal["effect_measured"] = "effect_measured"


@dataclass(frozen=True)
class ProblemStarted:
    """In a stream: the next problem, `number` (from 1) of `total`. Solving it is the run `solve`, learning from it the
    run `learn`; they have logs of their own, of which this run's log repeats the waits only."""

    number: int
    total: int
    id: str
    problem: str
    gold: str | None
    solve: str
    learn: str
    kind: Literal["problem_started"] = "problem_started"


@dataclass(frozen=True)
class ProblemFinished:
    """In a stream: a problem is done, and its row kept on disk."""

    row: StreamRow
    kind: Literal["problem_finished"] = "problem_finished"


@dataclass(frozen=True)
class MethodStarted:
    """In a benchmark: a method begins, or goes on, with `done` of `total` problems behind it.

    `place` (from 1) of `places` counts the pairs of method and seed.
    """

    method: str
    seed: int
    place: int
    places: int
    done: int
    total: int
    kind: Literal["method_started"] = "method_started"


@dataclass(frozen=True)
class ProblemAnswered:
    """In a benchmark: a method has answered a problem, and its line is kept on disk."""

    method: str
    seed: int
    number: int
    total: int
    id: str
    answer: str | None
    right: bool | None
    tokens: int
    seconds: float
    kind: Literal["problem_answered"] = "problem_answered"


@dataclass(frozen=True)
class RunFinished:
    """The run came to its end."""

    timing: Timing
    kind: Literal["run_finished"] = "run_finished"


@dataclass(frozen=True)
class RunStopped:
    """The user stopped the run; what it had made is in the log."""

    timing: Timing
    kind: Literal["run_stopped"] = "run_stopped"


@dataclass(frozen=True)
class Failed:
    """The run ended with an error: what is wrong, and what to do."""

    error: str
    message: str
    remedy: str
    kind: Literal["failed"] = "failed"


Event = (
    RunStarted | Queued | Progress | ModelReady | Retrieved | PromptRead | TraceChunk | TraceFinished | VoteChanged
    | PhaseStarted | VariantsMade | LessonsTaken | StepFinished | MeasureFinished | LearningEnded | MemoryStored
    | Verified | Decided | Credited | EffectMeasured
    | ProblemStarted | ProblemFinished | MethodStarted | ProblemAnswered
    | RunFinished | RunStopped | Failed
)  # fmt: skip
ENDINGS = (RunFinished, RunStopped, Failed)
"""The events after which nothing follows."""

KINDS: dict[str, type] = {cls.__dataclass_fields__["kind"].default: cls for cls in get_args(Event)}
_adapter: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])


def event_to_json(event: Event) -> dict[str, Any]:
    """An event as plain JSON values, with its `kind`."""
    return to_json(event)


def event_from_json(value: Any) -> Event:
    """The reverse of `event_to_json`; raises `pydantic.ValidationError` on anything else."""
    return _adapter.validate_python(value)
