"""Texts kept of earlier problems, and the prompt that puts them in front of a new one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elm_app.core.events import Event
from elm_app.core.results import Result
from elm_app.core.types import Problem, Trace
from elm_app.engine.chat_template import turns_prompt
from elm_app.evaluation.method import Desk, Solved, solved

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Kept:
    """What is kept of a problem: its text, and the one that was made of it."""

    problem: str
    text: str
    key: NDArray[float32]


class TextMethod:
    """A method that keeps one text a problem, and shows the model those of the nearest earlier problems.

    A subclass says how they are shown (`turns`) and what is kept (`keep`).
    """

    retrieves = True
    trainable = 0
    nearest = 2
    """Texts that are shown at most."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.kept: list[Kept] = []

    def turns(self, problem: str, shown: Sequence[Kept]) -> list[str]:
        """The conversation that asks for a problem with earlier texts, best last, in front."""
        raise NotImplementedError

    def keep(self, problem: Problem, solved: Solved, seed: int) -> Generator[Event, None, str | None]:
        """The text that is kept of a problem, or None."""
        raise NotImplementedError

    def prepare(self, problems: Sequence[Problem], done: Sequence[Result]) -> Iterator[Event]:  # noqa: ARG002
        for line in done:
            if text := line.kept.get("text"):
                self._add(line.problem, text)
        return iter(())

    def solve(self, problem: Problem, seed: int) -> Generator[Event, None, Solved]:
        prompt, shown = fitting(self.desk, lambda some: self.turns(problem.text, some), self._nearest(problem.text))
        detail = {"shown": [one.problem for one in shown]}
        return solved((yield from self.desk.sample(self.desk.rollouts(prompt, seed))), detail=detail)

    def remember(self, problem: Problem, solved: Solved, seed: int) -> Generator[Event, None, dict[str, Any]]:
        text = yield from self.keep(problem, solved, seed)
        if text is None:
            return {}
        self._add(problem.text, text)
        return {"text": text}

    def stored_bytes(self) -> int:
        return sum(len(one.problem.encode()) + len(one.text.encode()) + one.key.nbytes for one in self.kept)

    def _add(self, problem: str, text: str) -> None:
        self.kept.append(Kept(problem, text, self.desk.embed(problem)))

    def _nearest(self, problem: str) -> list[Kept]:
        key = self.desk.embed(problem)
        return sorted(self.kept, key=lambda one: float(one.key @ key))[-self.nearest :]


def fitting(
    desk: Desk, turns: Callable[[Sequence[Kept]], list[str]], shown: Sequence[Kept]
) -> tuple[list[int], Sequence[Kept]]:
    """The prompt with as many texts as fit the model's context, the least near left out first, and these texts."""
    while True:
        prompt = turns_prompt(desk.engine.tokenizer, turns(shown))
        if not shown or _fits(desk, prompt):
            return prompt, shown
        shown = shown[1:]


def write(desk: Desk, turns: Sequence[str], seed: int) -> Generator[Event, None, Trace | None]:
    """One greedy answer of the model to a conversation; None if it is too long for the model's context."""
    prompt = turns_prompt(desk.engine.tokenizer, turns)
    if not _fits(desk, prompt):
        return None
    sampled = yield from desk.sample(desk.rollouts(prompt, seed, 1), temperature=0)
    return sampled.traces["zero_shot"][0]


def _fits(desk: Desk, prompt: Sequence[int]) -> bool:
    return len(prompt) + desk.sampling.max_new_tokens <= desk.engine.context


def of_majority(solved: Solved) -> Trace | None:
    """The first trace of the majority; None if no two agree, as nothing is learned from such a vote either."""
    counts = solved.vote.counts
    enough = solved.vote.agreed or (bool(counts) and len(solved.traces) == 1)
    return solved.traces[counts[0].traces[0]] if enough else None


def against_majority(solved: Solved) -> Trace | None:
    """The first trace with another answer, or None."""
    counts = solved.vote.counts
    return solved.traces[counts[1].traces[0]] if len(counts) > 1 else None
