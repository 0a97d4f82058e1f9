"""How learning went, drawn: small charts as SVG, each line named where it ends.

Their frame stands from the first moment, with every step on its axis, so that the curves grow into it and nothing
moves. Texts are in the units of the drawing; the style sheet gives size and colours.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from elm_app.core.types import LearnStep

WIDTH, HEIGHT = 400, 200
"""Of a chart, in units of the drawing; on a desktop one unit is about one pixel."""
MARKED = 200
"""With more steps than these only the last one has a point: they would hide the line."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 74, 14, 32
_BARS_RIGHT = 8


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        look: `line`, or `band`, which is broad and pale so that a line on it can be seen.
        points: step and value, by step.
        name: what stands at its end, one row each, the last value last; nothing if another line's name says it.
    """

    look: str
    points: tuple[tuple[int, float], ...]
    what: str
    name: tuple[str, ...]


@dataclass(frozen=True)
class Panel:
    """Lines over one vertical axis from 0 to `top`."""

    lines: tuple[Line, ...]
    top: float
    ticks: tuple[tuple[float, str], ...]


_SHARES = ((0.0, "0%"), (0.5, "50%"), (1.0, "100%"))
_ROW = 15.0
"""From one row of a name to the next."""


def reward_chart(steps: Sequence[LearnStep], total: int) -> str:
    """Mean reward and agreement of each step's rollouts."""
    reward, agreement = _points(steps, lambda step: step.reward_mean), _points(steps, lambda step: step.agreement)
    names: tuple[tuple[str, ...], tuple[str, ...]] = (), ()
    if reward and agreement:
        names = ("reward", f"{reward[-1][1]:.0%}"), ("agreement", f"{agreement[-1][1]:.0%}")
        if names[0][1] == names[1][1]:  # as a rule, where the majority is the reward
            names = ("reward =", "agreement", names[0][1]), ()
    lines = Line("band", agreement, "agreement", names[1]), Line("line", reward, "reward", names[0])
    return _chart("reward", "Reward and agreement by step", [Panel(lines, 1.0, _SHARES)], steps, total)


def length_chart(steps: Sequence[LearnStep], total: int, longest: int) -> str:
    """Share of the rollouts with an answer, and their mean length in tokens up to the limit `longest`."""
    answered, tokens = _points(steps, lambda step: step.answered), _points(steps, lambda step: step.tokens)
    upper = Line("line", answered, "answered", ("answered", f"{answered[-1][1]:.0%}") if answered else ())
    lower = Line("line", tokens, "tokens a rollout", ("tokens", f"{tokens[-1][1]:.0f}") if tokens else ())
    top = float(max(longest, *(int(value) for _, value in tokens), 1))
    shares = Panel((upper,), 1.0, (_SHARES[0], _SHARES[2]))
    lengths = Panel((lower,), top, ((0.0, "0"), (top, f"{top:.0f}")))
    return _chart("length", "Answered, and length in tokens, by step", [shares, lengths], steps, total)


def loss_chart(steps: Sequence[LearnStep], total: int) -> str:
    """Loss of each step, in nats a token: how unlikely the worked variants are without the example."""
    losses = _points(steps, lambda step: step.loss)
    line = Line("line", losses, "loss", ("loss", f"{losses[-1][1]:.3f}") if losses else ())
    top = _round(max((value for _, value in losses), default=0.0))
    ticks = tuple((share * top, f"{share * top:.3g}") for share in (0.0, 0.5, 1.0))
    return _chart("loss", "Loss in nats a token, by step", [Panel((line,), top, ticks)], steps, total)


def norm_chart(steps: Sequence[LearnStep], total: int) -> str:
    """Norm of each step's gradient before it was cut; a step without an update has none."""
    norms = _points(steps, lambda step: step.grad_norm)
    line = Line("line", norms, "gradient norm", ("norm", f"{norms[-1][1]:.3g}") if norms else ())
    top = _round(max((value for _, value in norms), default=0.0))
    ticks = tuple((share * top, f"{share * top:.3g}") for share in (0.0, 0.5, 1.0))
    return _chart("norm", "Norm of the gradient by step", [Panel((line,), top, ticks)], steps, total)


def _points(steps: Sequence[LearnStep], pick: Callable[[LearnStep], float | None]) -> tuple[tuple[int, float], ...]:
    """Step and value, without those that have none; a stranger's card may hold numbers that are none."""
    picked = ((step.step, pick(step)) for step in steps)
    return tuple((step, value) for step, value in picked if value is not None and math.isfinite(value))


def _round(value: float) -> float:
    """The next number that is round, and whose half is.

    >>> _round(1), _round(232), _round(0.43), _round(0), _round(100)
    (1.0, 240.0, 0.44, 1.0, 100.0)
    """
    if value <= 0:
        return 1.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return round(math.ceil(round(value / unit, 6) / 2) * 2 * unit, 9)


def _chart(key: str, title: str, panels: list[Panel], steps: Sequence[LearnStep], total: int) -> str:
    gap = 26.0
    height = (HEIGHT - _TOP - _BOTTOM - gap * (len(panels) - 1)) / len(panels)
    skipped = {step.step: step.skipped for step in steps if step.skipped}
    drawn = "".join(
        _panel(panel, _TOP + place * (height + gap), height, total, skipped) for place, panel in enumerate(panels)
    )
    return (
        f'<figure class="chart" data-key="{key}"><figcaption>{title}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_told(title, panels)}">'
        f"{drawn}{_steps_axis(total)}</svg></figure>"
    )


def _told(title: str, panels: Iterable[Panel]) -> str:
    lines = [line for panel in panels for line in panel.lines if line.points]
    said = "; ".join(
        f"{line.what} {line.points[0][1]:.3g} in step {line.points[0][0]}, "
        f"{line.points[-1][1]:.3g} in step {line.points[-1][0]}"
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
    return grid + "".join(_line(line, y, total, skipped) for line in panel.lines) + _names(panel.lines, y)


def _line(line: Line, y: Callable[[float], float], total: int, skipped: dict[int, str]) -> str:
    path, last = "", None
    for step, value in line.points:
        path += f"{'L' if last == step - 1 else 'M'}{_x(step, total):.1f} {y(value):.1f}"
        last = step
    drawn = f'<path class="{line.look}" d="{path}"/>' if path else ""
    radius = 5.0 if line.look == "band" else 3.5 if total <= 40 else 2.0
    for step, value in line.points if len(line.points) <= MARKED else line.points[-1:]:
        why = f": no update. {skipped[step]}" if step in skipped else ""
        told = html.escape(f"Step {step}: {line.what} {value:.3g}{why}")
        look = line.look if line.look == "band" else "point skipped" if why else "point"
        drawn += (
            f'<circle class="{look}" cx="{_x(step, total):.1f}" cy="{y(value):.1f}" r="{radius}">'
            f"<title>{told}</title></circle>"
        )
    return drawn


def _names(lines: Sequence[Line], y: Callable[[float], float]) -> str:
    """Each line's name, right of the plot at the height of its end; names that would meet move apart."""
    named = sorted((line for line in lines if line.name), key=lambda line: (y(line.points[-1][1]), line.what))
    made, least = "", 0.0
    for line in named:
        middle = y(line.points[-1][1]) + 4 - _ROW * (len(line.name) - 1) / 2
        first = max(middle, least, _TOP + 4)
        least = first + _ROW * (len(line.name) + 0.3)
        last = len(line.name) - 1
        rows = "".join(
            f'<tspan class="{"last" if place == last else "row"}" x="{WIDTH - _RIGHT + 10}" '
            f'dy="{"1.2em" if place else "0"}">{text}</tspan>'
            for place, text in enumerate(line.name)
        )
        made += f'<text class="name {line.look}" y="{first:.1f}">{rows}</text>'
    return made


_HATCHED = (
    '<defs><pattern id="elm-none" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line x1="0" x2="0" y1="0" y2="6"/></pattern></defs>'
)
"""How a trace without an answer is filled, here as everywhere."""


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
            f'<a data-key="{key}" href="#{key}" data-card="{key}" class="{colour}">'
            f'<title data-key="t">{html.escape(told)}</title>'
            f'<rect data-key="h" class="hit" x="{x - column / 2:.1f}" y="{_TOP}" width="{column:.1f}" '
            f'height="{height + 24}"/>'
            f'<rect data-key="b" class="stick" x="{x - thick / 2:.1f}" y="{_TOP + height - tall:.1f}" '
            f'width="{thick:.1f}" height="{tall:.1f}"/>'
            f'<text data-key="l" class="tick" aria-hidden="true" x="{x:.1f}" y="{HEIGHT - 12}">{html.escape(short)}'
            "</text></a>"
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
        f'<g data-key="frame">{_HATCHED}{frame}</g>{bars}</svg></figure>'
    )
