"""A benchmark by several workers at once: hands out pieces, and does again what a dead worker had."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from elm_app.core.errors import RunError, Stopped
from elm_app.core.events import Event, ModelReady, ProblemAnswered, Progress, RunFinished, RunStopped
from elm_app.core.types import ModelInfo, Timing
from elm_app.evaluation.cluster.ray_boundary import Actor, Cluster, WorkerDied, cluster
from elm_app.evaluation.cluster.work import Work
from elm_app.evaluation.folder import BenchFolder
from elm_app.evaluation.report import ReportAsItGoes, write_report
from elm_app.pipelines.resources import Tools


def ray_bench(
    folder: BenchFolder,
    methods: Sequence[str],
    seeds: Sequence[int],
    tools: Tools,  # noqa: ARG001
    stopped: Callable[[], bool] = lambda: False,
    paused: Callable[[], bool] = lambda: False,
    *,
    address: str,
    workers: int | None = None,
) -> Iterator[Event]:
    """As `bench.bench`, by workers on the Ray cluster at an address; workers have tools of their own.

    Raises:
        BadInput: there is no such cluster.
        RunError: workers die again and again.
    """
    began, tokens = time.perf_counter(), 0
    with folder.claimed(), cluster(address, workers) as there:
        work = Work(folder, [(method, seed) for method in methods for seed in seeds], there.workers)
        info: ModelInfo | None = None
        try:
            for event in _events(there, work, stopped, paused):
                if isinstance(event, ModelReady):
                    info, report = event.model, ReportAsItGoes(folder, event.model)
                yield event
                if isinstance(event, ProblemAnswered):
                    tokens += event.tokens
                    report.due()
        except Stopped:
            pass
        finally:
            if info is not None:
                write_report(folder, info)
    seconds = time.perf_counter() - began
    timing = Timing(0.0, 0.0, round(seconds, 3), tokens, round(tokens / max(seconds, 1e-9), 1))
    yield RunStopped(timing) if work.left else RunFinished(timing)


def _events(there: Cluster, work: Work, stopped: Callable[[], bool], paused: Callable[[], bool]) -> Iterator[Event]:
    """What the workers say until everything is done, or until they have ended. Raises `Stopped` as well."""
    actors: list[Actor] = []
    began, count = time.perf_counter(), min(there.workers, len(work.left))
    for number in range(count):  # one after the other: together they may want too much memory
        yield Progress("load", f"Starting worker {number + 1} of {count}", number, count, "workers")
        actor, info = _started(there, work, stopped)
        actors.append(actor)
        if number == 0:
            yield ModelReady(info, round(time.perf_counter() - began, 3))
    resting = at_once = False
    while True:
        if (stopped() and not at_once) or (paused() and not resting):
            resting, at_once = True, stopped()
            for actor in actors:
                actor.stop(at_once)
        for actor in actors:
            if actor.piece is None and not resting and (piece := work.begin()) is not None:
                yield from work.started(piece)
                actor.begin(piece)
        busy = [actor for actor in actors if actor.piece is not None]
        if not busy:
            return
        for actor in Actor.talking(busy):
            piece = actor.piece
            assert piece is not None
            try:
                said = actor.take()
            except WorkerDied:
                yield from work.died(piece)
                actors[actors.index(actor)], _ = _started(there, work, stopped)
                continue
            yield from work.heard(piece, *said) if said else work.ended(piece)


def _started(there: Cluster, work: Work, stopped: Callable[[], bool]) -> tuple[Actor, ModelInfo]:
    actor = there.start(work.folder.path)
    try:
        return actor, actor.load(stopped)
    except WorkerDied as error:
        told = "A worker died while it loaded the model."
        raise RunError(told, "Start fewer of them, or choose a smaller model.") from error
