"""ACE: an evolving playbook of numbered rules, changed rule by rule (Zhang et al., arXiv 2510.04618, agentic context
engineering). The playbook stands before every problem; after it the model says which rules helped or misled and adds at
most three, and these small changes are merged by rule: counts grow, a rule that says what another says is dropped, and
where there is no room the ones that misled most go first. Simplified: reflector and curator are one short prompt, the
vote (of two or more) stands for feedback, the whole playbook is shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from elm_app.core.events import Event
from elm_app.core.types import Problem
from elm_app.engine.chat_template import asked
from elm_app.evaluation.method import Solved
from elm_app.evaluation.text_methods import Kept, TextMethod, against_majority, of_majority, write

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

CURATE = (
    "The playbook is a list of short rules for problems like this one. What do these solutions teach? Change the "
    "playbook by one to five lines like these three, and write nothing else:\n\nHELPFUL 2\nMISLEADING 3\nADD Read what "
    "the question asks for before the last step.\n\nHELPFUL and MISLEADING name a rule of the playbook by its number. "
    "ADD is followed by a new rule: one sentence, in your own words, without numbers, useful for other problems, too."
)
MOST_RULES, MOST_ADDED = 20, 3
SAME = 0.9
"""Cosine of two rules' embeddings from which they say the same."""
_CHANGE = re.compile(r"^\W*(HELPFUL|MISLEADING)\W+(?:rules?\W+)?(\d+)|^\W*ADD\b\W*(.+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Rule:
    """A line of the playbook, and how often it was said to have helped or misled."""

    text: str
    helpful: int = 0
    misleading: int = 0


def merged(rules: Sequence[Rule], written: str, embed: Callable[[str], NDArray[float32]]) -> list[Rule]:
    """The playbook with the changes that the model has written; lines that are none are passed over."""
    rules, added = list(rules), 0
    for verdict, number, new in _CHANGE.findall(written):
        if new and added < MOST_ADDED and not _there(rules, new.strip(), embed):
            rules, added = [*rules, Rule(new.strip())], added + 1
        elif number and 1 <= int(number) <= len(rules) - added:
            rule, place = rules[int(number) - 1], int(number) - 1
            helped = verdict.upper() == "HELPFUL"
            rules[place] = replace(
                rule, helpful=rule.helpful + helped, misleading=rule.misleading + (not helped)
            )  # fmt: skip
    worst_first = sorted(range(len(rules)), key=lambda place: rules[place].helpful - rules[place].misleading)
    dropped = set(worst_first[: max(0, len(rules) - MOST_RULES)])
    return [rule for place, rule in enumerate(rules) if place not in dropped]


def _there(rules: Sequence[Rule], new: str, embed: Callable[[str], NDArray[float32]]) -> bool:
    key = embed(new)
    return any(float(embed(rule.text) @ key) >= SAME for rule in rules)


def told(rules: Sequence[Rule]) -> str:
    """The playbook as the model reads it.

    >>> told([Rule("Name the units.", 2), Rule("Guess.", 0, 1)])
    '[1] helped 2, misled 0: Name the units.\\n[2] helped 0, misled 1: Guess.'
    """
    lines = enumerate(rules, 1)
    return "\n".join(f"[{n}] helped {rule.helpful}, misled {rule.misleading}: {rule.text}" for n, rule in lines)


class Ace(TextMethod):
    """Keeps one playbook; every problem's line has it as it was after it, as JSON."""

    nearest = 1

    def turns(self, problem: str, shown: Sequence[Kept]) -> list[str]:
        if not shown:
            return [asked(problem)]
        playbook = told(_read(shown[-1]))
        return [f"Your playbook from earlier problems:\n\n{playbook}\n\nThe problem:\n\n{asked(problem)}"]

    def keep(self, problem: Problem, solved: Solved, seed: int) -> Generator[Event, None, str | None]:
        success, failure = of_majority(solved), against_majority(solved)
        if success is None:
            return None
        rules = _read(self.kept[-1]) if self.kept else []
        seen = f"The playbook:\n{told(rules) or '(empty)'}\n\nProblem:\n{problem.text}"
        seen += f"\n\nA solution that is probably right:\n{success.text}"
        if failure is not None:
            seen += f"\n\nA solution that is probably wrong:\n{failure.text}"
        written = yield from write(self.desk, [f"{seen}\n\n{CURATE}"], seed)
        new = merged(rules, written.text, self.desk.embed) if written else rules
        return json.dumps([asdict(rule) for rule in new], ensure_ascii=False) if new != rules else None

    def _nearest(self, problem: str) -> list[Kept]:  # noqa: ARG002
        return self.kept[-1:]

    def stored_bytes(self) -> int:
        return len(self.kept[-1].text.encode()) if self.kept else 0


def _read(kept: Kept) -> list[Rule]:
    return [Rule(**rule) for rule in json.loads(kept.text)]
