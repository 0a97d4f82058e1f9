"""The process that asks math-verify, run as a script by `compare` with the time limit in seconds as its argument.

It imports nothing of this package, reads [expression, expression, decimal places or null] as JSON lines from standard
input and writes true or false for each. It ends with its input. A comparison that outlives the limit is killed by
whoever started it and, should that one be gone, by the kernel's alarm, which also ends a big-integer power that never
comes back to Python.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
from typing import Any

import sympy
from math_verify import LatexExtractionConfig, parse, verify

MEMORY = 2 << 30
"""Bytes of address space: 9^(9^9) must not take the machine's."""
_LATEX = [LatexExtractionConfig(boxed_match_priority=0)]
_DIGITS = 60
_EQUAL = sympy.Float("1e-45")
"""Numbers that differ by less, relative to the larger one, are equal."""


def same(a: str, b: str, places: int | None = None) -> bool:
    """Whether both parse, each as a whole, and are equal.

    Numbers are equal to 45 digits, or to so many decimal places; what is no number if each verifies against the other
    (set and inequality do one way only).
    """
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
    x, y = first[0], second[0]
    if _is_number(x) and _is_number(y):
        return _equal(x, y, places)
    if isinstance(x, sympy.Eq) and isinstance(y, sympy.Eq) and _proportional(x, y):
        return True
    return bool(verify(first, second, timeout_seconds=None) and verify(second, first, timeout_seconds=None))


def _is_number(value: Any) -> bool:
    return isinstance(value, sympy.Expr) and not value.free_symbols and bool(value.is_number)


def _equal(x: Any, y: Any, places: int | None) -> bool:
    """math-verify would round both to six decimals."""
    if x.has(sympy.oo, -sympy.oo, sympy.zoo, sympy.nan) or y.has(sympy.oo, -sympy.oo, sympy.zoo, sympy.nan):
        return bool(x == y)
    left, right = sympy.N(x, _DIGITS), sympy.N(y, _DIGITS)
    if not (left.is_number and right.is_number):
        return False
    apart, size = abs(left - right), max(abs(left), abs(right))
    if places is not None:
        return bool(apart < sympy.Rational(1, 10**places))
    if size < _EQUAL:  # perhaps both are zero, and this is what rounding left
        return bool((x - y).equals(0))
    return bool(apart <= _EQUAL * size)


def _proportional(x: Any, y: Any) -> bool:
    """Whether two equations in the same unknowns are multiples of each other."""
    above, below = x.lhs - x.rhs, y.lhs - y.rhs
    if not below.free_symbols or above.free_symbols != below.free_symbols:
        return False
    ratio = sympy.cancel(above.doit() / below.doit())
    return bool(ratio.is_number and ratio != 0 and ratio.is_finite)


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
