"""ReasoningBank: strategies distilled from own successes and failures, as text (Ouyang et al., arXiv 2509.25140).

After a problem the model is shown a trace of the majority as a success, and, if there is one, a trace with another
answer as a failure, and writes at most three strategy items. The items of the nearest two earlier problems stand before
a new one. Simplified: the vote (of two or more) judges success instead of the model as its own judge; one prompt for
success and failure together; items are added and never merged.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from elm_app.core.events import Event
from elm_app.core.types import Problem
from elm_app.engine.chat_template import asked
from elm_app.evaluation.method import Solved
from elm_app.evaluation.text_methods import Kept, TextMethod, against_majority, of_majority, write

DISTIL = (
    "What can be learned from this for other problems? Write at most three short strategy items, each as\n"
    "Title: …\nDescription: one sentence\nContent: one to three sentences\n"
    "Do not mention the numbers or names of this problem, and do not solve it again."
)


class ReasoningBank(TextMethod):
    """Keeps strategy items a problem."""

    def turns(self, problem: str, shown: Sequence[Kept]) -> list[str]:
        if not shown:
            return [asked(problem)]
        items = "\n\n".join(one.text for one in shown)
        return [f"Strategies from earlier problems that may help:\n\n{items}\n\nThe problem:\n\n{asked(problem)}"]

    def keep(self, problem: Problem, solved: Solved, seed: int) -> Generator[Event, None, str | None]:
        success, failure = of_majority(solved), against_majority(solved)
        if success is None:
            return None
        told = f"Problem:\n{problem.text}\n\nA solution that is probably right:\n{success.text}"
        if failure is not None:
            told += f"\n\nA solution that is probably wrong:\n{failure.text}"
        written = yield from write(self.desk, [f"{told}\n\n{DISTIL}"], seed)
        return (written.text.strip() or None) if written else None
