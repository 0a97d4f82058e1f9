"""The memories that come with the program."""

from __future__ import annotations

import json
import zipfile
from functools import lru_cache
from pathlib import Path

from elm_app.store import archive
from elm_app.store.store import Store
from elm_app.web.files import ASSETS

STARTER = ASSETS / "starter.elm.zip"


def missing(store: Store) -> int:
    """How many starter memories are not in the store."""
    if not STARTER.is_file():
        return 0
    return sum(not (store.adapters / id).exists() for id in _ids_in(STARTER, STARTER.stat().st_mtime_ns))


@lru_cache(maxsize=2)
def _ids_in(path: Path, _: int) -> tuple[str, ...]:
    """The ids in an archive of our own; none if it is damaged, which importing then explains."""
    try:
        with zipfile.ZipFile(path) as packed:
            return tuple(str(entry["id"]) for entry in json.loads(packed.read(archive.MANIFEST))["memories"])
    except (OSError, ValueError, LookupError, TypeError, zipfile.BadZipFile):
        return ()
