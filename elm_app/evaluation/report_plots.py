"""The plots of a benchmark's report as SVG files that stand alone and follow the reader's light or dark.

Shares in per cent; colours are told apart by the colour-blind (Okabe and Ito) and each line is named where it ends.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#a6761d")
_STYLE = (
    "<style>text{font:13px system-ui,sans-serif;fill:#222}.grid{stroke:#ddd}.axis{stroke:#888}"
    ".note{fill:#666}@media(prefers-color-scheme:dark){text{fill:#e6e6e6}.grid{stroke:#444}.axis{stroke:#999}"
    ".note{fill:#aaa}}</style>"
)
_WIDTH, _LEFT, _RIGHT = 760, 190, 40
_NAMES, _LINE = 245, 16  # room for names at the right, and for each of them


def accuracy_plot(report: dict[str, Any]) -> str:
    """Each method's accuracy with its 95% interval, best first."""
    methods = sorted(
        (one for one in report["methods"] if one["accuracy"] is not None), key=lambda one: -one["accuracy"]
    )
    top, step = 34, 28
    height = top + step * len(methods) + 40
    most = _ceiling(max(one["accuracy_interval"][1] for one in methods))
    x = scale(0, most, _LEFT, _WIDTH - _RIGHT - 60)
    parts = grid_x(x, most, top - 8, height - 34)
    for place, one in enumerate(methods):
        y = top + step * place + 8
        low, high = one["accuracy_interval"]
        colour = COLOURS[0] if one["method"].startswith("elm") else COLOURS[6]
        parts += [
            f'<text x="{_LEFT - 12}" y="{y + 4}" text-anchor="end">{html.escape(one["method"])}</text>',
            f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="3"/>',
            f'<circle cx="{x(one["accuracy"]):.1f}" cy="{y}" r="5" fill="{colour}"/>',
            f'<text x="{x(high) + 8:.1f}" y="{y + 4}">{100 * one["accuracy"]:.1f}%</text>',
        ]
    parts.append(f'<text class="note" x="{_LEFT}" y="{height - 6}">accuracy, with 95% intervals over problems</text>')
    return svg(height, parts, "Accuracy by method")


def running_plot(report: dict[str, Any]) -> str:
    """The mean score after each problem of the stream."""
    lines = [(one["method"], [tuple(point) for point in one["running"]]) for one in report["methods"] if one["running"]]
    shown = _most_telling(lines)
    height, top = 360, 20
    last = max(points[-1][0] for _, points in shown)
    most = _ceiling(max(value for _, points in shown for _, value in points))
    x = scale(1, max(last, 2), 60, _WIDTH - _NAMES)
    y = scale(0, most, height - 50, top)
    parts = _grid_y(y, most, 60, _WIDTH - _NAMES)
    names: list[tuple[float, str, str]] = []
    for place, (name, points) in enumerate(shown):
        colour = COLOURS[place % len(COLOURS)]
        path = " ".join(f"{x(number):.1f},{y(value):.1f}" for number, value in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        names.append((y(points[-1][1]), name, colour))
    parts += _labels(names, _WIDTH - _NAMES + 8, height - 34)
    parts.append(
        f'<text class="note" x="60" y="{height - 8}">accuracy so far, by problem of the stream (1 to {last})</text>'
    )
    return svg(height, parts, "Running accuracy by problem")


def tokens_plot(report: dict[str, Any]) -> str:
    """Accuracy against all new tokens a problem, learning included."""
    methods = [one for one in report["methods"] if one["accuracy"] is not None]
    height, top = max(360, _LINE * len(methods) + 70), 20
    most, widest = _ceiling(max(one["accuracy"] for one in methods)), max(1, *(one["tokens"] for one in methods)) * 1.05
    x = scale(0, widest, 60, _WIDTH - _NAMES)
    y = scale(0, most, height - 50, top)
    parts = _grid_y(y, most, 60, _WIDTH - _NAMES)
    names = []
    for place, one in enumerate(methods):
        colour = COLOURS[place % len(COLOURS)]
        parts.append(f'<circle cx="{x(one["tokens"]):.1f}" cy="{y(one["accuracy"]):.1f}" r="5" fill="{colour}"/>')
        names.append((y(one["accuracy"]), f"{one['method']} · {one['tokens']:,.0f}", colour))
    parts += _labels(names, _WIDTH - _NAMES + 8, height - 34)
    parts.append(
        f'<text class="note" x="60" y="{height - 8}">accuracy by new tokens a problem, 0 to {widest:,.0f}; '
        "each method's tokens at the right</text>"
    )
    return svg(height, parts, "Accuracy by tokens")


def _most_telling(lines: list[tuple[str, list[Any]]]) -> list[tuple[str, list[Any]]]:
    """At most eight lines: zero-shot and ELM always, then in the order of the methods."""
    first = [one for one in lines if one[0] in ("zero_shot", "self_consistency", "elm")]
    return (first + [one for one in lines if one not in first])[: len(COLOURS)]


def _labels(names: Sequence[tuple[float, str, str]], x: float, lowest: float) -> list[str]:
    """Names at the right, moved apart where they would lie on each other, and up where they would leave the drawing."""
    parts, below, places = [], -1e9, []
    for y, _, _ in sorted(names):
        below = max(y + 4, below + _LINE)
        places.append(below)
    above = lowest + _LINE
    for at in reversed(range(len(places))):
        above = places[at] = min(places[at], above - _LINE)
    for y, (_, name, colour) in zip(places, sorted(names), strict=True):
        parts.append(
            f'<circle cx="{x:.0f}" cy="{y - 4:.1f}" r="4" fill="{colour}"/>'
            f'<text x="{x + 10:.0f}" y="{y:.1f}">{html.escape(name)}</text>'
        )
    return parts


def scale(low: float, high: float, first: float, last: float) -> Callable[[float], float]:
    """From a value between `low` and `high` to a place in the drawing."""
    return lambda value: first + (value - low) / (high - low) * (last - first)


def _ceiling(value: float) -> float:
    """The next tenth above, at least 0.2."""
    return max(0.2, min(1.0, (int(value * 10) + 1) / 10))


def _ticks(most: float) -> list[float]:
    step = 0.1 if most <= 0.5 else 0.2
    return [round(step * place, 1) for place in range(int(round(most / step, 6)) + 1)]


def grid_x(x: Callable[[float], float], most: float, top: float, bottom: float) -> list[str]:
    """Lines upright at round shares from 0 to `most`, each named below."""
    return [
        f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{top}" y2="{bottom}"/>'
        f'<text class="note" x="{x(tick):.1f}" y="{bottom + 14}" text-anchor="middle">{tick:.0%}</text>'
        for tick in _ticks(most)
    ]


def _grid_y(y: Callable[[float], float], most: float, left: float, right: float) -> list[str]:
    return [
        f'<line class="grid" x1="{left}" x2="{right}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        f'<text class="note" x="{left - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.0%}</text>'
        for tick in _ticks(most)
    ]


def svg(height: float, parts: Sequence[str], title: str) -> str:
    """A drawing of our width that stands alone and follows light and dark."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">'
        f"<title>{title}</title>{_STYLE}{''.join(parts)}</svg>\n"
    )
