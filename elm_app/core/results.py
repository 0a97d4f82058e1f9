"""The nouns of streams and benchmarks as frozen dataclasses, JSON in and out: what was made of one problem.

Whether an answer is right is None wherever the right answer is not known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ArmResult:
    """How one arm of a problem ended: the vote over its k traces.

    Attributes:
        agreement: votes of the winner divided by k, in [0, 1].
        tokens: new tokens of all its traces.
    """

    answer: str | None
    right: bool | None
    agreement: float
    tokens: int


@dataclass(frozen=True)
class StreamRow:
    """One problem of a stream, done: a line of its `results.jsonl`.

    Attributes:
        number: place in the stream, from 1.
        id: the problem's own id, or `line-N` of the file that it came from.
        gold: the right answer, if the file has one.
        answer, right: what was answered in the end, after routing.
        source: who gave it: `zero_shot`, `memory` or `agreement` of both.
        zero_shot, memory: the arms; `memory` is None where no memory was near enough.
        retrieved, score: the memory of that arm, and its similarity.
        learned: id of the memory that was made of this problem, or None; `enabled` whether it is offered from now on.
        reason: what became of learning, in a sentence.
        label_accuracy: share of the steps' majorities that were right, None without steps or without `gold`.
        tokens: all new tokens, `learn_tokens` of them for learning.
        seconds: of solving and learning.
        solve, learn: the runs whose logs tell it all; `learn` is None if nothing was to be learned.
    """

    number: int
    id: str
    problem: str
    gold: str | None
    answer: str | None
    right: bool | None
    source: str
    zero_shot: ArmResult
    memory: ArmResult | None
    retrieved: str | None
    score: float | None
    learned: str | None
    enabled: bool
    reason: str
    label_accuracy: float | None
    tokens: int
    learn_tokens: int
    seconds: float
    solve: str
    learn: str | None


@dataclass(frozen=True)
class TraceResult:
    """One of the k traces that a method's answer comes from."""

    text: str
    answer: str | None
    right: bool | None
    tokens: int
    finished: bool


@dataclass(frozen=True)
class Result:
    """What a method made of one problem: a line of a benchmark's `results.jsonl`.

    Attributes:
        number: place in the order, from 1.
        again: True where the problem was asked once more at the end, to see what was forgotten.
        answer, right: the answer that the method gives: the majority of `traces`, unless `detail` says otherwise.
        agreement: votes of the winner divided by k, in [0, 1].
        traces: the k traces that the answer comes from.
        tokens: all new tokens that were made for this problem, learning and reflecting included.
        read_tokens: prompt tokens that were read for it, a prompt of k samples counted once.
        seconds: spent on it.
        kept: what the method keeps of it for later problems; enough to go on from after an interruption.
        detail: more to look at, by method.
    """

    method: str
    seed: int
    number: int
    id: str
    problem: str
    gold: str | None
    answer: str | None
    right: bool | None
    agreement: float
    traces: tuple[TraceResult, ...]
    tokens: int
    read_tokens: int
    seconds: float
    kept: dict[str, Any] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)
    again: bool = False
