"""Solving: a problem, k sampled traces, and the majority vote, as a generator of events.

With a memory, the traces are sampled behind its soft prompt (the `memory` arm), else without one (`zero_shot`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from elm_app.answers.compare import comparer
from elm_app.config import ModelSettings, SamplingSettings
from elm_app.errors import Stopped
from elm_app.events import Decided, Event, ModelReady, Progress, Retrieved, RunFinished, RunStopped
from elm_app.llm.loader import Models
from elm_app.llm.sample import Sampled, sample
from elm_app.runs.problem import checked
from elm_app.runs.recall import Recall
from elm_app.runs.runner import Work
from elm_app.runs.waiting import while_waiting
from elm_app.types import Decision, Timing, Vote

if TYPE_CHECKING:
    from elm_app.llm.engine import Engine


def solve_run(
    problem: str, model: ModelSettings, sampling: SamplingSettings, models: Models, recall: Recall | None = None
) -> tuple[dict[str, Any], Work]:
    """What `Runner.submit` needs to solve a problem: the settings for the log, and the work.

    Raises:
        BadInput: the problem is empty, or no text; or there is no such memory.
    """
    text = checked(problem)
    if recall is not None:
        recall.check()

    def work(stopped: Callable[[], bool]) -> Iterator[Event]:
        return solve(text, model, sampling, models, stopped, recall)

    return {**asdict(model), **asdict(sampling), "memory": recall.memory if recall else "off"}, work


def solve(
    problem: str,
    model: ModelSettings,
    sampling: SamplingSettings,
    models: Models,
    stopped: Callable[[], bool] = lambda: False,
    recall: Recall | None = None,
) -> Iterator[Event]:
    """Sample k traces for a problem and take the majority vote.

    Ends with `RunFinished`, or with `RunStopped` as soon as `stopped()` is true; errors are raised.
    """
    began = time.perf_counter()
    load_seconds = 0.0
    arm: Literal["zero_shot", "memory"] = "zero_shot"
    sampled = Sampled({arm: sampling.samples})

    def timing() -> Timing:
        tokens, seconds = sampled.new_tokens, sampled.decode_seconds
        rate = tokens / seconds if seconds else 0.0
        parts = [round(part, 3) for part in (load_seconds, sampled.prefill_seconds, seconds)]
        return Timing(parts[0], parts[1], parts[2], tokens, round(rate, 1))

    try:
        engine = yield from while_waiting(lambda report: models.get(model, report, stopped), stopped)
        load_seconds = time.perf_counter() - began
        yield ModelReady(engine.info, round(load_seconds, 3))
        soft_prompt = None
        if recall is not None:
            soft_prompt = yield from _retrieve(recall, problem, engine, stopped)
    except Stopped:
        yield RunStopped(timing())
        return
    comparer().start()

    from elm_app.llm.engine import RolloutRequest

    if soft_prompt is not None:
        arm = "memory"
        sampled.asked = {arm: sampling.samples}
    prompt = engine.encode(problem)
    virtual = 0 if soft_prompt is None else len(soft_prompt)
    engine.check_length(len(prompt) + virtual, sampling.max_new_tokens)
    yield Progress("prefill", "Reading the problem", 0, 0)
    requests = {str(arm): RolloutRequest(prompt, sampling.samples, sampling.seed, soft_prompt)}
    yield from sample(engine, requests, sampling, stopped, sampled)
    if not sampled.whole:
        yield RunStopped(timing())
        return
    yield Decided(_decision(sampled.votes[arm], sampling.samples, arm))
    yield RunFinished(timing())


def _retrieve(
    recall: Recall, problem: str, engine: Engine, stopped: Callable[[], bool]
) -> Generator[Progress | Retrieved, None, Any]:
    """Says what was retrieved and returns the soft prompt to use, fp32 (P, H), or None."""
    yield Progress("retrieve", "Looking for a memory", 0, 0)
    found, soft_prompt = yield from while_waiting(
        lambda report: recall.recall(problem, engine.info, report, stopped), stopped
    )
    yield found
    return soft_prompt


def _decision(outcome: Vote, samples: int, arm: Literal["zero_shot", "memory"]) -> Decision:
    if outcome.answer is None:
        return Decision(None, arm, f"None of the {samples} traces has an answer.")
    votes = outcome.counts[0].count
    reason = f"{votes} of {samples} agree"
    if outcome.tied:
        reason += "; tied, and the class of the earliest trace wins"
    return Decision(outcome.answer, arm, reason + ".")
