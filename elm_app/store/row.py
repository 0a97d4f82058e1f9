"""What a list shows of a memory, without its curves and votes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from elm_app.core.types import Credit, Memory

SORTS = ("created", "problem", "label", "agreement_before", "agreement_after", "gain", "seconds", "retrieved")
"""What memories can be sorted by."""


@dataclass(frozen=True, slots=True)
class Row:
    """A memory in a list.

    Attributes:
        model, model_sha256: the id of the model that it was made for, and the hash of its weights.
        agreement_before, agreement_after: of the votes without and with it, in [0, 1]; `gain` is their difference.
        seconds, tokens: what learning cost.
        bytes: size of the tensor file.
        damaged: its card cannot be read; the problem is cut short then, and what is not known is None, "" or 0.
    """

    id: str
    problem: str
    answer: str | None
    label: str
    model: str
    model_sha256: str
    enabled: bool
    improved: bool
    created: str
    agreement_before: float | None
    agreement_after: float | None
    gain: float | None
    seconds: float
    tokens: int
    retrieved: int
    helped: int
    hurt: int
    bytes: int
    damaged: bool = False


@dataclass(frozen=True)
class Page:
    """Some of the memories that fit a filter, in order; `total` is how many fit."""

    total: int
    rows: tuple[Row, ...]


def row_of(memory: Memory) -> Row:
    """The row of a card."""
    before = memory.before.vote.agreement
    after = memory.after.vote.agreement if memory.after else None
    return Row(
        memory.id,
        memory.problem,
        memory.answer,
        memory.label,
        memory.model.id,
        memory.model.weights_sha256,
        memory.enabled,
        memory.improved,
        memory.created,
        before,
        after,
        None if after is None else after - before,
        memory.seconds,
        memory.tokens,
        memory.retrieved,
        memory.helped,
        memory.hurt,
        memory.bytes,
    )


def in_order(rows: Iterable[Row], sort: str, descending: bool) -> list[Row]:
    """Sorted by one of `SORTS`; what has no value comes last, whichever way it is sorted, and ties by the lower id."""

    def value(row: Row) -> Any:
        found = getattr(row, sort)
        return found.casefold() if isinstance(found, str) else found

    by_id = sorted(rows, key=lambda row: row.id)
    known = [row for row in by_id if getattr(row, sort) not in (None, "")]
    return sorted(known, key=value, reverse=descending) + [row for row in by_id if getattr(row, sort) in (None, "")]


def metadata_of(row: Row) -> dict[str, Any]:
    """A row as Chroma keeps it: plain values only, nothing for what is None. The problem is the document."""
    values = asdict(row)
    return {
        name: values[name] for name in values if name not in ("id", "problem", "damaged") and values[name] is not None
    }


def row_from(id: str, problem: str, metadata: dict[str, Any]) -> Row:
    """The reverse of `metadata_of`; raises TypeError where a field is missing or too much."""
    absent = {"answer": None, "agreement_before": None, "agreement_after": None, "gain": None}
    return Row(id=id, problem=problem, **{**absent, **metadata})


def record(credit: Sequence[Credit]) -> str:
    """What became of a memory's uses, by verifier, in words.

    >>> record([Credit("agreement", won=2, lost=1), Credit("none", agreed=3)])
    '2 won and 1 lost (agreement), 3 agreed'
    """
    parts = []
    for one in credit:
        counts = [f"{n} {word}" for n, word in ((one.won, "won"), (one.lost, "lost"), (one.agreed, "agreed")) if n]
        by = "" if one.verifier == "none" else f" ({one.verifier})"
        if counts:
            parts.append(" and ".join(counts) + by)
    return ", ".join(parts) or "not used yet"
