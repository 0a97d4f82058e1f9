"""The text of a search as a vector, without a page ever waiting long for the embedder to be fetched and loaded."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from elm_app.core.errors import ElmError
from elm_app.core.events import Progress
from elm_app.retrieval.embedder import Embedders

KEPT = 64
PATIENCE_SECONDS = 0.3
"""How long a question waits before it is told how far the embedder is."""

Key = NDArray[np.float32]


class Meaning:
    """One for the whole app. The embedder is loaded when the first search comes."""

    def __init__(self, embedders: Embedders) -> None:
        self._embedders = embedders
        self._lock = threading.Lock()
        self._keys: OrderedDict[str, Key] = OrderedDict()
        self._work: _Work | None = None

    def key(self, text: str) -> Key | Progress:
        """The vector (384,) of a text, or how far the embedder is; ask again then. Raises `ElmError`."""
        with self._lock:
            if (known := self._keys.get(text)) is not None:
                self._keys.move_to_end(text)
                return known
            if self._work is None or self._work.text != text:
                self._work = _Work(self._embedders, text)
            work = self._work
        if not work.done.wait(PATIENCE_SECONDS):
            return work.progress
        with self._lock:
            if self._work is work:
                self._work = None
            if work.error is not None:
                raise work.error
            assert work.key is not None
            self._keys[text] = work.key
            while len(self._keys) > KEPT:
                self._keys.popitem(last=False)
            return work.key


class _Work:
    """A text on its way to its vector, in a thread of its own."""

    def __init__(self, embedders: Embedders, text: str) -> None:
        self.text, self.done = text, threading.Event()
        self.progress = Progress("load", "Loading what reads meanings", 0, 0)
        self.key: Key | None = None
        self.error: ElmError | None = None
        self._embedders = embedders
        threading.Thread(target=self._run, name="elm-meaning", daemon=True).start()

    def _run(self) -> None:
        try:
            self.key = self._embedders.get(self._report).encode([self.text])[0]
        except ElmError as error:
            self.error = error
        except Exception as error:  # nobody else hears what a thread raises
            self.error = ElmError(f"The text cannot be read for its meaning ({type(error).__name__}: {error}).")
        finally:
            self.done.set()

    def _report(self, progress: Progress) -> None:
        self.progress = progress
