"""Zero-shot chain of thought: k traces of the bare problem (Kojima et al., arXiv 2205.11916; here the instruction
stands behind the problem, see `engine/chat_template.py`). A single trace is the method; k of them tell its accuracy.
The answer that is written down is their majority."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Any

from elm_app.core.events import Event
from elm_app.core.results import Result
from elm_app.core.types import Problem
from elm_app.evaluation.method import Desk, Solved, solved

Kept = Generator[Event, None, dict[str, Any]]


class ZeroShot:
    """Keeps nothing."""

    retrieves = False
    trainable = 0

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def prepare(self, problems: Sequence[Problem], done: Sequence[Result]) -> Iterator[Event]:  # noqa: ARG002
        return iter(())

    def solve(self, problem: Problem, seed: int) -> Generator[Event, None, Solved]:
        prompt = self.desk.engine.encode(problem.text)
        return solved((yield from self.desk.sample(self.desk.rollouts(prompt, seed))))

    def remember(self, problem: Problem, solved: Solved, seed: int) -> Kept:  # noqa: ARG002
        yield from ()
        return {}

    def stored_bytes(self) -> int:
        return 0
