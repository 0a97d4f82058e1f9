"""The page over the program: what its buttons do, and the model loaded while it is looked at."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.environment import auth, memories_dir
from elm_app.core.errors import BadInput, ElmError
from elm_app.core.events import Progress
from elm_app.core.types import Arm, Problem
from elm_app.engine.loader import Models, device_for, fetch, fetched
from elm_app.evaluation.bench import bench_run, resume_bench
from elm_app.pipelines.learn import can_resume, learn_run, resume_run
from elm_app.pipelines.lookup import look_up
from elm_app.pipelines.resources import Tools
from elm_app.pipelines.solve import solve_run
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.pipelines.stream.stream import can_resume_stream, resume_stream, stream_run
from elm_app.pipelines.token_effect import COMMAND, effect_run
from elm_app.retrieval.embedder import Embedders
from elm_app.runs.runner import Ready, Runner
from elm_app.store.store import Store
from elm_app.web.api import mcp_tools
from elm_app.web.app import build
from elm_app.web.callers import caller
from elm_app.web.commands import Actions, BenchActions, StreamActions
from elm_app.web.fetching import Fetching, Weights
from elm_app.web.readonly import ReadOnlyStore, readonly
from elm_app.web.theme import launch_options
from elm_app.weights.choice import here

logger = logging.getLogger(__name__)


def launch(memories: Path | None = None, mcp: bool = False, read_only: bool = False) -> None:
    """Show the page until it is interrupted; the model is loaded meanwhile, so that the first problem need not wait.

    Args:
        memories: the folder for memories and runs, by default `memories_dir()`.
        mcp: offer some endpoints as MCP tools, too.
        read_only: problems can be solved, but nothing is learned, changed, deleted or uploaded.

    Raises:
        ElmError: `mcp`, and the package for it is missing; ELM_AUTH or ELM_CHROMA is not what it should be.
    """
    asked_for = auth()
    if mcp and asked_for:
        raise BadInput("MCP tools cannot ask for a password.", "Unset ELM_AUTH, or leave out --mcp.")
    if mcp:
        mcp_tools.check()
    folder = memories or memories_dir()
    tools = Tools(Models(), ReadOnlyStore(folder) if read_only else Store(folder), Embedders())
    runner = Runner(folder / "runs", caller=caller)
    does = readonly(actions(runner, tools)) if read_only else actions(runner, tools)
    page = build(runner, does)
    page.launch(prevent_thread_lock=True, auth=asked_for, **launch_options(mcp, read_only))
    if mcp:
        mcp_tools.narrow(page)
    threading.Thread(target=_preload, args=(tools,), name="elm-preload", daemon=True).start()
    try:
        page.block_thread()
    finally:
        does.fetching.close()
        runner.close()
        tools.store.close()


def actions(runner: Runner, tools: Tools) -> Actions:
    """What the page's buttons do."""

    def solve(problem: str, model: ModelSettings, sampling: SamplingSettings, routing: RouteSettings) -> str:
        settings, work = solve_run(problem, model, sampling, routing, tools)
        return runner.submit("solve", problem.strip(), settings, work)

    def learn(problem: str, model: ModelSettings, learning: LearnSettings, source: str | None) -> str:
        return submitted(learn_run(problem, model, learning, tools, source))

    def submitted(ready: Ready) -> str:
        return runner.submit("learn", ready.problem, ready.settings, ready.work, ready.run)

    def streamed(ready: Ready) -> str:
        return runner.submit("stream", ready.problem, ready.settings, ready.work, ready.run)

    def act(run: str, arm: Arm, index: int | None) -> str:
        ready = effect_run(run, tools, arm, index)
        return runner.submit(COMMAND, ready.problem, ready.settings, ready.work, ready.run)

    def stream(
        problems: Sequence[Problem],
        model: ModelSettings,
        sampling: SamplingSettings,
        routing: RouteSettings,
        learning: LearnSettings,
        how: dict[str, Any],
        name: str,
    ) -> str:
        ready = stream_run(problems, model, sampling, routing, learning, tools, name=name)
        return streamed(replace(ready, settings=ready.settings | how))

    pausing: dict[str, threading.Event] = {}
    starting = threading.Lock()

    def compared(prepared: Callable[[Callable[[], bool]], Ready]) -> str:
        paused = threading.Event()
        ready = prepared(paused.is_set)
        with starting:
            for ended in pausing.keys() - set(runner.live()):
                del pausing[ended]
            run = runner.submit("bench", ready.problem, ready.settings, ready.work, ready.run)
            pausing[run] = paused
        return run

    def bench(
        problems: Sequence[Problem],
        methods: Sequence[str],
        seeds: Sequence[int],
        settings: StreamSettings,
        out: Path,
        name: str,
    ) -> str:
        return compared(
            lambda paused: bench_run(problems, methods, seeds, settings, tools, out, name, paused=paused)
        )  # fmt: skip

    def pause(run: str) -> bool:
        if known := pausing.get(run):
            known.set()
        return known is not None and run in runner.live()

    def bring(settings: ModelSettings, report: Callable[[Progress], None], cancelled: Callable[[], bool]) -> None:
        fetch(settings, report, cancelled)  # first, so that a run with another model need not wait for it
        tools.models.get(settings, report, cancelled)

    return Actions(
        solve=solve,
        learn=learn,
        resume=lambda run: submitted(resume_run(run, tools)),
        can_resume=lambda run: can_resume(run, tools),
        retrieve=lambda text, routing, model, n: look_up(text, routing, tools, model, n),
        act=act,
        store=tools.store,
        embedders=tools.embedders,
        fetching=Fetching(Weights(lambda: here(device_for("auto")), fetched, bring)),
        streams=StreamActions(stream, lambda out: streamed(resume_stream(out, tools)), can_resume_stream),
        benches=BenchActions(bench, lambda out: compared(lambda paused: resume_bench(out, tools, paused)), pause),
    )


def _preload(tools: Tools) -> None:
    try:
        if tools.models.preload(ModelSettings()) and tools.store.count():
            tools.embedders.get(lambda _: None)
    except ElmError as error:  # the first run says the same, where it can be seen
        logger.info("the model was not loaded ahead: %s", error)
