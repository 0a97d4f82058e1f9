"""Numbers, sizes and long texts for people."""

from __future__ import annotations

import math


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


def percent(logprob: float) -> str:
    """A probability, given as its natural logarithm.

    >>> percent(-0.004), percent(-0.02), percent(-0.7), percent(-3.2), percent(-6.4), percent(-20.0)
    ('99.6%', '98%', '50%', '4.1%', '0.17%', 'under 0.01%')
    """
    share = 100 * math.exp(min(0.0, logprob))
    if share < 0.01 or share > 99.99:
        return "under 0.01%" if share < 0.01 else "over 99.99%"
    return f"{share:.{2 if share < 0.995 or share >= 99.95 else 0 if 9.95 <= share < 99 else 1}f}%"


def nats(difference: float) -> str:
    """
    >>> nats(1.234), nats(-0.5)
    ('+1.23 nats', '−0.50 nats')
    """
    return f"{difference:+.2f} nats".replace("-", "−")


def visible(text: str) -> str:
    r"""Text with marks for what cannot be seen: ends of lines, tabs, and characters that no screen shows.

    >>> print(visible("so\n\tit"), visible("\x1b[2J\u200b"))
    so↵⇥it \x1b[2J\u200b
    """
    marks = {"\n": "↵", "\r": "␍", "\t": "⇥"}
    return "".join(marks.get(char) or (char if char.isprintable() else repr(char)[1:-1]) for char in text)


def beginning(text: str, longest: int = 110) -> str:
    """As much of a text as fits, on one line, in whole words.

    >>> beginning("How  many boxes?"), beginning("How many boxes?", 10)
    ('How many boxes?', 'How many …')
    """
    line = " ".join(text[: 10 * longest].split())
    return line if len(line) <= longest else line[: longest - 1].rsplit(" ", 1)[0] + " …"
