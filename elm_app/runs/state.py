"""A run as it stands, folded from its events: what the page draws, what `--json` prints, what tests look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from elm_app.core.events import (
    Credited,
    Decided,
    EffectMeasured,
    Event,
    Failed,
    MethodStarted,
    ModelReady,
    ProblemAnswered,
    ProblemFinished,
    ProblemStarted,
    Progress,
    PromptRead,
    Queued,
    Retrieved,
    RunFinished,
    RunStarted,
    RunStopped,
    Stage,
    TraceChunk,
    TraceFinished,
    Verified,
    VoteChanged,
)
from elm_app.core.learning_events import (
    LearningEnded,
    LessonsTaken,
    MeasureFinished,
    MemoryStored,
    Phase,
    PhaseStarted,
    StepFinished,
    VariantsMade,
)
from elm_app.core.token_effect import TraceEffect
from elm_app.core.types import Arm, Decision, LearnStep, Measured, ModelInfo, Timing, Trace
from elm_app.runs.event_log import Entry
from elm_app.runs.stream_state import BenchView, StreamView

Status = Literal[
    "queued",
    "loading",
    "retrieving",
    "reading",
    "sampling",
    "weighing",
    "updating",
    "storing",
    "streaming",
    "done",
    "stopped",
    "failed",
]
_STATUS: dict[Stage, Status] = {
    "prefill": "reading", "update": "updating", "store": "storing", "retrieve": "retrieving", "weigh": "weighing"
}  # fmt: skip


_Learning = PhaseStarted | VariantsMade | LessonsTaken | StepFinished | MeasureFinished | LearningEnded | MemoryStored


@dataclass
class TraceView:
    """A trace while it grows; `trace` is set once it has finished."""

    arm: Arm
    index: int
    text: str = ""
    tokens: int = 0
    trace: Trace | None = None
    changed: int = 0
    """`seq` of the entry that changed it last."""


@dataclass
class LearnView:
    """A learning run so far. The run's `traces`, `votes` and `prompts` are those of the current phase, or of the one
    before if this one has none of its own."""

    phase: Phase = "before"
    step: int = 0
    """The step that goes on, from 1; after the last one it stays."""
    steps: int = 0
    samples: int = 0
    phase_since: float = 0.0
    """Seconds into the run when the phase started."""
    worked: VariantsMade | None = None
    """What is solved with an example in view, in a run that distils."""
    taken: LessonsTaken | None = None
    finished: list[LearnStep] = field(default_factory=list)
    before: Measured | None = None
    after: Measured | None = None
    ended: LearningEnded | None = None
    stored: MemoryStored | None = None


@dataclass
class RunView:
    """The state of a run after the entries applied so far."""

    run: str = ""
    command: str = ""
    problem: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    created: str = ""
    status: Status = "queued"
    ahead: int = 0
    progress: Progress | None = None
    model: ModelInfo | None = None
    load_seconds: float = 0.0
    prompts: dict[Arm, PromptRead] = field(default_factory=dict)
    traces: dict[tuple[Arm, int], TraceView] = field(default_factory=dict)
    votes: dict[Arm, VoteChanged] = field(default_factory=dict)
    retrieved: Retrieved | None = None
    learn: LearnView | None = None
    stream: StreamView | None = None
    bench: BenchView | None = None
    verified: Verified | None = None
    decision: Decision | None = None
    credited: tuple[Credited, ...] = ()
    effects: tuple[TraceEffect, ...] = ()
    timing: Timing | None = None
    failure: Failed | None = None
    seconds: float = 0.0
    """Seconds from the start of the run to the last entry applied."""
    last: int = -1
    """`seq` of the last entry applied."""
    sampling_since: float | None = None
    """`seconds` when the first trace could start."""

    @property
    def ended(self) -> bool:
        return self.status in ("done", "stopped", "failed")

    @property
    def samples(self) -> int:
        """How many traces each arm has, in a learning run those of the current phase."""
        return self.learn.samples if self.learn is not None else int(self.settings.get("samples", 0))

    def tokens(self) -> int:
        """New tokens so far, over all traces."""
        return sum(trace.tokens for trace in self.traces.values())

    def apply(self, entry: Entry) -> None:
        """Take in the next entry of the log."""
        self.seconds, self.last = entry.at, entry.seq
        self._apply(entry.event, entry.seq)

    def _apply(self, event: Event, seq: int) -> None:
        match event:
            case RunStarted():
                self.run, self.command, self.problem = event.run, event.command, event.problem
                self.settings, self.created = event.settings, event.created
            case Queued():
                self.ahead = event.ahead
            case Progress():
                self.progress = event
                self.status = _STATUS.get(event.stage, "loading")
            case ModelReady():
                self.model, self.load_seconds, self.progress, self.status = (
                    event.model,
                    event.load_seconds,
                    None,
                    "reading",
                )
            case Retrieved():
                self.retrieved = event
            case ProblemStarted() | ProblemFinished():
                self.stream = self.stream or StreamView()
                self.stream.apply(event)
                self.status, self.progress = "streaming", None
            case MethodStarted() | ProblemAnswered():
                self.bench = self.bench or BenchView()
                self.bench.apply(event, self.seconds)
                self.status, self.progress = "streaming", None
            case (
                PhaseStarted()
                | VariantsMade()
                | LessonsTaken()
                | StepFinished()
                | MeasureFinished()
                | LearningEnded()
                | MemoryStored()
            ):
                self._learn(event)
            case PromptRead():
                self.prompts[event.arm] = event
                self.status = "sampling"
                self.sampling_since = self.seconds if self.sampling_since is None else self.sampling_since
            case TraceChunk():
                view = self._trace(event.arm, event.index, seq)
                view.text, view.tokens = view.text + event.text, event.tokens
            case TraceFinished():
                view = self._trace(event.trace.arm, event.trace.index, seq)
                view.text, view.tokens, view.trace = event.trace.text, event.trace.tokens, event.trace
            case VoteChanged():
                self.votes[event.arm] = event
            case Verified():
                self.verified = event
            case Credited():
                self.credited = (*self.credited, event)
            case EffectMeasured():
                self.effects = (*self.effects, event.effect)
            case Decided():
                self.decision = event.decision
            case RunFinished():
                self.timing, self.status, self.progress = event.timing, "done", None
            case RunStopped():
                self.timing, self.status, self.progress = event.timing, "stopped", None
            case Failed():
                self.failure, self.status, self.progress = event, "failed", None

    def _learn(self, event: _Learning) -> None:
        learn = self.learn = self.learn or LearnView()
        match event:
            case PhaseStarted():
                learn.phase, learn.step, learn.steps = event.phase, event.step, event.steps
                learn.samples, learn.phase_since = event.samples, self.seconds
                self.sampling_since, self.progress, self.status = None, None, "reading"
                if event.samples:
                    self.traces, self.votes, self.prompts = {}, {}, {}
            case VariantsMade():
                learn.worked = event
            case LessonsTaken():
                learn.taken = event
            case StepFinished():
                learn.finished.append(event.step)
            case MeasureFinished(when="before"):
                learn.before = event.measured
            case MeasureFinished():
                learn.after = event.measured
            case LearningEnded():
                learn.ended = event
            case MemoryStored():
                learn.stored = event

    def _trace(self, arm: Arm, index: int, seq: int) -> TraceView:
        view = self.traces.setdefault((arm, index), TraceView(arm, index))
        view.changed = seq
        return view


def view_of(entries: Iterable[Entry]) -> RunView:
    """The state after all of `entries`."""
    view = RunView()
    for entry in entries:
        view.apply(entry)
    return view
