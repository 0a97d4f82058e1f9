"""The process that asks math-verify, run as a script by `compare` with the time limit in seconds as its argument.

It imports nothing of this package, reads pairs of answers as JSON lines from standard input and writes true or false
for each. It ends with its input. A comparison that outlives the limit is killed by whoever started it and, should that
one be gone, by the kernel's alarm, which also ends a big-integer power that never comes back to Python.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys

from math_verify import LatexExtractionConfig, parse, verify

MEMORY = 2 << 30
"""Bytes of address space: 9^(9^9) must not take the machine's."""
_LATEX = [LatexExtractionConfig(boxed_match_priority=0)]


def same(a: str, b: str) -> bool:
    """Whether both parse, each as a whole, and each verifies against the other (set and inequality do one way only)."""
    first, second = (
        parse(
            rf"\boxed{{{answer}}}",
            _LATEX,
            fallback_mode="no_fallback",
            extraction_mode="first_match",
            parsing_timeout=None,
        )
        for answer in (a, b)
    )
    if not first or not second:
        return False
    return bool(verify(first, second, timeout_seconds=None) and verify(second, first, timeout_seconds=None))


def _guard() -> None:
    """Limit memory where the system can, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _alarm(seconds: float) -> None:
    """Let the kernel end this process after so many seconds; 0 calls it off."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def main(limit: float) -> None:
    """Say "ready", then answer until the input ends."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not look like a reply
    _guard()
    logging.disable()
    same("x + 1", "1 + x")  # the first call builds the grammar
    print("ready", file=replies, flush=True)
    for line in sys.stdin:
        _alarm(limit + 1)
        result = same(*json.loads(line))
        _alarm(0)
        print(json.dumps(result), file=replies, flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]))
