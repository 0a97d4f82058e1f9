"""Curves of learning as small SVG pictures: a value by step, with axes, points and the last value beside the line."""

from __future__ import annotations

import html
import math

Series = tuple[str, list[float | None]]

_WIDTH, _HEIGHT = 360.0, 172.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 42.0, 308.0, 10.0, 138.0
_MARKED = 60
"""With more steps than these the points would hide the line."""
_APART = 14.0
"""Between two values beside the lines, so that they can be read."""


def curve(series: list[Series], *, low: float, high: float, unit: str, title: str, live: bool = False) -> str:
    """One value or several by step, from step 1.

    Args:
        series: a name and its values; None is a step without a value, where the line is broken.
        low, high: what the axis spans at least; it is widened where values lie beyond.
        unit: "%" stands behind each number, "" nowhere, another under the title.
        live: the last point is one that another will follow.
    """
    known = [value for _, values in series for value in values if value is not None and math.isfinite(value)]
    low, high = min([low, *known]), max([high, *known])
    high = low + _round(high - low)
    steps = max((len(values) for _, values in series), default=0)
    parts = [_axes(steps, low, high, unit)]
    ends: list[tuple[float, int, str]] = []
    for place, (_, values) in enumerate(series):
        points = [
            (_x(step, steps), _y(value, low, high), value)
            for step, value in enumerate(values)
            if value is not None and math.isfinite(value)
        ]
        parts.append(_line(place, values, steps, low, high))
        marked = points if steps <= _MARKED else points[-1:]
        parts += [_mark(place, x, y, live and (x, y, value) == points[-1]) for x, y, value in marked]
        if points:
            ends.append((points[-1][1], place, _number(points[-1][2], unit)))
    parts += _labels(ends)
    told = html.escape(f"{title}: {'; '.join(_told(name, values, unit) for name, values in series)}")
    return (
        f'<figure class="curve"><figcaption>{html.escape(title)}{_legend(series)}{_under(unit)}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" aria-label="{told}">{"".join(parts)}</svg></figure>'
    )


def _round(value: float) -> float:
    """The next number that is round, and whose half is.

    >>> _round(1), _round(232), _round(0.43), _round(0), _round(100)
    (1.0, 240.0, 0.44, 1.0, 100.0)
    """
    if value <= 0:
        return 1.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return round(math.ceil(round(value / unit, 6) / 2) * 2 * unit, 9)


def _x(step: int, steps: int) -> float:
    """
    >>> _x(0, 1), _x(0, 5), _x(4, 5)
    (175.0, 48.0, 302.0)
    """
    inset = 6.0
    if steps < 2:
        return (_LEFT + _RIGHT) / 2
    return _LEFT + inset + step / (steps - 1) * (_RIGHT - _LEFT - 2 * inset)


def _y(value: float, low: float, high: float) -> float:
    return _BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP)


def _axes(steps: int, low: float, high: float, unit: str) -> str:
    parts = []
    for value in (low, (low + high) / 2, high):
        y = _y(value, low, high)
        parts.append(f'<line class="grid" x1="{_LEFT:g}" x2="{_RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}"/>')
        name = _number(value, unit)
        parts.append(f'<text class="tick" x="{_LEFT - 7:g}" y="{y + 4:.1f}" text-anchor="end">{name}</text>')
    for step in _ticks(steps):
        x = _x(step, steps)
        name = f"step {step + 1}" if step == 0 else str(step + 1)
        parts.append(f'<line class="notch" x1="{x:.1f}" x2="{x:.1f}" y1="{_BOTTOM:g}" y2="{_BOTTOM + 4:g}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{_BOTTOM + 18:g}" text-anchor="middle">{name}</text>')
    return "".join(parts)


def _ticks(steps: int) -> list[int]:
    """Which steps, from 0, are named: the first, the last, and some between at equal distances.

    >>> _ticks(1), _ticks(4), _ticks(10), _ticks(12)
    ([0], [0, 1, 2, 3], [0, 3, 6, 9], [0, 11])
    """
    if steps <= 5:
        return list(range(steps))
    apart = next((each for each in range(math.ceil((steps - 1) / 4), steps - 1) if (steps - 1) % each == 0), steps - 1)
    return list(range(0, steps, apart))


def _line(place: int, values: list[float | None], steps: int, low: float, high: float) -> str:
    path, drawing = [], False
    for step, value in enumerate(values):
        if value is None or not math.isfinite(value):
            drawing = False
            continue
        path.append(f"{'L' if drawing else 'M'}{_x(step, steps):.1f} {_y(value, low, high):.1f}")
        drawing = True
    return f'<path class="line s{place % 2}" d="{"".join(path)}"/>' if path else ""


def _mark(place: int, x: float, y: float, next: bool) -> str:
    ring = f'<circle class="ring s{place % 2}" cx="{x:.1f}" cy="{y:.1f}" r="7"/>' if next else ""
    if place % 2:
        return f'{ring}<rect class="mark s1" x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6"/>'
    return f'{ring}<circle class="mark s0" cx="{x:.1f}" cy="{y:.1f}" r="3.4"/>'


def _labels(ends: list[tuple[float, int, str]]) -> list[str]:
    """The last values, moved apart where they would lie on each other."""
    parts, above = [], -math.inf
    for y, place, text in sorted(ends):
        y = max(y, above + _APART)
        above = y
        parts.append(f'<text class="last s{place % 2}" x="{_RIGHT + 6:g}" y="{y + 4:.1f}">{text}</text>')
    return parts


def _legend(series: list[Series]) -> str:
    if len(series) < 2:
        return ""
    names = [f'<span class="key s{place % 2}">{html.escape(name)}</span>' for place, (name, _) in enumerate(series)]
    return f'<span class="keys" aria-hidden="true">{"".join(names)}</span>'


def _under(unit: str) -> str:
    return f'<span class="unit">{html.escape(unit)}</span>' if unit not in ("", "%") else ""


def _number(value: float, unit: str) -> str:
    """
    >>> _number(0.8125, ""), _number(93.75, "%"), _number(214.3, "tokens"), _number(1.0, "")
    ('0.81', '94%', '214', '1')
    """
    if unit == "%":
        return f"{value:.0f}%"
    if abs(value) >= 10:
        return f"{value:,.0f}"
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _told(name: str, values: list[float | None], unit: str) -> str:
    """
    >>> _told("reward", [0.5, None, 0.75], "")
    'reward 0.5 at step 1, 0.75 at step 3'
    """
    known = [(step, value) for step, value in enumerate(values, 1) if value is not None and math.isfinite(value)]
    if not known:
        return f"{name} not known"
    behind = "" if unit in ("", "%") else f" {unit}"
    ends = dict([known[0], known[-1]])
    return f"{name} {', '.join(f'{_number(value, unit)}{behind} at step {step}' for step, value in ends.items())}"
