"""A model's text to safe HTML, block by block.

A block is a paragraph or a fenced piece of code. Text that only grows changes its last block only, so a page patches
little and a block that is done is converted once. Everything is escaped; what is added is maths, bold, headings,
lists and code.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache

from elm_app.web.components.mathml import LONGEST, mathml

_FENCE = "```"
_DISPLAY, _DISPLAY_END = '<span class="display">', "</math></span>"
_WIDE = 30
"""Characters of LaTeX from which on a formula among words scrolls by itself where it does not fit."""
_OPEN = re.compile(r"\\\$|\$\$|\\\[|\\\(|\\boxed\s*\{|\\begin\{[a-z]+\*?\}|\$|`")
_CLOSE = {"$$": "$$", "\\[": "\\]", "\\(": "\\)"}
_UNSETTLED = re.compile(
    r"(\\\((?:(?!\\\)).){0,160}|\\\[(?:(?!\\\]).){0,190}|\\boxed\s*\{[^{}]{0,60}|\\[a-z]{0,5})\Z", re.DOTALL
)
_HEADING = re.compile(r"#{1,6}\s+(.*)")
_ITEM = re.compile(r"(\s*)([-*•]|\d{1,3}[.)])\s+(.*)")
_BOLD = re.compile(r"(?<!\w)\*\*(?=\S)(.{1,300}?)(?<=\S)\*\*(?!\w)")
_HOLE = re.compile("\ue000(\\d+)\ue001")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ue000\ue001]")


def blocks(text: str) -> list[str]:
    """The text of each block, in order; all but the last stay as they are when the text grows.

    >>> blocks("One\\ntwo\\n\\nthree")
    ['One\\ntwo', 'three']
    """
    found: list[list[str]] = [[]]
    fenced = False
    for line in text.split("\n"):
        fence = line.lstrip().startswith(_FENCE)
        if fence and not fenced and found[-1]:
            found.append([])
        if fenced or line.strip():
            found[-1].append(line)
        elif found[-1]:
            found.append([])
        if fence:
            fenced = not fenced
            if not fenced:
                found.append([])
    return ["\n".join(lines) for lines in found if lines]


def settled(text: str) -> str:
    r"""Text that is still being written, without the formula that it breaks off in: it is shown when it is whole.

    >>> settled(r"so \(x = 3\) and \(y =")
    'so \\(x = 3\\) and '
    """
    start = max(0, len(text) - 200)
    found = _UNSETTLED.search(text, start)
    return text[: found.start()] if found else text


@lru_cache(maxsize=4096)
def block_html(block: str) -> str:
    """One block as HTML.

    >>> block_html("**So** 2 < 3")
    '<p><strong>So</strong> 2 &lt; 3</p>'
    """
    block = _UNPRINTABLE.sub("", block)
    if block.lstrip().startswith(_FENCE):
        lines = block.split("\n")[1:]
        if lines and lines[-1].strip() == _FENCE:
            lines.pop()
        return f"<pre><code>{html.escape(chr(10).join(lines))}</code></pre>"
    holes: list[str] = []
    filled = _HOLE.sub(lambda hole: holes[int(hole[1])], _lines(_cut_out(block, holes)))
    return filled.replace(f"<br>{_DISPLAY}", _DISPLAY).replace(f"{_DISPLAY_END}<br>", _DISPLAY_END)


def text_html(text: str) -> str:
    """A whole text as HTML."""
    return "".join(block_html(block) for block in blocks(text))


def inline_html(text: str) -> str:
    """A short text, such as an answer, as HTML without paragraphs: as a formula if it is written like one.

    >>> inline_html("3 apples"), inline_html("<b>")
    ('3 apples', '&lt;b&gt;')
    """
    bare = _UNPRINTABLE.sub("", text).strip().strip("$")
    formula = mathml(bare) if re.search(r"[\\^_{]", bare) else None
    return formula or html.escape(bare)


def _cut_out(text: str, holes: list[str]) -> str:
    """Replace maths and code by numbered holes, and put their HTML into `holes`."""
    parts: list[str] = []
    unclosed: set[str] = set()  # openings known to have no end in the rest of the text: asked once, not each time
    at = 0
    while found := _OPEN.search(text, at):
        parts.append(text[at : found.start()])
        opening = found[0]
        end, formula = (found.end(), None) if opening in unclosed else _inside(text, found)
        if formula is None and end == found.end():
            if opening in _CLOSE and opening not in unclosed and _CLOSE[opening] not in text[end:]:
                unclosed.add(opening)
            parts.append("$" if opening == "\\$" else opening)
        elif formula is None:
            parts.append(text[found.start() : end])
        else:
            parts.append(f"\ue000{len(holes)}\ue001")
            holes.append(formula)
        at = end
    return "".join([*parts, text[at:]])


def _inside(text: str, found: re.Match[str]) -> tuple[int, str | None]:
    """Where the piece that `found` opens ends, and its HTML; None for what is text after all."""
    opening, start = found[0], found.end()
    if opening == "\\$":
        return start, None
    if opening == "`":
        end = text.find("`", start, start + LONGEST)
        return (start, None) if end <= start else (end + 1, f"<code>{html.escape(text[start:end])}</code>")
    if opening == "$":
        end = text.find("$", start, start + 300)
        if end < 0 or not _is_maths(text[start:end], text[end + 1 : end + 2]):
            return start, None
        return end + 1, _among_words(text[start:end])
    if opening.startswith("\\boxed"):
        end = _brace_end(text, start)
        return (start, None) if end < 0 else (end, _among_words(text[found.start() : end]))
    if opening.startswith("\\begin"):
        closing = opening.replace("\\begin", "\\end")
        end = text.find(closing, start, start + LONGEST)
        return (start, None) if end < 0 else _display(text[found.start() : end + len(closing)], end + len(closing))
    closing = _CLOSE[opening]
    end = text.find(closing, start, start + LONGEST)
    if end < 0:
        return start, None
    if opening == "\\(":
        return end + 2, _among_words(text[start:end])
    return _display(text[start:end], end + 2)


def _among_words(latex: str) -> str | None:
    formula = mathml(latex)
    return f'<span class="wide">{formula}</span>' if formula and len(latex) > _WIDE else formula


def _display(latex: str, end: int) -> tuple[int, str | None]:
    formula = mathml(latex, display=True)
    return end, formula and f"{_DISPLAY}{formula}</span>"


def _brace_end(text: str, start: int) -> int:
    depth = 1
    for at in range(start, min(len(text), start + 400)):
        depth += (text[at] == "{") - (text[at] == "}")
        if not depth:
            return at + 1
    return -1


def _is_maths(inside: str, after: str) -> bool:
    """Whether `$inside$` is a formula rather than two prices."""
    if not inside or inside != inside.strip() or "\n" in inside or after.isdigit():
        return False
    words = re.sub(r"\\(text|mathrm|mbox|operatorname)\s*\{[^}]*\}|\\[a-zA-Z]+", " ", inside)
    return not re.search(r"[A-Za-z]{4,}|[A-Za-z]{2,}\s+[A-Za-z]{2,}|\d,? [A-Za-z]{2,}", words)


def _lines(text: str) -> str:
    parts: list[str] = []
    plain: list[str] = []

    def flush() -> None:
        if plain:
            parts.append(f"<p>{'<br>'.join(plain)}</p>")
            plain.clear()

    for line in text.split("\n"):
        if heading := _HEADING.fullmatch(line.strip()):
            flush()
            parts.append(f'<p class="heading">{_inline(heading[1])}</p>')
        elif item := _ITEM.fullmatch(line):
            flush()
            mark = "•" if item[2] in "-*•" else html.escape(item[2])
            parts.append(f'<p class="item"><span class="mark">{mark}</span> {_inline(item[3])}</p>')
        else:
            plain.append(_inline(line))
    flush()
    return "".join(parts)


def _inline(text: str) -> str:
    return _BOLD.sub(r"<strong>\1</strong>", html.escape(text.strip()))
