"""What a method answers, as lines of a benchmark's results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from elm_app.answers.compare import comparer
from elm_app.core.errors import Stopped
from elm_app.core.events import Event, ProblemAnswered, Progress
from elm_app.core.results import Result, TraceResult
from elm_app.core.types import Problem
from elm_app.evaluation.baselines import METHODS
from elm_app.evaluation.folder import AGAIN, BenchFolder, BenchPlan
from elm_app.evaluation.method import Desk, Method, Solved
from elm_app.pipelines.resources import Tools
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.runs.background import while_waiting


def baseline(
    folder: BenchFolder,
    plan: BenchPlan,
    name: str,
    seed: int,
    tools: Tools,
    stopped: Callable[[], bool],
    numbers: Sequence[int] | None = None,
    keep: Callable[[Result], None] | None = None,
) -> Iterator[Event]:
    """What is left of one of `METHODS` with one seed; its waits, and a `ProblemAnswered` for each line.

    Args:
        numbers: only these of the problems, counted from 1 as they are asked, of a method that answers each by itself.
        keep: takes a line (None: it is appended to the folder).

    Raises:
        Stopped: `stopped()` became true.
    """
    from elm_app.engine.sampler import trace_seed

    asked = [*plan.problems, *plan.problems[: plan.again]]
    done = [] if numbers else folder.results(name, seed)
    left = numbers or range(len(done) + 1, len(asked) + 1)
    if not left:
        return
    settings, keep = StreamSettings.from_json(plan.settings), keep or folder.append
    engine = yield from while_waiting(lambda report: tools.models.get(settings.model, report, stopped), stopped)
    desk = Desk(
        engine,
        settings.model,
        replace(settings.sampling, seed=seed),
        replace(settings.learning, seed=seed),
        settings.routing,
        lambda text: tools.embedders.get(lambda _: None, stopped).encode([text])[0],
        folder.of(name, seed),
        stopped,
    )
    desk.folder.mkdir(parents=True, exist_ok=True)
    method: Method = METHODS[name](desk)
    if method.retrieves:
        yield from while_waiting(lambda report: tools.embedders.get(report, stopped), stopped)
    began = time.perf_counter()
    yield from _waits(method.prepare(plan.problems, done))
    prepared = time.perf_counter() - began, desk.tokens, desk.read_tokens
    for number in left:
        if stopped():
            raise Stopped("The run was stopped.")
        problem, again = asked[number - 1], number > len(plan.problems)
        own = number - len(plan.problems) if again else number
        began, tokens, read = time.perf_counter() - desk.uncounted_seconds, desk.tokens, desk.read_tokens
        of_problem = trace_seed(seed + AGAIN if again else seed, own)
        solved = yield from _inner(method.solve(problem, of_problem))
        kept = {} if again else (yield from _inner(method.remember(problem, solved, of_problem)))
        detail = dict(solved.detail)
        if number == 1 and prepared[1]:  # what was learned over the whole set stands with the first problem
            detail |= {"prepare_seconds": round(prepared[0], 3), "prepare_tokens": prepared[1]}
            tokens, read = tokens - prepared[1], read - prepared[2]
        result = result_of(name, seed, own, problem, solved, desk.tokens - tokens, desk.read_tokens - read, again)
        seconds = (
            time.perf_counter() - desk.uncounted_seconds - began + (prepared[0] if "prepare_seconds" in detail else 0.0)
        )
        detail |= {"trainable": method.trainable, "stored_bytes": method.stored_bytes()}
        result = replace(result, kept=kept, detail=detail, seconds=round(seconds, 3))
        keep(result)
        yield answered(result, len(asked))


def _waits(events: Iterator[Event]) -> Iterator[Event]:
    """Of what a method says, the waits: its traces are in its lines."""
    return (event for event in events if isinstance(event, Progress))


def _inner(events: Any) -> Any:
    """As `_waits`, with what the generator returns."""
    while True:
        try:
            event = next(events)
        except StopIteration as stop:
            return stop.value
        if isinstance(event, Progress):
            yield event


def result_of(
    name: str, seed: int, number: int, problem: Problem, solved: Solved, tokens: int, read: int, again: bool
) -> Result:
    """A line, but for the seconds, and for what is kept and told besides."""
    traces = tuple(
        TraceResult(trace.text, trace.answer, right(trace.answer, problem.answer), trace.tokens, trace.finished)
        for trace in solved.traces
    )
    return Result(
        method=name,
        seed=seed,
        number=number,
        id=str(problem.id),
        problem=problem.text,
        gold=problem.answer,
        answer=solved.answer,
        right=right(solved.answer, problem.answer),
        agreement=solved.vote.agreement,
        traces=traces,
        tokens=tokens,
        read_tokens=read,
        seconds=0.0,
        again=again,
    )


def right(answer: str | None, gold: str | None) -> bool | None:
    """Whether an answer means the same as the right one; None if that is not known."""
    return None if gold is None else answer is not None and comparer().equivalent(answer, gold)


def answered(result: Result, total: int) -> ProblemAnswered:
    """What the log says of a line."""
    return ProblemAnswered(
        result.method, result.seed, result.number, total, result.id, result.answer, result.right, result.tokens,
        result.seconds,
    )  # fmt: skip
