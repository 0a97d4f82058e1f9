"""One process at a time uses Chroma, for the length of one question or one change.

Two processes that have the same Chroma folder open do not see what the other writes, and writing by both damages it. So
each takes the lock for every question, and opens Chroma anew when another has changed something in between: that takes
some 60 milliseconds for a thousand memories, and nothing where one process is alone.
"""

from __future__ import annotations

import time
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

    An index that holds nothing while there are folders, or cannot be read, is made anew when it is first opened.

    Raises:
        StoreLocked: others had it for longer than `patience`, in seconds (`journal.PATIENCE`).
        StoreError: the disk refuses, or the server of the index is away.
    """
    until = time.monotonic() + (journal.PATIENCE if patience is None else patience)
    if not store.changing.acquire(timeout=max(0.0, until - time.monotonic())):
        raise store.journal.refusal()
    try:
        with told(store):
            first = not store.journal.held
            store.journal.take(max(0.0, until - time.monotonic()))
            try:
                if first:
                    _prepare(store, mending)
                yield
            finally:
                store.journal.release()
    finally:
        store.changing.release()


def _prepare(store: StoreLayout, mending: Mending) -> None:
    if store.journal.is_news():
        store.index.close()
    if mending == "no":
        return
    if store.journal.pending():
        _mend(store, must=mending == "must")
    if not store.index.is_open:
        _fill(store)


def _fill(store: StoreLayout) -> None:
    """Opens the index; whatever it lacks altogether it gets from the folders."""
    try:
        if store.index.entries() or not repair.names(store):
            return
        why = "was empty"
    except StoreError:
        if not store.index.place.is_derived_here:
            raise
        why = "could not be read"
    store.cleaned += (repair.remade(store, why),)


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
