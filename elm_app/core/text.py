"""Numbers for people: what they count, and sizes."""

from __future__ import annotations


def count(n: int, one: str, many: str = "") -> str:
    """
    >>> count(1, "trace"), count(1200, "trace"), count(2, "class", "classes")
    ('1 trace', '1,200 traces', '2 classes')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def memories(n: int) -> str:
    """As in "1 memory" and "1,200 memories"."""
    return count(n, "memory", "memories")


def size(bytes: int) -> str:
    """As in "70.2 KB"."""
    return f"{bytes} B" if bytes < 1000 else f"{bytes / 1e3:.1f} KB" if bytes < 1e6 else f"{bytes / 1e6:.1f} MB"
