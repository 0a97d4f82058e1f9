"""In-context learning over own traces: the nearest earlier problems with a raw trace of their majority stand before the
problem, as turns of the conversation (many-shot learning from model-made rationales, Agarwal et al., arXiv 2404.11018).
Simplified: two examples, found by the problem's embedding, and no filter but that the trace is of a majority of two or
more.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from elm_app.core.events import Event
from elm_app.core.types import Problem
from elm_app.engine.chat_template import asked
from elm_app.evaluation.method import Solved
from elm_app.evaluation.text_methods import Kept, TextMethod, of_majority


class Icl(TextMethod):
    """Keeps a trace a problem."""

    def turns(self, problem: str, shown: Sequence[Kept]) -> list[str]:
        return [turn for one in shown for turn in (asked(one.problem), one.text)] + [asked(problem)]

    def keep(self, problem: Problem, solved: Solved, seed: int) -> Generator[Event, None, str | None]:  # noqa: ARG002
        yield from ()
        trace = of_majority(solved)
        return trace.text if trace else None
