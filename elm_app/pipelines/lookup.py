"""Which memories a text would be given: looked up, with nothing sampled and nothing counted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from elm_app.core.config import RouteSettings
from elm_app.core.errors import BadInput
from elm_app.core.events import Retrieved
from elm_app.core.types import ModelInfo
from elm_app.pipelines.problem import checked
from elm_app.pipelines.resources import Tools
from elm_app.retrieval.retriever import retrieve, threshold_of
from elm_app.store.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from elm_app.engine.engine import Engine

MOST = 50
"""Memories that are named at most."""


def look_up(
    problem: str, routing: RouteSettings, tools: Tools, model: str | None = None, n: int = 5
) -> tuple[ModelInfo | None, Retrieved]:
    """For which model was looked, and what `retrieve` finds: the n nearest enabled memories of that model.

    No model is loaded for this: the key `kv` can be asked for while its model is loaded.

    Args:
        routing: `retrieval`, `rank` and `threshold` count.
        model: its name or the hash of its weights; by default the loaded one, else the only one that has memories.

    Raises:
        BadInput: the problem is empty, n is not from 1 to 50, there are no memories of that model, it is not said
            which of several is meant, or the key needs a model that is not loaded.
        WeightsError: the embedder cannot be had.
    """
    text = checked(problem)
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST:
        raise BadInput(f"n is {n!r}.", f"It must be a whole number from 1 to {MOST}.")
    engine = tools.models.loaded()
    info = _model(tools.store, engine, model)
    if engine is not None and info is not None and engine.info.weights_sha256 != info.weights_sha256:
        engine = None
    if routing.retrieval != "input" and engine is None:
        raise BadInput(
            f"Retrieval by {routing.retrieval} needs the model's own keys, and that model is not loaded.",
            "Solve a problem with it first, or retrieve by input.",
        )
    if info is None:
        reason = "There are no memories yet."
        return None, Retrieved((), None, threshold_of(routing), reason, {}, routing.retrieval, routing.rank)
    keys = _keys(text, routing, engine, tools)
    found = retrieve(tools.store, keys, info, routing, n)
    if "kv" in keys and (lacking := tools.store.missing_kv(info.weights_sha256, keys["kv"].size)):
        told = f"{len(lacking)} of its memories have no key of the model's own yet; solving gives them one first."
        return info, replace(found, reason=f"{found.reason} {told}")
    return info, found


def _keys(text: str, routing: RouteSettings, engine: Engine | None, tools: Tools) -> dict[str, NDArray[Any]]:
    """The keys of a text that are asked for: `input`, (384,) float32, and `kv`, (D,) float32."""
    keys: dict[str, NDArray[Any]] = {"input": tools.embedders.get(lambda _: None).encode([text])[0]}
    if routing.retrieval != "input" and engine is not None:
        from elm_app.engine.question_keys import question_key

        keys["kv"] = question_key(engine, text)
    return keys


def _model(store: Store, engine: Engine | None, asked: str | None) -> ModelInfo | None:
    """The model that is meant; None if there are no memories, and nothing is loaded or asked for."""
    if engine is not None and asked in (None, engine.info.id, engine.info.weights_sha256):
        return engine.info
    known = store.models()
    if asked is None and len(known) <= 1:
        return next((_unloaded(sha256, id) for sha256, id in known.items()), None)
    names = ", ".join(f"{id} ({sha256[:12]})" for sha256, id in sorted(known.items(), key=lambda one: one[::-1]))
    if asked is None:
        raise BadInput("There are memories of several models.", f"Say which one is meant: {names}.")
    fit = [_unloaded(sha256, id) for sha256, id in known.items() if asked == id or _is_hash(asked, sha256)]
    if len(fit) != 1:
        told = f"There are no memories of {asked!r}." if not fit else f"{asked!r} are several models."
        raise BadInput(told, f"Name one of these: {names}." if names else "Learn from a problem first.")
    return fit[0]


def _is_hash(asked: str, sha256: str) -> bool:
    """Whether that is the hash, or its beginning.

    >>> _is_hash("1d9614638d18", "1d9614638d18024d"), _is_hash("1d", "1d9614638d18024d")
    (True, False)
    """
    return len(asked) >= 8 and sha256.startswith(asked)


def _unloaded(sha256: str, id: str) -> ModelInfo:
    return ModelInfo(id, "", "", sha256)
