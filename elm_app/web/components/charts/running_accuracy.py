"""Two lines over the problems of a stream or a benchmark: how zero-shot stands so far, and how ELM does."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from elm_app.runs.stream_state import StreamView

MARKED = 60
"""With more problems than these only the ends have a point: they would hide the line."""
_LEFT, _TOP, _BOTTOM = 46, 14, 32
_APART = 34.0
"""Between the names of the two lines at least: each has two rows."""
Points = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Frame:
    """A drawing's size in its units, the room right of the plot, and how many problems have their number below."""

    look: str
    width: int
    height: int
    right: int
    marks: int
    total: int

    def x(self, number: float) -> float:
        """Problems stand in the middle of equal columns."""
        return _LEFT + (number - 0.5) * (self.width - _LEFT - self.right) / self.total

    def y(self, share: float) -> float:
        return _TOP + (self.height - _TOP - _BOTTOM) * (1 - share)


@dataclass(frozen=True)
class Racer:
    """A line: its look (`bare` or `ours`), its name, its points, and its last value in words."""

    look: str
    name: str
    points: Points
    value: str


def race(view: StreamView) -> str:
    """Accuracy so far by problem; where no right answer is known, mean agreement so far. Drawn twice, `wide` and
    `narrow`: the style sheet shows the one that fits."""
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
    return figure(title, racers, max(view.total, len(view.rows), 1))


def figure(title: str, racers: Sequence[Racer], total: int) -> str:
    """At most two lines over so many problems, drawn twice."""
    frames = Frame("wide", 820, 230, 128, 12, total), Frame("narrow", 380, 210, 100, 6, total)
    drawn = "".join(_drawn(title, racers, frame) for frame in frames)
    return f'<figure class="chart race"><figcaption>{title}</figcaption>{drawn}</figure>'


def _means(values: Sequence[float], view: StreamView) -> list[tuple[int, float]]:
    total, points = 0.0, []
    for place, (row, value) in enumerate(zip(view.rows, values, strict=True), 1):
        total += value
        points.append((row.number, total / place))
    return points


def _drawn(title: str, racers: Sequence[Racer], frame: Frame) -> str:
    said = "; ".join(f"{each.name} {each.value} after problem {each.points[-1][0]}" for each in racers)
    told = html.escape(f"{title}: {said or 'no problem has been finished yet'}.")
    grid = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{frame.width - frame.right}" y1="{frame.y(share):.1f}" '
        f'y2="{frame.y(share):.1f}"/>'
        f'<text class="tick left" x="{_LEFT - 8}" y="{frame.y(share) + 4:.1f}">{share:.0%}</text>'
        for share in (0.0, 0.5, 1.0)
    )
    lines = "".join(_line(each, frame) for each in racers)
    return (
        f'<svg class="{frame.look}" viewBox="0 0 {frame.width} {frame.height}" role="img" '
        f'aria-label="{told}">{grid}{_axis(frame)}{lines}{_names(racers, frame)}</svg>'
    )


def _axis(frame: Frame) -> str:
    every = max(1, round(frame.total / frame.marks))
    shown = [n for n in range(1, frame.total + 1) if n == 1 or n % every == 0]
    if len(shown) > 2 and shown[1] - shown[0] < every * 0.6:
        shown.pop(1)
    low = frame.height - 12
    marks = "".join(f'<text class="tick" x="{frame.x(n):.1f}" y="{low}">{n}</text>' for n in shown)
    return f'{marks}<text class="axis" x="{frame.width - frame.right + 12}" y="{low}">problem</text>'


def _line(racer: Racer, frame: Frame) -> str:
    path = "".join(
        f"{'L' if place else 'M'}{frame.x(n):.1f} {frame.y(share):.1f}" for place, (n, share) in enumerate(racer.points)
    )
    drawn = f'<path class="{racer.look}" d="{path}"/>'
    for n, share in racer.points if len(racer.points) <= MARKED else racer.points[-1:]:
        told = html.escape(f"After problem {n}: {racer.name} {share:.0%}")
        drawn += (
            f'<circle class="{racer.look}" cx="{frame.x(n):.1f}" cy="{frame.y(share):.1f}" '
            f'r="{4 if racer.look == "ours" else 5.5}"><title>{told}</title></circle>'
        )
    return drawn


def _names(racers: Sequence[Racer], frame: Frame) -> str:
    """Each line's name right of its end; names that would meet move apart, the better one stays above."""
    if not racers:
        return ""
    ends = sorted(racers, key=lambda each: (-each.points[-1][1], each.look == "bare"))
    tops = [frame.y(each.points[-1][1]) - 4 for each in ends]
    if len(tops) == 2 and tops[1] - tops[0] < _APART:
        middle = sum(tops) / 2
        tops = [middle - _APART / 2, middle + _APART / 2]
    over = max(0.0, tops[-1] - (frame.height - _BOTTOM - 14))
    under = max(0.0, _TOP + 2 - (tops[0] - over))
    x = frame.x(max(each.points[-1][0] for each in racers)) + 12
    return "".join(
        f'<text class="name {each.look}" y="{top - over + under:.1f}"><tspan x="{x:.1f}">{html.escape(each.name)}'
        f'</tspan><tspan class="last" x="{x:.1f}" dy="1.15em">{each.value}</tspan></text>'
        for each, top in zip(ends, tops, strict=True)
    )
