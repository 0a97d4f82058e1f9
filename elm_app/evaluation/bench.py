"""Benchmarks: several methods on the same problems, with the same model, seeds and sampling, as a generator of events.

A method is one of `baselines.METHODS`, or ELM online in one of its variants (`variants.py`), which is a stream with a
store of its own. Every line is on disk as soon as a problem is done, so a benchmark goes on where it broke off, and may
grow by methods and seeds.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from elm_app.core.config import SamplingSettings
from elm_app.core.errors import BadInput, Stopped
from elm_app.core.events import Event, MethodStarted, ModelReady, ProblemAnswered, RunFinished, RunStopped
from elm_app.core.types import Problem, Timing
from elm_app.evaluation.answering import baseline
from elm_app.evaluation.baselines import BY_GOLD, LEARNED, METHODS
from elm_app.evaluation.elm_method import elm
from elm_app.evaluation.folder import BenchFolder, BenchPlan
from elm_app.evaluation.report import ReportAsItGoes, write_report
from elm_app.evaluation.variants import VARIANTS
from elm_app.pipelines.resources import Tools
from elm_app.pipelines.stream.context_check import check_lengths
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.runs.background import while_waiting
from elm_app.runs.event_log import new_run_id
from elm_app.runs.runner import Ready

if TYPE_CHECKING:
    from elm_app.engine.engine import Engine

Bench = Callable[
    [BenchFolder, Sequence[str], Sequence[int], Tools, Callable[[], bool], Callable[[], bool]], Iterator[Event]
]
"""What does a benchmark: given its folder, methods, seeds, the tools, `stopped` and `paused`."""


def methods() -> dict[str, str]:
    """Every method by name, with the first sentence of what it is."""
    told = {}
    for name in METHODS:
        about = " ".join((import_module(f"elm_app.evaluation.baselines.{name}").__doc__ or "").split())
        told[name] = re.sub(r" \([^)]*\)", "", about).split(". ")[0].rstrip(".")
    return told | {name: variant.about for name, variant in VARIANTS.items()}


def bench_run(
    problems: Sequence[Problem],
    methods: Sequence[str],
    seeds: Sequence[int],
    settings: StreamSettings,
    tools: Tools,
    out: Path,
    name: str = "",
    again: int = 0,
    memories: Path | None = None,
    paused: Callable[[], bool] = lambda: False,
    through: Bench | None = None,
) -> Ready:
    """A run that does what is left of a benchmark in `out`, by `through` (None: `bench`). It stops at once when it is
    told to, and after the problem that goes on once `paused()` is true.

    Raises:
        BadInput: there is no method, or no such; `out` holds another benchmark; something that a method needs is not
            given.
        RunError: the disk refuses.
    """
    known = [*METHODS, *VARIANTS]
    if not methods:
        raise BadInput("No method was chosen.", f"Choose at least one of {', '.join(known)}.")
    for method in methods:
        if method not in known:
            raise BadInput(f"There is no method {method!r}.", f"Choose among {', '.join(known)}.")
    lacking = next((problem.id for problem in problems if not problem.answer), None)
    for method in methods:
        reward = _reward(method, settings)
        if reward == "gold" and lacking:
            raise BadInput(f"{method} needs right answers; problem {lacking} has none.", "Add it, or leave it out.")
        if method in LEARNED and reward not in ("majority", "gold"):
            raise BadInput(f"{method} knows the rewards majority and gold, not {reward}.", "Leave out one of the two.")
        if method == "elm_frozen" and (memories is None or not memories.is_dir()):
            raise BadInput("elm_frozen needs memories made elsewhere.", "Give their folder with --memories-from.")
    if not 0 <= again <= len(problems):
        raise BadInput(f"again is {again}.", f"It must be from 0 to {len(problems)}, the number of problems.")
    folder = BenchFolder(out)
    plan = BenchPlan(
        name, tuple(problems), tuple(methods), tuple(seeds), settings.to_json(), again,
        str(memories.resolve()) if memories else "",
    )  # fmt: skip
    folder.save(plan)
    asked = {"methods": list(methods), "seeds": list(seeds), "out": str(out), "problems": len(problems)}

    def work(stopped: Callable[[], bool]) -> Iterator[Event]:
        return (through or bench)(folder, methods, seeds, tools, stopped, paused)

    return Ready(new_run_id(), name, {**settings.to_json(), **asked}, work)


def resume_bench(out: Path, tools: Tools, paused: Callable[[], bool] = lambda: False) -> Ready:
    """A run that goes on with the benchmark in a folder, as it was asked for. Raises `BadInput` if there is none, or
    nothing is left to do."""
    folder = BenchFolder(out)
    plan, (done, total) = folder.plan(), folder.counted()
    if done >= total:
        raise BadInput(f"All {total} answers of {out} are there.", "Look at its report.")
    memories = Path(plan.memories) if plan.memories else None
    settings = StreamSettings.from_json(plan.settings)
    return bench_run(
        plan.problems, plan.methods, plan.seeds, settings, tools, out, plan.name, plan.again, memories, paused
    )  # fmt: skip


def seeds_of(given: str) -> list[int]:
    """Seeds as they are typed, with commas between them, each once.

    >>> seeds_of("0, 3,0")
    [0, 3]
    """
    try:
        seeds = list(dict.fromkeys(int(part) for part in given.split(",")))
    except ValueError as error:
        raise BadInput(f"seeds is {given!r}.", "It must be whole numbers with commas between them.") from error
    for seed in seeds:
        SamplingSettings(seed=seed)
    return seeds


def _reward(method: str, settings: StreamSettings) -> str | None:
    """What a method learns from; None if it learns nothing."""
    if method in VARIANTS:
        variant = VARIANTS[method]
        return variant.learning.get("reward", settings.learning.reward) if variant.learns else None
    return "gold" if method in BY_GOLD else settings.learning.reward if method in LEARNED else None


def bench(
    folder: BenchFolder,
    methods: Sequence[str],
    seeds: Sequence[int],
    tools: Tools,
    stopped: Callable[[], bool] = lambda: False,
    paused: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Do what is left, method by method; the report is made anew as problems are done.

    Ends with `RunFinished`, or with `RunStopped`: soon after `stopped()` is true, or when a problem is done and
    `paused()` is true. Errors are raised.
    """
    plan = folder.plan()
    settings = StreamSettings.from_json(plan.settings)
    began, tokens = time.perf_counter(), 0
    engine: Engine | None = None
    resting = paused()

    def halted() -> bool:
        return resting or stopped()

    def ended() -> bool:
        return paused() or stopped()

    def timing() -> Timing:
        seconds = time.perf_counter() - began
        return Timing(0.0, 0.0, round(seconds, 3), tokens, round(tokens / max(seconds, 1e-9), 1))

    with folder.claimed():
        try:
            if resting:
                raise Stopped("The run was stopped.")
            engine = yield from while_waiting(lambda report: tools.models.get(settings.model, report, ended), ended)
            yield ModelReady(engine.info, round(time.perf_counter() - began, 3))
            report = ReportAsItGoes(folder, engine.info)
            check_lengths(plan.problems, engine, settings)
            pairs = [(method, seed) for method in methods for seed in seeds]
            for place, (method, seed) in enumerate(pairs, 1):
                done, total = len(folder.results(method, seed)), len(plan.problems) + plan.again
                yield MethodStarted(method, seed, place, len(pairs), done, total)
                if method in VARIANTS:
                    events = elm(folder, plan, method, seed, tools, halted)
                else:
                    events = baseline(folder, plan, method, seed, tools, halted)
                for event in events:
                    if not isinstance(event, ProblemAnswered):
                        yield event
                        continue
                    tokens += event.tokens
                    report.due()
                    yield event
                    resting = paused()
                report.write()
        except Stopped:
            write_report(folder, engine.info if engine else None)
            yield RunStopped(timing())
            return
    yield RunFinished(timing())
