"""Dynamic Cheatsheet: one growing note that the model curates itself (Suzgun et al., arXiv 2504.07952, the cumulative
variant). The note stands before every problem, and after every problem the model rewrites it. Simplified: one short
prompt for the curator, no usage counts, the note at most as long as a trace.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from elm_app.core.events import Event
from elm_app.core.types import Problem
from elm_app.engine.chat_template import asked
from elm_app.evaluation.method import Solved
from elm_app.evaluation.text_methods import Kept, TextMethod, of_majority, write

CURATE = (
    "Rewrite the cheatsheet so that it helps with other problems of this kind: keep what is useful, add what this "
    "solution teaches, drop what is too special. At most ten short lines. Write only the cheatsheet."
)


class DynamicCheatsheet(TextMethod):
    """Keeps one note; every problem's line has the note as it was after it."""

    nearest = 1

    def turns(self, problem: str, shown: Sequence[Kept]) -> list[str]:
        if not shown:
            return [asked(problem)]
        return [f"Your cheatsheet from earlier problems:\n\n{shown[-1].text}\n\nThe problem:\n\n{asked(problem)}"]

    def keep(self, problem: Problem, solved: Solved, seed: int) -> Generator[Event, None, str | None]:
        trace = of_majority(solved)
        if trace is None:
            return None
        note = self.kept[-1].text if self.kept else "(empty)"
        told = f"The cheatsheet so far:\n{note}\n\nProblem:\n{problem.text}\n\nSolution:\n{trace.text}"
        written = yield from write(self.desk, [f"{told}\n\n{CURATE}"], seed)
        return (written.text.strip() or None) if written else None

    def _nearest(self, problem: str) -> list[Kept]:  # noqa: ARG002
        return self.kept[-1:]

    def stored_bytes(self) -> int:
        return len(self.kept[-1].text.encode()) if self.kept else 0
