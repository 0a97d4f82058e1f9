"""A run on a terminal: progress on stderr while it goes on, the answer on stdout when it has ended."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tqdm import tqdm

from elm_app.answers.vote_words import agree_on
from elm_app.cli import effect_lines, solved
from elm_app.cli.lines import one_line
from elm_app.core.events import (
    Credited,
    Event,
    MethodStarted,
    ModelReady,
    ProblemAnswered,
    ProblemFinished,
    ProblemStarted,
    Progress,
    PromptRead,
    Queued,
    Retrieved,
    TraceChunk,
    TraceFinished,
    Verified,
)
from elm_app.core.learning_events import (
    LearningEnded,
    LessonsTaken,
    MeasureFinished,
    MemoryStored,
    PhaseStarted,
    StepFinished,
)
from elm_app.core.results import StreamRow
from elm_app.core.types import LearnStep, Match, Measured, ModelInfo
from elm_app.runs.standing import alone, no_two_agree
from elm_app.runs.state import RunView
from elm_app.runs.stream_state import StreamView
from elm_app.weights.choice import Choice

_MARKS = {True: " (right)", False: " (wrong)", None: ""}
_SIDES = {"zero_shot": "without", "memory": "with"}


class Reporter:
    """Prints what a run says. Progress bars need a terminal; without one each stage is a line."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet, self.live = quiet, sys.stderr.isatty()
        self._bar: tqdm[None] | None = None
        self._stage: tuple[str, str] | None = None
        self._shown = 0.0
        self._model: ModelInfo | None = None

    def recovered(self, runs: Sequence[str]) -> None:
        """Tell the user which runs an earlier program left without an ending."""
        if runs and not self.quiet:
            self._line(f"closed after an interruption: run {', '.join(runs)}")

    def chosen(self, choice: Choice) -> None:
        """Tell the user which model `auto` is, and why."""
        if not self.quiet:
            self._line(choice.reason)

    def show(self, view: RunView, event: Event) -> None:
        """Tell the user about an event that `view` has taken in."""
        if self.quiet:
            return
        match event:
            case Progress():
                self._progress(event)
            case Queued():
                self._line(f"{event.ahead} run ahead" if event.ahead == 1 else f"{event.ahead} runs ahead")
            case ModelReady() if event.model != self._model:
                model = self._model = event.model
                self._line(f"{model.id} · {model.quantization} · {model.device}, ready in {event.load_seconds:.1f} s")
            case Retrieved():
                for match in event.matches:
                    mark = "→" if match.id == event.used else " "
                    self._line(f"{mark} {_scores(match)}  {match.id}  {one_line(match.problem)[:80]}")
                self._line(one_line(event.reason))
            case PhaseStarted():
                doing = {
                    "before": "measuring without a memory",
                    "teach": "solving variants with a majority trace in view",
                    "fit": "starting from the worked example",
                    "after": "measuring with the memory",
                }
                self._line(doing.get(event.phase, f"step {event.step} of {event.steps}"))
            case LessonsTaken():
                self._line(f"  {one_line(event.reason)}")
            case StepFinished():
                self._line(f"  {_step(event.step)}")
            case MeasureFinished():
                self._line(f"  {event.when}: {_measured(event.measured)}")
            case LearningEnded():
                self._line(one_line(event.reason))
            case MemoryStored():
                kept = "" if event.memory is None else f"memory {event.memory}: "
                self._line(f"{kept}{one_line(event.reason)}")
            case PromptRead(arm="zero_shot") if view.learn is None:
                arms = len(view.retrieved.arms) if view.retrieved else 0
                told = "traces" + (
                    " with, and as many without" if arms == 1 else f" in each of {arms + 1} arms"
                ) * bool(arms)
                seed = view.settings["seed"]
                self._line(f"{event.prompt_tokens} tokens read; sampling {view.samples} {told} (seed {seed})")
            case Verified():
                sides = ", ".join(f"{_SIDES[one.side]} {one.score:.3f}" for one in event.sides)
                self._line(f"weighed by {event.verifier} in {event.seconds:.1f} s: {sides}")
            case Credited():
                self._line(
                    f"memory {event.memory} {event.outcome}{'. ' if event.problem else ''}{one_line(event.problem)}"
                )
            case ProblemStarted():
                self._line(f"{event.number} of {event.total} · {one_line(event.id)}: {one_line(event.problem)[:80]}")
            case ProblemFinished():
                self._line(f"  {_row(event.row, view.settings)}")
                if view.stream and (left := view.stream.seconds_left):
                    self._status(f"about {_minutes(left)} left")
            case MethodStarted():
                rest = f", {event.done} of {event.total} done already" if event.done else ""
                self._line(f"{event.method}, seed {event.seed} ({event.place} of {event.places}){rest}")
            case ProblemAnswered():
                answer = "no answer" if event.answer is None else one_line(event.answer)
                spent = f"{event.tokens} tokens, {event.seconds:.1f} s"
                now = view.bench.current if view.bench else None
                other = now is None or (now.method, now.seed) != (event.method, event.seed)
                who = f"{event.method}, seed {event.seed}, " if other else ""  # several go on at once
                self._line(f"  {who}{event.number} of {event.total}: {answer}{_MARKS[event.right]} · {spent}")
            case TraceChunk() if self.live and time.monotonic() - self._shown > 0.3:
                finished = sum(trace.trace is not None for trace in view.traces.values())
                self._status(f"{finished} traces finished, {view.tokens()} tokens")
            case TraceFinished() if view.learn is None:
                trace = event.trace
                answer = "no answer" if trace.answer is None else one_line(trace.answer)
                how = "" if trace.finished else ", cut off"
                arm = "" if trace.arm == "zero_shot" else f"{trace.arm.replace('_', ' ')} "
                self._line(f"{arm}trace {trace.index + 1} of {view.samples}: {answer} ({trace.tokens} tokens{how})")
            case _:
                pass

    def answer(self, view: RunView, larger: str | None = None) -> None:
        """Print the outcome on stdout: the answer, or the id of the memory that was learned.

        Args:
            larger: a larger model that this machine can run, to be offered where there is no majority.
        """
        if view.bench is not None or view.command == "bench":
            print(f"{view.settings['out']}/report.md")
            return
        if view.effects:
            for line in effect_lines.lines(view):
                print(line)
            return
        if view.stream is not None:
            for line in stream_summary(view.stream):
                print(line)
            return
        if view.learn is not None:
            stored = view.learn.stored
            print(stored.memory if stored and stored.memory else "no memory")
            if not self.quiet and view.timing is not None:
                spent = f"{view.timing.new_tokens} tokens, {view.timing.decode_seconds:.0f} s"
                print(
                    f"{'kept' if stored and stored.kept else 'not in use'} · {spent} · run {view.run}", file=sys.stderr
                )
            return
        if view.decision is not None:
            print(solved.answer(view))
        if self.quiet or view.timing is None:
            return
        timing = view.timing
        rate = f"{timing.tokens_per_second:.0f} tokens/s · {timing.decode_seconds:.1f} s"
        print(f"{solved.beside(view)} {rate} · run {view.run}", file=sys.stderr)
        for line in solved.advice(view, larger):
            print(line, file=sys.stderr)

    def close(self) -> None:
        """Leave the terminal as it was found."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self._status("")

    def _progress(self, event: Progress) -> None:
        stage = (event.stage, event.message)
        if stage != self._stage:
            self.close()
            self._stage = stage
            if event.total and self.live:
                scale = event.unit == "B"
                self._bar = tqdm(
                    total=event.total,
                    desc=event.message,
                    unit=event.unit,
                    unit_scale=scale,
                    file=sys.stderr,
                    leave=False,
                )
            else:
                self._line(event.message)
        if self._bar is not None:
            self._bar.total = event.total
            self._bar.n = event.done
            self._bar.refresh()

    def _line(self, text: str) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self._status("")
        print(text, file=sys.stderr, flush=True)

    def _status(self, text: str) -> None:
        if self.live and not self.quiet:
            self._shown = time.monotonic() if text else 0.0
            print(f"\r\x1b[2K{text}", end="", file=sys.stderr, flush=True)


def stream_summary(stream: StreamView) -> list[str]:
    """How a stream stands, in a few lines."""
    rows, judged = stream.rows, stream.judged
    lines = [f"{len(rows)} of {max(stream.total, len(rows))} problems"]
    if judged:
        bare, ours = sum(bool(row.zero_shot.right) for row in judged), sum(bool(row.right) for row in judged)
        lines.append(f"right: zero-shot {bare} of {len(judged)}, ELM {ours} of {len(judged)}")
    bare_agreement, with_it = stream.agreement
    lines.append(f"agreement: zero-shot {bare_agreement:.2f}, with a memory where there was one {with_it:.2f}")
    lines.append(f"memories: {stream.kept} kept, {stream.hits} problems tried with one")
    lines.append(f"{stream.tokens} tokens, {_minutes(stream.seconds)}")
    return lines


def _row(row: StreamRow, settings: Mapping[str, Any]) -> str:
    def said(answer: str | None, alone: bool) -> str:
        told = "no answer" if answer is None else one_line(answer)
        return f"no two agree ({told})" if alone else told

    bare = f"zero-shot {said(row.zero_shot.answer, alone(row.zero_shot, settings))}{_MARKS[row.zero_shot.right]}"
    tried = "no memory tried"
    if row.memory and row.score:
        tried = f"memory {said(row.memory.answer, alone(row.memory, settings, True))} at {row.score:.2f}"
    ours = f"ELM {said(row.answer, no_two_agree(row, settings))}{_MARKS[row.right]}"
    return f"{bare} · {tried} · {ours} · {one_line(row.reason)} · {row.tokens} tokens, {row.seconds:.0f} s"


def _minutes(seconds: float) -> str:
    """
    >>> _minutes(75), _minutes(9)
    ('1 min 15 s', '9 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _scores(match: Match) -> str:
    """The score that counted, and those it was made of where there is more than one."""
    parts = {"input": match.input, "kv": match.kv, "utility": match.utility}
    known = [f"{name} {value:.2f}" for name, value in parts.items() if value is not None]
    return f"{match.score:.2f}" + (f" ({', '.join(known)})" if len(known) > 1 else "")


def _step(step: LearnStep) -> str:
    answer = "no answer" if step.answer is None else one_line(step.answer)
    if step.reward_mean is None or step.agreement is None:
        told = "no update" if step.loss is None else f"loss {step.loss:.3f} nats a token"
    else:
        told = f"reward {step.reward_mean:.2f}, agreement {step.agreement:.2f} on {answer}"
    told += f", {step.tokens:.0f} tokens a trace"
    return f"{told}, {step.seconds:.0f} s" + (f"; no update: {one_line(step.skipped)}" if step.skipped else "")


def _measured(measured: Measured) -> str:
    answered = f"{measured.answered:.0%} answered, {measured.tokens:.0f} tokens each"
    return f"{one_line(agree_on(measured.vote))}, {answered}"
