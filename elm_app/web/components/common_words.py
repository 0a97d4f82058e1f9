"""What two problems have in common, word by word."""

from __future__ import annotations

import html
import re

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)?")
_COMMON = frozenset(
    """a an and are as at be but by can do does did each every for from had has have he her him his how i if in into is
    it its more many much not of on or she so than that the their them then there they this to was were what when which
    who will with would you your all one after before""".split()  # noqa: SIM905
)
"""Words that say nothing about what a problem is about."""


def words_of(text: str) -> set[str]:
    """The words and numbers that count, in small letters; a plural s is not looked at.

    >>> sorted(words_of("She packs 7 crates of eggs."))
    ['7', 'crate', 'egg', 'pack']
    """
    return {_stem(match.group()) for match in _WORD.finditer(text)} - _COMMON - {""}


def marked(text: str, other: str) -> str:
    """The text as safe HTML, with what it shares with the other in `<mark>`; numbers that are the same have a class.

    >>> marked("7 <crates> of 24", "A crate holds 24")
    '7 &lt;<mark>crates</mark>&gt; of <mark class="number">24</mark>'
    """
    both, parts, at = words_of(text) & words_of(other), [], 0
    for match in _WORD.finditer(text):
        if _stem(match.group()) in both:
            kind = ' class="number"' if match.group()[0].isdigit() else ""
            parts += [html.escape(text[at : match.start()]), f"<mark{kind}>{html.escape(match.group())}</mark>"]
            at = match.end()
    return "".join([*parts, html.escape(text[at:])])


def _stem(word: str) -> str:
    low = word.lower()
    if low in _COMMON or low[0].isdigit() or len(low) < 4:
        return low
    return low[:-1] if low.endswith("s") and not low.endswith("ss") else low
