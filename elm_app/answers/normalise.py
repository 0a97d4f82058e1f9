r"""One cheap spelling for answers that are written differently and mean the same, so that few reach a computer algebra.

Kept apart on purpose: a percentage is its own number ("50%", "50 \%" and "50.0 percent" share the key "50%"; whether
that is 0.5 or 50 is left to `compare`, which accepts both), tuples are not numbers ("1,234" is a thousand, "1, 234" and
"(1,234)" are pairs), and "5 million" is not 5. Units, currency and "x =" are dropped: the question fixes them.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

LONGEST = 1000
"""A longer answer is only stripped; this also bounds every number below."""

_SYMBOLS = str.maketrans(
    {"−": "-", "–": "-", "×": r"\times ", "·": r"\cdot ", "π": r"\pi ", "∞": r"\infty ", "°": r"^\circ", "≤": r"\le ",
     "≥": r"\ge ", "∪": r"\cup ", "√": r"\sqrt ", "²": "^2", "³": "^3"}
)  # fmt: skip
_UNITS = (
    r"(?:(?:square|cubic|sq\.?|cu\.?)\s*)?(?:degrees?|radians?|cents?|dollars?|euros?|pounds?|ounces?|inch(?:es)?|in|feet"
    r"|foot|ft|yards?|miles?|(?:centi|milli|kilo)?met(?:er|re)s?|(?:kilo|milli)?grams?|(?:milli)?lit(?:er|re)s?|gallons?"
    r"|[ckm]m|kg|lbs?|oz|mph|hours?|minutes?|seconds?|days?|weeks?|months?|years?|units?|points?|people)"
)
_NOT_NOUNS = (
    r"and|or|percent|hundred|thousand|[mbtr]+illion|dozen|plus|minus|times|over|sqrt|half|thirds?|quarters?|base|mod"
)
_NO_WORDS = r"(?:[^a-zA-Z\\]|\\[a-zA-Z]++|\\[^a-zA-Z]|[a-zA-Z](?![a-zA-Z]))*"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"(?<=\d)(?:,\s*\\!|\\,)\s*(?=\d{3}(?!\d))", ""),  # 10,\!080 and 10\,080
        (r"\{,\}", ","),
        (r"(?<!\\)\\[!,;:> ]|~|\\q?quad(?![a-zA-Z])|\\(?:display|text)style(?![a-zA-Z])", " "),
        (r"\\(?:left|right|[bB]igg?[lr]?)(?![a-zA-Z])", ""),
        (r"\\[dtc]frac(?![a-zA-Z])", r"\\frac"),
        (r"\\(?:text(?:bf|it|rm)?|math(?:rm|bf|it|sf)|[mh]box|operatorname)\s*\{([^{}]*)\}", r" \1 "),
        (r"\\%|\s*\bper\s?cent(?:age)?\b", "%"),
        (r"[€£¥]", ""),
        (r"(?<=[\d})])\s*\^\s*(?:\\circ|\{\s*\\circ\s*\})\s*$", ""),
        (rf"^({_NO_WORDS}[\d)}}])\s*{_UNITS}\s*(?:\^\s*\{{?[23]\}}?)?\s*$", r"\1"),
        (rf"^([-+]?\s*\d[\d,./]*)\s+(?!.*\b(?:{_NOT_NOUNS})\b)[a-zA-Z]{{3,}}(?:\s[a-zA-Z]+)*\s*$", r"\1"),
        (r"^\s*(?:[a-zA-Z]|\\[a-zA-Z]+)(?:_\{?\w\}?)?(?:\([a-z]\))?\s*(?:=\s*(?=[^=]+$)|\\in(?![a-zA-Z]))", ""),
        (r"\\frac\s*(\d)\s*(\d)(?!\d)", r"\\frac{\1}{\2}"),
        (r"\\frac\s*(\d)\s*\{", r"\\frac{\1}{"),
        (r"(\\frac\s*\{[^{}]*\})\s*(\d)(?!\d)", r"\1{\2}"),
        (r"\\sqrt\s*(\d)(?!\d)", r"\\sqrt{\1}"),
        (r"([\^_])\{(\w)\}", r"\1\2"),
    )
)
_THOUSANDS = re.compile(r"\s*[-+]?\s*\d{1,3}(?:,\d{3})+(?![\d,])(?!\s*[,)\]])")
_SPACE = re.compile(r"(?<!\d)\s+|\s+(?!\d)")
_CHOICE = re.compile(r"\(([A-Z])\)")

_D = r"(?:\d+(?:\.\d*)?|\.\d+)"
_NUMBER = re.compile(
    rf"""(?P<sign>[-+]?)(?:
        (?P<decimal>{_D})(?:(?:\\times|\\cdot|\*)10\^\{{?(?P<power>[-+]?\d{{1,3}})\}}?|[eE](?P<e>[-+]?\d{{1,3}}))?
        | (?P<whole>\d+)?\\frac\{{(?P<top>[-+]?{_D})\}}\{{(?P<bottom>[-+]?{_D})\}}
        | (?:(?P<whole_>\d+)[ ])?(?P<top_>{_D})/(?P<bottom_>{_D})
    )""",
    re.VERBOSE,
)


def bare(answer: str) -> str:
    r"""On one line, without dollars and other marks of where a formula starts and ends."""
    answer = re.sub(r"\\?\$|(?<!\\)\\[()\[\]]", " ", answer)
    answer = " ".join(answer.replace("\N{BYTE ORDER MARK}", "").split())
    return re.sub(r"(?<=[^.\s])(?<!\\right)\s*\.$", "", answer)


def rational(text: str) -> Fraction | None:
    r"""The number, if the text is one: 5, -.5, 1/2, \frac{1}{2}, 2\frac{1}{2}, 1.2\times10^{5}."""
    match = _NUMBER.fullmatch(text) if len(text) <= LONGEST else None
    if not match:
        return None
    if match["decimal"]:
        value = Fraction(match["decimal"].removesuffix(".")) * Fraction(10) ** int(match["power"] or match["e"] or 0)
    else:
        top, bottom = (Fraction((match[n] or match[n + "_"]).removesuffix(".")) for n in ("top", "bottom"))
        whole = match["whole"] or match["whole_"]
        if not bottom or (whole and not 0 <= top / bottom < 1):
            return None
        value = int(whole or 0) + top / bottom
    return -value if match["sign"] == "-" else value


@lru_cache(maxsize=8192)
def key(answer: str) -> str:
    r"""A canonical spelling: equal keys mean equal answers, different keys mean nothing yet. A blank one has "".

    >>> {key(a) for a in ("1/2", "0.5", r"\frac12", r"$\dfrac{1}{2}$", r"x = \frac{1}{2}")}
    {'1/2'}
    """
    text = bare(answer)
    if len(text) > LONGEST:
        return text
    text = text.translate(_SYMBOLS)
    for pattern, plain in _RULES:
        text = pattern.sub(plain, text)
    if thousands := _THOUSANDS.match(text):
        text = thousands[0].replace(",", "") + text[thousands.end() :]
    text = _SPACE.sub("", text.strip())
    number = rational(text.removesuffix("%"))
    if number is not None:
        return f"{number}%" if text.endswith("%") else str(number)
    if choice := _CHOICE.fullmatch(text):
        text = choice[1]
    return (text.lower() if text.isalpha() else text) or bare(answer)
