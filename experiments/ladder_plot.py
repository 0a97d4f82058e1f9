"""A drawing of the ladder: the share of right traces of each family, without help, with the memory, and in context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from elm_app.evaluation.report_plots import COLOURS, grid_x, scale, svg

LEFT, RIGHT, TOP, STEP = 190, 720, 56, 24


@dataclass(frozen=True)
class Dots:
    """One family: shares from 0 to 1; `teacher` is with the example itself in context, if that was measured."""

    family: str
    without: float
    memory: float
    teacher: float | None


def dots(rows: Sequence[Dots]) -> str:
    """A line for each family, the one that gains most first: from without to with the memory, the teacher as a ring."""
    x = scale(0, 1, LEFT, RIGHT)
    height = TOP + STEP * len(rows) + 44
    parts = [*legend(), *grid_x(x, 1, TOP - 12, height - 38)]
    for place, row in enumerate(sorted(rows, key=lambda row: (row.without - row.memory, row.family))):
        y = TOP + STEP * place + 6
        gain = COLOURS[0] if row.memory >= row.without else COLOURS[1]
        from_to = f'x1="{x(row.without):.1f}" x2="{x(row.memory):.1f}" y1="{y}" y2="{y}"'
        parts += [
            f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{row.family}</text>',
            f'<line {from_to} stroke="{gain}" stroke-width="3"/>',
            f'<circle cx="{x(row.without):.1f}" cy="{y}" r="4" fill="{COLOURS[6]}"/>',
        ]
        if row.teacher is not None:
            parts.append(ring(x(row.teacher), y))
        parts.append(f'<circle cx="{x(row.memory):.1f}" cy="{y}" r="5" fill="{gain}"/>')
    note = "right traces about siblings, problems that nothing was learned from"
    parts.append(f'<text class="note" x="{LEFT}" y="{height - 6}">{note}</text>')
    return svg(height, parts, "Right traces of siblings by family")


def ring(x: float, y: float) -> str:
    """The teacher's mark."""
    return f'<circle cx="{x:.1f}" cy="{y}" r="7" fill="none" stroke="{COLOURS[4]}" stroke-width="2"/>'


def legend() -> list[str]:
    """What the marks are."""
    marks = [
        (f'<circle cx="{LEFT + 6}" cy="18" r="4" fill="{COLOURS[6]}"/>', "without", LEFT),
        (f'<circle cx="{LEFT + 106}" cy="18" r="5" fill="{COLOURS[0]}"/>', "with the memory", LEFT + 100),
        (f'<circle cx="{LEFT + 246}" cy="18" r="5" fill="{COLOURS[1]}"/>', "with it, and worse", LEFT + 240),
        (ring(LEFT + 396, 18), "example in context", LEFT + 390),
    ]
    return [f'{mark}<text x="{left + 18}" y="22">{name}</text>' for mark, name, left in marks]
