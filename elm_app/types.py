"""The nouns of the method as frozen dataclasses, JSON in and out.

Letters used everywhere: k samples (rollouts), P virtual tokens, T new tokens, H hidden size, V vocabulary.
"No answer" is `None`, never an empty string.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter

Arm = Literal["zero_shot", "memory"]
"""Which prompt a trace came from: the bare problem, or the problem behind a memory's soft prompt."""

T = TypeVar("T")


def to_json(value: Any) -> dict[str, Any]:
    """A dataclass of this package as plain JSON values."""
    return asdict(value)


def from_json(kind: type[T], value: Any) -> T:
    """The reverse of `to_json`; raises `pydantic.ValidationError` where `value` is not a `kind`."""
    return TypeAdapter(kind).validate_python(value)


@dataclass(frozen=True)
class Problem:
    """A question in words. `answer` is the gold answer, known only in benchmarks."""

    text: str
    id: str | None = None
    answer: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Trace:
    """One sampled solution.

    Attributes:
        index: its place among the k samples of its arm, from 0.
        seed: what its randomness came from; the same seed and settings give the same trace.
        answer: the extracted final answer, or None.
        tokens: new tokens generated, the stop token included.
        finished: True if the model stopped by itself, False if it was cut off at the limit.
        mean_logprob: mean natural log-probability of its tokens under the distribution they were sampled from.
    """

    arm: Arm
    index: int
    seed: int
    text: str
    answer: str | None
    tokens: int
    finished: bool
    mean_logprob: float


@dataclass(frozen=True)
class AnswerCount:
    """An equivalence class of answers, named by its most frequent spelling, and how many traces gave it."""

    answer: str
    count: int
    traces: tuple[int, ...] = ()


@dataclass(frozen=True)
class Vote:
    """The majority vote over one arm's traces.

    Attributes:
        answer: the winner's spelling, or None if no trace has an answer.
        agreement: votes of the winner divided by all samples, abstentions included; 0.0 without a winner.
        counts: the classes, most votes first.
        abstained: traces without an answer.
        tied: True if another class had as many votes and the tie rule decided.
    """

    answer: str | None
    agreement: float
    counts: tuple[AnswerCount, ...]
    abstained: int
    tied: bool = False


@dataclass(frozen=True)
class Match:
    """A stored memory near a problem; `score` is a cosine similarity in [-1, 1]."""

    id: str
    score: float
    problem: str


@dataclass(frozen=True)
class Decision:
    """The answer given to the user, and who decided."""

    answer: str | None
    source: Literal["zero_shot", "memory", "agreement"]
    reason: str
    verifier: str | None = None


@dataclass(frozen=True)
class ModelInfo:
    """Which model, as which numbers, where. `weights_sha256` names the bytes it came from."""

    id: str
    quantization: str
    device: str
    weights_sha256: str


@dataclass(frozen=True)
class Timing:
    """Seconds spent and tokens made by a run; `tokens_per_second` counts decoding only."""

    load_seconds: float
    prefill_seconds: float
    decode_seconds: float
    new_tokens: int
    tokens_per_second: float
