"""Which memories a problem is solved with: none, the nearest ones, or a given one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from elm_app.core.config import Compose, RouteSettings
from elm_app.core.errors import BadInput, DamagedMemory, ModelError, StoreError
from elm_app.core.events import Progress, Retrieved
from elm_app.core.types import Arm
from elm_app.pipelines.resources import Tools
from elm_app.retrieval.controls import CONTROLS, control
from elm_app.retrieval.retriever import THRESHOLD, chosen, retrieve

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    from elm_app.engine.engine import Engine
    from elm_app.store.store import Store

    SoftPrompts = dict[Arm, NDArray[float32]]

SHOWN = 5
"""Matches shown, used or not; more if more are asked for."""


def check(routing: RouteSettings, tools: Tools) -> None:
    """Raises `BadInput` if a given memory does not exist, before a model is loaded for it."""
    if routing.memory not in ("auto", "off", *CONTROLS):
        tools.store.get(routing.memory)


def recall(
    problem: str,
    engine: Engine,
    routing: RouteSettings,
    tools: Tools,
    report: Callable[[Progress], None],
    stopped: Callable[[], bool],
) -> tuple[Retrieved, SoftPrompts]:
    """What was found, and the soft prompt or prefix of each arm, fp32 (P, H) or (P, W).

    A damaged memory is passed over, and named, if it was found; it is an error if it was asked for.

    Raises:
        BadInput: the given memory belongs to another model, or memories that are to be joined have different forms.
        DamagedMemory: the given memory is not what it should be.
    """
    store, model = tools.store, engine.info
    if routing.memory in ("auto", "random", "farthest") and not store.count():
        return Retrieved((), None, THRESHOLD, "There are no memories yet."), {}
    keys, lacking = _keys(problem, engine, routing, tools, report, stopped)
    if routing.memory in CONTROLS:
        found, usable = control(problem, engine, keys, routing, store, SHOWN)
    elif routing.memory != "auto":
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
    if routing.memory == "untrained":
        return found, dict.fromkeys(found.arms, usable[""])
    arms = _arms(list(usable), routing.compose)
    soft_prompts = {arm: joined([usable[id] for id in ids]) for arm, ids in arms.items()}
    found = replace(found, arms=arms, reason=" ".join([found.reason, *lacking]))
    return _counted(found, tools), soft_prompts


def joined(parts: Sequence[NDArray[float32]]) -> NDArray[float32]:
    """One after the other. Keys of joined prefixes keep their places, so they stand side by side for the prompt."""
    if len({part.shape[1] for part in parts}) > 1:
        raise BadInput(
            "A soft prompt and a prefix cannot be joined.", "Use --compose parallel, or one memory (--top-n 1)."
        )
    return np.concatenate(parts)


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
) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Both keys of the problem, so that both scores can be shown, and what is to be said of memories without a key."""
    from elm_app.engine.question_keys import question_key

    keys = {"input": tools.embedders.get(report, stopped).encode([problem])[0]}
    if routing.retrieval == "input":
        with suppress(ModelError):  # a model that does not show its keys: one score less to show
            keys["kv"] = question_key(engine, problem)
        return keys, []
    keys["kv"] = question_key(engine, problem)
    return keys, _fill(engine, keys["kv"].size, tools.store, report)


def _fill(engine: Engine, width: int, store: Store, report: Callable[[Progress], None]) -> list[str]:
    """Gives the memories of this model that lack a KV key one; says why, if that cannot be written down.

    Each is stored as soon as it is made: a run that is stopped here leaves less to do for the next.
    """
    from elm_app.engine.question_keys import question_key

    lacking = store.missing_kv(engine.info.weights_sha256, width)
    if not lacking:
        return []
    try:
        store.check_writable()
        for number, id in enumerate(lacking):
            report(Progress("retrieve", "Reading the memories' problems, once", number, len(lacking), "memories"))
            with suppress(DamagedMemory, BadInput):
                store.set_keys("kv", {id: question_key(engine, store.get(id).problem)})
    except StoreError as error:
        return [f"Memories that lack a KV key are left out, because they cannot be given one: {error.message}"]
    return []


def _counted(found: Retrieved, tools: Tools) -> Retrieved:
    """Count the uses; where that cannot be written down, the run goes on and says so."""
    try:
        for ids in found.arms.values():
            for id in ids:
                tools.store.count_retrieval(id)
    except StoreError as error:
        return replace(found, reason=f"{found.reason} Its use is not counted: {error.message}")
    return found
