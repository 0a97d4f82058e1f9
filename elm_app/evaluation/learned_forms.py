"""ELM online with another form of memory than a soft prompt: what `elm_lora` and `elm_prefix` share.

As the stream does, but for this: every memory is kept, and none is measured after learning; learning goes on to the
last step; the two arms are sampled one after the other, since they may need different engines; the nearest memory is
found by its input alone; and a memory is a file of tensors in the method's folder.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from elm_app.core.errors import DamagedMemory
from elm_app.core.events import Event
from elm_app.core.results import Result
from elm_app.core.types import Problem, Vote
from elm_app.evaluation.learned_methods import learn_once
from elm_app.evaluation.method import Desk, Solved
from elm_app.retrieval.retriever import threshold_of
from elm_app.rollouts.collect import Sampled
from elm_app.routing.process_reward import Prms
from elm_app.routing.registry import verifier
from elm_app.routing.router import route
from elm_app.routing.sides import side

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    from elm_app.learning.policies import Policy


class OtherForm:
    """A subclass makes the policy."""

    retrieves = True

    def __init__(self, desk: Desk) -> None:
        self.desk, self.bytes = desk, 0
        self.kept: list[tuple[str, NDArray[float32]]] = []
        self.prms = Prms()
        self.policy: Policy | None = None
        self.start: Sequence[Any] = ()
        self.before: Vote | None = None
        """Of the last problem, without a memory."""

    def make(self) -> Policy:
        """The policy before anything is learned."""
        raise NotImplementedError

    @property
    def trainable(self) -> int:
        return sum(part.numel() for part in self.policy.parameters) if self.policy else 0

    def prepare(self, problems: Sequence[Problem], done: Sequence[Result]) -> Iterator[Event]:  # noqa: ARG002
        from elm_app.learning.policies import snapshot

        self.policy = self.make()
        self.start = snapshot(self.policy)
        for line in done:
            if name := line.kept.get("file"):
                self._keep(name, line.problem)
        return iter(())

    def solve(self, problem: Problem, seed: int) -> Generator[Event, None, Solved]:
        from elm_app.learning.policies import read, restore

        desk = self.desk
        prompt = desk.engine.encode(problem.text)
        sampled = yield from desk.sample(desk.rollouts(prompt, seed))
        near = self._nearest(problem.text)
        if near is not None:
            assert self.policy is not None
            restore(self.policy, read(self.policy, desk.folder / near[0]))
            request = self.policy.request(prompt, desk.sampling.samples, seed)
            sampled = _joined(sampled, (yield from desk.sample(request, "memory", self.policy.engine)))
        bare = side("zero_shot", sampled, ["zero_shot"])
        self.before = sampled.votes["zero_shot"]
        with_it = side("memory", sampled, ["memory"]) if near else None
        decision = route(problem.text, bare, with_it, verifier(desk.routing, self.prms, desk.model.device)).decision
        taken = with_it if with_it and decision.source == "memory" else bare
        detail = {"source": decision.source, "retrieved": near[0] if near else None, "score": near[1] if near else None}
        return Solved(tuple(one.trace for one in taken.samples), taken.vote, decision.answer, detail)

    def remember(self, problem: Problem, solved: Solved, seed: int) -> Generator[Event, None, dict[str, Any]]:  # noqa: ARG002
        from elm_app.engine.sampler import trace_seed
        from elm_app.learning.policies import restore, write
        from elm_app.learning.trainer import passed_over
        from elm_app.learning.update import Learner

        assert self.policy is not None
        assert self.before is not None
        settings = self.desk.learning
        if passed_over(self.before, self.desk.sampling.samples, settings):
            return {}
        restore(self.policy, self.start)
        learner, updates = Learner(self.policy, settings), 0
        for step in range(settings.steps):
            updates += yield from learn_once(self.desk, learner, problem, trace_seed(seed, step))
        if not updates:
            return {}
        name = f"{len(self.kept) + 1}.safetensors"  # an id may be longer than a file's name, or have a slash in it
        write(self.policy, self.desk.folder / name)
        self._keep(name, problem.text)
        return {"file": name}

    def stored_bytes(self) -> int:
        return self.bytes

    def _keep(self, name: str, problem: str) -> None:
        path = self.desk.folder / name
        try:
            self.bytes += path.stat().st_size
        except OSError as error:
            raise DamagedMemory(f"{path} cannot be read: {error.strerror}.", f"Remove {path.parent}.") from error
        self.kept.append((name, self.desk.embed(problem)))

    def _nearest(self, problem: str) -> tuple[str, float] | None:
        """The file of the nearest memory, and its similarity, if it is near enough."""
        key = self.desk.embed(problem)
        scored = [(name, float(own @ key)) for name, own in self.kept]
        best = max(scored, key=lambda one: one[1], default=None)
        return best if best and best[1] >= threshold_of(self.desk.routing) else None


def _joined(first: Sampled, second: Sampled) -> Sampled:
    """Both arms as if they had been sampled in one batch."""
    return Sampled(
        first.asked | second.asked,
        first.traces | second.traces,
        first.tokens | second.tokens,
        first.logprobs | second.logprobs,
        first.ends | second.ends,
        first.votes | second.votes,
        first.lengths | second.lengths,
    )
