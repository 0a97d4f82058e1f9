"""Scored tokens on a terminal: the strongest in their context, and where two traces part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from elm_app.cli.lines import one_line
from elm_app.core.text import count, nats, percent, visible
from elm_app.core.token_effect import TraceEffect, parting

if TYPE_CHECKING:
    from elm_app.core.types import Memory
    from elm_app.runs.state import RunView

WORDS = 3
"""Words told of each virtual token."""


def lines(view: RunView) -> Iterator[str]:
    """What came of a run that scored tokens, for people."""
    effect = view.effects[0]
    without, behind = (f"{mean:.2f}".replace("-", "−") for mean in effect.means())
    tokens = count(sum(len(token.ids) for token in effect.tokens), "token")
    yield f"trace {effect.index + 1} with the memory: {tokens}; nats a token: {without} without it, {behind} with it"
    for one in view.effects:
        if one.note:
            yield f"trace {one.index + 1} {_arm(one)}: {one.note}"
    yield from _parting(view)
    yield ""
    yield f"{'without':>11} → {'with':<11}  {'difference':>11}   token, in its context"
    for place in effect.strongest():
        token = effect.tokens[place]
        before, after = (_shown(text) for text in effect.around(place))
        odds = f"{percent(token.zero_shot):>11} → {percent(token.memory):<11}  {nats(token.gain):>11}"
        yield f"{odds}   {before}[{_shown(token.text)}]{after}".rstrip()


def words(memory: Memory) -> str:
    """The vocabulary words nearest to a memory's virtual tokens, in one line; why there are none, if so."""
    if memory.form == "prefix":
        return f"memory {memory.id} is a prefix: keys and values in every layer, to which no words are near"
    near = " · ".join(" ".join(row[:WORDS]) for row in memory.words) or "none on its card"
    return _shown(f"words nearest to the virtual tokens of memory {memory.id}: {near}")


def _parting(view: RunView) -> Iterator[str]:
    if len(view.effects) < 2:
        return
    place = parting(view.effects)
    if place is None:
        yield "the traces of this seed without and with the memory are the same"
        return
    yield f"the traces of this seed part after {count(place, 'token')}:"
    for effect in reversed(view.effects):
        before, after = effect.around(place)
        own = effect.tokens[place].text if place < len(effect.tokens) else ""
        yield f"  {_arm(effect):<20} {_shown(before)}[{_shown(own)}]{_shown(after)}".rstrip()


def _arm(effect: TraceEffect) -> str:
    return "without a memory" if effect.arm == "zero_shot" else f"with {effect.arm.replace('_', ' ')}"


def _shown(text: str) -> str:
    return one_line(visible(text))
