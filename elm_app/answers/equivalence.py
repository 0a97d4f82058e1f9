r"""Whether two readings say the same, and which of many answers form a class.

Equality is decided by structure; only expressions go to a computer algebra, two at a time. "40%" is 40 or 0.4, and 40
is "40 mph" or "40 km/h", but not both at once. Among many answers each such reading is therefore chosen once, by what
the others say (`in_context`); classes are then what equality connects. So the order of the answers changes nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from elm_app.answers.numbers import rounds
from elm_app.answers.values import PERCENT, Reading

Ask = Callable[[str, str, int | None], bool]
"""Whether two expressions in LaTeX are equal; the last is how many decimal places one of them was rounded to."""
T = TypeVar("T")
_WORDS = re.compile(r"[a-z]{3,}")
_MONOMIAL = re.compile(r"[-+]?[\d./]*[a-zA-Z]")


def same(a: Reading, b: Reading, ask: Ask) -> bool:
    """Whether two answers say the same, whichever comes first."""
    first, second = sorted((a, b), key=repr)
    return first == second or _same(first, second, ask)


def in_context(readings: Sequence[Reading]) -> list[Reading]:
    """The readings with what can be understood in two ways decided by the others.

    A percentage is the number before its sign if at least as many of the plain numbers are one of these as are a
    hundredth of one. A number without a unit has the unit that is most frequent with this number (of equals, the first
    in the alphabet).
    """
    plain = Counter(one.text for one in readings if one.kind == "number" and one.unit != PERCENT)
    shares = [one for one in readings if one.kind == "number" and one.unit == PERCENT]
    if plain and shares:
        whole = sum(plain[text] for text in {one.text for one in shares})
        hundredth = sum(plain[text] for text in {str(one.value / 100) for one in shares})
        if whole or hundredth:
            scale = 100 if hundredth > whole else 1
            readings = [
                replace(one, text=str(one.value / scale), unit="") if one in shares else one for one in readings
            ]
    units: dict[tuple[str, str], Counter[str]] = {}
    for one in readings:
        if one.unit and one.unit != PERCENT:
            units.setdefault((one.kind, one.text), Counter())[one.unit] += 1
    usual = {core: min(found, key=lambda unit: (-found[unit], unit)) for core, found in units.items()}
    return [one if one.unit else replace(one, unit=usual.get((one.kind, one.text), "")) for one in readings]


def connected(nodes: Sequence[T], linked: Callable[[T, T], bool]) -> list[int]:
    """For each node the number of its class, the classes numbered as they first appear."""
    root = list(range(len(nodes)))

    def find(at: int) -> int:
        while root[at] != at:
            at = root[at]
        return at

    for later in range(len(nodes)):
        for earlier in range(later):
            one, other = find(earlier), find(later)
            if one != other and linked(nodes[earlier], nodes[later]):
                root[max(one, other)] = min(one, other)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(find(at), len(numbers)) for at in range(len(nodes))]


def _same(a: Reading, b: Reading, ask: Ask) -> bool:
    kinds = {a.kind, b.kind}
    if "named" in kinds:
        return _named(a, b, ask)
    if PERCENT in (a.unit, b.unit) and a.unit != b.unit:
        share, other = (a, b) if a.unit == PERCENT else (b, a)
        return any(_same(replace(share, text=text, unit=""), other, ask) for text in _percent(share))
    if a.unit != b.unit and a.unit and b.unit:
        return False
    if kinds <= {"words"} or kinds <= {"choice"}:
        return a.text == b.text
    if "choice" in kinds and (beside := (a if a.kind == "choice" else b).parts):  # "(B) 14" is "B", and is 14
        return same(beside[0], b if a.kind == "choice" else a, ask)
    if kinds <= {"number"}:
        return _equal_numbers(a, b)
    if "items" in kinds and len((a if a.kind == "items" else b).parts) == 1 and kinds != {"items"}:
        single, other = (a, b) if a.kind == "items" else (b, a)
        return same(single.parts[0], other, ask)
    if kinds <= {"row", "items", "assigned"}:
        return _structures(a, b, ask)
    if kinds == {"number", "maths"} and _MONOMIAL.fullmatch(a.text if a.kind == "maths" else b.text):
        return False  # 5k is not 5; math-verify takes some letters for units
    if kinds <= {"number", "maths", "choice"} or kinds == {"relation"}:
        return ask(_latex(a), _latex(b), a.places if a.places is not None else b.places)
    return False


def _percent(share: Reading) -> list[str]:
    if share.kind != "number":
        return [share.text, rf"\frac{{{share.text}}}{{100}}"]
    return [share.text, str(share.value / 100)]


def _named(a: Reading, b: Reading, ask: Ask) -> bool:
    """x = 5 is 5, is x = 5, and is y = 5 (the question fixes the name); y = -x + 1 is also x + y = 1."""
    if a.kind == b.kind:
        (value,), (other,) = a.parts, b.parts
        if a.text != b.text and _WORDS.fullmatch(a.text) and _WORDS.fullmatch(b.text):  # "Ann: 5" is not "Bob: 5"
            return False
        if same(value, other, ask):
            return True
        return "maths" in (value.kind, other.kind) and a.text != b.text and ask(a.latex, b.latex, None)
    named, other = (a, b) if a.kind == "named" else (b, a)
    if other.kind == "relation":
        return ask(named.latex, other.text, None)
    return same(named.parts[0], other, ask)


def _equal_numbers(a: Reading, b: Reading) -> bool:
    if a.text == b.text:
        return True
    for decimal, exact in ((a, b), (b, a)):
        if decimal.places is not None and exact.places is None and not _terminates(exact.value.denominator):
            return rounds(decimal.value, decimal.places, exact.value)
    return False


def _terminates(denominator: int) -> bool:
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    return denominator == 1


def _structures(a: Reading, b: Reading, ask: Ask) -> bool:
    if len(a.parts) != len(b.parts):
        return False
    if a.kind == b.kind == "items":
        left = list(b.parts)
        for part in a.parts:
            found = next((at for at, other in enumerate(left) if same(part, other, ask)), None)
            if found is None:
                return False
            del left[found]
        return True
    if a.kind == b.kind == "assigned" and [one.text for one in a.parts] != [one.text for one in b.parts]:
        return False
    if a.kind == b.kind == "row" and a.text != b.text:
        return False
    if a.kind != b.kind and not {a.text, b.text} <= {"", "()"}:
        return False  # of two kinds, only (2, 7), "2, 7" and "x = 2, y = 7" can say the same
    return all(same(part, other, ask) for part, other in zip(a.parts, b.parts, strict=True))


def _latex(reading: Reading) -> str:
    return reading.text if reading.kind != "choice" else reading.text.lower()
