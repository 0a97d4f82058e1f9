"""Files that are made for a browser to fetch: in a folder that Gradio serves, for a while."""

from __future__ import annotations

import secrets
import shutil
import time
from pathlib import Path
from typing import TypedDict

from gradio.utils import get_upload_folder

_KEPT_SECONDS = 3600.0
"""How long such a file is kept."""


class ServedFile(TypedDict):
    """A file that the browser is to fetch (`lib/download.js`), and the name under which it saves it."""

    file: str
    name: str


def place(name: str) -> Path:
    """Where a file of that name can be written; nobody can guess the address. Raises `OSError`."""
    folder = Path(get_upload_folder()) / "elm-export"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.stat().st_mtime < time.time() - _KEPT_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
    made = folder / secrets.token_hex(16)
    made.mkdir()
    return made / name
