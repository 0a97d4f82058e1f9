"""Controls of retrieval: what if the memory were any memory, or none at all?

`random` takes any memory of the model, `farthest` the one whose problem is least like this one (a memory of another
class of problems), `untrained` a soft prompt of the same length as learning starts from. If they do as well as the
nearest memory, then it is not what was learned, or not from what, that helps.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from elm_app.core.config import FORMS, Form, RouteSettings
from elm_app.core.events import Retrieved
from elm_app.retrieval.retriever import THRESHOLD, chosen, retrieve

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    from elm_app.engine.engine import Engine
    from elm_app.store.store import Store

CONTROLS = ("random", "farthest", "untrained")
_LENGTH = 20
"""P of an untrained soft prompt where there is no memory to take it from."""


def control(
    problem: str, engine: Engine, keys: dict[str, NDArray[Any]], routing: RouteSettings, store: Store, shown: int
) -> tuple[Retrieved, dict[str, NDArray[float32]]]:
    """What a control finds, and the soft prompt by the memory's id (an untrained one has the id "")."""
    model, kind = engine.info, routing.memory
    if kind == "untrained":
        found = retrieve(store, keys, model, routing, shown)
        nearest = found.matches[0].id if found.matches else None
        memory = store.get(nearest) if nearest else None
        form: Form = memory.form if memory else "soft"
        length = memory.virtual_tokens if memory else _LENGTH
        reason = f"Control: an untrained {FORMS[form]} of {length} virtual tokens."
        return replace(found, used=None, reason=reason, arms={"memory": ()}), {"": _untrained(engine, length, form)}
    ids, vectors = store.vectors(model=model.weights_sha256, enabled=True)
    if not ids:
        return Retrieved((), None, THRESHOLD, f"There is no memory for {model.id} yet."), {}
    if kind == "random":
        taken = random.Random(problem).choice(sorted(ids))  # a text is hashed with SHA-512: the same on every machine
        reason = f"Control: a memory at random, of {len(ids)}."
    else:
        scores = dict(zip(ids, (vectors @ keys["input"]).tolist(), strict=True))
        taken = min(ids, key=lambda id: (scores[id], id))
        reason = f"Control: the least similar memory, of {len(ids)}."
    found = chosen(store, keys, taken, model, routing, shown)
    return replace(found, reason=reason), {taken: store.soft_prompt(taken, model)}


def _untrained(engine: Engine, length: int, form: Form) -> NDArray[float32]:
    from elm_app.learning.soft_prompt import start

    soft_prompt: NDArray[float32] = start(engine, length, "text", 0, form).numpy()
    return soft_prompt
