"""Which memory a problem gets, and why.

Two keys, two cosines: `input`, of the problems' embeddings, and `kv`, of the model's own keys on the problems
(`engine/question_keys.py`). `both` is their mean: on the same problem with other numbers, and on two problems picked at
random, the two lie close enough to each other for that (`THRESHOLDS`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from elm_app.core.config import RouteSettings
from elm_app.core.errors import BadInput, DamagedMemory
from elm_app.core.events import Retrieved
from elm_app.core.types import Credit, Match, ModelInfo
from elm_app.store.cosine import cosine
from elm_app.store.store import Store

Keys = Mapping[str, NDArray[Any]]

THRESHOLDS = {"input": 0.6, "kv": 0.8, "both": 0.7}
"""The least score at which a memory is used by itself.

Measured with all-MiniLM-L6-v2 on GSM8K training problems. The same problem with other names and numbers (400, made by
exchanging them): median 0.90, 95% above 0.73. Told anew in other words, with other things, names and numbers (18, by
hand): median 0.68, 89% above 0.60, 67% above 0.65. Two problems picked at random: median 0.36, 1% above 0.59. The
nearest of 30 unrelated problems reaches 0.60 in 19% of cases (0.65: 6%, 0.70: 1%), the nearest of 100 in 39% (15%,
5%), because "how many does she have left" is a kind of its own. So 0.6 finds nearly all that is the same problem, and
of what it takes for such, much is merely of the same kind.

By KV, with the default model and 120 of these problems: the same problem with other names and numbers, median 0.96,
95% above 0.86; two at random, median 0.41, 1% above 0.74; the nearest of 30 unrelated ones is above 0.75 in 10% of
cases. By both: 0.90 and 0.76; 0.37 and 0.60; 0.64. (docs/RETRIEVAL.md)
"""
THRESHOLD = THRESHOLDS["input"]
POOL = 50
"""Memories, nearest first, that `both` and `utility` choose among."""


MOVED, USES = 0.2, 4
"""What a memory did moves its utility by `MOVED` at most, and by little until it was used some times: `USES` are as
many that ended even."""
UTILITY = f"utility = similarity + {MOVED} · (won − lost) / (won + lost + agreed + {USES})"
"""How `utility` is worked out, in words."""


def utility(score: float, credit: Sequence[Credit]) -> float:
    """Similarity and credit together, as `UTILITY` says.

    >>> utility(0.7, [Credit("agreement", won=4), Credit("none", agreed=2)])
    0.78
    """
    won, lost, agreed = (float(sum(getattr(one, name) for one in credit)) for name in ("won", "lost", "agreed"))
    return round(score + MOVED * (won - lost) / (won + lost + agreed + USES), 6)


def retrieve(store: Store, keys: Keys, model: ModelInfo, settings: RouteSettings, n: int = 5) -> Retrieved:
    """The n nearest enabled memories of this model, best first; the first is used if it is near enough.

    Args:
        keys: of the problem: `input`, (384,) float32, and `kv`, (D,) float32, which `input` retrieval can do without.
        settings: `retrieval` and `rank` count.
    """
    threshold = threshold_of(settings)
    matches = _matches(store, keys, model, settings, n)
    if not matches:
        reason = f"There is no memory for {model.id} yet."
        return Retrieved((), None, threshold, reason, {}, settings.retrieval, settings.rank)
    best = matches[0]
    near = f"The nearest memory, at {best.score:.2f}"
    if best.utility is not None:
        near = f"The memory of the highest utility, {best.utility:.2f} (similarity {best.score:.2f})"
    if best.score < threshold:
        used, reason = None, f"{near}, is below the threshold of {threshold:.2f}."
    else:
        used, reason = best.id, f"{near}."
    return Retrieved(matches, used, threshold, reason, {}, settings.retrieval, settings.rank)


def chosen(
    store: Store, keys: Keys, memory_id: str, model: ModelInfo, settings: RouteSettings, n: int = 5
) -> Retrieved:
    """As `retrieve`, but the memory that was asked for is used, near or far, enabled or not.

    Raises:
        BadInput: there is no such memory, or it belongs to another model.
        DamagedMemory: its card, its tensor or its keys are not what they should be.
    """
    store.soft_prompt(memory_id, model)
    store.keys(memory_id)
    memory = store.get(memory_id)
    matches = _matches(store, keys, model, settings, n)
    if memory_id not in [match.id for match in matches]:
        mine = _scored(store, keys, settings, Match(memory_id, 0.0, memory.problem))
        matches = tuple(sorted((*matches, mine), key=_order))
    disabled = "" if memory.enabled else ", though it is disabled"
    reason = f"This memory was asked for{disabled}."
    threshold = threshold_of(settings)
    return Retrieved(matches, memory_id, threshold, reason, {}, settings.retrieval, settings.rank)


def threshold_of(settings: RouteSettings) -> float:
    """The least similarity at which a memory is used by itself."""
    return THRESHOLDS[settings.retrieval] if settings.threshold is None else settings.threshold


def _matches(store: Store, keys: Keys, model: ModelInfo, settings: RouteSettings, n: int) -> tuple[Match, ...]:
    pool = n if settings.rank == "similarity" and settings.retrieval != "both" else max(n, POOL)
    found: dict[str, Match] = {}
    if settings.retrieval != "kv":
        near = store.nearest(keys["input"], pool, model=model.weights_sha256, enabled=True)
        found |= {match.id: match for match in near}
    if settings.retrieval != "input":
        near = store.nearest_kv(keys["kv"], pool, model=model.weights_sha256, enabled=True)
        found |= {match.id: match for match in near}
    scored = [_scored(store, keys, settings, match) for match in found.values()]
    threshold = threshold_of(settings)
    return tuple(sorted(scored, key=lambda match: (match.score < threshold, *_order(match))))[:n]


def _scored(store: Store, keys: Keys, settings: RouteSettings, match: Match) -> Match:
    """With both cosines where both keys are known, the score that is asked for, and the utility if that is."""
    try:
        own = store.keys(match.id)
        cosines = {
            name: cosine(own[name], key) for name, key in keys.items() if name in own and own[name].shape == key.shape
        }
    except (DamagedMemory, BadInput):  # its soft prompt will say so if it is used
        cosines = {settings.retrieval: match.score} if settings.retrieval != "both" else {}
    wanted = ("input", "kv") if settings.retrieval == "both" else (settings.retrieval,)
    score = sum(cosines.get(name, 0.0) for name in wanted) / len(wanted)
    scored = replace(match, score=score, input=cosines.get("input"), kv=cosines.get("kv"))
    if settings.rank == "similarity":
        return scored
    with suppress(DamagedMemory, BadInput):
        return replace(scored, utility=utility(score, store.get(match.id).credit))
    return replace(scored, utility=score)


def _order(match: Match) -> tuple[float, str]:
    return -(match.score if match.utility is None else match.utility), match.id
