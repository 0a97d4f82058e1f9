"""Which memory a problem gets, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from elm_app.config import RouteSettings
from elm_app.events import Retrieved
from elm_app.memory.store import Store
from elm_app.memory.table import cosine
from elm_app.types import Match, ModelInfo

THRESHOLD = 0.6
"""The least cosine at which a memory is used by itself.

Measured with all-MiniLM-L6-v2 on GSM8K training problems. The same problem with other names and numbers (400, made by
exchanging them): median 0.90, 95% above 0.73. Told anew in other words, with other things, names and numbers (18, by
hand): median 0.68, 89% above 0.60, 67% above 0.65. Two problems picked at random: median 0.36, 1% above 0.59. The
nearest of 30 unrelated problems reaches 0.60 in 19% of cases (0.65: 6%, 0.70: 1%), the nearest of 100 in 39% (15%,
5%), because "how many does she have left" is a kind of its own. So 0.6 finds nearly all that is the same problem, and
of what it takes for such, much is merely of the same kind.
"""


def retrieve(
    store: Store, keys: Mapping[str, NDArray[Any]], model: ModelInfo, settings: RouteSettings, n: int = 5
) -> Retrieved:
    """The nearest enabled memories of this model; the best is used if it is near enough.

    Args:
        keys: `input`, (384,) float32: the embedding of the problem.
    """
    threshold, matches = THRESHOLD, _scored(store.nearest(keys["input"], n, model=model.weights_sha256, enabled=True))
    if not matches:
        return Retrieved((), None, threshold, f"There is no memory for {model.id} yet.")
    best = matches[0]
    if best.score < threshold:
        reason = f"The nearest memory, at {best.score:.2f}, is below the threshold of {threshold:.2f}."
        return Retrieved(matches, None, threshold, reason)
    return Retrieved(matches, best.id, threshold, f"The nearest memory, at {best.score:.2f}.")


def chosen(
    store: Store,
    keys: Mapping[str, NDArray[Any]],
    memory_id: str,
    model: ModelInfo,
    settings: RouteSettings,
    n: int = 5,
) -> Retrieved:
    """As `retrieve`, but the memory that was asked for is used, near or far, enabled or not.

    Raises:
        BadInput: there is no such memory, or it belongs to another model.
        DamagedMemory: its card or its tensor is not what it should be.
    """
    store.soft_prompt(memory_id, model)
    memory = store.get(memory_id)
    key = keys["input"]
    matches = _scored(store.nearest(key, n, model=model.weights_sha256, enabled=True))
    if memory_id not in [match.id for match in matches]:
        own = store.keys(memory_id)["input"]
        mine = Match(memory_id, cosine(own, key), memory.problem)
        matches = tuple(sorted((*matches, *_scored([mine])), key=lambda match: (-match.score, match.id)))
    disabled = "" if memory.enabled else ", though it is disabled"
    return Retrieved(matches, memory_id, THRESHOLD, f"This memory was asked for{disabled}.")


def _scored(matches: Iterable[Match]) -> tuple[Match, ...]:
    return tuple(replace(match, input=match.score) for match in matches)
