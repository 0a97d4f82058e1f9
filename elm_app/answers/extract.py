r"""The final answer written in a trace.

Time is linear in the length of the text whatever it holds: braces are matched in one pass, and what follows a phrase is
looked at up to the next phrase and never further than a few hundred characters.
"""

from __future__ import annotations

import re

from elm_app.answers.announced import ANNOUNCED, FILLER, SENTENCE_END
from elm_app.answers.normalise import plain
from elm_app.answers.reading import read
from elm_app.answers.words import CHANGING, unit_of

LONGEST = 2000
"""What is longer, in characters, is not an answer."""
_REACH = 300  # characters after a phrase that can belong to its answer
_MOST_WORDS = 8  # a stated answer of more words is prose

_BRACES = re.compile(r"(?P<box>\\(?:boxed|fbox)(?![a-zA-Z])\s{0,9}(?P<open>\{)?)|\\.|(?P<brace>[{}])", re.DOTALL)
_UNBRACED = re.compile(r"(?=[-+]?(?:\d|\.\d|[a-zA-Z](?![a-zA-Z])|\\[a-zA-Z]|\())(?:(?!\\[)\]])[^\s$]){1,200}")
_BETWEEN = re.compile(  # what joins the boxes of one sentence: "\boxed{2}$ and $x = "
    r"[\s$,;.*&]{0,9}(?:\\[()]|\\text\{|\\quad)?\s{0,3}(?:and|or|&)?\s{0,3}\}?(?:\\[()])?[\s$,;*]{0,9}(?:[a-zA-Z]\w?\s?=\s?)?"
)
_AND = re.compile(
    r"(?!.*\b(?:then|not|no|wait|actually|instead|or|so|thus|but|corrected|should)\b)[^.\n]*\band\b[^.\n]*"
)
_NAME_BEFORE = re.compile(r"([a-zA-Z](?:_\w)?)\s?=\s?$")
_TAG = re.compile(r"<answer>(.{1,300}?)(?:</answer>|$)", re.IGNORECASE | re.DOTALL)
_LAST_BLOCK = re.compile(r"```[a-z]*\n[ \t]*([^\n`]{1,80})\n[ \t]*```\s*$")
_MARKS = re.compile(r"(?<!\d)\*\*|\*\*(?!\d)|__|`")  # of Markdown; 2**3 is a power
_MATH = re.compile(
    r"(?:\$\$([^$]+)\$\$|\$(?!\s)([^$]+)(?<!\s)\$(?!\d)|\\\(((?:(?!\\\)).)+)\\\)|\\\[((?:(?!\\\]).)+)\\\])(\\?%)?",
    re.DOTALL,
)
_NUMBER_IN_PROSE = re.compile(
    r"(?P<before>(?:[^\W\d_][\w']*[, ]+)*)(?P<number>[-+]?[$€£₹]?\s?\d(?:[\d,]*\d)?(?:\.\d+)?(?:/\d+)?)"
    r"(?P<percent>\s?(?:\\?%|per\s?cent\b))?(?P<after>[^\d\\=+*/^$]*(?:(?<=[a-z])\s?\^\{?[23]\}?)?[^\d\\=+*/^$]*)"
)
_SUM = re.compile(r"(?:[^a-zA-Z\\]|\\(?:times|cdot|div|[dt]?frac)(?![a-zA-Z]))*=\s*(?=[^=\s])")  # "3 + 4 = " before 7
_NOT_BUT = re.compile(r"not\b[^.]{1,60}?,?\s(?:but|it is|it's)\s(?:rather\s)?", re.IGNORECASE)
_PICTURES = re.compile(r"\s*[\u2600-\u27bf\ufe0f\U0001f300-\U0001faff]+\s*$")
_FULL_STOP = re.compile(r"(?<!\\right)\.$")
_WORD = re.compile(r"(?<![\\a-zA-Z])[^\W\d_]{2,}")


def extract(text: str) -> str | None:
    r"""The answer a trace ends with, or None.

    What follows `</think>` counts first. In it the last balanced `\boxed{…}`, or the boxes of one sentence together;
    without one, the last `<answer>…</answer>`, then the last stated answer: "the answer is …", "Answer: …", "#### 72",
    up to the end of its sentence. A box that never closes is no answer, and nor is what was said before it.

    >>> extract(r"so \boxed{\frac{1}{2}}, or \boxed{3 if")
    '\\frac{1}{2}'
    >>> extract("The final answer is **3.5**.")
    '3.5'
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    thought, mark, said = text.rpartition("</think>")
    return (_answer(said) if mark else None) or _answer(thought if mark else text)


def _answer(text: str) -> str | None:
    if answer := _boxed(text):
        return answer
    for tag in reversed(_TAG.findall(text)):
        if answer := _said(tag) or _tidy(tag):
            return answer
    if answer := _stated(text):
        return answer
    block = _LAST_BLOCK.search(text[-200:])
    return _tidy(block[1]) if block and read(block[1]) else None


def _boxed(text: str) -> str | None:
    """The content of the last box that closes and holds something; of boxes in boxes, the inner one."""
    opened: list[int | None] = []  # for each open brace where its box's content starts, None if it is no box's
    boxes: list[tuple[int, int, int]] = []  # where a box begins, its content, its end
    begins: dict[int, int] = {}
    for match in _BRACES.finditer(text):
        if match["open"]:
            opened.append(match.end())
            begins[match.end()] = match.start()
        elif match["box"]:
            if unbraced := _UNBRACED.match(text, match.end()):
                boxes.append((match.start(), *unbraced.span()))
        elif match["brace"] == "{":
            opened.append(None)
        elif match["brace"] and opened:
            start = opened.pop()
            if start is not None and not (boxes and boxes[-1][1] > start):
                boxes.append((begins[start], start, match.start()))
    found: list[tuple[str, str]] = []  # the name before the box, its content
    following = len(text)
    for begin, start, end in reversed(boxes):
        between = text[end + 1 : following]
        if found and not (len(between) < 60 and (_BETWEEN.fullmatch(between) or _AND.fullmatch(between))):
            break
        if end - start <= LONGEST and (answer := _tidy(text[start:end])):
            name = _NAME_BEFORE.search(text[max(0, begin - 12) : begin])
            found.insert(0, (f"{name[1]} = " if name else "", answer))
            following = begin
        elif found:
            break
    different = list(dict.fromkeys(found))
    if len(different) < 2:
        return _from_prose(different[0][1]) if different else None
    return ", ".join(map("".join, different))


def _from_prose(box: str) -> str:
    """The number, of a box that holds a sentence."""
    if r"\text" not in box and " is " not in box:
        return box
    match = _NUMBER_IN_PROSE.fullmatch(plain(box))
    return (_number(match) or box) if match and match["before"].count(" ") > 1 else box


def _stated(text: str) -> str | None:
    """What follows the last phrase that announces an answer."""
    end = len(text)
    for match in reversed(list(ANNOUNCED.finditer(text))):
        after = text[match.end() : min(end, match.end() + _REACH)]
        if re.search(r"\\(?:boxed|fbox)\s?\{\s?(?:[^\s}]|$)", after):
            return None
        if answer := _said(after):
            return answer
        end = match.start()
    return None


def _said(after: str) -> str | None:
    """The answer at the start of the text that follows a phrase."""
    filler = FILLER.match(after)
    after = after[filler.end() :] if filler else after
    if after.startswith(("$$", r"\[")) and (display := _MATH.match(after)):
        return _last_value(_tidy(display[0]))
    sentence = _MARKS.sub("", after.partition("\n")[0])
    if correction := _NOT_BUT.match(sentence):
        sentence = sentence[correction.end() :]
    if end := SENTENCE_END.search(sentence):
        sentence = sentence[: end.start()]
    formulas = list(_MATH.finditer(sentence))
    if len(formulas) == 1 and formulas[0].start() == 0:  # "$72$ clips altogether"
        sentence = formulas[0][0]
    if total := _SUM.match(sentence):
        sentence = sentence[total.end() :]
    if counted := _NUMBER_IN_PROSE.fullmatch(sentence.strip(" .,;")):
        sentence = _number(counted) or sentence
    answer = _last_value(_tidy(sentence))
    return answer if answer and len(_WORD.findall(answer)) <= _MOST_WORDS else None


def _number(match: re.Match[str]) -> str | None:
    """The number of a sentence that has one, unless its words make another of it."""
    after = match["after"].strip(" .,;!")
    if CHANGING.intersection(word.lower() for word in _WORD.findall(f"{match['before']} {after}")):
        return None
    first = after.partition(" ")[0]
    if match["percent"]:
        return match["number"].strip() + "%"
    known = not after or match["after"][:1] in ",;" or unit_of(first) is not None or unit_of(after) is not None
    return match["number"].strip() if known else None


def _last_value(answer: str | None) -> str | None:
    """The 141 of "p + q = 113 + 28 = 141"."""
    if not answer or "=" not in answer:
        return answer
    value = answer.rpartition("=")[2].strip()
    whole, last = read(answer), read(value)
    if whole and last and last.kind == "number" and last in (whole, *(whole.parts if whole.kind == "named" else ())):
        return _tidy(value) or answer
    return answer


def _tidy(answer: str) -> str | None:
    """Without what surrounds an answer: spaces, Markdown, dollars, a full stop. None if nothing is left."""
    answer = " ".join(answer.split())
    for _ in range(3):  # "**$5$.**" needs two rounds
        answer = _PICTURES.sub("", answer).strip("*_` ").rstrip(",; ")
        answer = _FULL_STOP.sub("", answer)
        if math := _MATH.fullmatch(answer):
            answer = next(filter(None, math.groups())) + (math[5] or "")
    return answer if answer.strip(r".?!-…,;:$~\()[] ") else None
