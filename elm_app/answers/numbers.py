r"""Numbers as people write them, exactly."""

from __future__ import annotations

import re
from fractions import Fraction

from elm_app.answers.words import LARGE, SHARES, number_in_words

PRECISE = 6
"""Significant digits from which on a decimal stands for the number that it rounds: 0.333333 is 1/3, 0.33 is not."""

_D = r"(?:\d+(?:\.\d*)?|\.\d+)"
_NUMBER = re.compile(
    rf"""(?P<sign>[-+]?)\s?(?:
        (?P<decimal>{_D})(?:\s?(?:\\times|\\cdot|\*)\s?10\s?\^\s?\{{?\s?(?P<power>[-+]?\d{{1,3}})\s?\}}?
            |[eE](?P<e>[-+]?\d{{1,3}}))?
        | (?P<whole>\d+)?\s?\\frac\s?\{{\s?(?P<top>[-+]?{_D})\s?\}}\s?\{{\s?(?P<bottom>[-+]?{_D})\s?\}}
        | (?:(?P<whole_>\d+)[ ])?(?P<top_>{_D})\s?/\s?(?P<bottom_>[-+]?{_D})
        | \(\s?\(?(?P<top__>[-+]?{_D})\s?\)?\s?/\s?\(?\s?(?P<bottom__>[-+]?{_D})\s?\)?\s?\)
    )""",
    re.VERBOSE,
)
_SHARE = re.compile(rf"(?:(?P<top>.{{1,40}})[ -])?(?P<share>{'|'.join(SHARES)})s?", re.IGNORECASE)
_POWER = re.compile(r"(?P<sign>[-+]?)10\s?\^\s?\{?\s?(?P<power>[-+]?\d{1,3})\s?\}?")
_LARGE = re.compile(rf"(?P<number>[-+]?{_D})\s?(?P<word>{'|'.join(LARGE)})", re.IGNORECASE)
_REPEATED = re.compile(r"(?P<sign>[-+]?)(?P<whole>\d*)\.(?P<once>\d*)\\overline\s?\{\s?(?P<again>\d+)\s?\}")
_ENDLESS = re.compile(r"(?P<sign>[-+]?)(?P<whole>\d*)\.(?P<digits>\d{2,60}?)\s?(?:\.{2,3}|\\[lc]?dots|…)")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:(?:,\d{3})+|(?: \d{3})+|(?:'\d{3})+)(?:\.\d*)?")


def rational(text: str) -> Fraction | None:
    r"""The number, if the text is one.

    >>> [str(rational(text)) for text in ("-.5", r"2\frac{1}{2}", "1,234", "12 500", r"0.4\overline{6}", "5 million")]
    ['-1/2', '5/2', '1234', '12500', '7/15', '5000000']
    """
    if _THOUSANDS.fullmatch(text):
        text = re.sub(r"[ ,']", "", text)
    if match := _REPEATED.fullmatch(text):
        return _repeating(match["sign"], match["whole"], match["once"], match["again"])
    if match := _ENDLESS.fullmatch(text):
        return _endless(match["sign"], match["whole"], match["digits"])
    if match := _LARGE.fullmatch(text):
        return Fraction(match["number"].removesuffix(".")) * LARGE[match["word"].lower()]
    if match := _POWER.fullmatch(text):
        value = Fraction(10) ** int(match["power"])
        return -value if match["sign"] == "-" else value
    match = _NUMBER.fullmatch(text)
    if not match:
        return None
    if match["decimal"]:
        value = Fraction(match["decimal"].removesuffix(".")) * Fraction(10) ** int(match["power"] or match["e"] or 0)
    else:
        top, bottom = (
            Fraction((match[n] or match[n + "_"] or match[n + "__"]).removesuffix(".")) for n in ("top", "bottom")
        )
        whole = match["whole"] or match["whole_"]
        if not bottom or (whole and not 0 <= top / bottom < 1):
            return None
        value = int(whole or 0) + top / bottom
    return -value if match["sign"] == "-" else value


def in_words(text: str) -> Fraction | None:
    """The number that words spell, if they do.

    >>> [str(in_words(text)) for text in ("seven", "two thirds", "3 halves", "a half", "a third of it")]
    ['7', '2/3', '3/2', '1/2', 'None']
    """
    if text.isdecimal():
        return Fraction(text)
    if (whole := number_in_words(text)) is not None:
        return Fraction(whole)
    match = _SHARE.fullmatch(text.replace("halves", "half"))
    if not match or (not match["top"] and match["share"].lower() != "half"):
        return None
    top = Fraction(1) if (match["top"] or "a").lower() in ("a", "an") else in_words(match["top"])
    return top / SHARES[match["share"].lower()] if top is not None and top.denominator == 1 else None


def digits_of(text: str) -> int | None:
    """The decimal places of a decimal that is precise enough to stand for what it rounds, else None."""
    match = re.fullmatch(r"[-+]?(\d*)\.(\d+)(?:\s?(?:\.{2,3}|\\[lc]?dots|…))?", text)
    precise = match and len((match[1] + match[2]).lstrip("0")) >= PRECISE
    return len(match[2]) if match and precise else None


def rounds(value: Fraction, places: int, exact: Fraction) -> bool:
    """Whether a decimal of so many places is this number, rounded or cut off there."""
    return abs(value - exact) < Fraction(1, 10**places)


def _repeating(sign: str, whole: str, once: str, again: str) -> Fraction:
    value = Fraction(f"{whole or 0}.{once or 0}") + Fraction(int(again), (10 ** len(again) - 1) * 10 ** len(once))
    return -value if sign == "-" else value


def _endless(sign: str, whole: str, digits: str) -> Fraction:
    """0.2727… goes on as it ends; 3.14159… does not show how, and is what is written."""
    for length in range(1, 7):
        again, repeats = digits[-length:], 0
        while digits[: len(digits) - repeats * length].endswith(again):
            repeats += 1
        long_enough = length < 3 or repeats * length == len(digits)  # 2.718281828… does not repeat 1828
        if repeats >= 2 and long_enough:
            return _repeating(sign, whole, digits[: len(digits) - repeats * length], again)
    return Fraction(f"{sign}{whole or 0}.{digits}")
