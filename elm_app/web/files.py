"""Files of the page: its scripts and style, which stand beside the Python of each part, and what `assets/` holds. That
folder is beside the package in a checkout, and in it where the package is installed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_WEB = Path(__file__).resolve().parent
_INSTALLED, _CHECKOUT = _WEB.parent / "assets", _WEB.parents[1] / "assets"
ASSETS = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
_IMPORT = re.compile(r'^import \{(?:(?! as )[^}])*\} from "([^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=async function|function|const|class)", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_BASE = _WEB / "shell" / "base.css"
_OF_FILES = _WEB / "export"
"""What is dressed there is no page."""


def scripts(*names: str) -> str:
    """Scripts of this room, by their path in it, as the one script of a component: Gradio runs it as a function of
    `element` and `server`. It is strict, as modules are: else a function within a block would take the place of one of
    the same name outside."""
    return f'(() => {{\n"use strict";\n{joined(*names)}\n}})();'


def joined(*names: str) -> str:
    """Scripts of this room joined into one; what they import stands in front of them. Top-level names of its modules
    must differ (`npm run lint` sees to that)."""
    found = "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in _modules(names).values())
    if left := _LEFT.search(found):
        raise ValueError(f"a script has a form of import or export that is not joined: {left[0]}")
    return found


def _modules(names: Iterable[str]) -> dict[Path, str]:
    """The text of each script, by its path, and of what it imports, which stands in front of it."""
    found: dict[Path, str] = {}
    for name in names:
        path = (_WEB / name).resolve()
        text = path.read_text(encoding="utf-8")
        for one, told in {**_modules(_imported(path, text)), path: text}.items():
            found.setdefault(one, told)
    return found


def _imported(path: Path, text: str) -> list[str]:
    return [str((path.parent / found[1]).resolve().relative_to(_WEB)) for found in _IMPORT.finditer(text)]


def style(*names: str) -> str:
    """Style sheets by their path in this room, in this order; without names all of the page: the base first, then those
    of the parts, by name."""
    parts = {path for path in _WEB.rglob("*.css") if _OF_FILES not in path.parents} - {_BASE}
    paths = [_WEB / name for name in names] or [_BASE, *sorted(parts, key=lambda path: path.name)]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)
