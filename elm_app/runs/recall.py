"""Which memories a problem is solved with: none, the nearest ones, or a given one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from elm_app.config import Compose, RouteSettings
from elm_app.errors import BadInput, DamagedMemory, ModelError, StoreError
from elm_app.events import Progress, Retrieved
from elm_app.memory.retriever import THRESHOLD, chosen, retrieve
from elm_app.runs.tools import Tools
from elm_app.types import Arm

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    from elm_app.llm.engine import Engine

    SoftPrompts = dict[Arm, NDArray[float32]]

SHOWN = 5
"""Matches shown, used or not; more if more are asked for."""


def check(routing: RouteSettings, tools: Tools) -> None:
    """Raises `BadInput` if a given memory does not exist, before a model is loaded for it."""
    if routing.memory not in ("auto", "off"):
        tools.store.get(routing.memory)


def recall(
    problem: str,
    engine: Engine,
    routing: RouteSettings,
    tools: Tools,
    report: Callable[[Progress], None],
    stopped: Callable[[], bool],
) -> tuple[Retrieved, SoftPrompts]:
    """What was found, and the soft prompt of each arm, fp32 (P, H).

    A damaged memory is passed over, and named, if it was found; it is an error if it was asked for.

    Raises:
        BadInput: the given memory belongs to another model.
        DamagedMemory: the given memory is not what it should be.
    """
    store, model = tools.store, engine.info
    if routing.memory == "auto" and not store.count():
        return Retrieved((), None, THRESHOLD, "There are no memories yet."), {}
    keys = _keys(problem, engine, routing, tools, report, stopped)
    if routing.memory != "auto":
        found = chosen(store, keys, routing.memory, model, routing, SHOWN)
        usable = {routing.memory: store.soft_prompt(routing.memory, model)}
    else:
        found = retrieve(store, keys, model, routing, max(SHOWN, routing.top_n))
        usable, damaged = {}, []
        for match in found.matches:
            if match.score < found.threshold or len(usable) == routing.top_n:
                continue
            try:
                usable[match.id] = store.soft_prompt(match.id, model)
            except (DamagedMemory, BadInput) as error:  # BadInput: another process has deleted it meanwhile
                damaged.append(error.message)
        found = replace(found, used=next(iter(usable), None), reason=" ".join([found.reason, *damaged]))
    arms = _arms(list(usable), routing.compose)
    soft_prompts = {arm: np.concatenate([usable[id] for id in ids]) for arm, ids in arms.items()}
    return _counted(replace(found, arms=arms), tools), soft_prompts


def _arms(ids: Sequence[str], compose: Compose) -> dict[Arm, tuple[str, ...]]:
    """
    >>> _arms(["a", "b"], "parallel"), _arms(["a", "b"], "join")
    ({'memory': ('a',), 'memory_2': ('b',)}, {'memory': ('a', 'b')})
    """
    if compose == "join":
        return {"memory": tuple(ids)} if ids else {}
    return {"memory" if place == 1 else f"memory_{place}": (id,) for place, id in enumerate(ids, 1)}


def _keys(
    problem: str,
    engine: Engine,
    routing: RouteSettings,
    tools: Tools,
    report: Callable[[Progress], None],
    stopped: Callable[[], bool],
) -> dict[str, NDArray[Any]]:
    """Both keys of the problem, so that both scores can be shown; for KV, memories that lack a key are given one."""
    keys = {"input": tools.embedders.get(report, stopped).encode([problem])[0]}
    if routing.retrieval == "input":
        with suppress(ModelError):  # a model that does not show its keys: one score less to show
            keys["kv"] = engine.question_key(problem)
        return keys
    keys["kv"] = engine.question_key(problem)
    lacking = tools.store.missing_kv(engine.info.weights_sha256, keys["kv"].size)
    made = {}
    for number, id in enumerate(lacking):
        report(Progress("retrieve", "Reading the memories' problems, once", number, len(lacking), "memories"))
        with suppress(DamagedMemory, BadInput):
            made[id] = engine.question_key(tools.store.get(id).problem)
    if made:
        tools.store.set_keys("kv", made)
    return keys


def _counted(found: Retrieved, tools: Tools) -> Retrieved:
    """Count the uses; where that cannot be written down, the run goes on and says so."""
    try:
        for ids in found.arms.values():
            for id in ids:
                tools.store.change(id, retrieved=tools.store.get(id).retrieved + 1)
    except StoreError as error:
        return replace(found, reason=f"{found.reason} Its use is not counted: {error.message}")
    return found
