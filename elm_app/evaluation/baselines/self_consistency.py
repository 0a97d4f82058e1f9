"""Self-consistency: the majority of k traces (Wang et al., arXiv 2203.11171).

The k are those of zero-shot, because a trace's seed comes from its index, and the answer is their majority. Three times
as many more are drawn for a comparison at equal tokens: what plain voting reaches with as many tokens as another method
spends. They are not counted among this method's tokens and seconds.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from elm_app.core.events import Event
from elm_app.core.types import Problem
from elm_app.evaluation.baselines.zero_shot import ZeroShot
from elm_app.evaluation.method import Solved, solved

POOL = 4
"""So many times k traces are drawn in all."""


class SelfConsistency(ZeroShot):
    """Keeps nothing. `detail["pool"]` has the answers of all traces, and whether each is right."""

    def solve(self, problem: Problem, seed: int) -> Generator[Event, None, Solved]:
        desk, k = self.desk, self.desk.sampling.samples
        own = yield from super().solve(problem, seed)
        with desk.uncounted():
            prompt = desk.engine.encode(problem.text)
            more = desk.rollouts(prompt, seed, (POOL - 1) * k, first=k)
            further = solved((yield from desk.sample(more)))
        return replace(own, detail={"pool": [trace.answer for trace in (*own.traces, *further.traces)]})
