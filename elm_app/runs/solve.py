"""Solving: a problem, k sampled traces, and the majority vote, as a generator of events."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict
from typing import Any, TypeVar

from elm_app.answers.compare import comparer
from elm_app.answers.extract import extract
from elm_app.answers.vote import vote
from elm_app.config import ModelSettings, SamplingSettings
from elm_app.errors import BadInput, Stopped
from elm_app.events import (
    Decided,
    Event,
    ModelReady,
    Progress,
    PromptRead,
    RunFinished,
    RunStopped,
    TraceChunk,
    TraceFinished,
    VoteChanged,
)
from elm_app.llm.loader import Models
from elm_app.runs.runner import Work
from elm_app.types import Decision, Timing, Trace, Vote

_CHUNK_SECONDS = 0.12
"""New text is written to the log this often, not at every token."""

T = TypeVar("T")


def solve_run(
    problem: str, model: ModelSettings, sampling: SamplingSettings, models: Models
) -> tuple[dict[str, Any], Work]:
    """What `Runner.submit` needs to solve a problem: the settings for the log, and the work.

    Raises:
        BadInput: the problem is empty, or no text.
    """
    text = problem.strip()
    if not text:
        raise BadInput("The problem is empty.", "Type a problem in words.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"Character {error.start + 1} of the problem is no character.", "Type it again.") from error

    def work(stopped: Callable[[], bool]) -> Iterator[Event]:
        return solve(text, model, sampling, models, stopped)

    return {**asdict(model), **asdict(sampling)}, work


def solve(
    problem: str,
    model: ModelSettings,
    sampling: SamplingSettings,
    models: Models,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Sample k traces for a problem and take the majority vote.

    Ends with `RunFinished`, or with `RunStopped` as soon as `stopped()` is true; errors are raised.
    """
    began = time.perf_counter()
    load_seconds = prefill_seconds = decode_seconds = 0.0
    lengths: dict[int, int] = {}

    def timing() -> Timing:
        tokens = sum(lengths.values())
        rate = tokens / decode_seconds if decode_seconds else 0.0
        seconds = [round(part, 3) for part in (load_seconds, prefill_seconds, decode_seconds)]
        return Timing(seconds[0], seconds[1], seconds[2], tokens, round(rate, 1))

    try:
        engine = yield from _while_waiting(lambda report: models.get(model, report, stopped), stopped)
    except Stopped:
        yield RunStopped(timing())
        return
    load_seconds = time.perf_counter() - began
    yield ModelReady(engine.info, round(load_seconds, 3))
    comparer().start()

    from elm_app.llm.engine import Finished, NewText, Prefilled, RolloutRequest

    prompt = engine.encode(problem)
    engine.check_length(len(prompt), sampling.max_new_tokens)
    yield Progress("prefill", "Reading the problem", 0, 0)
    request = RolloutRequest(prompt, sampling.samples, sampling.seed)
    answers: dict[int, str | None] = {}
    waiting: dict[int, str] = {}
    outcome: Vote | None = None
    flushed = decoding = time.perf_counter()
    for event in engine.rollout([request], sampling, stopped):
        match event:
            case Prefilled():
                prefill_seconds, flushed = event.seconds, time.perf_counter()
                decoding = flushed
                yield PromptRead("zero_shot", event.tokens, round(event.seconds, 3))
            case NewText():
                waiting[event.index] = waiting.get(event.index, "") + event.text
                lengths[event.index] = event.tokens
            case Finished():
                waiting.pop(event.index, None)
                answers[event.index] = extract(event.text)
                yield TraceFinished(_trace(event, answers[event.index]))
                outcome = _vote(answers)
                yield VoteChanged("zero_shot", outcome, len(answers), sampling.samples)
        decode_seconds = time.perf_counter() - decoding
        if time.perf_counter() - flushed > _CHUNK_SECONDS:
            yield from (TraceChunk("zero_shot", i, text, lengths[i]) for i, text in waiting.items())
            waiting.clear()
            flushed = time.perf_counter()
    yield from (TraceChunk("zero_shot", i, text, lengths[i]) for i, text in waiting.items())
    if len(answers) < sampling.samples:
        yield RunStopped(timing())
        return
    assert outcome is not None
    yield Decided(_decision(outcome, sampling.samples))
    yield RunFinished(timing())


def _vote(answers: dict[int, str | None]) -> Vote:
    """The vote over the traces that have finished; agreement is over those."""
    indices = sorted(answers)
    return vote([answers[i] for i in indices], indices=indices)


def _trace(event: Any, answer: str | None) -> Trace:
    return Trace(
        "zero_shot",
        event.index,
        event.seed,
        event.text,
        answer,
        len(event.tokens),
        event.stopped,
        round(event.mean_logprob, 5),
    )


def _decision(outcome: Vote, samples: int) -> Decision:
    if outcome.answer is None:
        return Decision(None, "zero_shot", f"None of the {samples} traces has an answer.")
    votes = outcome.counts[0].count
    reason = f"{votes} of {samples} agree"
    if outcome.tied:
        reason += "; tied, and the class of the earliest trace wins"
    return Decision(outcome.answer, "zero_shot", reason + ".")


def _while_waiting(
    call: Callable[[Callable[[Progress], None]], T], stopped: Callable[[], bool]
) -> Generator[Progress, None, T]:
    """Run `call` in a thread and yield the progress that it reports; returns, or raises, what it does.

    Once `stopped()` is true, its next report raises `Stopped` inside it.
    """
    reports: queue.Queue[Progress | None] = queue.Queue()
    result: list[T] = []
    errors: list[BaseException] = []

    def report(progress: Progress) -> None:
        if stopped():
            raise Stopped("The run was stopped.")
        reports.put(progress)

    def target() -> None:
        try:
            result.append(call(report))
        except BaseException as error:
            errors.append(error)
        finally:
            reports.put(None)

    thread = threading.Thread(target=target, name="elm-load", daemon=True)
    thread.start()
    while (progress := reports.get()) is not None:
        yield progress
    thread.join()
    if errors:
        raise errors[0]
    return result[0]
