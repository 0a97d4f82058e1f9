"""Commands run in this process: what they print, and how they end."""

from __future__ import annotations

from collections.abc import Callable


class Outcome:
    """An exit code and what was printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Elm = Callable[..., Outcome]


def sentence(outcome: Outcome) -> str:
    """The one line on stderr that says what was wrong."""
    assert outcome.out == ""
    lines = outcome.err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("elm: ")
    return lines[0]
