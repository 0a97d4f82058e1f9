"""Files of the page: its scripts and style, which stand beside the Python of each part, and what `assets/` holds."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).resolve().parents[2] / "assets"
_WEB = Path(__file__).parent
_BASE = _WEB / "shell" / "base.css"


def scripts(*names: str) -> str:
    """Scripts of this room, by their path in it, one behind the other."""
    return "\n".join((_WEB / name).read_text(encoding="utf-8") for name in names)


def style() -> str:
    """All style sheets: the base first, then those of the parts, by name."""
    parts = sorted(set(_WEB.rglob("*.css")) - {_BASE}, key=lambda path: path.name)
    return "\n".join(path.read_text(encoding="utf-8") for path in (_BASE, *parts))
