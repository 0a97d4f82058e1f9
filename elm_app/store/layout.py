"""What a store is made of: folders, index and journal. `turn` guards it, `store` changes it, `repair` mends it."""

from __future__ import annotations

import threading
from pathlib import Path

from elm_app.store.chroma_index import Index
from elm_app.store.chroma_place import place_of
from elm_app.store.journal import Journal


class StoreLayout:
    """The parts of a store under `folder`; making it touches nothing."""

    cleaned: tuple[str, ...]
    """What was mended, a sentence each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder = folder.absolute()
        self.adapters = folder / "adapters"
        self.index, self.journal = Index(place_of(folder)), Journal(folder)
        self.changing, self.cleaned = threading.RLock(), ()

    def close(self) -> None:
        """Lets go of Chroma's files; they are opened again when they are needed."""
        with self.changing:
            self.index.close()
            self.journal.close()
