"""Two lines over the problems of a stream: how zero-shot stands so far, and how ELM does."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from elm_app.runs.stream_view import StreamView

WIDTH, HEIGHT = 820, 230
"""Of the chart, in units of the drawing."""
MARKED = 60
"""With more problems than these only the ends have a point: they would hide the line."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 128, 14, 32
_APART = 34.0
"""Between the names of the two lines at least: each has two rows."""
Points = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Racer:
    """A line: its look (`bare` or `ours`), its name, its points, and its last value in words."""

    look: str
    name: str
    points: Points
    value: str


def race(view: StreamView) -> str:
    """Accuracy so far by problem; where no right answer is known, mean agreement so far."""
    points = view.accuracy()
    if points or not view.rows:
        title = "Right so far, by problem"
        bare, ours = [(n, a) for n, a, _ in points], [(n, b) for n, _, b in points]
        names = "zero-shot", "ELM"
    else:
        title = "Agreement so far, by problem"
        bare = _means([row.zero_shot.agreement for row in view.rows], view)
        ours = _means([(row.memory or row.zero_shot).agreement for row in view.rows], view)
        names = "without memory", "with it"
    racers = [
        Racer(look, name, line, f"{line[-1][1]:.0%}")
        for look, name, line in zip(("bare", "ours"), names, (bare, ours), strict=True)
        if line
    ]
    return _drawn(title, racers, max(view.total, len(view.rows), 1))


def _means(values: Sequence[float], view: StreamView) -> list[tuple[int, float]]:
    total, points = 0.0, []
    for place, (row, value) in enumerate(zip(view.rows, values, strict=True), 1):
        total += value
        points.append((row.number, total / place))
    return points


def _drawn(title: str, racers: Sequence[Racer], total: int) -> str:
    said = "; ".join(f"{each.name} {each.value} after problem {each.points[-1][0]}" for each in racers)
    told = html.escape(f"{title}: {said or 'no problem has been finished yet'}.")
    grid = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{_y(share):.1f}" y2="{_y(share):.1f}"/>'
        f'<text class="tick left" x="{_LEFT - 8}" y="{_y(share) + 4:.1f}">{share:.0%}</text>'
        for share in (0.0, 0.5, 1.0)
    )
    lines = "".join(_line(each, total) for each in racers)
    return (
        f'<figure class="chart race"><figcaption>{title}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{told}">{grid}{_axis(total)}{lines}{_names(racers, total)}</svg></figure>'
    )


def _x(number: float, total: int) -> float:
    """Problems stand in the middle of equal columns."""
    return _LEFT + (number - 0.5) * (WIDTH - _LEFT - _RIGHT) / total


def _y(share: float) -> float:
    return _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - share)


def _axis(total: int) -> str:
    every = max(1, round(total / 12))
    shown = [n for n in range(1, total + 1) if n == 1 or n % every == 0]
    if len(shown) > 2 and shown[1] - shown[0] < every * 0.6:
        shown.pop(1)
    marks = "".join(f'<text class="tick" x="{_x(n, total):.1f}" y="{HEIGHT - 12}">{n}</text>' for n in shown)
    return f'{marks}<text class="axis" x="{WIDTH - _RIGHT + 12}" y="{HEIGHT - 12}">problem</text>'


def _line(racer: Racer, total: int) -> str:
    path = "".join(
        f"{'L' if place else 'M'}{_x(n, total):.1f} {_y(share):.1f}" for place, (n, share) in enumerate(racer.points)
    )
    drawn = f'<path class="{racer.look}" d="{path}"/>'
    for n, share in racer.points if len(racer.points) <= MARKED else racer.points[-1:]:
        told = html.escape(f"After problem {n}: {racer.name} {share:.0%}")
        drawn += (
            f'<circle class="{racer.look}" cx="{_x(n, total):.1f}" cy="{_y(share):.1f}" '
            f'r="{4 if racer.look == "ours" else 5.5}"><title>{told}</title></circle>'
        )
    return drawn


def _names(racers: Sequence[Racer], total: int) -> str:
    """Each line's name right of its end; names that would meet move apart, the better one stays above."""
    if not racers:
        return ""
    ends = sorted(racers, key=lambda each: (-each.points[-1][1], each.look == "bare"))
    tops = [_y(each.points[-1][1]) - 4 for each in ends]
    if len(tops) == 2 and tops[1] - tops[0] < _APART:
        middle = sum(tops) / 2
        tops = [middle - _APART / 2, middle + _APART / 2]
    low = HEIGHT - _BOTTOM - 14
    over = max(0.0, tops[-1] - low)
    under = max(0.0, _TOP + 2 - (tops[0] - over))
    x = _x(max(each.points[-1][0] for each in racers), total) + 14
    return "".join(
        f'<text class="name {each.look}" y="{top - over + under:.1f}"><tspan x="{x:.1f}">{html.escape(each.name)}'
        f'</tspan><tspan class="last" x="{x:.1f}" dy="1.15em">{each.value}</tspan></text>'
        for each, top in zip(ends, tops, strict=True)
    )
