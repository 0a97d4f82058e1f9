"""Learning once before any problem is answered: what `elm_offline`, `grpo_gold`, `one_shot_rlvr` and `ttrl` share. It
is over the whole set, `steps` passes, one update a problem and pass, as many rollouts as ELM online spends; one method
takes as many of a single problem. What is learned from is seen before it is answered, without its answer unless a
method says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from elm_app.core.events import Event, Progress
from elm_app.core.results import Result
from elm_app.core.text import count
from elm_app.core.types import Problem
from elm_app.evaluation.learned_methods import learn_once
from elm_app.evaluation.method import Desk, Solved, solved

if TYPE_CHECKING:
    from elm_app.learning.policies import Policy

_FILE, _COST = "policy.safetensors", "policy.json"


class Offline:
    """A subclass makes the policy, and says whose reward it is."""

    retrieves = False
    by_gold = False
    form = "soft prompt"

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.policy: Policy | None = None
        self.updates = 0

    def make(self) -> Policy:
        """The policy before anything is learned."""
        from elm_app.learning.policies import SoftPrompt

        return SoftPrompt(self.desk.engine, self.desk.learning)

    def taught(self, problems: Sequence[Problem]) -> Sequence[Problem]:
        """The problems that are learned from, in turn."""
        return problems

    @property
    def trainable(self) -> int:
        return sum(part.numel() for part in self.policy.parameters) if self.policy else 0

    def prepare(self, problems: Sequence[Problem], done: Sequence[Result]) -> Iterator[Event]:  # noqa: ARG002
        from elm_app.learning.policies import read, restore

        self.policy = self.make()
        folder, desk = self.desk.folder, self.desk
        if (folder / _COST).is_file():  # learned in an earlier sitting
            cost = json.loads((folder / _COST).read_text(encoding="utf-8"))
            restore(self.policy, read(self.policy, folder / _FILE))
            self.updates = cost["updates"]
            desk.tokens, desk.read_tokens = desk.tokens + cost["tokens"], desk.read_tokens + cost["read_tokens"]
            return
        yield from self._learn(problems)

    def _learn(self, problems: Sequence[Problem]) -> Iterator[Event]:
        from elm_app.engine.sampler import trace_seed
        from elm_app.learning.policies import write
        from elm_app.learning.update import Learner

        assert self.policy is not None
        desk, learner = self.desk, Learner(self.policy, self.desk.learning)
        tokens, read_tokens, total = desk.tokens, desk.read_tokens, desk.learning.steps * len(problems)
        taught = self.taught(problems)
        over = "all problems" if len(taught) == len(problems) else count(len(taught), "problem")
        for number in range(total):
            yield Progress("update", f"Learning the {self.form} over {over}", number, total, "updates")
            problem, seed = taught[number % len(taught)], trace_seed(desk.learning.seed, -1 - number)
            self.updates += yield from learn_once(desk, learner, problem, seed, self.by_gold)
        write(self.policy, desk.folder / _FILE)
        cost = {"updates": self.updates, "tokens": desk.tokens - tokens, "read_tokens": desk.read_tokens - read_tokens}
        half = desk.folder / f".{_COST}"  # its being there says that learning is through
        half.write_text(json.dumps(cost), encoding="utf-8")
        half.replace(desk.folder / _COST)

    def solve(self, problem: Problem, seed: int) -> Generator[Event, None, Solved]:
        assert self.policy is not None
        desk, engine = self.desk, self.policy.engine
        request = self.policy.request(engine.encode(problem.text), desk.sampling.samples, seed)
        sampled = yield from desk.sample(request, "memory", engine)
        return solved(sampled, "memory", {"updates": self.updates, "form": self.form})

    def remember(self, problem: Problem, solved: Solved, seed: int) -> Generator[Event, None, dict[str, Any]]:  # noqa: ARG002
        yield from ()
        return {}

    def stored_bytes(self) -> int:
        path = self.desk.folder / _FILE
        return path.stat().st_size if path.is_file() else 0
