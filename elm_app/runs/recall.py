"""Which memory a problem is solved with: none, the nearest one, or a given one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from elm_app.errors import BadInput, DamagedMemory, StoreError
from elm_app.events import Progress, Retrieved
from elm_app.memory.embedder import Embedders
from elm_app.memory.retriever import THRESHOLD, chosen, retrieve
from elm_app.memory.store import Store
from elm_app.types import ModelInfo

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Recall:
    """Where memories come from, and which is wanted: `auto` is the nearest one above the threshold, else an id."""

    memory: str
    store: Store
    embedders: Embedders

    def check(self) -> None:
        """Raises `BadInput` if a given memory does not exist, before a model is loaded for it."""
        if self.memory != "auto":
            self.store.get(self.memory)

    def recall(
        self, problem: str, model: ModelInfo, report: Callable[[Progress], None], cancelled: Callable[[], bool]
    ) -> tuple[Retrieved, NDArray[float32] | None]:
        """What was found, and the soft prompt of the memory that is used, fp32 (P, H), or None.

        A damaged memory is passed over, and named, if it was found; it is an error if it was asked for.

        Raises:
            BadInput: the given memory belongs to another model.
            DamagedMemory: the given memory is not what it should be.
        """
        if self.memory == "auto" and not self.store.count():
            return Retrieved((), None, THRESHOLD, "There are no memories yet."), None
        key = self.embedders.get(report, cancelled).encode([problem])[0]
        if self.memory != "auto":
            found = chosen(self.store, key, self.memory, model)
            return self._used(found), self.store.soft_prompt(self.memory, model)
        found = retrieve(self.store, key, model)
        damaged: list[str] = []
        for match in found.matches if found.used else ():
            if match.score < found.threshold:
                break
            try:
                soft_prompt = self.store.soft_prompt(match.id, model)
            except (DamagedMemory, BadInput) as error:  # BadInput: another process has deleted it meanwhile
                damaged.append(error.message)
                continue
            used = found if match.id == found.used else replace(found, used=match.id)
            return self._used(replace(used, reason=" ".join([used.reason, *damaged]))), soft_prompt
        return replace(found, used=None, reason=" ".join([found.reason, *damaged])), None

    def _used(self, found: Retrieved) -> Retrieved:
        """Count the use; where that cannot be written down, the run goes on and says so."""
        assert found.used is not None
        try:
            self.store.change(found.used, retrieved=self.store.get(found.used).retrieved + 1)
        except StoreError as error:
            return replace(found, reason=f"{found.reason} Its use is not counted: {error.message}")
        return found
