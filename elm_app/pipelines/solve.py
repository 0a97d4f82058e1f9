"""Solving: a problem, k sampled traces without a memory and k with it, in one batch, and the answer that is taken.

A generator of events: retrieve → sample all arms → vote → route → credit. Without a memory there is one arm.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from elm_app.answers.compare import comparer
from elm_app.core.config import ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import ElmError, Stopped
from elm_app.core.events import Credited, Decided, Event, ModelReady, Progress, Retrieved, RunFinished, RunStopped
from elm_app.core.types import Arm, Decision, Outcome, Timing
from elm_app.pipelines.problem import checked
from elm_app.pipelines.recall import check, recall
from elm_app.pipelines.resources import Tools
from elm_app.rollouts.collect import Sampled, sample
from elm_app.routing.registry import verifier
from elm_app.routing.router import Routed, route
from elm_app.routing.sides import side
from elm_app.runs.background import while_waiting
from elm_app.runs.runner import Work

if TYPE_CHECKING:
    from elm_app.engine.engine import Engine


def solve_run(
    problem: str, model: ModelSettings, sampling: SamplingSettings, routing: RouteSettings, tools: Tools
) -> tuple[dict[str, Any], Work]:
    """What `Runner.submit` needs to solve a problem: the settings for the log, and the work.

    Raises:
        BadInput: the problem is empty, or no text; or there is no such memory.
    """
    text = checked(problem)
    check(routing, tools)

    def work(stopped: Callable[[], bool]) -> Iterator[Event]:
        return solve(text, model, sampling, routing, tools, stopped)

    return {**asdict(model), **asdict(sampling), **asdict(routing)}, work


def solve(
    problem: str,
    model: ModelSettings,
    sampling: SamplingSettings,
    routing: RouteSettings,
    tools: Tools,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Sample k traces for a problem without memories, as many with each arm of memories, and decide.

    Row i of every arm has the same seed. Ends with `RunFinished`, or with `RunStopped` as soon as `stopped()` is true;
    errors are raised.
    """
    began = time.perf_counter()
    load_seconds = 0.0
    sampled = Sampled({"zero_shot": sampling.samples})

    def timing() -> Timing:
        tokens, seconds = sampled.new_tokens, sampled.decode_seconds
        rate = tokens / seconds if seconds else 0.0
        parts = [round(part, 3) for part in (load_seconds, sampled.prefill_seconds, seconds)]
        return Timing(parts[0], parts[1], parts[2], tokens, round(rate, 1))

    try:
        engine = yield from while_waiting(lambda report: tools.models.get(model, report, stopped), stopped)
        load_seconds = time.perf_counter() - began
        yield ModelReady(engine.info, round(load_seconds, 3))
        comparer().start()
        found, requests = yield from _requests(problem, sampling, routing, engine, tools, stopped)
        yield Progress("prefill", "Reading the problem", 0, 0)
        sampled.asked = dict.fromkeys(requests, sampling.samples)
        yield from sample(engine, requests, sampling, stopped, sampled)
        if not sampled.whole:
            raise Stopped("The run was stopped.")
        routed = yield from _route(problem, sampled, model, routing, tools, stopped)
    except Stopped:
        yield RunStopped(timing())
        return
    if routed.verified is not None:
        yield routed.verified
    yield Decided(routed.decision)
    if found is not None:
        yield from _credit(found, sampled, routed.decision, tools)
    yield RunFinished(timing())


def _requests(
    problem: str,
    sampling: SamplingSettings,
    routing: RouteSettings,
    engine: Engine,
    tools: Tools,
    stopped: Callable[[], bool],
) -> Generator[Event, None, tuple[Retrieved | None, dict[Arm, Any]]]:
    """What was retrieved, and what is sampled: the arm without memories and those with them."""
    from elm_app.engine.engine import RolloutRequest

    prompt = engine.encode(problem)
    engine.check_length(len(prompt), sampling.max_new_tokens)
    requests: dict[Arm, Any] = {"zero_shot": RolloutRequest(prompt, sampling.samples, sampling.seed)}
    if routing.memory == "off":
        return None, requests
    yield Progress("retrieve", "Looking for a memory", 0, 0)
    found, soft_prompts = yield from while_waiting(
        lambda report: recall(problem, engine, routing, tools, report, stopped), stopped
    )
    yield found
    for arm, soft_prompt in soft_prompts.items():
        engine.check_length(len(prompt) + len(soft_prompt), sampling.max_new_tokens)
        requests[arm] = RolloutRequest(prompt, sampling.samples, sampling.seed, soft_prompt)
    return found, requests


def _route(
    problem: str,
    sampled: Sampled,
    model: ModelSettings,
    routing: RouteSettings,
    tools: Tools,
    stopped: Callable[[], bool],
) -> Generator[Event, None, Routed]:
    """Who is right, in a thread of its own: a verifier may have to load a model."""
    memories = [arm for arm in sampled.asked if arm != "zero_shot"]
    judge = verifier(routing, tools.prms, model.device)
    return (
        yield from while_waiting(
            lambda report: route(
                problem,
                side("zero_shot", sampled, ["zero_shot"]),
                side("memory", sampled, memories) if memories else None,
                judge,
                report,
                stopped,
            ),
            stopped,
        )
    )


def _credit(found: Retrieved, sampled: Sampled, decision: Decision, tools: Tools) -> Iterator[Credited]:
    """Count on the cards how it ended; where one cannot be written, the run goes on and says so."""
    if decision.answer is None:
        return
    for arm, memories in found.arms.items():
        outcome = _outcome(sampled.votes[arm].answer, sampled.votes["zero_shot"].answer, decision.answer)
        for memory in memories:
            problem = ""
            try:
                tools.store.credit(memory, decision.verifier, outcome)
            except ElmError as error:
                problem = error.message
            yield Credited(memory, outcome, decision.verifier, problem)


def _outcome(own: str | None, other: str | None, taken: str) -> Outcome:
    """How it ended for an arm that answered `own`, against `other` without memories, when `taken` was the answer."""
    same = comparer().equivalent
    if own is None or not same(own, taken):
        return "lost"
    return "agreed" if other is not None and same(other, taken) else "won"
