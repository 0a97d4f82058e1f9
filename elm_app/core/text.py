"""Numbers, sizes and long texts for people."""

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


def beginning(text: str, longest: int = 110) -> str:
    """As much of a text as fits, on one line, in whole words.

    >>> beginning("How  many boxes?"), beginning("How many boxes?", 10)
    ('How many boxes?', 'How many …')
    """
    line = " ".join(text[: 10 * longest].split())
    return line if len(line) <= longest else line[: longest - 1].rsplit(" ", 1)[0] + " …"
