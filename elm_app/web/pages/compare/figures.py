"""What the page shows of a benchmark: its report in, safe HTML out."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from elm_app.evaluation.folder import BenchPlan
from elm_app.evaluation.report import DIFFERENCES
from elm_app.evaluation.report_schema import Interval, MethodReport, Report
from elm_app.web.components import labels
from elm_app.web.components.benchmark_labels import name
from elm_app.web.components.charts.running_accuracy import Racer, figure

BASE = "zero_shot"
_MINUS = re.compile(r"(?<![\w.])-(?=\d)")
Column = tuple[str, str, Callable[[MethodReport], str | None]]
"""Heading, what it means, and what stands in it for a method."""
_NONE = '<span class="quiet">–</span>'


def head(report: Report) -> str:
    """What was asked, of whom, how often."""
    parts = [labels.count(report.problems, "problem")]
    if report.seeds:
        parts.append(labels.count(len(report.seeds), "seed"))
    k = max((method.k for method in report.methods), default=0)
    if k:
        parts.append(f"{labels.count(k, 'sample')} a problem")
    model = report.model or report.settings
    parts += [str(model[part]) for part in ("id", "model", "quantization", "device") if model.get(part)]
    told = labels.DOT.join(html.escape(part) for part in parts)
    return f'<h2>{html.escape(report.name)}</h2><p class="quiet">{told}</p>'


def begun(plan: BenchPlan) -> str:
    """What is asked, as long as there is no report."""
    told = labels.DOT.join([labels.count(len(plan.problems), "problem"), labels.count(len(plan.seeds), "seed")])
    return f'<h2>{html.escape(plan.name)}</h2><p class="quiet">{told}</p>'


def sentences(report: Report) -> str:
    """What the numbers allow to say, the methods called as elsewhere on the page."""
    known = {method.method for method in report.methods}
    told = []
    for one in report.sentences:
        first = re.split(r"[: ]", one, maxsplit=1)[0]
        said = name(first) + one[len(first) :] if first in known else one
        told.append(f"<p>{html.escape(_MINUS.sub('−', said))}</p>")
    return f'<p class="quiet">{DIFFERENCES}</p>{"".join(told)}' if told else ""


@dataclass(frozen=True)
class Frame:
    """A drawing's size in its units: its width, the height of a method, the room left, right, above and below. In a
    `narrow` one a method's name and number stand over its interval."""

    look: str
    width: int
    row: int
    left: int
    right: int
    top: int = 10
    bottom: int = 40

    def x(self, share: float) -> float:
        return self.left + (self.width - self.left - self.right) * min(1.0, max(0.0, share))


FRAMES = Frame("wide", 900, 38, 190, 150), Frame("narrow", 380, 52, 8, 22, 0)


def plot(report: Report) -> str:
    """Accuracy of each method with its interval; zero-shot's goes through all of them as a line. Drawn twice, `wide`
    and `narrow`: the style sheet shows the one that fits."""
    rows = [method for method in report.methods if method.accuracy is not None]
    if not rows:
        return '<p class="quiet">No right answers are known, so there is no accuracy to draw.</p>'
    drawn = "".join(_drawn(rows, frame) for frame in FRAMES)
    caption = "Right answers, with 95% intervals"
    return f'<figure class="chart compared"><figcaption>{caption}</figcaption>{drawn}</figure>'


def _drawn(rows: Sequence[MethodReport], frame: Frame) -> str:
    low = frame.top + frame.row * len(rows) + (8 if frame.look == "narrow" else 0)
    base = next((method.accuracy for method in rows if method.method == BASE), None)
    ticks = "".join(
        f'<line class="grid" x1="{frame.x(share):.1f}" x2="{frame.x(share):.1f}" y1="{frame.top}" y2="{low}"/>'
        f'<text class="tick" x="{frame.x(share):.1f}" y="{low + 18}">{share:.0%}</text>'
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    if base is not None:
        x = f"{frame.x(base):.1f}"
        ticks += f'<line class="base" x1="{x}" x2="{x}" y1="{frame.top}" y2="{low}"/>'
    drawn = "".join(_method(method, frame.top + frame.row * place, frame) for place, method in enumerate(rows))
    told = html.escape("; ".join(f"{name(method.method)} {_range(method)}" for method in rows))
    return (
        f'<svg class="{frame.look}" viewBox="0 0 {frame.width} {low + frame.bottom}" role="img" '
        f'aria-label="{told}">{ticks}{drawn}</svg>'
    )


def _method(method: MethodReport, top: float, frame: Frame) -> str:
    share = method.accuracy or 0.0
    low, high = (frame.x(end) for end in method.accuracy_interval or (share, share))
    look = "ours" if method.method.startswith("elm") else "bare"
    if frame.look == "narrow":
        y, label_y = top + 40.0, top + 26.0
        label_x, value_x = frame.left, frame.width - frame.right
    else:
        y = top + frame.row / 2
        label_y, label_x, value_x = y + 5, frame.left - 16, frame.width - frame.right + 16
    ends = "".join(f'<line class="reach" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 6}" y2="{y + 6}"/>' for x in (low, high))
    return (
        f'<g class="{look}"><text class="label" x="{label_x}" y="{label_y}">{html.escape(name(method.method))}</text>'
        f'<line class="reach" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>{ends}'
        f'<circle cx="{frame.x(share):.1f}" cy="{y}" r="6"/>'
        f'<text class="value" x="{value_x}" y="{label_y}">{html.escape(_range(method))}</text></g>'
    )


def _range(method: MethodReport) -> str:
    share = f"{method.accuracy:.0%}" if method.accuracy is not None else "–"
    return f"{share}{_interval(method.accuracy_interval)}"


def _interval(interval: Interval | None, sign: str = "") -> str:
    """
    >>> _interval((0.381, 0.52)), _interval((-0.05, 0.1), "+"), _interval(None)
    (' [38, 52]', ' [−5, +10]', '')
    """
    if interval is None:
        return ""
    low, high = (f"{100 * end:{sign}.0f}".replace("-", "−") for end in interval)
    return f" [{low}, {high}]"


def running(report: Report) -> str:
    """How ELM stood after each problem beside the plain vote, or zero-shot where there is no vote: does it improve with
    what it has stored? Nothing without both."""
    lines = {method.method: method.running for method in report.methods if method.running}
    other = "self_consistency" if "self_consistency" in lines else BASE
    called = {"elm": "ELM", BASE: name(BASE), "self_consistency": "plain vote"}
    racers = [
        Racer(look, called[method], [(int(n), share) for n, share in lines[method]], f"{lines[method][-1][1]:.0%}")
        for look, method in (("bare", other), ("ours", "elm"))
        if method in lines
    ]
    return figure("Right so far, by problem", racers, max(report.problems, 1)) if len(racers) == 2 else ""


def table(report: Report) -> str:
    """One row a method. Columns that no method has are left out."""
    columns = [
        column for column in _COLUMNS if any(column[2](method) is not None for method in report.methods)
    ]  # fmt: skip
    heads = "".join(f'<th scope="col" title="{html.escape(why)}">{title}</th>' for title, why, _ in columns)
    rows = "".join(_row(method, columns) for method in report.methods)
    return (
        '<table><caption class="unseen">The methods</caption><thead><tr><th scope="col">Method</th>'
        f"{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(method: MethodReport, columns: Sequence[Column]) -> str:
    cells = "".join(f'<td data-label="{title}">{tell(method) or _NONE}</td>' for title, _, tell in columns)
    look = ' class="ours"' if method.method.startswith("elm") else ""
    return f'<tr{look}><th scope="row">{html.escape(name(method.method))}</th>{cells}</tr>'


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.0%}"


def _difference(value: float | None, interval: Interval | None) -> str | None:
    if value is None:
        return None
    points = f"{100 * value:+.0f}".replace("-", "−")
    return f"{points}{_interval(interval, '+')}"


def _equal(method: MethodReport) -> str | None:
    equal = method.equal_tokens
    if equal is None:
        return None
    short = f" of {equal.wanted}" if equal.wanted > equal.samples else ""
    gap = _difference(equal.difference, equal.difference_interval)
    return f"{equal.accuracy:.0%} with {equal.samples}{short}" + (f"; difference {gap}" if gap else "")


def _again(method: MethodReport) -> str | None:
    again = method.again
    if again is None:
        return None
    return f"{again.before:.0%} → {again.after:.0%} of {again.problems}"


def _arms(method: MethodReport) -> str | None:
    arms = method.arms
    return None if arms is None else f"{arms.without} → {arms.alone} of {arms.problems}"


def _bytes(method: MethodReport) -> str | None:
    size = method.stored_bytes
    if not size:
        return None
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} KB"


def _right(method: MethodReport) -> str | None:
    if method.accuracy is None:
        return None
    return f"<b>{method.accuracy:.0%}</b>{_interval(method.accuracy_interval)}"


_COLUMNS: tuple[Column, ...] = (
    ("Right", "share of right answers (zero-shot: of its single traces), 95% interval, in percent", _right),
    (
        "To zero-shot",
        "difference paired by problem, with its 95% interval, in percentage points",
        lambda method: _difference(method.difference, method.difference_interval),
    ),
    (
        "To the vote",
        "difference to self-consistency, paired by problem, with its 95% interval, in percentage points",
        lambda method: _difference(method.difference_vote, method.difference_vote_interval),
    ),
    ("maj@k", "right majority of the k samples", lambda method: _share(method.maj)),
    ("A sample", "right samples of all", lambda method: _share(method.mean)),
    ("pass@k", "problems with a right one among the k samples", lambda method: _share(method.share_pass)),
    ("Answered", "samples with an answer", lambda method: _share(method.answered)),
    ("Agreement", "mean share of the winner's votes", lambda method: _share(method.agreement)),
    ("Tokens", "new tokens a problem, learning and reflecting included", lambda method: f"{method.tokens:,.0f}"),
    ("Vote, equal tokens", "a vote over so many plain traces that they cost as many tokens", _equal),
    ("Time", "a problem", lambda method: labels.seconds(method.seconds)),
    ("Trained", "numbers that are learned", lambda method: f"{method.trainable:,}" if method.trainable else None),
    ("Right labels", "right majorities among the steps of learning", lambda method: _share(method.label_accuracy)),
    ("Memory alone", "right majorities without the memory and by it alone, where one was tried", _arms),
    ("Stored", "bytes kept for later problems", _bytes),
    ("Asked again", "right on earlier problems when they came, and at the end", _again),
)
