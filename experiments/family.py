"""A family of problems: one template, told again and again with other names, things and numbers.

To add one, write a function in `templates/` that draws its numbers and returns the text and the right answer:

    @develop
    def cinema(draw: Draw) -> Told:
        who, price, cola = draw.name(), draw.between(7, 14), draw.between(3, 5)
        friends, money = draw.between(2, 6), draw.between(10, 20) * 10
        return (
            f"{who} pays for {friends} friends in a cinema. A ticket costs ${price} and a drink ${cola}; each of them, "
            f"{who} too, has one of both. How many of {who}'s ${money} are left?"
        ), whole(money - (friends + 1) * (price + cola))
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Literal, TypeVar

from elm_app.core.types import Problem

Split = Literal["develop", "held-out"]
SPLITS: tuple[Split, ...] = ("develop", "held-out")
Told = tuple[str, int | Fraction]
"""A problem's text and its right answer."""
T = TypeVar("T")
TRIES = 10_000
"""Draws for one member."""

NAMES = """
Amira Anton Beatriz Bruno Carla Chidi Dalia Dmitri Elena Emeka Farah Felix Greta Hana Hugo Ines
Ivan Jamal Jonas Keiko Kofi Lena Lucia Malik Marta Mateo Nadia Nils Noor Olga Omar Paula
Pedro Priya Rafael Rosa Samir Selma Tariq Thea Tomas Uma Viktor Wanda Yara Yusuf Zoe
""".split()  # noqa: SIM905


class Again(Exception):
    """The numbers that were drawn make no sense; others are drawn."""


def whole(value: int | Fraction, by: int = 1) -> int:
    """`value / by`; `Again` unless that is a whole number above 0.

    >>> whole(84, 6)
    14
    """
    found = Fraction(value) / by
    if found.denominator != 1 or found <= 0:
        raise Again
    return int(found)


def percent(share: int, of: int | Fraction) -> int:
    """So many percent of a number; `Again` unless that is whole.

    >>> percent(15, 240)
    36
    """
    return whole(Fraction(of) * share, 100)


def sensible(holds: bool) -> None:
    """`Again` unless it holds."""
    if not holds:
        raise Again


class Draw:
    """What a member is made of, drawn at random; within one member no name is drawn twice."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._names = source.sample(NAMES, len(NAMES))

    def name(self) -> str:
        return self._names.pop()

    def between(self, low: int, high: int, step: int = 1) -> int:
        """A whole number from `low` to `high`, both included."""
        return self._source.randrange(low, high + 1, step)

    def one(self, *choices: T) -> T:
        return self._source.choice(choices)

    def some(self, count: int, choices: Sequence[T]) -> list[T]:
        """So many of the choices, no two the same."""
        return self._source.sample(choices, count)


Template = Callable[[Draw], Told]


@dataclass(frozen=True)
class Family:
    """All problems of one template.

    Attributes:
        id: the template's name.
        topic: the file that it stands in.
        split: `develop`, to choose recipes by, or `held-out`, to be looked at once at the end.
    """

    id: str
    topic: str
    split: Split
    template: Template

    def member(self, number: int) -> Problem:
        """The member with this number, the same on every machine. No earlier one has the same answer, so that an answer
        learned by heart is of no use.

        Raises:
            ValueError: the template has too few.
        """
        return _member(self, number)


@cache
def _member(family: Family, number: int) -> Problem:
    source = random.Random(f"{family.id}/{number}")
    earlier = {family.member(one).answer for one in range(number)}
    for _ in range(TRIES):
        with suppress(Again):
            text, answer = family.template(Draw(source))
            if written(answer) not in earlier:
                return Problem(text, f"{family.id}/{number}", written(answer), family.topic)
    raise ValueError(f"{family.id} has no member number {number}: draw its numbers from larger ranges.")


def written(answer: int | Fraction) -> str:
    """An answer as digits: a decimal where two places are enough, else a fraction.

    >>> written(Fraction(25, 2)), written(Fraction(2, 3)), written(7)
    ('12.5', '2/3', '7')
    """
    value = Fraction(answer)
    return f"{float(value):.2f}".rstrip("0").rstrip(".") if (value * 100).denominator == 1 else str(value)


def develop(template: Template) -> Family:
    """A family to develop on."""
    return _family(template, "develop")


def held_out(template: Template) -> Family:
    """A family that is kept back."""
    return _family(template, "held-out")


def _family(template: Template, split: Split) -> Family:
    return Family(template.__name__, template.__module__.rsplit(".", 1)[-1], split, template)
