"""Sampling the arms of a run: the engine's tokens as events (text, finished traces, the vote so far)."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from elm_app.answers.extract import extract
from elm_app.answers.vote import vote
from elm_app.core.config import SamplingSettings
from elm_app.core.events import Event, PromptRead, TraceChunk, TraceFinished, VoteChanged
from elm_app.core.types import Arm, Measured, Trace, Vote

if TYPE_CHECKING:
    from elm_app.engine.engine import Engine, RolloutRequest

CHUNK_SECONDS = 0.12
"""New text is said this often, not at every token."""


@dataclass
class Sampled:
    """What came of sampling so far; after a stop it is not whole.

    Attributes:
        traces: the finished traces of each arm by index.
        tokens: their token ids, the stop token included.
        logprobs: the log-probability of each of these.
        ends: how many characters of each trace's text there were after each token.
        votes: over the finished traces of each arm.
        lengths: new tokens of each trace, unfinished ones too.
        asked: samples of each arm.
    """

    asked: dict[Arm, int]
    traces: dict[Arm, dict[int, Trace]] = field(default_factory=dict)
    tokens: dict[Arm, dict[int, tuple[int, ...]]] = field(default_factory=dict)
    logprobs: dict[Arm, dict[int, tuple[float, ...]]] = field(default_factory=dict)
    ends: dict[tuple[Arm, int], list[int]] = field(default_factory=dict)
    votes: dict[Arm, Vote] = field(default_factory=dict)
    lengths: dict[tuple[Arm, int], int] = field(default_factory=dict)
    prefill_seconds: float = 0.0
    decode_seconds: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether every trace has finished."""
        return all(len(self.traces.get(arm, ())) == asked for arm, asked in self.asked.items())

    @property
    def new_tokens(self) -> int:
        return sum(self.lengths.values())

    def measured(self, arm: Arm) -> Measured:
        """How an arm stands; it must have a finished trace."""
        traces, outcome = self.traces[arm].values(), self.votes[arm]
        answered = len(traces) - outcome.abstained
        tokens = sum(trace.tokens for trace in traces) / len(traces)
        return Measured(outcome, len(traces), round(answered / len(traces), 4), round(tokens, 1))


def sample(
    engine: Engine,
    requests: Mapping[Arm, RolloutRequest],
    sampling: SamplingSettings,
    stopped: Callable[[], bool] = lambda: False,
    into: Sampled | None = None,
) -> Generator[Event, None, Sampled]:
    """Sample all arms in one batch. Yields `PromptRead`, `TraceChunk`, `TraceFinished` and `VoteChanged`.

    Args:
        into: filled while sampling goes on, for a caller that wants to look in between.

    Raises:
        BadInput, OutOfMemory: as `Engine.rollout`.
    """
    from elm_app.engine.engine import Finished, NewText, Prefilled

    arms = list(requests)
    done = into or Sampled({arm: request.samples for arm, request in requests.items()})
    waiting: dict[tuple[Arm, int], str] = {}
    flushed = decoding = time.perf_counter()

    def chunks() -> list[TraceChunk]:
        said = [TraceChunk(*key, text, done.lengths[key]) for key, text in waiting.items()]
        waiting.clear()
        return said

    for event in engine.rollout(list(requests.values()), sampling, stopped):
        arm = arms[event.request]
        match event:
            case Prefilled():
                done.prefill_seconds += event.seconds
                flushed = decoding = time.perf_counter()
                yield PromptRead(arm, event.tokens, round(event.seconds, 3))
            case NewText():
                waiting[arm, event.index] = waiting.get((arm, event.index), "") + event.text
                done.lengths[arm, event.index] = event.tokens
                ends = done.ends.setdefault((arm, event.index), [])
                ends.append((ends[-1] if ends else 0) + len(event.text))
            case Finished():
                waiting.pop((arm, event.index), None)
                trace = Trace(
                    arm,
                    event.index,
                    event.seed,
                    event.text,
                    extract(event.text),
                    len(event.tokens),
                    event.stopped,
                    round(sum(event.logprobs) / len(event.logprobs), 5),
                )
                traces = done.traces.setdefault(arm, {})
                traces[event.index] = trace
                done.tokens.setdefault(arm, {})[event.index] = event.tokens
                done.logprobs.setdefault(arm, {})[event.index] = event.logprobs
                yield TraceFinished(trace)
                indices = sorted(traces)
                done.votes[arm] = vote([traces[i].answer for i in indices], indices=indices)
                yield VoteChanged(arm, done.votes[arm], len(traces), done.asked[arm])
        done.decode_seconds = time.perf_counter() - decoding
        if time.perf_counter() - flushed > CHUNK_SECONDS:
            yield from chunks()
            flushed = time.perf_counter()
    yield from chunks()
    return done
