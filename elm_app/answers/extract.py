r"""The final answer written in a trace.

Time is linear in the length of the text whatever it holds: braces are matched in one pass, and what follows a phrase is
looked at up to the next phrase and never further than a few hundred characters.
"""

from __future__ import annotations

import re

LONGEST = 2000
"""What is longer, in characters, is not an answer."""
_REACH = 300  # characters after a phrase that can belong to its answer
_MOST_WORDS = 8  # a stated answer of more words is prose

_BRACES = re.compile(r"(?P<box>\\(?:boxed|fbox)(?![a-zA-Z])\s{0,9}(?P<open>\{)?)|\\.|(?P<brace>[{}])", re.DOTALL)
_UNBRACED = re.compile(r"(?=[-+]?(?:\d|\.\d|[a-zA-Z](?![a-zA-Z])|\\[a-zA-Z]|\())(?:(?!\\[)\]])[^\s$]){1,200}")
_PHRASE = re.compile(
    r"""
    ^[ \t]{0,8}\#{4}[ \t]{1,8}(?=\S+[ \t]*$)                                         # "#### 72"
    | ^[ \t]{0,8}[\#*]{0,8}[ \t]{0,8}(?:final[ ])?answer[ \t*:]{0,8}$                # a heading of its own
    | \banswers?\b[^.\n:=?]{0,60}?(?:\s(?:is|are)\b|[:=])                            # "the answer … is"
    """,
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_FILLER = re.compile(
    r"(?:[\s:=*_`]|(?:therefore|thus|hence|simply|just|exactly|approximately|about|equal to|given by|option)\b,?)*",
    re.IGNORECASE,
)
_MARKS = re.compile(r"(?<!\d)\*\*|\*\*(?!\d)|__|`")  # of Markdown; 2**3 is a power
_SENTENCE_END = re.compile(r"[.?](?=\s+[A-Z\\$]|\s*$)|[,;]?\s(?:because|since|which|where|so)\b")
_MATH = re.compile(
    r"(?:\$\$([^$]+)\$\$|\$(?!\s)([^$]+)(?<!\s)\$(?!\d)|\\\(((?:(?!\\\)).)+)\\\)|\\\[((?:(?!\\\]).)+)\\\])(\\?%)?",
    re.DOTALL,
)
_COUNTED = re.compile(  # "72 clips altogether": a number, then words that change nothing about it
    r"([-+]?[$€£]?\d[\d,]*(?:\.\d+)?)\s+"
    r"(?!(?:and|or|per\s?cent|hundred|thousand|[mbtr]+illion|dozen|plus|minus|times|over|sqrt|half|base|mod)\b)"
    r"[a-zA-Z]{3,}[^\d\\]*"
)
_SUM = re.compile(r"(?:[^a-zA-Z\\]|\\(?:times|cdot|div|[dt]?frac)(?![a-zA-Z]))*=\s*(?=[^=\s])")  # "3 + 4 = " before 7
_FULL_STOP = re.compile(r"(?<!\\right)\.$")
_WORD = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z]{2,}")


def extract(text: str) -> str | None:
    r"""The answer a trace ends with, or None.

    The last balanced `\boxed{…}` counts; without one, the last stated answer: "the answer is …", "Answer: …",
    "#### 72", up to the end of its sentence.

    >>> extract(r"so \boxed{\frac{1}{2}}, or \boxed{3 if")
    '\\frac{1}{2}'
    >>> extract("The final answer is **3.5**.")
    '3.5'
    """
    text = text.replace("\r\n", "\n")
    return _boxed(text) or _stated(text)


def _boxed(text: str) -> str | None:
    """The content of the last box that closes and holds something; of boxes in boxes, the inner one."""
    opened: list[int | None] = []  # for each open brace where its box's content starts, None if it is no box's
    boxes: list[tuple[int, int]] = []
    for match in _BRACES.finditer(text):
        if match["open"]:
            opened.append(match.end())
        elif match["box"]:
            if unbraced := _UNBRACED.match(text, match.end()):
                boxes.append(unbraced.span())
        elif match["brace"] == "{":
            opened.append(None)
        elif match["brace"] and opened:
            start = opened.pop()
            if start is not None and not (boxes and boxes[-1][0] > start):
                boxes.append((start, match.start()))
    for start, end in reversed(boxes):
        if end - start <= LONGEST and (answer := _tidy(text[start:end])):
            return answer
    return None


def _stated(text: str) -> str | None:
    """What follows the last phrase that announces an answer."""
    end = len(text)
    for match in reversed(list(_PHRASE.finditer(text))):
        if answer := _said(text[match.end() : min(end, match.end() + _REACH)]):
            return answer
        end = match.start()
    return None


def _said(after: str) -> str | None:
    """The answer at the start of the text that follows a phrase."""
    filler = _FILLER.match(after)
    after = after[filler.end() :] if filler else after
    if after.startswith(("$$", r"\[")) and (display := _MATH.match(after)):
        return _tidy(display[0])
    sentence = _MARKS.sub("", after.partition("\n")[0])
    if end := _SENTENCE_END.search(sentence):
        sentence = sentence[: end.start()]
    formulas = list(_MATH.finditer(sentence))
    if len(formulas) == 1 and formulas[0].start() == 0:  # "$72$ clips altogether"
        sentence = formulas[0][0]
    if counted := _COUNTED.fullmatch(sentence):
        sentence = counted[1]
    if total := _SUM.match(sentence):
        sentence = sentence[total.end() :]
    answer = _tidy(sentence)
    return answer if answer and len(_WORD.findall(answer)) <= _MOST_WORDS else None


def _tidy(answer: str) -> str | None:
    """Without what surrounds an answer: spaces, Markdown, dollars, a full stop. None if nothing is left."""
    answer = " ".join(answer.split())
    for _ in range(3):  # "**$5$.**" needs two rounds
        answer = answer.strip("*_` ").rstrip(",; ")
        answer = _FULL_STOP.sub("", answer)
        if math := _MATH.fullmatch(answer):
            answer = next(filter(None, math.groups())) + (math[5] or "")
    return answer if answer.strip(r".?!-…,;:$~\()[] ") else None
