"""Self-consistency: the majority of k traces (Wang et al., arXiv 2203.11171).

Four times as many are drawn. The first k are those of zero-shot, because a trace's seed comes from its index, and the
answer is their majority; the further ones are the pool for a comparison at equal tokens: what plain voting reaches with
as many tokens as another method spends. They are not counted among this method's tokens.
"""

from __future__ import annotations

from collections.abc import Generator

from elm_app.answers.vote import vote
from elm_app.baselines.method import Solved, solved
from elm_app.baselines.zero_shot import ZeroShot
from elm_app.events import Event
from elm_app.types import Problem

POOL = 4
"""So many times k traces are drawn."""


class SelfConsistency(ZeroShot):
    """Keeps nothing. `detail["pool"]` has the answers of all traces, and whether each is right."""

    def solve(self, problem: Problem, seed: int) -> Generator[Event, None, Solved]:
        desk, k = self.desk, self.desk.sampling.samples
        prompt = desk.engine.encode(problem.text)
        drawn = solved((yield from desk.sample(desk.rollouts(prompt, seed, POOL * k))))
        traces, further = drawn.traces[:k], drawn.traces[k:]
        desk.tokens -= sum(trace.tokens for trace in further)
        outcome = vote([trace.answer for trace in traces])
        pool = [trace.answer for trace in drawn.traces]
        return Solved(traces, outcome, outcome.answer, {"pool": pool})
