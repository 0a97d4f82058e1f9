"""One process at a time uses Chroma, for the length of one question or one change.

Two processes that have the same Chroma folder open do not see what the other writes, and writing by both damages it. So
each takes the lock for every question, and opens Chroma anew when another has changed something in between: 25
milliseconds for a thousand memories, and nothing where one process is alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from elm_app.core.errors import StoreError
from elm_app.store import journal, repair
from elm_app.store.layout import StoreLayout

Mending = Literal["try", "must", "no"]


@contextmanager
def turn(store: StoreLayout, mending: Mending = "try", patience: float | None = None) -> Iterator[None]:
    """The right to use the index and to change folders, for this thread alone; turns may be nested.

    What a killed process left under way is mended first, and `store.cleaned` says so; where that fails, one who only
    asks goes on ("try"), one who changes something does not ("must").

    Raises:
        StoreLocked: others had it for longer than `patience`, in seconds (`journal.PATIENCE`).
        StoreError: the disk refuses.
    """
    with store.changing, told(store):
        first = not store.journal.held
        store.journal.take(journal.PATIENCE if patience is None else patience)
        try:
            if first:
                if store.journal.is_news():
                    store.index.close()
                if mending != "no" and store.journal.pending():
                    _mend(store, must=mending == "must")
            yield
        finally:
            store.journal.release()


def _mend(store: StoreLayout, must: bool) -> None:
    try:
        store.cleaned += tuple(repair.mend(store))
    except (StoreError, OSError):  # opening the store says so
        if must:
            raise


@contextmanager
def told(store: StoreLayout) -> Iterator[None]:
    """What the disk refuses is told in a sentence."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The memories in {store.folder} cannot be used: {error.strerror or error}.",
            "Free some room or check the permissions, or give another folder with --memories.",
        ) from error
