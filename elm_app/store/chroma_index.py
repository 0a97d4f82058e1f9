"""The memories in Chroma: a collection for each model, key and whether they are offered, so that what is retrieved is
found without a filter.

`model-<hash of the weights>.input384.on` holds the problems' embeddings, the card's fields and the problems' texts of
the memories that are offered, `… .off` those that are not; `model-<hash>.kv512.on` the model's own keys, by width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elm_app.core.errors import StoreError
from elm_app.store.chroma_place import Place
from elm_app.store.cosine import cosines
from elm_app.store.memory_folder import WIDTH, Vector
from elm_app.store.row import Row, metadata_of, row_from

KEYS = ("input", "kv")
"""The keys of a memory that are searched."""
_BATCH = 2000
"""Rows handed to Chroma at a time; it takes 5461 at most."""
_WIDER = 32
"""How many Chroma is asked for at least; the best of them are found by exact cosine."""
_HNSW = {
    "space": "cosine", "ef_construction": 200, "ef_search": 200, "max_neighbors": 32,
    "sync_threshold": 100, "batch_size": 100,
}  # fmt: skip
"""Chroma's graph, denser and searched more widely than its defaults (100, 100, 16): recall before speed. It is written
to disk after 100 changes, not 1000: what is not has to be put in again by whoever opens it."""

Item = tuple[Row, Mapping[str, Vector]]
"""A memory as it is indexed: its row and its keys by name."""


class Index:
    """The collections of one store, wherever Chroma is. Only for whoever has its turn (`turn.py`).

    Chroma is imported on first use. Every method raises `StoreError` if Chroma cannot be read or written.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._client: Any = None
        self._collections: dict[str, Any] = {}
        self._rows: dict[str, Row] | None = None

    @property
    def is_open(self) -> bool:
        """Whether Chroma has been opened and not let go of."""
        return self._client is not None

    # changing

    def put(self, items: Sequence[Item]) -> None:
        """Adds memories whose ids are not there."""
        with self._open():
            parts: dict[str, list[tuple[Row, Vector]]] = {}
            for row, keys in items:
                for key in KEYS:
                    if key in keys:
                        name = _name(row.model_sha256, key, keys[key].size, row.enabled)
                        parts.setdefault(name, []).append((row, keys[key]))
            for name, part in parts.items():
                self._upsert(name, part)
            if self._rows is not None:
                self._rows |= {row.id: row for row, _ in items}

    def change(self, row: Row, keys: Mapping[str, Vector]) -> None:
        """New fields for a memory, which moves to other collections if it is now offered, or no more."""
        with self._open():
            name = _name(row.model_sha256, "input", WIDTH, row.enabled)
            if not self._holds(name, row.id):
                self.remove([row.id])
                self.put([(row, keys)])
                return
            self._collections[name].update(ids=[row.id], metadatas=[metadata_of(row)])
            if self._rows is not None:
                self._rows[row.id] = row

    def set_key(self, row: Row, key: str, vector: Vector) -> None:
        """Another vector (D,) for one key of a memory, or its first; of one that nobody indexed `doctor` speaks."""
        with self._open():
            if not self._holds(_name(row.model_sha256, "input", WIDTH, row.enabled), row.id):
                return
            for name in self._named(row.model_sha256, key, None, None):
                self._delete(name, [row.id])
            self._upsert(_name(row.model_sha256, key, vector.size, row.enabled), [(row, vector)])

    def remove(self, ids: Sequence[str]) -> None:
        """Takes memories out; those that are not there already are."""
        with self._open():
            for name in self._collections:
                for start in range(0, len(ids), _BATCH):
                    self._delete(name, ids[start : start + _BATCH])
            if self._rows is not None:
                for id in ids:
                    self._rows.pop(id, None)

    # asking

    def rows(self) -> dict[str, Row]:
        """The rows of all memories by id, in no order; read once, and kept in step. Not to be changed."""
        with self._open():
            if self._rows is None:
                found: dict[str, Row] = {}
                for name in self._named(None, "input", WIDTH, None):
                    for some in _batches(self._collections[name], ["metadatas", "documents"]):
                        parts = zip(some["ids"], some["documents"], some["metadatas"], strict=True)
                        found |= {id: row_from(id, problem, metadata) for id, problem, metadata in parts}
                self._rows = found
            return self._rows

    def entries(self) -> int:
        """How many entries there are by `input`: more than rows if a memory is in two collections."""
        with self._open():
            return sum(self._collections[name].count() for name in self._named(None, "input", WIDTH, None))

    def ids(self, key: str, model: str, width: int) -> set[str]:
        """The memories of a model (hash of its weights) that have such a key."""
        with self._open():
            names = self._named(model, key, width, None)
            return {id for name in names for id in self._collections[name].get(include=[])["ids"]}

    def vectors(self, ids: Sequence[str], key: str = "input") -> dict[str, Vector]:
        """The vectors (D,) float32 of one key by id; memories that lack it are left out."""
        found: dict[str, Vector] = {}
        if not ids:
            return found
        with self._open():
            wanted = None if len(ids) > _BATCH else list(ids)
            for name in self._named(None, key, None, None):
                for some in _batches(self._collections[name], ["embeddings"], wanted):
                    found |= dict(zip(some["ids"], np.asarray(some["embeddings"], np.float32), strict=True))
        return found if wanted is not None else {id: found[id] for id in ids if id in found}

    def nearest(
        self,
        key: str,
        vector: NDArray[Any],
        n: int,
        model: str | None,
        enabled: bool | None,
        fits: Callable[[Row], bool] | None = None,
    ) -> list[tuple[str, float]]:
        """The n ids of the highest cosine with `vector` (D,), best first; ties: lower id first.

        Chroma's answer is approximate and in float32: it is asked for more than n, and those are put in order by their
        cosine in float64. Where too few of them fit, it is asked for more again.
        """
        found: dict[str, float] = {}
        rows = self.rows() if fits is not None else {}
        with self._open():
            for name in self._named(model, key, vector.size, enabled) if n > 0 else ():
                collection = self._collections[name]
                wanted = max(_WIDER, 2 * n)
                while True:
                    near = _scored(collection, vector, wanted)
                    some = {id: score for id, score in near.items() if fits is None or (id in rows and fits(rows[id]))}
                    if len(some) >= n or len(near) < wanted:
                        break
                    wanted *= 8
                found |= some
        return sorted(found.items(), key=lambda one: (-one[1], one[0]))[:n]

    def close(self) -> None:
        """Lets go of Chroma's files, and of what was read of them."""
        client, self._client, self._collections, self._rows = self._client, None, {}, None
        if client is not None:
            client.close()

    # inside

    def _named(self, model: str | None, key: str, width: int | None, enabled: bool | None) -> list[str]:
        """The collections there are for it; None: any."""
        fit = []
        for name in self._collections:
            sha, kind, state = name.removeprefix("model-").rsplit(".", 2)
            right = kind.startswith(key) if width is None else kind == f"{key}{width}"
            if right and model in (None, sha) and (enabled is None or enabled == (state == "on")):
                fit.append(name)
        return fit

    def _upsert(self, name: str, part: Sequence[tuple[Row, Vector]]) -> None:
        if name not in self._collections:
            # without an embedding function: the default one fetches a model
            self._collections[name] = self._client.get_or_create_collection(
                self.place.prefix + name, embedding_function=None, configuration={"hnsw": _HNSW}
            )
        for start in range(0, len(part), _BATCH):
            some = part[start : start + _BATCH]
            rows = [row for row, _ in some]
            told = {"metadatas": [metadata_of(row) for row in rows], "documents": [row.problem for row in rows]}
            self._collections[name].upsert(
                ids=[row.id for row in rows],
                embeddings=np.stack([vector for _, vector in some]),
                **(told if ".input" in name else {}),
            )

    def _holds(self, name: str, id: str) -> bool:
        return name in self._collections and bool(self._collections[name].get(ids=[id], include=[])["ids"])

    def _delete(self, name: str, ids: Sequence[str]) -> None:
        if here := self._collections[name].get(ids=list(ids), include=[])["ids"]:
            self._collections[name].delete(ids=here)

    @contextmanager
    def _open(self) -> Iterator[None]:
        try:
            if self._client is None:
                self._client, prefix = self.place.connect(), self.place.prefix
                self._collections = {
                    one.name.removeprefix(prefix): self._client.get_collection(one.name, embedding_function=None)
                    for one in self._client.list_collections()
                    if one.name.startswith(f"{prefix}model-")
                }
            yield
        except StoreError:
            raise
        except Exception as error:  # Chroma's errors have no common root that leaves out those of its storage
            with suppress(Exception):
                self.close()
            why = str(error).strip().rstrip(".") or type(error).__name__
            raise StoreError(f"The index {self.place.name} cannot be used ({why}).", self.place.remedy) from error


def _name(model: str, key: str, width: int, enabled: bool) -> str:
    return f"model-{model}.{key}{width}.{'on' if enabled else 'off'}"


def _batches(collection: Any, include: list[str], ids: list[str] | None = None) -> Iterator[Any]:
    """All of a collection, or those of some ids."""
    if ids is not None:
        yield collection.get(ids=ids, include=include)
        return
    for start in range(0, collection.count(), _BATCH):
        yield collection.get(limit=_BATCH, offset=start, include=include)


def _scored(collection: Any, vector: NDArray[Any], n: int) -> dict[str, float]:
    """The ids of Chroma's n nearest to a vector (D,), with their cosines."""
    found = collection.query(query_embeddings=np.asarray(vector[None], np.float32), n_results=n, include=["embeddings"])
    if not found["ids"][0]:  # a collection that all have left
        return {}
    return dict(zip(found["ids"][0], cosines(found["embeddings"][0], vector).tolist(), strict=True))
