"""Reading the memories: lists and searches are asked of Chroma, cards and tensors are read from the folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from elm_app.core.errors import BadInput, DamagedMemory, StoreError
from elm_app.core.types import Match, Memory, ModelInfo
from elm_app.store import memory_folder as files
from elm_app.store import repair
from elm_app.store.layout import StoreLayout
from elm_app.store.memory_folder import WIDTH, Vector
from elm_app.store.row import SORTS, Page, Row, in_order, row_of
from elm_app.store.turn import turn

_UNREADABLE = "(its card cannot be read)"
_Answer = TypeVar("_Answer")


class Reader(StoreLayout):
    """The memories under a folder, as they are now, whoever wrote them."""

    def version(self) -> str:
        """A text that is another one whenever any memory has changed."""
        return self.journal.version()

    def count(self) -> int:
        """How many memories there are."""
        return self._ask(self.index.entries) or len(self._rows())

    def get(self, id: str) -> Memory:
        """A card; raises `BadInput` if there is no such memory, `DamagedMemory` if its card cannot be read."""
        return files.read_card(self.place(id))

    def soft_prompt(self, id: str, model: ModelInfo | None = None, hidden_size: int | None = None) -> Vector:
        """The tensor of a memory, (P, H) float32.

        Raises:
            BadInput: no such memory, or it was made for other weights than `model`'s.
            DamagedMemory: missing, another shape than the card or `hidden_size` says, NaN or infinite numbers.
        """
        place = self.place(id)
        memory = files.read_card(place)
        if model is not None and memory.model.weights_sha256 != model.weights_sha256:
            raise BadInput(
                f"Memory {id} was made for {memory.model.id} ({memory.model.weights_sha256[:12]}), "
                f"not for {model.id} ({model.weights_sha256[:12]}).",
                "Choose its own model with --model, or another memory.",
            )
        if hidden_size is not None and memory.hidden_size != hidden_size:
            raise DamagedMemory(
                f"Memory {id} is damaged: its vectors have {memory.hidden_size} numbers, its model's {hidden_size}.",
                "Delete it, or choose the model that it was made for.",
            )
        return files.parse_soft_prompt(files.read(place, files.TENSOR), memory)

    def keys(self, id: str) -> dict[str, Vector]:
        """The vectors that a memory is found by, float32 of length 1; raises as `get`."""
        return files.parse_keys(id, files.read(self.place(id), files.KEYS))

    def page(
        self,
        *,
        model: str | None = None,
        enabled: bool | None = None,
        improved: bool | None = None,
        sort: str = "created",
        descending: bool = True,
        offset: int = 0,
        limit: int = 50,
    ) -> Page:
        """Those that fit, in order; what has no value comes last. `model` is the hash of a model's weights."""
        if sort not in SORTS:
            raise BadInput(f"Memories cannot be sorted by {sort!r}.", f"Give one of {', '.join(SORTS)}.")
        if offset < 0 or limit < 0:
            raise BadInput("Offset and limit cannot be negative.", "Give 0 or more.")
        fit = in_order(self._fitting(model, enabled, improved), sort, descending)
        return Page(len(fit), tuple(self.rows([row.id for row in fit[offset : offset + limit]])))

    def nearest(
        self,
        key: NDArray[Any],
        n: int,
        *,
        model: str | None = None,
        enabled: bool | None = None,
        improved: bool | None = None,
    ) -> list[Match]:
        """The n of the highest cosine with `key` (384,) among those that fit; best first, ties: lower id.

        Chroma finds them, the cosines are exact; `doctor` measures whether Chroma misses any.
        """
        if key.shape != (WIDTH,) or not np.isfinite(key).all() or not key.any():
            raise BadInput(f"The key is not a vector of {WIDTH} finite numbers.", "Make it with the embedder.")
        fits = None if improved is None else lambda row: row.improved == improved
        return self._matches(self._ask(lambda: self.index.nearest("input", key, n, model, enabled, fits)))

    def nearest_kv(self, key: NDArray[Any], n: int, *, model: str, enabled: bool | None = None) -> list[Match]:
        """As `nearest`, by the model's own keys: `key` (D,) float32; memories without such a key are not found."""
        if key.ndim != 1 or not np.isfinite(key).all() or not key.any():
            raise BadInput("The KV key is not a vector of finite numbers.", "Make it with the engine.")
        return self._matches(self._ask(lambda: self.index.nearest("kv", key, n, model, enabled)))

    def missing_kv(self, model: str, width: int) -> list[str]:
        """The memories of a model (hash of its weights) that lack a KV key of `width` numbers."""
        with turn(self):
            have = self._ask(lambda: self.index.ids("kv", model, width))
            return sorted(row.id for row in self._fitting(model, None, None) if row.id not in have)

    def _matches(self, found: Sequence[tuple[str, float]]) -> list[Match]:
        """With the problems' texts; an unreadable card is said to be one, what was deleted just now is left out."""
        matches = []
        for id, score in found:
            try:
                problem = files.read_problem(self.adapters / id)
            except DamagedMemory:
                if not (self.adapters / id).is_dir():
                    continue
                problem = _UNREADABLE
            matches.append(Match(id, score, problem))
        return matches

    def vectors(
        self, *, model: str | None = None, enabled: bool | None = None, improved: bool | None = None
    ) -> tuple[list[str], Vector]:
        """Ids and keys, (n, 384) float32, of those that fit."""
        with turn(self):
            ids = sorted(row.id for row in self._fitting(model, enabled, improved))
            found = self._ask(lambda: self.index.vectors(ids))
            return ids, np.stack([found[id] for id in ids]) if ids else np.zeros((0, WIDTH), np.float32)

    def indexed(self) -> list[Row]:
        """What the index says of all memories, by id."""
        return sorted(self._rows().values(), key=lambda row: row.id)

    def rows(self, ids: Sequence[str]) -> list[Row]:
        """What lists show of these memories, in this order; those that are gone are left out."""
        found = []
        for id in ids:
            try:
                found.append(row_of(files.read_card(self.adapters / id)))
            except DamagedMemory:
                if (self.adapters / id).is_dir():  # else it was deleted just now
                    found.append(_damaged_row(id))
        return found

    def models(self) -> dict[str, str]:
        """Hash of the weights → id of every model that a stored memory was made for."""
        return {row.model_sha256: row.model for row in self._rows().values()}

    def resolve(self, id: str) -> str:
        """The memory that is called so, or whose id alone begins so; raises `BadInput` if there is none or more."""
        if files.is_id(id) and (self.adapters / id).is_dir():
            return id
        found = sorted(one for one in self._rows() if id and one.startswith(id))
        if len(found) == 1:
            return found[0]
        if not found:
            raise BadInput(f"There is no memory {id!r}.", "See `memories list`.")
        some = ", ".join(found[:3]) + (", …" if len(found) > 3 else "")
        raise BadInput(f"{len(found)} memories begin with {id!r}: {some}.", "Give more of the id.")

    def place(self, id: str) -> Path:
        """The folder of a memory; raises `BadInput` if there is none."""
        place = self.adapters / id if files.is_id(id) else None
        if place is None or not place.is_dir():
            raise BadInput(f"There is no memory {id!r}.", "See `memories list`.")
        return place

    def _rows(self) -> dict[str, Row]:
        return self._ask(self.index.rows)

    def _fitting(self, model: str | None, enabled: bool | None, improved: bool | None) -> list[Row]:
        return [
            row
            for row in self._rows().values()
            if model in (None, row.model_sha256) and enabled in (None, row.enabled) and improved in (None, row.improved)
        ]

    def _ask(self, question: Callable[[], _Answer]) -> _Answer:
        """What the index answers; one that cannot be read is made anew from the folders, once."""
        with turn(self):
            try:
                return question()
            except StoreError:
                if not self.index.place.is_derived_here:
                    raise
                self.cleaned += (repair.remade(self, "could not be read"),)
                return question()


def _damaged_row(id: str) -> Row:
    return Row(id, _UNREADABLE, None, "", "", "", False, False, "", None, None, None, 0.0, 0, 0, 0, 0, 0, damaged=True)
