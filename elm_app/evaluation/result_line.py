"""From what a method answered to a line of a benchmark's results."""

from __future__ import annotations

from elm_app.answers.compare import comparer
from elm_app.core.events import ProblemAnswered
from elm_app.core.results import Result, TraceResult
from elm_app.core.types import Problem
from elm_app.evaluation.method import Solved


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
