r"""What an answer says, as far as that can be told without algebra: numbers exactly, structure as a tree.

    number      an exact value
    words       compared by spelling alone: "tuesday", "3 halves"
    maths       LaTeX that takes algebra to compare
    choice      a letter, and what stands beside it: "B", "(B) 14"
    named       "x = 5", "m + n = 42", "P(A) = 1/3": a value, or an equation
    relation    any other equation or inequality
    items       "2, 3", {2, 3}: in any order
    row         (2, 3), (2, 3], 2 < x ≤ 3: in this order, between these brackets
    assigned    "x = 2, y = 7": a value for each of several names

A unit and the percent sign stay beside what they belong to.
"""

from __future__ import annotations

import re
from functools import lru_cache

from elm_app.answers.normalise import LONGEST, plain
from elm_app.answers.values import PERCENT, Reading, compound, maths, number, quantity

_GREEK = r"\\(?:alpha|beta|gamma|delta|epsilon|theta|lambda|mu|rho|sigma|tau|phi|varphi|omega|ell)(?![a-zA-Z])"
_LETTERS = r"[a-zA-Z](?![a-zA-Z])|[A-Z]{2,4}(?![a-zA-Z])"
_MARKED = r"\\(?:angle|triangle|overline|vec)\s?\{?[A-Za-z]{1,4}\}?"
_NAME = rf"(?:{_GREEK}|{_LETTERS}|{_MARKED})(?:_\{{?\w{{1,9}}\}}?)?'*(?:\([^()=<>]{{1,20}}\))?"
_NAMED = re.compile(rf"(?P<name>{_NAME}(?:\s?\+\s?{_NAME})*|\|{_NAME}\|)\s?=\s?(?P<value>[^=<>]+)")
_SAID = re.compile(r"(?P<name>(?:[a-zA-Z]{2,}\s){0,5}[a-zA-Z]{3,})\s?(?:=|:|\bis\b|\bare\b)\s?(?P<value>[^=:<>]+)")
_CHAIN = re.compile(r"[^<>]+=\s?(?P<value>[^=<>]+)")
_ELEMENT = re.compile(rf"^{_NAME}\s?\\in(?![a-zA-Z])\s?")
_OPERATOR = re.compile(r"\\(?:le|ge|ne)(?![a-zA-Z])|[<>]")
_TAIL = re.compile(r",?\s?(?:for (?:all|any|every|each)|\\forall|where)(?![a-zA-Z]).{0,200}$")
_CHOICE = re.compile(  # "(B)", "B) 14", "D: 18 cm", "c"; but not "A: 3, B: 5", nor (A, B)
    r"(?:\((?P<in>[A-J])\)(?![,^])|(?P<out>[A-J])\s?[:.)]|(?P<alone>[a-zA-Z])$)(?!.*\b[A-J]\s?[:)])(?P<rest>.*)"
)
_NONE = re.compile(
    r"(?:there (?:is|are) )?no (?:real )?solutions?|(?:the )?empty set|\\(?:emptyset|varnothing)|\\\{ ?\\\}"
)
_ALL = re.compile(r"(?:all |the )?(?:real numbers|reals)|\\mathbb ?\{?R\}?|all real(?: numbers)?")
_ABOUT = re.compile(
    r"^(?:(?:approximately|about|roughly|exactly|only|just|a total of|the answer is|answer:?|option(?= [A-J])"
    r"|choice(?= [A-J])|\\approx|=|~)\s?)+",
    re.IGNORECASE,
)

_SEPARATOR = re.compile(
    r"[,;]\s?(?:and\b|or\b)?|(?<![a-zA-Z\\])(?:and|or)(?![a-zA-Z])|\\(?:land|lor)(?![a-zA-Z])|\\?[{}]|[()\[\]]"
)


@lru_cache(maxsize=8192)
def read(answer: str) -> Reading | None:
    r"""What an answer says; None if it is blank.

    >>> read("2 hours 15 minutes")
    Reading(kind='number', text='9/4', parts=(), unit='hour', places=None, latex='')
    """
    text = plain(answer)
    if text and len(text) <= LONGEST:
        return _whole(text)
    text = text or re.sub(r"\\?\$|\\[()\[\]]", "", answer).strip("\N{BYTE ORDER MARK} \t\n")
    return Reading("words", text) if text else None


def key(answer: str) -> str:
    """A name for what an answer says, without its unit, the same for most ways to write it; "" for a blank one."""
    reading = read(answer)
    return _spelling(reading) if reading else ""


def _spelling(reading: Reading) -> str:
    inner = ",".join(map(_spelling, reading.parts))
    if reading.kind == "named":
        return inner
    text = reading.text
    if reading.kind in ("items", "row", "assigned"):
        text = f"{text[:1] or '{'}{inner}{text[1:] or '}'}" if reading.kind == "row" else f"{{{text}{inner}}}"
    return text + (PERCENT if reading.unit == PERCENT else "")


def _whole(text: str) -> Reading:
    """The whole of an answer: what can only be said once."""
    lower = text.lower()
    if _NONE.fullmatch(lower) or _NONE.fullmatch(text):
        return Reading("items", "")
    if _ALL.fullmatch(text) or _ALL.fullmatch(lower):
        return _real()
    text = _ABOUT.sub("", text) or text
    if choice := _CHOICE.fullmatch(text):
        content = choice["rest"].strip()
        letter = choice["in"] or choice["out"] or choice["alone"]
        return Reading("choice", letter.upper(), (_listed(content),) if content else ())
    text = _ELEMENT.sub("", _TAIL.sub("", text), count=1) or text
    return _listed(text)


def _real() -> Reading:
    return Reading("row", "()", (Reading("maths", r"-\infty"), Reading("maths", r"\infty")))


def _listed(text: str) -> Reading:
    """Several answers, or one."""
    if r"\begin" in text:  # a matrix
        return maths(text)
    inner = text
    if text[0] == "{" and _closes(text) == len(text) - 1:
        text = rf"\{text[:-1]}\}}"
    if text.startswith(r"\{") and text.endswith(r"\}") and r"\}" not in text[2:-2]:
        inner = text[2:-2].strip()
        if builder := re.fullmatch(r"[^:|]+?(?::|\||\\mid)(.+)", inner):
            return _inequality(builder[1].strip()) or Reading("maths", text)
    if (one := number(inner) or compound(inner)) and inner == text:
        return one
    parts = _split(inner)
    if len(parts) == 1 and inner == text:
        return _one(text)
    readings = [_one(part) for part in parts]
    named = [part for part in readings if part.kind == "named"]
    if len(named) == len(readings) > 1 and len({part.text for part in named}) == len(named):
        return Reading("assigned", "", tuple(sorted(named, key=lambda part: part.text)))
    if named and named[0] is readings[0] and {part.text for part in named} == {named[0].text}:
        readings = [part.parts[0] if part.kind == "named" else part for part in readings]  # k = 4, 6, 9
    found = []
    for part, reading in zip(parts, readings, strict=True):  # 1 ± √19 is two
        found += _both_signs(part) or [reading]
    return Reading("items", "", tuple(_alike(parts, found)))


def _alike(parts: list[str], readings: list[Reading]) -> list[Reading]:
    """With their words again where these differ: 12 boys and 8 girls are not 8 boys and 12 girls."""
    words = {" ".join(re.findall(r"(?<!\\)\b[a-zA-Z]{3,}", part)).lower() for part in parts}
    if len(words - {""}) < 2 or len(parts) != len(readings):
        return readings
    return [
        Reading("words", f"{reading.text} {' '.join(re.findall('[a-zA-Z]+', part)).lower()}")
        if reading.kind == "number" and re.search(r"[a-zA-Z]{3,}", part)
        else reading
        for part, reading in zip(parts, readings, strict=True)
    ]


def _one(text: str) -> Reading:
    """One of several answers."""
    text = _ELEMENT.sub("", text.strip(), count=1)
    signs = _both_signs(text)
    if signs:
        return Reading("items", "", tuple(signs))
    union = re.split(r"\\cup(?![a-zA-Z])", text)
    if len(union) > 1:
        return Reading("items", "", tuple(_one(part) for part in union))
    return _row(text) or _inequality(text) or _equation(text) or quantity(text)


def _row(text: str) -> Reading | None:
    """(1, 2), [1, 2), ⟨1, 2⟩."""
    text = re.sub(r"^\\langle\s?(.*?)\s?\\rangle$", r"(\1)", text)
    if len(text) < 3 or text[0] not in "([" or text[-1] not in ")]" or _closes(text) != len(text) - 1:
        return None
    parts = _split(text[1:-1], words=False)
    return Reading("row", text[0] + text[-1], tuple(map(_one, parts))) if len(parts) > 1 else None


def _inequality(text: str) -> Reading | None:
    r"""x > 3, 2 < x \le 5, x \ne 3, as intervals; others as they are."""
    signs = _OPERATOR.findall(text)
    if not signs:
        return None
    sides = [side.strip() for side in _OPERATOR.split(text)]
    names = [bool(re.fullmatch(rf"{_NAME}|\|{_NAME}\|", side)) for side in sides]
    low, high = Reading("maths", r"-\infty"), Reading("maths", r"\infty")
    if len(sides) == 2 and names[0] != names[1] and "|" not in text:
        (sign,), value = signs, _one(sides[names[0]])
        if sign == r"\ne":
            return Reading("items", "", (Reading("row", "()", (low, value)), Reading("row", "()", (value, high))))
        below = (sign in ("<", r"\le")) == names[0]
        open_ = sign in "<>"
        if below:
            return Reading("row", "(" + (")" if open_ else "]"), (low, value))
        return Reading("row", ("(" if open_ else "[") + ")", (value, high))
    rising = all(sign in ("<", r"\le") for sign in signs)
    if len(sides) == 3 and names == [False, True, False] and (rising or all(s in (">", r"\ge") for s in signs)):
        if not rising:
            sides, signs = sides[::-1], signs[::-1]
        brackets = ("(" if signs[0] in "<>" else "[") + (")" if signs[1] in "<>" else "]")
        return Reading("row", brackets, (_one(sides[0]), _one(sides[2])))
    return Reading("relation", text)


def _equation(text: str) -> Reading | None:
    if match := _NAMED.fullmatch(text) or _SAID.fullmatch(text):
        name = "".join(match["name"].lower().removeprefix("the ").split())
        return Reading("named", name, (_one(match["value"]),), latex=text)
    if text.count("=") > 1 and (chain := _CHAIN.fullmatch(text)):  # p + q = 113 + 28 = 141
        return quantity(chain["value"].strip())
    return Reading("relation", text) if "=" in text else None


def _both_signs(text: str) -> list[Reading]:
    r"""Both values of an expression with one \pm."""
    if len(re.findall(r"\\(?:pm|mp)(?![a-zA-Z])", text)) != 1 or "=" in text:
        return []
    return [_one(re.sub(r"\\(?:pm|mp)\s?(?![a-zA-Z])\s?", sign, text).removeprefix("+")) for sign in "+-"]


def _closes(text: str) -> int:
    """Where the bracket that opens at the start closes; -1 if nowhere."""
    depth = 0
    for at, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0:
            return at
    return -1


def _split(text: str, words: bool = True) -> list[str]:
    """At the commas, and at "and" and "or", that are in no brackets. A comma of thousands, as in 1,234, is none."""
    parts, depth, start = [], 0, 0
    for match in _SEPARATOR.finditer(text):
        sign = match[0]
        if sign in ("(", "[", "{", r"\{"):
            depth += 1
        elif sign in (")", "]", "}", r"\}"):
            depth -= 1
        elif depth == 0 and (words or sign[0] in ",;") and not _in_thousands(text, match):
            parts.append(text[start : match.start()].strip())
            start = match.end()
    parts.append(text[start:].strip())
    return [part for part in parts if part]


def _in_thousands(text: str, comma: re.Match[str]) -> bool:
    return comma[0] == "," and bool(
        re.search(r"(?<![\d,])\d{1,3}(?:,\d{3})*$", text[max(0, comma.start() - 40) : comma.start()])
        and re.match(r"\d{3}(?!\d)", text[comma.end() :])
    )
