"""In-context learning over traces that were refined by self-reflection first (Self-Refine, Madaan et al., arXiv
2303.17651): the model checks its majority's trace and writes it once more. Simplified: one round, greedy; where the
refined trace has no answer, or there is no room for a second one, the raw one is kept.
"""

from __future__ import annotations

from collections.abc import Generator

from elm_app.core.events import Event
from elm_app.core.types import Problem
from elm_app.engine.chat_template import asked
from elm_app.evaluation.baselines.icl import Icl
from elm_app.evaluation.method import Solved
from elm_app.evaluation.text_methods import of_majority, write

REFLECT = (
    "Check your solution step by step. If there is a mistake, correct it. Then write the whole solution once more, "
    "clearly and briefly, and put the final answer in \\boxed{}."
)


class IclReflection(Icl):
    """Keeps a refined trace a problem."""

    def keep(self, problem: Problem, solved: Solved, seed: int) -> Generator[Event, None, str | None]:
        trace = of_majority(solved)
        if trace is None:
            return None
        refined = yield from write(self.desk, [asked(problem.text), trace.text, REFLECT], seed)
        return refined.text if refined and refined.answer is not None else trace.text
