"""Which colour an answer class has: the same in bars and cards, for as long as the run is looked at, in every window.

Colours go by the order in which classes appeared, which the log fixes; not by votes, which change while traces finish.
The colours (Okabe and Ito, 2008) can be told apart with every common kind of colour blindness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elm_app.answers.reading import key
from elm_app.core.types import AnswerCount, Arm
from elm_app.runs.state import RunView

COLOURS = 6
"""Classes with a colour of their own; later ones share a grey. `shell/base.css` has the colours `k0` … `k5`, `kx`."""


@dataclass(frozen=True)
class AnswerClass:
    """An answer class of one arm: what it is called, its colour's name, its traces and its place by votes (from 0).

    Attributes:
        leads: whether it has the most votes, two or more; classes of a tie all do.
    """

    answer: str
    colour: str
    traces: tuple[int, ...]
    count: int
    rank: int
    leads: bool


def classes(view: RunView, arm: Arm, known: Mapping[str, str] | None = None) -> list[AnswerClass]:
    """The classes of an arm in the order in which they appeared.

    Args:
        known: colours that answers have already, by their keys, if the run had traces before these (`remember`).
    """
    changed = view.votes.get(arm)
    if changed is None:
        return []
    if known is None:
        known = _colours(view)
    ranked = list(enumerate(changed.vote.counts))
    ranked.sort(key=lambda each: (_birth(view, arm, each[1]), each[0]))
    most = max(2, *(count.count for _, count in ranked)) if ranked else 2
    return [
        AnswerClass(
            count.answer,
            colour_of(known, count.answer),
            _traces(view, arm, count),
            count.count,
            rank,
            count.count >= most,
        )
        for rank, count in ranked
    ]


def remember(view: RunView, known: dict[str, str]) -> None:
    """Give the answers that are new in a learning run the next colours; they keep them through all its phases."""
    for arm, changed in view.votes.items():
        for count in sorted(changed.vote.counts, key=lambda count: _birth(view, arm, count)):
            place = len(known)
            known.setdefault(key(count.answer), f"k{place}" if place < COLOURS else "kx")


def colour_of(known: Mapping[str, str], answer: str) -> str:
    """The colour of an answer, however it is spelled: arms and phases vote apart, and name a class as they please.

    >>> colour_of({"1/2": "k0"}, "0.5"), colour_of({"1/2": "k0"}, "3")
    ('k0', 'kx')
    """
    return known.get(key(answer), "kx")


def _colours(view: RunView) -> dict[str, str]:
    born: dict[str, int] = {}
    for arm, changed in view.votes.items():
        for count in changed.vote.counts:
            birth = _birth(view, arm, count)
            name = key(count.answer)
            born[name] = min(birth, born.get(name, birth))
    order = sorted(born, key=lambda name: born[name])
    return {name: f"k{place}" if place < COLOURS else "kx" for place, name in enumerate(order)}


def _birth(view: RunView, arm: Arm, count: AnswerCount) -> int:
    """The log's sequence number at which the class's first trace finished."""
    return min((view.traces[arm, index].changed for index in _traces(view, arm, count)), default=0)


def _traces(view: RunView, arm: Arm, count: AnswerCount) -> tuple[int, ...]:
    if count.traces:
        return tuple(index for index in count.traces if (arm, index) in view.traces)
    return tuple(
        index
        for (other, index), each in view.traces.items()
        if other == arm and each.trace is not None and each.trace.answer == count.answer
    )
