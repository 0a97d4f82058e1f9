"""Comparisons without a model: real folders and reports of answers at a chosen pace."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from scripted_learn import MODEL

from elm_app.core.events import Event, MethodStarted, ModelReady, RunFinished, RunStopped
from elm_app.core.results import Result, TraceResult
from elm_app.core.types import Problem, Timing
from elm_app.evaluation.answering import answered
from elm_app.evaluation.folder import BenchFolder, BenchPlan
from elm_app.evaluation.report import ReportAsItGoes
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.runs.event_log import new_run_id
from elm_app.runs.runner import Runner
from elm_app.web.commands import BenchActions

RIGHT = {"zero_shot": 0.35, "self_consistency": 0.5, "elm": 0.6}
"""How often a method's traces are right."""


HELD = threading.Event()
"""While it is set, a method has no more than three answers."""


def answer(method: str, seed: int, number: int, problem: Problem, samples: int) -> Result:
    """Made up, the same whenever it is asked for."""
    made = random.Random(f"{method} {seed} {number}")
    often = RIGHT.get(method, 0.4)
    given = [problem.answer if made.random() < often else str(made.randint(2, 9)) for _ in range(samples)]
    traces = tuple(TraceResult("…", one, one == problem.answer, 180 + made.randint(0, 60), True) for one in given)
    right = sum(bool(trace.right) for trace in traces) * 3 > samples
    tokens = sum(trace.tokens for trace in traces)
    return Result(
        method, seed, number, str(problem.id), problem.text, problem.answer, problem.answer if right else "1", right,
        0.5, traces, tokens, 90, tokens / 223,
    )  # fmt: skip


def bench_actions(runner: Runner, pace: float) -> BenchActions:
    """What the Compare page can ask for; an answer takes `pace` seconds."""
    pausing: dict[str, threading.Event] = {}

    def work(folder: BenchFolder, paused: threading.Event, stopped: Callable[[], bool]) -> Iterator[Event]:
        plan = folder.plan()
        pairs = [(method, seed) for method in plan.methods for seed in plan.seeds]
        yield ModelReady(MODEL, 0.1)
        report = ReportAsItGoes(folder, MODEL)
        for place, (method, seed) in enumerate(pairs, 1):
            done, total = len(folder.results(method, seed)), len(plan.problems)
            yield MethodStarted(method, seed, place, len(pairs), done, total)
            for number, problem in enumerate(plan.problems[done:], done + 1):
                until = time.monotonic() + pace
                while (time.monotonic() < until or (HELD.is_set() and number > 3)) and not stopped():
                    time.sleep(0.005)
                if stopped() or paused.is_set():
                    report.write()
                    yield RunStopped(Timing(0, 0, 0, 0, 0))
                    return
                one = answer(method, seed, number, problem, plan.settings["samples"])
                folder.append(one)
                report.due()
                yield answered(one, total)
        report.write()
        yield RunFinished(Timing(0, 0, 0, 0, 0))

    def queued(out: Path) -> str:
        folder, run, paused = BenchFolder(out), new_run_id(), threading.Event()
        plan = folder.plan()
        asked = {"methods": plan.methods, "seeds": plan.seeds, "out": str(out), "problems": len(plan.problems)}
        pausing[run] = paused
        settings = plan.settings | asked
        return runner.submit("bench", plan.name, settings, lambda stopped: work(folder, paused, stopped), run)

    def start(
        problems: Sequence[Problem], methods: Sequence[str], seeds: Sequence[int], settings: StreamSettings, out: Path,
        name: str,
    ) -> str:  # fmt: skip
        BenchFolder(out).save(BenchPlan(name, tuple(problems), tuple(methods), tuple(seeds), settings.to_json()))
        return queued(out)

    def pause(run: str) -> bool:
        pausing[run].set()
        return run in runner.live()

    return BenchActions(start, queued, pause)
