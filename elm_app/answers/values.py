r"""What one value says: a number, exactly, with its unit; a time of day; words; or LaTeX that takes algebra."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from elm_app.answers.numbers import digits_of, in_words, rational
from elm_app.answers.words import LARGE, UNITS, number_in_words, unit_of

Kind = Literal["number", "words", "maths", "named", "relation", "choice", "items", "row", "assigned", "blank"]
PERCENT = "%"


@dataclass(frozen=True)
class Reading:
    """One answer, or a part of one.

    Attributes:
        kind: see `elm_app.answers.reading`.
        text: its one spelling: the number, the words in lower case, the LaTeX, the letter, the name, the brackets.
        parts: the value of what is named; the items.
        unit: of measurement, "%", "am" or "pm"; "" without one.
        places: decimal places, where a number was written as a decimal precise enough to stand for what it rounds.
        latex: how a computer algebra may be asked, for what is named.
    """

    kind: Kind
    text: str
    parts: tuple[Reading, ...] = ()
    unit: str = ""
    places: int | None = None
    latex: str = ""

    @property
    def value(self) -> Fraction:
        """Of a number."""
        return Fraction(self.text)


_CLOCK = re.compile(
    r"(?P<hour>\d{1,2})(?::(?P<minute>[0-5]\d))?\s?(?P<half>[ap])\.?\s?m\b\.?|(?P<hour_>\d{1,2}):(?P<minute_>[0-5]\d)"
    r"|(?:12 )?(?P<named>noon|midnight)",
    re.IGNORECASE,
)
_RATIO = re.compile(r"(\d{1,9})\s?:\s?(\d{1,9})")
_BASE = re.compile(r"([0-9A-F]{1,60})(?:_\s?\{?\s?|\s\(?(?:in )?base )([a-z0-9]+)\s?[})]?")
_WORD = re.compile(  # but products of unknowns, such as xyz
    r"(?<![\\a-zA-Z])(?:(?!(?:[wxyz]+|abc|pqr|rst|uvw)(?![a-zA-Z]))[a-zA-Z]{3,}|(?:no|or|am|pm|to|is)(?![a-zA-Z])\s)"
)
_SHORT_UNIT = re.compile(
    r"(?<=[\d)}\s])(?:cm|mm|km|kg|mg|ml|ft|in|lb|lbs|oz|mi|yd|hr|min|sec|gal|sq|m/s)(?![a-zA-Z({])|(?<=\d )[mghsL]$"
)
_LARGE = re.compile(rf"(?:{'|'.join(LARGE)})(?![a-zA-Z])", re.IGNORECASE)
_COMPOUND = re.compile(r"(?P<number>\d+(?:\.\d+)?(?: \d+/\d+)?)\s?(?P<unit>[a-zA-Z]+|''?)\.?(?:,?\s?(?:and\b)?\s?|$)")
_PARTS = {
    "hour": ("day", 24), "minute": ("hour", 60), "second": ("minute", 60), "day": ("week", 7), "inch": ("foot", 12),
    "foot": ("yard", 3), "cent": ("dollar", 100), "ounce": ("pound", 16), "arcminute": ("degree", 60),
    "arcsecond": ("arcminute", 60), "month": ("year", 12), "centimeter": ("meter", 100), "gram": ("kilogram", 1000),
    "meter": ("kilometer", 1000), "milliliter": ("liter", 1000), "millimeter": ("centimeter", 10),
}  # fmt: skip


def quantity(text: str) -> Reading:
    """A value with or without its unit, or words."""
    found = number(text) or compound(text) or _clock(text)
    if found:
        return found
    if text.endswith(PERCENT) and (share := number(text.removesuffix(PERCENT).strip())):
        return replace(share, unit=PERCENT, places=None)
    if ratio := _RATIO.fullmatch(text):
        first, second = map(int, ratio.groups())
        return Reading("number", str(Fraction(first, second))) if second else Reading("words", text)
    if base := _BASE.fullmatch(text):
        return Reading("words", f"{base[1]}_{number_in_words(base[2]) or base[2]}")
    if re.match(r"\d+(?:st|nd|rd|th)(?![a-zA-Z])", text):  # the 3rd is not 3
        return Reading("words", text.lower())
    words = [match.start() for match in (_WORD.search(text), _SHORT_UNIT.search(text)) if match]
    if not words:
        return maths(text)
    start = min(words)
    if large := _LARGE.match(text, start):  # 5 million dollars
        start = large.end()
    value, unit = text[:start].strip(), unit_of(text[start:])
    if value and unit is not None and not value.endswith(("\\", "{", "+", "-", "=", "^", "_")):
        return replace(number(value) or maths(value), unit=unit)
    return Reading("words", " ".join(re.sub(r"[^\w\\/.+^%-]", " ", text.lower()).split()) or text)


def number(text: str) -> Reading | None:
    """A number in digits or in words."""
    value = rational(text)
    if value is None:
        value = in_words(text)
    return None if value is None else Reading("number", str(value), places=digits_of(text))


def maths(text: str) -> Reading:
    """LaTeX, without the spaces that mean nothing."""
    spaceless = re.sub(r"(?<!\d)\s+|\s+(?!\d)", "", re.sub(r"(\\[a-zA-Z]+)\s+(?=[a-zA-Z])", r"\1{}", text))
    return Reading("maths", spaceless.replace("{}", " "))


def _clock(text: str) -> Reading | None:
    """A time of day: 3:30 PM, 15:30, noon."""
    match = _CLOCK.fullmatch(text)
    if not match:
        return None
    if match["named"]:
        return Reading("words", "12:00", unit="pm" if match["named"].lower() == "noon" else "am")
    hour, minute = int(match["hour"] or match["hour_"]), match["minute"] or match["minute_"] or "00"
    half = match["half"].lower() + "m" if match["half"] else ""
    if hour > 24 or (half and not 1 <= hour <= 12):
        return None
    if hour > 12:
        hour, half = hour - 12, "pm"
    return Reading("words", f"{hour}:{minute}", unit=half)


def compound(text: str) -> Reading | None:
    """2 hours 15 minutes, 5 feet 6 inches, 6° 30': as many of the first unit."""
    found: list[tuple[Fraction, str]] = []
    at = 0
    while at < len(text):
        match = _COMPOUND.match(text, at)
        if not match:
            return None
        symbol = {"'": "arcminute", "''": "arcsecond"}.get(match["unit"])
        unit = symbol or UNITS.get(match["unit"].lower())
        value = rational(match["number"])
        if unit is None or value is None:
            return None
        found.append((value, unit))
        at = match.end()
    if len(found) < 2:
        return None
    total, share = found[0][0], Fraction(1)
    for (_, above), (value, unit) in pairwise(found):
        larger, number = _PARTS.get(unit, ("", 1))
        if larger != above:
            return None
        share /= number
        total += value * share
    return Reading("number", str(total), unit=found[0][1])
