"""Where memories are kept: folders, and Chroma, which is asked.

    adapters/<id>/   the memory itself (`memory_folder.py`): the truth
    chroma/          ids, vectors and card fields (`chroma_index.py`), made from the folders
    .lock …          turns, and what is being changed (`journal.py`, `turn.py`)

Every change goes down this list, a deletion goes up it, and `pending.json` says what is under way, so that the next
turn of whichever process finishes or undoes what a killed one left. Any number of processes may use one folder.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from elm_app.core.errors import BadInput, DamagedMemory, ElmError, StoreLocked
from elm_app.core.types import Credit, Memory, Outcome
from elm_app.store import memory_folder as files
from elm_app.store import repair
from elm_app.store.journal import Intent, sync_folder, write_whole
from elm_app.store.reader import Reader
from elm_app.store.row import row_of
from elm_app.store.turn import told, turn

STAGE = ".tmp-"
_SYNC_EACH = 16
"""From so many memories on, all files are brought to disk in one go instead of one by one."""
_TEXT, _SWITCH, _COUNT = (str, "text"), (bool, "true or false"), (int, "a whole number from 0")
_CHANGEABLE: dict[str, tuple[type, str]] = {
    "label": _TEXT, "note": _TEXT, "enabled": _SWITCH, "disabled_reason": _TEXT,
    "retrieved": _COUNT, "helped": _COUNT, "hurt": _COUNT,
}  # fmt: skip


class Store(Reader):
    """The memories under `folder`, which is made if missing. Threads may share a store, and processes a folder; give a
    process only one store of it, because Chroma keeps one connection for all of them.

    Opening is cheap, and finishes or undoes what a killed process left half done (`cleaned` says what) unless another
    process has its turn just then. Raises `StoreError` if the folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        with told(self):
            self.adapters.mkdir(parents=True, exist_ok=True)
            if not repair.is_needed(self):
                return
        try:
            with turn(self, "no", patience=0):
                self.cleaned += tuple(repair.mend(self))
        except StoreLocked:  # it is not left behind, it is under way
            pass
        except (ElmError, OSError) as error:
            self.cleaned += (f"What a killed program left could not be mended yet: {error}",)

    # writing

    def add(self, memory: Memory, soft_prompt: NDArray[Any], key: NDArray[Any]) -> Memory:
        """Stores a memory; returns the card with `bytes` set. When this returns it is on disk.

        Args:
            soft_prompt: (P, H) float32, as the card says.
            key: (384,) float32, the embedding of its problem; brought to length 1.

        Raises:
            BadInput: the id is taken, or the card is not one that could be read again.
            DamagedMemory: NaN or infinite numbers, wrong shapes.
            StoreError: the disk refuses; nothing is stored then. `StoreLocked`: another process does not give its turn.
        """
        return self.add_many([(memory, soft_prompt, {"input": key})])[0]

    def add_many(self, items: Iterable[tuple[Memory, NDArray[Any], Mapping[str, NDArray[Any]]]]) -> list[Memory]:
        """Stores all of them (card, soft prompt, keys by name), or none; raises as `add`."""
        with self.writing():
            stage = self.adapters / f"{STAGE}{secrets.token_hex(4)}"
            try:
                staged = self._stage(stage, items)
                if not staged:
                    return []
                ids = tuple(card.id for card, _ in staged)
                with self._doing(Intent("add", ids, stage.name)):
                    repair.unstage(self, stage, ids)
                    self.index.put([(row_of(card), keys) for card, keys in staged])
            finally:
                if self.journal.pending() is None:
                    shutil.rmtree(stage, ignore_errors=True)
        return [card for card, _ in staged]

    def change(self, id: str, /, **fields: Any) -> Memory:
        """Changes label, note, enabled, disabled_reason, retrieved, helped or hurt; enabling clears the reason."""
        for name, value in fields.items():
            if name not in _CHANGEABLE:
                raise BadInput(f"The {name} of a memory cannot be changed.", f"Give one of {', '.join(_CHANGEABLE)}.")
            kind, fits = _CHANGEABLE[name]
            if type(value) is not kind or (isinstance(value, int) and value < 0):
                raise BadInput(f"{name} of a memory cannot be {value!r}.", f"It must be {fits}.")
        if fields.get("enabled"):
            fields.setdefault("disabled_reason", "")
        return self._change(id, **fields)

    def _change(self, id: str, /, **fields: Any) -> Memory:
        with self.writing():
            place = self.place(id)
            memory = replace(files.read_card(place), **fields)
            card = files.card_bytes(memory)
            keys = files.parse_keys(id, files.read(place, files.KEYS))
            with self._doing(Intent("change", (id,))):
                write_whole(place / files.CARD, card)
                self.index.change(row_of(memory), keys)
        return memory

    def count_retrieval(self, id: str) -> Memory:
        """Counts that a memory was used once more; raises as `change`."""
        with self.writing():  # before the count is read: no other process adds to it in between
            return self._change(id, retrieved=self.get(id).retrieved + 1)

    def credit(self, id: str, verifier: str | None, outcome: Outcome) -> Memory:
        """Counts how a use ended, and by which verifier (None: it needed none); raises as `change`."""
        with self.writing():  # as above
            memory, name = self.get(id), verifier or "none"
            before = {one.verifier: one for one in memory.credit}
            old = before.get(name, Credit(name))
            before[name] = replace(old, **{outcome: getattr(old, outcome) + 1})
            helped, hurt = memory.helped + (outcome == "won"), memory.hurt + (outcome == "lost")
            return self._change(id, credit=tuple(before.values()), helped=helped, hurt=hurt)

    def set_keys(self, name: str, keys: Mapping[str, NDArray[Any]]) -> None:
        """Gives memories, by id, a key of this name, or another one; `input` cannot be changed. Raises as `add`.

        A memory that is damaged, or gone meanwhile, is left as it is.
        """
        if name == "input":
            raise BadInput("The key 'input' of a memory cannot be changed.", "Learn from its problem again.")
        with self.writing():
            for id, key in keys.items():
                place = self.adapters / id
                try:
                    known, row = files.parse_keys(id, files.read(place, files.KEYS)), row_of(files.read_card(place))
                except DamagedMemory:
                    continue
                packed = files.pack_keys(id, {**known, name: key})
                with self._doing(Intent("change", (id,))):
                    write_whole(place / files.KEYS, packed)
                    self.index.set_key(row, name, files.parse_keys(id, packed)[name])

    def delete(self, ids: Sequence[str]) -> None:
        """Deletes all of them; if one does not exist, `BadInput`, and nothing is deleted."""
        ids = tuple(dict.fromkeys(ids))
        with self.writing():
            for id in ids:
                self.place(id)
            if ids:
                with self._doing(Intent("delete", ids)):
                    repair.remove(self, ids)

    def check_writable(self) -> None:
        """Raises what a change would raise, where the folder or the disk refuses: before long work, not after it."""
        with self.writing():
            self.journal.renew()

    def writing(self) -> AbstractContextManager[None]:
        """The right to change something; every change begins with it. Raises as `turn`."""
        return turn(self, "must")

    # inside

    @contextmanager
    def _doing(self, intent: Intent) -> Iterator[None]:
        """A change: noted before, done after. One that fails is undone; if that fails too, before the next change."""
        self.journal.begin(intent)
        try:
            yield
        except Exception:
            with suppress(ElmError, OSError):
                if intent.op == "add":
                    intent = Intent("delete", intent.ids)
                    self.journal.begin(intent)
                repair.settle(self, intent)
            raise
        self.journal.end()

    def _stage(
        self, stage: Path, items: Iterable[tuple[Memory, NDArray[Any], Mapping[str, NDArray[Any]]]]
    ) -> list[tuple[Memory, Mapping[str, files.Vector]]]:
        """Writes the folders of memories beside their places; they are on disk when this returns. Cards and keys."""
        staged: dict[str, tuple[Memory, Mapping[str, files.Vector]]] = {}
        for memory, soft_prompt, keys in items:
            card, packed = files.pack(memory, soft_prompt, keys)
            if card.id in staged or (self.adapters / card.id).exists():
                raise BadInput(f"There is a memory {card.id!r} already.", "Delete it first, or give another id.")
            place = stage / card.id
            place.mkdir(parents=True)
            for name, data in packed.items():
                with (place / name).open("wb") as file:
                    file.write(data)
                    if len(staged) < _SYNC_EACH or not hasattr(os, "sync"):
                        file.flush()
                        os.fsync(file.fileno())
            if len(staged) < _SYNC_EACH:
                sync_folder(place)
            staged[card.id] = card, files.parse_keys(card.id, packed[files.KEYS])
        if staged:
            sync_folder(stage)
        if len(staged) > _SYNC_EACH and hasattr(os, "sync"):
            os.sync()
        return list(staged.values())
