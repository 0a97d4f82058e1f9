"""What a method is, and the desk that it works at.

A method answers problems one after the other: `prepare` once, then for each problem `solve` and `remember`. It has no
files of its own but tensors: what `remember` returns stands in the problem's line of the results, and `prepare` is
given the lines that there are already, so that a benchmark goes on after an interruption as if nothing had happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import Stopped
from elm_app.core.events import Event
from elm_app.core.results import Result
from elm_app.core.types import Arm, Problem, Trace, Vote
from elm_app.rollouts.collect import Sampled, sample

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    from elm_app.engine.engine import Engine, RolloutRequest


@dataclass
class Desk:
    """What every method works with.

    Attributes:
        engine: the model as it is loaded for rollouts, frozen.
        model: the settings that it was loaded with, for a method that needs one of its own.
        sampling: k, T and temperature of the traces that answers come from.
        learning: steps, rollouts, P, rate and length of whatever a method learns.
        routing: the threshold of retrieval, and who decides between two answers.
        embed: a text's embedding, float32 (D,) of length 1.
        folder: of this method and seed, for tensors.
        stopped: true once the user wants to stop.
        tokens, read_tokens: new tokens and prompt tokens so far, over everything that was sampled at this desk.
        uncounted_seconds: spent so far on what is not the method's own.
    """

    engine: Engine
    model: ModelSettings
    sampling: SamplingSettings
    learning: LearnSettings
    routing: RouteSettings
    embed: Callable[[str], NDArray[float32]]
    folder: Path
    stopped: Callable[[], bool] = lambda: False
    tokens: int = 0
    read_tokens: int = 0
    uncounted_seconds: float = 0.0

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """What is sampled inside costs the method nothing."""
        tokens, read_tokens, began = self.tokens, self.read_tokens, time.perf_counter()
        yield
        self.tokens, self.read_tokens = tokens, read_tokens
        self.uncounted_seconds += time.perf_counter() - began

    def sample(
        self, request: RolloutRequest, arm: Arm = "zero_shot", engine: Engine | None = None, **changes: Any
    ) -> Generator[Event, None, Sampled]:
        """Sample one request to its end; `changes` are of the sampling settings, such as `temperature=0`.

        Raises:
            Stopped: the user stopped it.
            BadInput: the prompt does not fit. OutOfMemory: the device's memory ran out.
        """
        values = {**vars(self.sampling), "samples": request.samples, "seed": request.seed, **changes}
        sampled = yield from sample(engine or self.engine, {arm: request}, SamplingSettings(**values), self.stopped)
        self.tokens += sampled.new_tokens
        self.read_tokens += len(request.prompt)
        if not sampled.whole:
            raise Stopped("The run was stopped.")
        return sampled

    def rollouts(self, prompt: Sequence[int], seed: int, samples: int | None = None, **how: Any) -> RolloutRequest:
        """A request for k traces of a prompt."""
        from elm_app.engine.engine import RolloutRequest

        return RolloutRequest(prompt, samples or self.sampling.samples, seed, **how)


@dataclass(frozen=True)
class Solved:
    """What came of a problem: the traces that the answer comes from, their vote, and more to look at.

    `answer` is the vote's, unless the method has another way to choose.
    """

    traces: tuple[Trace, ...]
    vote: Vote
    answer: str | None
    detail: dict[str, Any] = field(default_factory=dict)


def solved(sampled: Sampled, arm: Arm = "zero_shot", detail: dict[str, Any] | None = None) -> Solved:
    """The traces of an arm, and the majority as the answer."""
    traces = tuple(sampled.traces[arm][index] for index in sorted(sampled.traces[arm]))
    return Solved(traces, sampled.votes[arm], sampled.votes[arm].answer, detail or {})


class Method(Protocol):
    """One way to answer a stream of problems. Made with a `Desk`."""

    retrieves: bool
    """Whether it looks for earlier problems, and so needs their embeddings."""

    @property
    def trainable(self) -> int:
        """Numbers that are learned for one memory, or for the model; 0 if none are."""

    def prepare(self, problems: Sequence[Problem], done: Sequence[Result]) -> Iterator[Event]:
        """Before the first problem: learn from the whole set, or take up what the lines that are `done` have kept."""

    def solve(self, problem: Problem, seed: int) -> Generator[Event, None, Solved]:
        """Answer a problem. `seed` is this problem's; the same seed gives the same traces."""

    def remember(self, problem: Problem, solved: Solved, seed: int) -> Generator[Event, None, dict[str, Any]]:
        """Keep something of it for later problems; returns what `prepare` needs to have it again, as JSON values."""

    def stored_bytes(self) -> int:
        """Bytes of everything kept so far."""
