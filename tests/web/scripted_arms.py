"""Solving with memories without a model: scripted traces of every arm, a real store, the real router and credit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import repeat, zip_longest

import numpy as np
from remembering import WordEmbedders
from scripted import vote_over

from elm_app.core.config import RouteSettings
from elm_app.core.errors import StoreError
from elm_app.core.events import (
    Credited,
    Decided,
    Event,
    ModelReady,
    Progress,
    PromptRead,
    Retrieved,
    RunFinished,
    RunStopped,
    TraceChunk,
    TraceFinished,
    VoteChanged,
)
from elm_app.core.types import Arm, ModelInfo, Trace
from elm_app.retrieval.retriever import chosen, retrieve
from elm_app.routing.process_reward import Prms
from elm_app.routing.registry import verifier
from elm_app.routing.router import Routed, route
from elm_app.routing.verifier import Sample, Side
from elm_app.runs.runner import Work
from elm_app.store.store import Store

_SAMPLING = (PromptRead, TraceChunk, TraceFinished, VoteChanged)


def moved(event: Event, arm: Arm) -> Event:
    """The event with its arm, or its trace's, changed."""
    if isinstance(event, TraceFinished):
        return TraceFinished(replace(event.trace, arm=arm))
    return replace(event, arm=arm) if isinstance(event, _SAMPLING) else event


def with_memories(
    bare: Work, behind: Work, problem: str, routing: RouteSettings, store: Store, model: ModelInfo
) -> Work:
    """`bare` beside `behind`, once for each memory that is used; the answer is the real router's."""

    def work(stopped: Callable[[], bool]) -> Iterator[Event]:
        first = bare(stopped)
        for event in first:
            yield event
            if isinstance(event, ModelReady):
                break
        yield Progress("retrieve", "Looking for a memory", 0, 0)
        found = _found(problem, routing, store, model)
        for id in (id for ids in found.arms.values() for id in ids):
            with suppress(StoreError):  # as the real run: it goes on where a use cannot be counted
                store.change(id, retrieved=store.get(id).retrieved + 1)
        yield found
        arms = {"zero_shot": first} | {arm: _sampled(behind(stopped)) for arm in found.arms}
        traces: dict[Arm, list[Trace]] = {arm: [] for arm in arms}
        ending: Event | None = None
        for together in zip_longest(*(zip(repeat(arm), told, strict=False) for arm, told in arms.items())):
            for arm, event in filter(None, together):
                if isinstance(event, TraceFinished):
                    traces[arm].append(replace(event.trace, arm=arm))
                if isinstance(event, RunFinished | RunStopped):
                    ending = ending or event
                elif not isinstance(event, Decided):
                    yield moved(event, arm)
        assert ending is not None
        if isinstance(ending, RunStopped):
            yield ending
            return
        routed = _routed(problem, routing, traces)
        if routed.verified is not None:
            yield routed.verified
        yield Decided(routed.decision)
        for ids in found.arms.values():
            for id in ids if routed.outcome else ():
                assert routed.outcome is not None
                untold = ""
                try:
                    store.credit(id, routed.decision.verifier, routed.outcome)
                except StoreError as error:
                    untold = error.message
                yield Credited(id, routed.outcome, routed.decision.verifier, untold)
        yield ending

    return work


def _found(problem: str, routing: RouteSettings, store: Store, model: ModelInfo) -> Retrieved:
    keys = {"input": WordEmbedders().get(None).encode([problem])[0]}
    keys["kv"] = keys["input"][:32] / np.linalg.norm(keys["input"][:32])
    if routing.memory == "auto":
        found = retrieve(store, keys, model, replace(routing, retrieval="input"))
        ids = [match.id for match in found.matches if match.score >= found.threshold][: routing.top_n]
    else:
        found = chosen(store, keys, routing.memory, model, replace(routing, retrieval="input"))
        ids = [routing.memory]
    if routing.compose == "join":
        return replace(found, arms={"memory": tuple(ids)} if ids else {})
    return replace(found, arms={"memory" if n == 1 else f"memory_{n}": (id,) for n, id in enumerate(ids, 1)})


def _sampled(told: Iterator[Event]) -> Iterator[Event]:
    """What is said from the first prompt on: loading was said already."""
    return (event for event in told if isinstance(event, (*_SAMPLING, RunFinished, RunStopped)))


def _routed(problem: str, routing: RouteSettings, traces: dict[Arm, list[Trace]]) -> Routed:
    """The real router over the scripted traces, with tokens that are as sure as their trace is on the whole."""
    sides = []
    for kind in ("zero_shot", "memory"):
        own = [
            trace
            for arm, some in traces.items()
            if arm.startswith(kind)
            for trace in sorted(some, key=lambda trace: trace.index)
        ]
        vote = vote_over([replace(trace, index=place) for place, trace in enumerate(own)], max(1, len(own)))
        sides.append(Side("memory" if kind == "memory" else "zero_shot", tuple(map(_sample, own)), vote))
    judge = verifier(replace(routing, verifier="agreement" if routing.verifier == "prm" else routing.verifier), Prms())
    return route(problem, sides[0], sides[1] if sides[1].samples else None, judge)


def _sample(trace: Trace) -> Sample:
    count = max(2, trace.tokens)
    waves = [trace.mean_logprob * (1 + 0.8 * np.sin(place / 9 + trace.index)) for place in range(count)]
    ends = [round(len(trace.text) * (place + 1) / count) for place in range(count)]
    return Sample(trace, tuple(float(one) for one in waves), tuple(ends))
