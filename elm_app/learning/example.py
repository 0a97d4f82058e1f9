"""Which trace of a problem is shown as a worked example."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median

from elm_app.core.types import Trace, Vote

_CODE = "```"


def example_of(problem: str, attempts: Sequence[Trace], vote: Vote) -> str | None:
    """The trace of the majority that is shown: of those without program code that name most of the problem's numbers
    the shortest that ended by itself; None without a majority.

    Nothing runs the code that a model writes: what stands under it as its output is made up, and who learns from such
    a trace makes up outputs, too (the 1.5B, shown one: siblings from 12 of 24 right to 3; docs/TRAINING.md).

    A trace that names all numbers shows its whole working. One that writes $135 where 9 crates cost $15 each cannot be
    followed with other numbers: such a one took the 1.5B from 18 of 40 right to none on siblings (docs/TRAINING.md).
    What is written with an example in view is as long as the example, so short is good; but those of less than half the
    median length are passed over: they may have left out the working.
    """
    if not vote.agreed:
        return None
    voters = set(vote.counts[0].traces)
    some = [trace for trace in attempts if trace.index in voters]
    some = [trace for trace in some if trace.finished] or some
    some = [trace for trace in some if _CODE not in trace.text] or some
    if not some:
        return None
    given = _numbers(problem)
    least = median(trace.tokens for trace in some) / 2
    some = [trace for trace in some if trace.tokens >= least]
    return min(some, key=lambda trace: (-len(given & _numbers(trace.text)), trace.tokens, trace.index)).text


def _numbers(text: str) -> set[str]:
    """The numbers that stand in a text, as digits.

    >>> sorted(_numbers("9 crates at $1,350.50, 30%."))
    ['1350.50', '30', '9']
    """
    return set(re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?<=\d)(?:,(?:\\!)?|\{,\})(?=\d{3})", "", text)))
