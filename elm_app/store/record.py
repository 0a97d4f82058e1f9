"""One memory in the table: 2048 bytes, its vector and what it is filtered and sorted by."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elm_app.store.memory_folder import WIDTH, Vector
from elm_app.store.row import Row

FIELDS: dict[str, tuple[str | tuple[str, tuple[int]], int]] = {
    "vector": (("<f4", (WIDTH,)), 0),
    "id": ("S64", 1536),
    "created": ("S32", 1600),
    "label": ("S96", 1632),  # the beginning: enough to sort by
    "problem": ("S224", 1728),
    "agreement_before": ("<f8", 1952),
    "agreement_after": ("<f8", 1960),
    "gain": ("<f8", 1968),
    "seconds": ("<f8", 1976),
    "retrieved": ("<i8", 1984),
    "model": ("<u8", 1992),
    "live": ("?", 2000),
    "enabled": ("?", 2001),
    "improved": ("?", 2002),
}
RECORD = np.dtype(
    {
        "names": list(FIELDS),
        "formats": [format for format, _ in FIELDS.values()],
        "offsets": [offset for _, offset in FIELDS.values()],
        "itemsize": 2048,
    }
)
Records = NDArray[np.void]
"""(n,) of RECORD."""


def records_of(rows: Sequence[Row], vectors: Sequence[Vector]) -> Records:
    """Rows and their vectors (384,) as live records."""
    records = np.zeros(len(rows), RECORD)
    for number, (row, vector) in enumerate(zip(rows, vectors, strict=True)):
        record = records[number]
        record["vector"] = vector
        record["id"], record["created"] = row.id.encode(), row.created.encode()
        record["label"], record["problem"] = row.label.casefold().encode()[:96], row.problem.casefold().encode()[:224]
        for name in ("agreement_before", "agreement_after", "gain", "seconds"):
            value = getattr(row, name)
            record[name] = np.nan if value is None else value
        record["retrieved"], record["model"] = row.retrieved, code_of(row.model_sha256)
        record["live"], record["enabled"], record["improved"] = True, row.enabled, row.improved
    return records


def code_of(model: str) -> np.uint64:
    """64 bits that stand for the hash of a model's weights."""
    return np.uint64(int.from_bytes(hashlib.blake2b(model.encode(), digest_size=8).digest(), "little"))
