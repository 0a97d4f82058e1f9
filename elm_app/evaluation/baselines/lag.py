"""Log-augmented generation: the keys and values of past reasoning, reused (Chen et al., arXiv 2505.14398).

A past problem and a trace of its majority are read as one conversation; the keys and values of the trace's tokens,
which know of the problem before them, are cut out, moved to the front (their rotary embedding is turned back), and
stand before the new problem. Simplified: the whole trace instead of its last part, one past problem, and the text is
kept and read again when it is needed instead of storing tensors; `stored_bytes` counts the tensors.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from elm_app.core.events import Event
from elm_app.core.types import Problem
from elm_app.engine.kv_reuse import bytes_of, past_of_answer
from elm_app.evaluation.baselines.icl import Icl
from elm_app.evaluation.method import Solved, solved
from elm_app.evaluation.text_methods import Kept


class Lag(Icl):
    """Keeps a trace a problem, used as keys and values."""

    nearest = 1
    bytes = 0

    def solve(self, problem: Problem, seed: int) -> Generator[Event, None, Solved]:
        desk, shown = self.desk, self._nearest(problem.text)
        prompt, past = desk.engine.encode(problem.text), None
        if shown:
            past, read = self._past(shown[-1], len(prompt))
            desk.read_tokens += read
        request = desk.rollouts(prompt, seed, past=past)
        used = [one.problem for one in shown] if past is not None else []
        return solved((yield from desk.sample(request)), detail={"shown": used})

    def stored_bytes(self) -> int:
        return self.bytes

    def _add(self, problem: str, text: str) -> None:
        super()._add(problem, text)
        self.bytes += bytes_of(self.desk.engine, text)

    def _past(self, one: Kept, prompt: int) -> tuple[Any | None, int]:
        """The cache, if it fits before the prompt, and how many tokens were read for it."""
        engine = self.desk.engine
        return past_of_answer(
            engine, one.problem, one.text, engine.context - prompt - self.desk.sampling.max_new_tokens
        )
