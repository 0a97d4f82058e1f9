"""Files of the page: its scripts and style, which stand beside the Python of each part, and what `assets/` holds. That
folder is beside the package in a checkout, and in it where the package is installed."""

from __future__ import annotations

from pathlib import Path

_WEB = Path(__file__).resolve().parent
_INSTALLED, _CHECKOUT = _WEB.parent / "assets", _WEB.parents[1] / "assets"
ASSETS = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
_BASE = _WEB / "shell" / "base.css"


def scripts(*names: str) -> str:
    """Scripts of this room, by their path in it, one behind the other."""
    return "\n".join((_WEB / name).read_text(encoding="utf-8") for name in names)


def style() -> str:
    """All style sheets: the base first, then those of the parts, by name."""
    parts = sorted(set(_WEB.rglob("*.css")) - {_BASE}, key=lambda path: path.name)
    return "\n".join(path.read_text(encoding="utf-8") for path in (_BASE, *parts))
