"""Where memories are kept: folders, Chroma and a table, in step.

    adapters/<id>/   the memory itself (`memory_folder.py`): the truth
    chroma/          ids, vectors and card fields (`chroma_index.py`), made from the folders
    vectors.table    vectors and sort columns (`table.py`), made from Chroma
    .lock …          one writer, and what it is doing (`journal.py`)

Every change goes down this list, a deletion goes up it, and `pending.json` says what is under way, so that the next
start finishes or undoes what a killed process left. Reading (`reader.py`) needs no lock and never opens Chroma: its
index is approximate, in a second process it is stale, and opening it writes. Chroma is opened by the process that holds
the lock: to be written, to make a lost table again, and to be examined.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elm_app.core.errors import BadInput, DamagedMemory, ElmError, StoreError
from elm_app.core.types import Credit, Memory, Outcome
from elm_app.store import memory_folder as files
from elm_app.store import repair
from elm_app.store.journal import Intent, sync_folder, write_whole
from elm_app.store.layout import StoreLayout
from elm_app.store.memory_folder import Vector
from elm_app.store.row import row_of

STAGE = ".tmp-"
_SYNC_EACH = 16
"""From so many memories on, all files are brought to disk in one go instead of one by one."""
_TEXT, _SWITCH, _COUNT = (str, "text"), (bool, "true or false"), (int, "a whole number from 0")
_CHANGEABLE: dict[str, tuple[type, str]] = {
    "label": _TEXT, "note": _TEXT, "enabled": _SWITCH, "disabled_reason": _TEXT,
    "retrieved": _COUNT, "helped": _COUNT, "hurt": _COUNT,
}  # fmt: skip


class Store(StoreLayout):
    """The memories under `folder`, which is made if missing. Threads may share a store; give a process only one.

    Opening is cheap, and finishes or undoes what a killed process left half done (`cleaned` says what); only for that
    does it need the lock. Raises `StoreError` if the folder cannot be used.
    """

    cleaned: tuple[str, ...]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        with self._told():
            self.adapters.mkdir(parents=True, exist_ok=True)
            self.cleaned = repair.opening(self)

    # writing: takes the lock and keeps it until `close`

    def add(self, memory: Memory, soft_prompt: NDArray[Any], key: NDArray[Any]) -> Memory:
        """Stores a memory; returns the card with `bytes` set. When this returns it is on disk.

        Args:
            soft_prompt: (P, H) float32, as the card says.
            key: (384,) float32, the embedding of its problem; brought to length 1.

        Raises:
            BadInput: the id is taken, or the card is not one that could be read again.
            DamagedMemory: NaN or infinite numbers, wrong shapes.
            StoreError: the disk refuses; nothing is stored then. `StoreLocked`: another process writes.
        """
        return self.add_many([(memory, soft_prompt, {"input": key})])[0]

    def add_many(self, items: Iterable[tuple[Memory, NDArray[Any], Mapping[str, NDArray[Any]]]]) -> list[Memory]:
        """Stores all of them (card, soft prompt, keys by name), or none; raises as `add`."""
        with self.changing, self._told():
            self.claim()
            stage = self.adapters / f"{STAGE}{secrets.token_hex(4)}"
            try:
                cards, vectors = self._stage(stage, items)
                if not cards:
                    return []
                with self._doing(Intent("add", tuple(card.id for card in cards), stage.name)):
                    repair.unstage(self, stage, [card.id for card in cards])
                    rows = [row_of(card) for card in cards]
                    self.index.put(rows, vectors)
                    self.table.put(rows, vectors)
            finally:
                if self.writer.pending() is None:
                    shutil.rmtree(stage, ignore_errors=True)
        return cards

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
        with self.changing, self._told():
            self.claim()
            place = self.place(id)
            memory = replace(files.read_card(place), **fields)
            card = files.card_bytes(memory)
            vector = files.parse_keys(id, files.read(place, files.KEYS))["input"]
            with self._doing(Intent("change", (id,))):
                write_whole(place / files.CARD, card)
                self.index.change(row_of(memory))
                self.table.put([row_of(memory)], [vector])
        return memory

    def credit(self, id: str, verifier: str | None, outcome: Outcome) -> Memory:
        """Counts how a use ended, and by which verifier (None: it needed none); raises as `change`."""
        with self.changing:
            self.claim()  # before the counts are read: no other process adds to them in between
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
        with self.changing, self._told():
            self.claim()
            for id, key in keys.items():
                place = self.adapters / id
                try:
                    known = files.parse_keys(id, files.read(place, files.KEYS))
                except DamagedMemory:
                    continue
                packed = files.pack_keys(id, {**known, name: key})
                with self._doing(Intent("change", (id,))):
                    write_whole(place / files.KEYS, packed)
                    if name in known:  # a new one is looked for anyway
                        self.table.touch()

    def delete(self, ids: Sequence[str]) -> None:
        """Deletes all of them; if one does not exist, `BadInput`, and nothing is deleted."""
        ids = tuple(dict.fromkeys(ids))
        with self.changing, self._told():
            for id in ids:
                self.place(id)
            if ids:
                self.claim()
                with self._doing(Intent("delete", ids)):
                    repair.remove(self, ids)

    def claim(self) -> None:
        """Makes this process the writer, and finishes what was left; raises `StoreLocked`."""
        with self.changing, self._told():
            first = not self.writer.held
            self.writer.hold()
            if first or self.writer.pending():
                self.cleaned += tuple(repair.mend(self))

    # inside

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """The right to write for a while: if this process did not have it before, it is let go after."""
        with self.changing:
            had = self.writer.held
            with self._told():
                self.writer.hold()
            try:
                yield
            finally:
                if not had:
                    self.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What the disk refuses is told in a sentence."""
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"The memories in {self.folder} cannot be used: {error.strerror or error}.",
                "Free some room or check the permissions, or give another folder with --memories.",
            ) from error

    @contextmanager
    def _doing(self, intent: Intent) -> Iterator[None]:
        """A change: noted before, done after. One that fails is undone; if that fails too, before the next change."""
        self.writer.begin(intent)
        try:
            yield
        except Exception:
            with suppress(ElmError, OSError):
                if intent.op == "add":
                    intent = Intent("delete", intent.ids)
                    self.writer.begin(intent)
                repair.settle(self, intent)
            raise
        self.writer.end()

    def _stage(
        self, stage: Path, items: Iterable[tuple[Memory, NDArray[Any], Mapping[str, NDArray[Any]]]]
    ) -> tuple[list[Memory], list[Vector]]:
        """Writes the folders of memories beside their places; they are on disk when this returns."""
        cards: dict[str, Memory] = {}
        vectors = []
        for memory, soft_prompt, keys in items:
            card, packed = files.pack(memory, soft_prompt, keys)
            if card.id in cards or (self.adapters / card.id).exists():
                raise BadInput(f"There is a memory {card.id!r} already.", "Delete it first, or give another id.")
            place = stage / card.id
            place.mkdir(parents=True)
            for name, data in packed.items():
                with (place / name).open("wb") as file:
                    file.write(data)
                    if len(cards) < _SYNC_EACH or not hasattr(os, "sync"):
                        file.flush()
                        os.fsync(file.fileno())
            if len(cards) < _SYNC_EACH:
                sync_folder(place)
            cards[card.id] = card
            vectors.append(np.asarray(files.parse_keys(card.id, packed[files.KEYS])["input"]))
        if cards:
            sync_folder(stage)
        if len(cards) > _SYNC_EACH and hasattr(os, "sync"):
            os.sync()
        return list(cards.values()), vectors
