"""From the traces of one or more arms to the side that they are on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from elm_app.answers.vote import vote
from elm_app.core.types import Arm
from elm_app.rollouts.collect import Sampled
from elm_app.routing.verifier import Sample, Side


def side(kind: Literal["zero_shot", "memory"], sampled: Sampled, arms: Sequence[Arm]) -> Side:
    """The finished traces of these arms, arm after arm by index, and the vote over all of them.

    Raises:
        ValueError: none of these arms has a finished trace.
    """
    samples = [
        Sample(trace, sampled.logprobs[arm][index], _ends(sampled.ends[arm, index], len(trace.text)))
        for arm in arms
        for index, trace in sorted(sampled.traces.get(arm, {}).items())
    ]
    if not samples:
        raise ValueError(f"no finished trace in {', '.join(arms) or 'no arm'}")
    return Side(kind, tuple(samples), vote([sample.trace.answer for sample in samples]))


def _ends(streamed: Sequence[int], length: int) -> tuple[int, ...]:
    """The last token ends where the text does: half a character at a cut-off is not streamed, but is in the text."""
    return (*(min(end, length) for end in streamed[:-1]), length)
