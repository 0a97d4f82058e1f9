"""Variants of a problem: the same text with other numbers, made by rule. Nobody knows their answers.

Changed are integers, decimals, amounts of money, percentages and the minutes of times of day (3:45). The same number
becomes the same other number wherever it stands. Left as they are:

- 0 and 1 (grammar depends on them) and what is smaller than 1, numbers written in words, and 100%;
- years (whole numbers from 1900 to 2099 without a sign of money and without a comma);
- fractions such as 3/4, dates, and what stands inside \\frac or \\sqrt: what they divide is chosen to fit them instead;
- exponents, ordinals (3rd), numbers that belong to a name (A4, x1, 3D, Step 2, No. 7, #5, a 3-digit number), whole
  hours (3 pm), and the labels of a list at the start of a line.

New numbers are between 0.6 and 1.7 times the old ones (percentages 0.5 and 2 times) and as round as these (250 stays a
multiple of 50). Of many draws the one is taken that keeps most of what held between the old numbers: which is larger,
which divides which, percentages that come out whole and do not exceed 100 together. That is as far as a rule can go
without understanding the problem, so some variants have no whole answer.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from elm_app.learning.names import renamed

_NUMBER = re.compile(
    r"(?P<clock>(?<![\d:.])(?:[01]?\d|2[0-3]):[0-5]\d(?![\d:]))"
    r"|(?P<fixed>\d+(?:[/.]\d+){2,}|\d+\s?/\s?\d+|\\d?t?frac\s*\{[^{}]*\}\s*\{[^{}]*\}|\\sqrt\s*(?:\[\d+\])?\s*\{[^{}]*\})"
    r"|(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)",
    re.ASCII,
)
_NAMED = re.compile(r"(?:[A-Za-z_]|\^\{?\s?-?|\*\*\s?|#|\bNo\. ?|\b(?:Step|Problem|Question|Figure|Part|Case) )$")
_LABEL = re.compile(r"(?:^|\n)[ \t]*\(?$")
_ENDS_LABEL = re.compile(r"[.):](?=\s)")
_BOUND = re.compile(r"(?:st|nd|rd|th|D)\b|[ -]digits?\b|\s?(?:[ap]m\b|[ap]\.m\.|o['’]clock)", re.IGNORECASE)
_DRAWS = 300
_STEPS = (1000, 500, 250, 200, 100, 50, 25, 20, 10, 5, 2, 1)
_COARSE = 4
"""A number stays a multiple of a step that goes into it at least so many times."""
_SMALL = 12
"""Divisors up to here matter: boxes of 6, a quarter of something."""
_WORDS = {"half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fifth": 5, "fifths": 5}


@dataclass(frozen=True)
class _Number:
    """A number of the text: where it stands, its value, and how it is written."""

    start: int
    end: int
    value: Fraction
    decimals: int
    kind: str
    """`plain`, `percent` or `clock` (its value in minutes)."""
    commas: bool = False

    @property
    def key(self) -> tuple[Fraction, str]:
        return self.value, self.kind


Key = tuple[Fraction, str]
Values = dict[Key, Fraction]


def variants(problem: str, count: int, seed: int, names: bool = False) -> list[str]:
    """Up to `count` different texts, none of them the problem itself; fewer where there are not so many.

    The same seed gives the same variants. A problem without a number that may change yields itself, once.

    Args:
        names: other people's names as well (`names.py`).

    >>> variants("A baker sells 3 boxes of 12 rolls and 5 single rolls. How many rolls is that?", 1, 0)
    ['A baker sells 4 boxes of 16 rolls and 7 single rolls. How many rolls is that?']
    >>> variants("Is every even number the sum of two primes?", 8, 0)
    ['Is every even number the sum of two primes?']
    """
    numbers, divisors = _read(problem)
    if not numbers:
        return [problem]
    choices = _choices(numbers)
    relations = _Relations(list(choices), divisors)
    generator = random.Random(f"{seed}:{problem}")
    made: list[str] = []
    for _ in range(4 * count):
        if len(made) == count:
            break
        text = _written(problem, numbers, _drawn(choices, relations, generator))
        if text != problem and text not in made:
            made.append(text)
    if names:
        made = [renamed(text, (seed, number)) for number, text in enumerate(made)]
    return made or [problem]


def _read(problem: str) -> tuple[list[_Number], set[int]]:
    """The numbers that may change, and what fractions and words in the text divide by."""
    numbers: list[_Number] = []
    divisors = {divisor for word, divisor in _WORDS.items() if re.search(rf"\b{word}\b", problem, re.IGNORECASE)}
    for found in _NUMBER.finditer(problem):
        text, start, end = found.group(), found.start(), found.end()
        if found.lastgroup == "fixed":
            if parts := re.fullmatch(r"(\d+)\s?/\s?(\d+)", text) or re.search(r"\{(\d+)\}\s*\{(\d+)\}", text):
                divisors.add(int(parts[2]))
        elif found.lastgroup == "clock":
            hours, minutes = text.split(":")
            numbers.append(_Number(start, end, Fraction(60 * int(hours) + int(minutes)), 0, "clock"))
        elif not _stays(problem, text, start, end):
            value, decimals = Fraction(text.replace(",", "")), len(text.partition(".")[2])
            percent = re.match(r"\s?(?:\\?%|percent\b|per cent\b)", problem[end:]) is not None
            if value > 1 and not (percent and value == 100):
                numbers.append(_Number(start, end, value, decimals, "percent" if percent else "plain", "," in text))
    return numbers, {divisor for divisor in divisors if 1 < divisor <= _SMALL}


def _stays(problem: str, text: str, start: int, end: int) -> bool:
    """Whether a number is not an amount."""
    before, after = problem[max(0, start - 12) : start], problem[end : end + 12]
    if _NAMED.search(before) or _BOUND.match(after):
        return True
    if _LABEL.search(problem[:start]) and _ENDS_LABEL.match(after):
        return True
    return text.isdigit() and 1900 <= int(text) <= 2099 and not before.rstrip().endswith(("$", "€", "£"))


def _choices(numbers: list[_Number]) -> dict[Key, list[Fraction]]:
    """For every number what it may become, in the coarsest and finest of the ways it is written."""
    choices: dict[Key, list[Fraction]] = {}
    for number in numbers:
        decimals = min(other.decimals for other in numbers if other.key == number.key)
        if number.kind == "clock":
            hour, minute = divmod(int(number.value), 60)
            step = next(step for step in (15, 10, 5, 1) if minute % step == 0)
            choices[number.key] = [Fraction(60 * hour + other) for other in range(0, 60, step) if other != minute]
            continue
        unit = Fraction(1, 10**decimals)
        whole = int(number.value / unit)
        low, high, coarse = max(2, -(-whole * 6 // 10)), max(whole * 17 // 10, whole + 2), _COARSE
        if number.kind == "percent":  # 10% is one of few round ones
            low, high, coarse = max(2, whole // 2), whole * 2, _COARSE // 2
            high = min(high, int(99 / unit)) if number.value < 100 else high
        step = next((step for step in _STEPS if whole % step == 0 and whole // step >= coarse), 1)
        some = [step * times for times in range(-(-low // step), high // step + 1) if step * times != whole]
        some = [value for value in some if value * unit > 1]
        choices[number.key] = [value * unit for value in some] or [number.value]
    return choices


class _Relations:
    """What held between the old numbers."""

    def __init__(self, keys: list[Key], divisors: set[int]) -> None:
        plain = [key for key in keys if key[1] == "plain"]
        shares = [key for key in keys if key[1] == "percent"]
        self.ordered = [
            (one, two) if one[0] < two[0] else (two, one) for one, two in combinations(keys, 2) if one[1] == two[1]
        ]
        self.dividing = [
            (one, two)
            for one, two in ((a, b) for a in plain for b in plain if a != b)
            if one[0].denominator == 1 and 1 < one[0] <= _SMALL and (two[0] / one[0]).denominator == 1
        ]
        self.divided = [(key, divisor) for key in plain for divisor in divisors if (key[0] / divisor).denominator == 1]
        self.percentages = [
            (share, key) for share in shares for key in plain if (share[0] * key[0] / 100).denominator == 1
        ]
        self.shares = shares if sum(share[0] for share in shares) <= 100 else []

    def kept(self, values: Values) -> float:
        """How much of it holds between new ones; order weighs most, for without it a sum may turn negative."""
        kept = 3.0 * sum(values[one] < values[two] for one, two in self.ordered)
        kept += 2.0 * sum((values[two] / values[one]).denominator == 1 for one, two in self.dividing)
        kept += 2.0 * sum((values[key] / divisor).denominator == 1 for key, divisor in self.divided)
        kept += 1.0 * sum((values[share] * values[key] / 100).denominator == 1 for share, key in self.percentages)
        return kept + 5.0 * (sum(values[share] for share in self.shares) <= 100)

    @property
    def all(self) -> float:
        """What `kept` is where everything holds."""
        pairs = 2.0 * (len(self.dividing) + len(self.divided)) + len(self.percentages)
        return 3.0 * len(self.ordered) + pairs + 5.0


def _drawn(choices: dict[Key, list[Fraction]], relations: _Relations, generator: random.Random) -> Values:
    """New values at random: the first that keep everything, or of many those that keep most."""
    best, most = {}, -1.0
    for _ in range(_DRAWS):
        values = {key: generator.choice(some) for key, some in choices.items()}
        if (kept := relations.kept(values)) > most:
            best, most = values, kept
            if most == relations.all:
                break
    return best


def _written(problem: str, numbers: list[_Number], values: Values) -> str:
    """The text with its new numbers, written as the old ones were."""
    parts, last = [], 0
    for number in numbers:
        value = values[number.key]
        if number.kind == "clock":
            old = problem[number.start : number.end].partition(":")[0]
            told = f"{old}:{int(value) % 60:02d}"
        else:
            told = f"{value.numerator * 10**number.decimals // value.denominator:d}"
            if number.decimals:
                told = told.rjust(number.decimals + 1, "0")
                told = f"{told[: -number.decimals]}.{told[-number.decimals :]}"
            whole, point, rest = told.partition(".")
            told = f"{int(whole):,}{point}{rest}" if number.commas or int(whole) >= 10000 > number.value else told
        parts += [problem[last : number.start], told]
        last = number.end
    return "".join([*parts, problem[last:]])
