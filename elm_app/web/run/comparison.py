"""An attempt opened, or two compared line by line: safe HTML out."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal

from elm_app.web.components import labels
from elm_app.web.components.markdown import block_html, blocks, inline_html, settled, text_html
from elm_app.web.run.attempt_cells import Cell

LINES = 600
"""So many lines of each attempt are compared; that there are more is told."""
_FORMULA_LINES = 40
"""A formula that is not closed after so many lines is none."""
_FENCE = "```"

Line = tuple[str, str]
"""A line as it is compared, and as HTML."""
Kind = Literal["same", "other", "left", "right"]
_SIGNS: dict[Kind, tuple[str, str]] = {
    "same": ("=", "the same"),
    "other": ("≠", "differs"),
    "left": ("−", "only in 1"),
    "right": ("+", "only in 2"),
}


def opened(cells: Sequence[Cell]) -> str:
    """What is open: nothing, one attempt, or two side by side."""
    if not cells:
        return ""
    if len(cells) == 1:
        return _about("Choose a second one to compare.") + _one(cells[0])
    return _versus(*cells[:2])


def _about(told: str) -> str:
    close = '<button type="button" data-key="close" data-attempts="close">Close</button>'
    return f'<div class="about" data-key="about"><span data-key="told">{told}</span>{close}</div>'


def _one(cell: Cell) -> str:
    return (
        f'<article class="card {cell.colour}" data-key="one" aria-label="{html.escape(cell.name)}">{_head(cell)}'
        f'<div class="text" data-key="text" tabindex="0" role="region" aria-label="Text of {html.escape(cell.name)}">'
        f"{text_html(_text(cell))}</div></article>"
    )


def _head(cell: Cell, number: str = "") -> str:
    done = cell.trace.trace if cell.trace else None
    given = done.answer if done else None
    value = "" if done is None else inline_html(given) if given is not None else "no answer"
    facts = list(cell.facts if done is None else cell.facts[1:])
    if done is not None:
        facts += [f"seed {done.seed}", f"mean log-probability {done.mean_logprob:.2f}".replace(" -", " −")]
    named = f"{number} · {cell.name}" if number else cell.name
    return (
        f'<header data-key="head"><span class="number">{html.escape(named)}</span>'
        f'<span class="value" title="{html.escape(given or "")}">{value}</span></header>'
        f'<p class="facts" data-key="facts">{html.escape(labels.DOT.join(facts))}</p>'
    )


def _versus(first: Cell, second: Cell) -> str:
    both = [lines_of(_text(cell)) for cell in (first, second)]
    rows = list(compared(*(lines[:LINES] for lines in both)))
    count = {kind: sum(row[0] == kind for row in rows) for kind in _SIGNS}
    parts = [labels.count(count[kind], *words) for kind, words in _TOLD.items() if count[kind]]
    parts += [f"only the first {LINES} lines are compared"] if max(map(len, both)) > LINES else []
    heads = "".join(
        f'<div class="{cell.colour}" data-key="{number}">{_head(cell, number)}</div>'
        for number, cell in (("1", first), ("2", second))
    )
    lines = "".join(_row(*row) for row in rows)
    name = html.escape(f"{first.name} and {second.name}, line by line")
    return (
        f'{_about(labels.DOT.join(parts))}<article class="card versus" data-key="versus" aria-label="{name}">'
        f'<div class="heads" data-key="heads">{heads}</div>'
        f'<div class="lines" data-key="lines" role="table" tabindex="0" aria-label="{name}">{lines}</div></article>'
    )


_TOLD: dict[Kind, tuple[str, str]] = {
    "same": ("line is the same", "lines are the same"),
    "other": ("line differs", "lines differ"),
    "left": ("line is only in 1", "lines are only in 1"),
    "right": ("line is only in 2", "lines are only in 2"),
}


def _row(kind: Kind, left: Line | None, right: Line | None) -> str:
    sign, told = _SIGNS[kind]
    one, two = (line[1] if line is not None else "" for line in (left, right))
    return (
        f'<div class="{kind}" role="row"><div class="text one" role="cell">{one}</div><div class="sign" role="cell">'
        f'<span aria-hidden="true">{sign}</span><span class="unseen">{told}</span></div>'
        f'<div class="text two" role="cell">{two}</div></div>'
    )


def _text(cell: Cell) -> str:
    if cell.trace is None:
        return ""
    return cell.trace.text if cell.trace.trace is not None else settled(cell.trace.text)


def compared(left: Sequence[Line], right: Sequence[Line]) -> Iterator[tuple[Kind, Line | None, Line | None]]:
    """The lines of two texts opposite each other, those that are the same on the same height.

    >>> [kind for kind, *_ in compared(lines_of("a\\nb\\nc"), lines_of("a\\nx\\nc\\nd"))]
    ['same', 'other', 'same', 'right']
    """
    matcher = SequenceMatcher(None, [line[0] for line in left], [line[0] for line in right])
    for _, start, end, other_start, other_end in matcher.get_opcodes():
        for one, two in zip_longest(left[start:end], right[other_start:other_end]):
            if one is None or two is None:
                yield "right" if one is None else "left", one, two
            else:
                yield "same" if one[0] == two[0] else "other", one, two


def lines_of(text: str) -> list[Line]:
    r"""The lines of a text, at most one more than `LINES`; a formula over several of them is one, a blank line none.

    >>> [line for line, _ in lines_of("so\n\\[\nx = 3\n\\]\n\nthus")]
    ['so', '\\[ x = 3 \\]', 'thus']
    """
    found: list[Line] = []
    for block in blocks(text):
        if block.lstrip().startswith(_FENCE):
            code = [line for line in block.split("\n")[1:] if line.strip() not in ("", _FENCE)]
            found += [(line.strip(), block_html(f"{_FENCE}\n{line}\n{_FENCE}")) for line in code]
        else:
            found += [(" ".join(part.split()), block_html(part)) for part in _with_whole_formulas(block.split("\n"))]
        if len(found) > LINES:
            break
    return found[: LINES + 1]


def _with_whole_formulas(lines: Sequence[str]) -> Iterator[str]:
    held: list[str] = []
    for line in lines:
        held.append(line)
        if _closed("\n".join(held)):
            yield "\n".join(held)
            held = []
        elif len(held) > _FORMULA_LINES:
            yield from held
            held = []
    yield from held


def _closed(text: str) -> bool:
    pairs = (("\\[", "\\]"), ("\\begin{", "\\end{"))
    return text.count("$$") % 2 == 0 and all(text.count(start) <= text.count(end) for start, end in pairs)
