"""What a store is made of: folders, index, table and writer. `store` changes them in step, `repair` mends them."""

from __future__ import annotations

import threading
from pathlib import Path

from elm_app.store.chroma_index import Index
from elm_app.store.journal import Writer
from elm_app.store.reader import Reader


class StoreLayout(Reader):
    """The parts of a store under `folder`; making it touches nothing."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.index, self.writer = Index(self.folder / "chroma"), Writer(self.folder)
        self.changing = threading.RLock()

    def close(self) -> None:
        """Lets go of Chroma and the lock."""
        with self.changing:
            self.index.close()
            self.writer.release()
