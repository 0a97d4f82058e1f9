"""Sides made by hand for the tests of routing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

from elm_app.answers.vote import vote
from elm_app.core.types import Trace
from elm_app.routing.verifier import Sample, Side


def make_sample(arm: str, index: int, answer: str | None, logprobs: Sequence[float], text: str | None = None) -> Sample:
    """A trace of one character a token, unless it has a text of its own, of which the last token then has the rest."""
    text = "x" * len(logprobs) if text is None else text
    ends = [min(place + 1, len(text)) for place in range(len(logprobs))]
    ends[-1] = len(text)
    mean = sum(logprobs) / len(logprobs)
    trace = Trace(arm, index, index, text, answer, len(logprobs), True, mean)
    return Sample(trace, tuple(logprobs), tuple(ends))


def make_side(
    kind: Literal["zero_shot", "memory"], answers: Sequence[str | None], logprob: float = -1.0, seed: int | None = None
) -> Side:
    """A side with these answers in that order; with a seed, shuffled."""
    answers = list(answers)
    if seed is not None:
        random.Random(seed).shuffle(answers)
    samples = tuple(make_sample(kind, index, answer, [logprob] * 10) for index, answer in enumerate(answers))
    return Side(kind, samples, vote(answers))
