"""How learning went, drawn: small charts as SVG, each line named where it ends.

Their frame stands from the first moment, with every step on its axis, so that the curves grow into it and nothing
moves. Texts are in the units of the drawing; the style sheet gives size and colours.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from elm_app.types import LearnStep

WIDTH, HEIGHT = 400, 200
"""Of a chart, in units of the drawing; on a desktop one unit is about one pixel."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 72, 14, 32
_BARS_RIGHT = 8


@dataclass(frozen=True)
class Line:
    """One line of a chart: what stands at its end, its look (`band`, `line`), its value at each step."""

    name: str
    look: str
    points: tuple[tuple[int, float], ...]
    told: str


@dataclass(frozen=True)
class Panel:
    """Lines over one vertical axis from 0 to `top`, whose unit the ticks name."""

    lines: tuple[Line, ...]
    top: float
    ticks: tuple[tuple[float, str], ...]
    title: str


_SHARES = ((0.0, "0%"), (0.5, "50%"), (1.0, "100%"))


def reward_chart(steps: Sequence[LearnStep], total: int) -> str:
    """Mean reward and agreement of each step's rollouts."""
    reward = tuple((step.step, step.reward_mean) for step in steps)
    agreement = tuple((step.step, step.agreement) for step in steps)
    if reward and abs(reward[-1][1] - agreement[-1][1]) < 0.005:
        last = f"{agreement[-1][1]:.0%}"
        named = (Line("reward =", "line", reward, ""), Line("agreement", "band", agreement, last))
    else:
        named = (
            Line("reward", "line", reward, f"{reward[-1][1]:.2f}" if reward else ""),
            Line("agreement", "band", agreement, f"{agreement[-1][1]:.0%}" if agreement else ""),
        )
    panel = Panel((named[1], named[0]), 1.0, _SHARES, "")
    return _chart("Reward and agreement by step", [panel], steps, total)


def length_chart(steps: Sequence[LearnStep], total: int, longest: int) -> str:
    """Share of the rollouts with an answer, and their mean length in tokens up to the limit `longest`."""
    answered = tuple((step.step, step.answered) for step in steps)
    tokens = tuple((step.step, step.tokens) for step in steps)
    upper = Line("answered", "line", answered, f"{answered[-1][1]:.0%}" if answered else "")
    lower = Line("tokens", "line", tokens, f"{tokens[-1][1]:.0f}" if tokens else "")
    top = float(max(longest, *(int(value) for _, value in tokens), 1))
    shares = Panel((upper,), 1.0, (_SHARES[0], _SHARES[2]), "")
    lengths = Panel((lower,), top, ((0.0, "0"), (top, f"{top:.0f}")), "")
    return _chart("Answered, and length in tokens, by step", [shares, lengths], steps, total)


def _chart(title: str, panels: list[Panel], steps: Sequence[LearnStep], total: int) -> str:
    gap = 18
    height = (HEIGHT - _TOP - _BOTTOM - gap * (len(panels) - 1)) / len(panels)
    skipped = {step.step: step.skipped for step in steps if step.skipped}
    drawn = "".join(
        _panel(panel, _TOP + place * (height + gap), height, total, skipped) for place, panel in enumerate(panels)
    )
    return (
        f'<figure class="chart" data-key="{html.escape(title.split()[0].lower().strip(","))}"><figcaption>{title}'
        f'</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_told(title, panels)}">'
        f"{drawn}{_steps_axis(total)}</svg></figure>"
    )


def _told(title: str, panels: Iterable[Panel]) -> str:
    lines = [line for panel in panels for line in panel.lines if line.points]
    said = "; ".join(
        f"{line.name.rstrip(' =')} from {line.points[0][1]:.3g} in step {line.points[0][0]} "
        f"to {line.points[-1][1]:.3g} in step {line.points[-1][0]}"
        for line in lines
    )
    return html.escape(f"{title}: {said or 'no step has finished yet'}.")


def _x(step: float, total: int) -> float:
    """Steps stand in the middle of equal columns."""
    return _LEFT + (step - 0.5) * (WIDTH - _LEFT - _RIGHT) / max(total, 1)


def _steps_axis(total: int) -> str:
    every = max(1, round(total / 10))
    shown = [step for step in range(1, total + 1) if step == 1 or step % every == 0]
    if len(shown) > 2 and shown[1] - shown[0] < every * 0.6:
        shown.pop(1)
    marks = "".join(f'<text class="tick" x="{_x(step, total):.1f}" y="{HEIGHT - 12}">{step}</text>' for step in shown)
    return f'{marks}<text class="axis" x="{WIDTH - _RIGHT + 10}" y="{HEIGHT - 12}">step</text>'


def _panel(panel: Panel, top: float, height: float, total: int, skipped: dict[int, str]) -> str:
    def y(value: float) -> float:
        return top + height * (1 - min(1.0, max(0.0, value / panel.top)))

    grid = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        f'<text class="tick left" x="{_LEFT - 8}" y="{y(value) + 4:.1f}">{label}</text>'
        for value, label in panel.ticks
    )
    drawn = "".join(_line(line, y, total, skipped) for line in panel.lines)
    return grid + drawn + _names(panel.lines, y, total, top, height)


def _line(line: Line, y: object, total: int, skipped: dict[int, str]) -> str:
    assert callable(y)
    path, last = "", None
    for step, value in line.points:
        path += f"{'L' if last == step - 1 else 'M'}{_x(step, total):.1f} {y(value):.1f}"
        last = step
    drawn = f'<path class="{line.look}" d="{path}"/>' if path else ""
    if line.look == "band":
        drawn += "".join(
            f'<circle class="band" cx="{_x(step, total):.1f}" cy="{y(value):.1f}" r="5"/>'
            for step, value in line.points
        )
        return drawn
    radius = 3.5 if total <= 40 else 2
    for step, value in line.points:
        why = f": no update. {skipped[step]}" if step in skipped else ""
        told = f"Step {step}: {line.name.rstrip(' =')} {value:.3g}{why}"
        drawn += (
            f'<circle class="point{" skipped" if why else ""}" cx="{_x(step, total):.1f}" cy="{y(value):.1f}" '
            f'r="{radius}"><title>{html.escape(told)}</title></circle>'
        )
    return drawn


def _names(lines: Sequence[Line], y: object, total: int, top: float, height: float) -> str:
    """Each line's name and last value, right of the plot at the height of its end, moved apart where they would meet."""
    assert callable(y)
    ends = sorted(
        ((y(line.points[-1][1]), line) for line in lines if line.points), key=lambda end: (end[0], end[1].name)
    )
    rows: list[tuple[float, str, str]] = []
    for end, line in ends:
        rows += [(end, line.look, line.name)] + ([(end, f"{line.look} last", line.told)] if line.told else [])
    step, made = 14.0, ""
    places: list[float] = []
    for place, (end, _, _) in enumerate(rows):
        places.append(max(end - step * (len(rows) / max(1, len(ends)) - 1) / 2 + 4, places[-1] + step if place else 0))
    over = places[-1] - (top + height + 6) if places else 0
    for place, (_, look, text) in zip(places, rows, strict=True):
        made += f'<text class="name {look}" x="{WIDTH - _RIGHT + 10}" y="{place - max(0, over):.1f}">{text}</text>'
    return made


def rollouts_chart(
    title: str, rollouts: Sequence[tuple[str, str, int, str, str]], longest: int, limit: str = "limit"
) -> str:
    """A bar for each rollout of a step, as high as it is long.

    Args:
        rollouts: key of its card, colour, tokens so far, what stands under it, and all of it in words.
        longest: tokens at which a rollout is cut off.
    """
    wide = WIDTH - _LEFT - _BARS_RIGHT
    column = wide / max(1, len(rollouts))
    thick = min(30.0, column * 0.72)
    height = HEIGHT - _TOP - _BOTTOM
    bars = ""
    for place, (key, colour, tokens, label, told) in enumerate(rollouts):
        x = _LEFT + column * (place + 0.5)
        tall = height * min(1.0, tokens / max(1, longest))
        room = max(1, int(column / 7.5))
        short = label if len(label) <= room else "·" if label else ""
        bars += (
            f'<a data-key="{key}" href="#{key}" data-card="{key}" class="{colour}" aria-label="{html.escape(told)}">'
            f'<title data-key="t">{html.escape(told)}</title>'
            f'<rect data-key="h" class="hit" x="{x - column / 2:.1f}" y="{_TOP}" width="{column:.1f}" '
            f'height="{height + 24}"/>'
            f'<rect data-key="b" class="stick" x="{x - thick / 2:.1f}" y="{_TOP + height - tall:.1f}" '
            f'width="{thick:.1f}" height="{tall:.1f}"/>'
            f'<text data-key="l" class="tick" x="{x:.1f}" y="{HEIGHT - 12}">{html.escape(short)}</text></a>'
        )
    frame = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _BARS_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick left" x="{_LEFT - 8}" y="{y + 4:.1f}">{label}</text>'
        for y, label in ((_TOP + height, "0"), (_TOP, str(longest)))
    )
    return (
        f'<figure class="chart rollouts" data-key="rollouts"><figcaption data-key="title">{html.escape(title)}'
        f'</figcaption><svg data-key="svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="group" '
        f'aria-label="{html.escape(title)}; {html.escape(limit)} {longest}">'
        f'<g data-key="frame">{frame}</g>{bars}</svg></figure>'
    )
