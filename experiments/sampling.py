"""Traces of many problems, sampled as the product samples them, and what they amount to.

The engine, the prompt, the defaults of sampling and the seeds of rows are the package's: a trace is the one that
`python -m elm_app solve --seed` would write with the problem's seed, whatever else is in the batch.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elm_app.answers.compare import comparer
from elm_app.answers.extract import extract
from elm_app.answers.vote import vote
from elm_app.core.config import SamplingSettings
from elm_app.core.types import Measured, Trace
from elm_app.evaluation.answering import right

if TYPE_CHECKING:
    from elm_app.engine.engine import Engine, RolloutRequest

ROWS = 32
"""Traces that are sampled in one batch, at most."""


def problem_seed(seed: int, problem: str) -> int:
    """The seed of a problem's traces, by its id: with and without a memory the same."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{problem}".encode()).digest()[:4], "big")


def sampled(
    engine: Engine, requests: Mapping[str, RolloutRequest], sampling: SamplingSettings
) -> Iterator[tuple[str, list[Trace]]]:
    """The traces of each request, by its name, as soon as its batch is done."""
    from elm_app.engine.engine import Finished

    for names in _batches(requests):
        found: dict[str, list[Trace]] = {name: [] for name in names}
        for event in engine.rollout([requests[name] for name in names], sampling):
            if isinstance(event, Finished):
                found[names[event.request]].append(_trace(event))
        for name in names:
            yield name, sorted(found[name], key=lambda trace: trace.index)


def _batches(requests: Mapping[str, RolloutRequest]) -> Iterator[list[str]]:
    batch: list[str] = []
    for name, request in requests.items():
        if batch and sum(requests[one].samples for one in batch) + request.samples > ROWS:
            yield batch
            batch = []
        batch.append(name)
    if batch:
        yield batch


def _trace(event: Any) -> Trace:
    mean = sum(event.logprobs) / len(event.logprobs)
    return Trace(
        "zero_shot", event.index, event.seed, event.text, extract(event.text), len(event.tokens), event.stopped,
        round(mean, 5),
    )  # fmt: skip


def measured(traces: Sequence[Trace]) -> Measured:
    """How a problem stands by its traces, without knowing the right answer."""
    outcome = vote([trace.answer for trace in traces])
    answered = (len(traces) - outcome.abstained) / len(traces)
    return Measured(outcome, len(traces), answered, sum(trace.tokens for trace in traces) / len(traces))


def judged(traces: Sequence[Trace], gold: str) -> dict[str, Any]:
    """A problem's traces as JSON values, each graded; lists are in the order of the traces."""
    outcome = measured(traces).vote
    return {
        "gold": gold,
        "answers": [trace.answer for trace in traces],
        "right": [int(bool(right(trace.answer, gold))) for trace in traces],
        "tokens": [trace.tokens for trace in traces],
        "finished": [int(trace.finished) for trace in traces],
        "vote": outcome.answer,
        "agreement": round(outcome.agreement, 4),
        "vote_right": int(bool(right(outcome.answer, gold))),
    }


def machine() -> dict[str, Any]:
    """The CPU as Linux names it, and its cores."""
    names = Path("/proc/cpuinfo")
    lines = names.read_text(encoding="utf-8").splitlines() if names.is_file() else []
    known = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    family = f", family {known['cpu family']}" if "cpu family" in known else ""
    return {"cpu": known.get("model name", platform.machine()) + family, "cores": os.cpu_count()}


def load(model: str) -> Engine:
    """The model, loaded as the product loads it, and the judge of answers beside it."""
    from elm_app.core.config import ModelSettings
    from elm_app.engine.loader import load as load_model

    engine = load_model(ModelSettings(model), lambda _: None)
    comparer().start()
    return engine
