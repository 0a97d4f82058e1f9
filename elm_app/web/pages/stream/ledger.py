"""What the page shows of a stream: its view in, safe HTML out, one pure function for each thing."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from elm_app.core.results import ArmResult, StreamRow
from elm_app.core.text import beginning
from elm_app.evaluation.statistics import SURE, sign_flip
from elm_app.runs.standing import alone, no_two_agree
from elm_app.runs.state import RunView
from elm_app.web.components import labels
from elm_app.web.components.markdown import inline_html
from elm_app.web.components.stream_labels import answer, mark, of

SOURCES = {"zero_shot": "zero-shot", "memory": "the memory", "agreement": "both agree"}
"""Who gave the answer, in words."""
_LONGEST = 90


def title(view: RunView) -> str:
    """Its file and its run."""
    return labels.DOT.join([html.escape(view.problem), f"run {html.escape(view.run)}"])


def clock(view: RunView, current_seconds: float) -> str:
    """How long it has taken, over all sittings, and how long it still takes.

    Args:
        current_seconds: spent on the problem that goes on.
    """
    stream = of(view)
    gone = stream.seconds + (0.0 if view.ended else current_seconds)
    told = f"{labels.whole_seconds(gone)} {'in all' if view.status == 'done' else 'gone'}"
    rest = stream.seconds_left
    if rest is None or view.status == "done" or len(stream.rows) >= stream.total:
        return told
    rest = max(1.0, rest - (0.0 if view.ended else current_seconds))
    rest = 5 * round(rest / 5) if rest >= 60 else rest
    return f"{told}, about {labels.seconds_left(rest)}" + (" once it goes on" if view.ended else "")


def numbers(view: RunView) -> str:
    """What has come of it so far, each number with its base."""
    stream = of(view)
    rows, judged = stream.rows, stream.judged
    told: list[tuple[str, str, str]] = []
    if judged or not rows:
        bare, ours = sum(bool(row.zero_shot.right) for row in judged), sum(bool(row.right) for row in judged)
        told.append(("ELM", _share(ours, len(judged)), f"{ours} of {len(judged)} right"))
        told.append(("Zero-shot", _share(bare, len(judged)), f"{bare} of {len(judged)} right"))
    without, behind = stream.agreement
    told.append(("Agreement", _percent(behind, rows), f"{_percent(without, rows)} without memories"))
    told.append(("Memories kept", str(stream.kept), f"of {labels.count(len(rows), 'problem')}"))
    told.append(("Memory found", str(stream.hits), f"of {labels.count(len(rows), 'problem')}"))
    learned = sum(row.learn_tokens for row in rows)
    told.append(("Tokens", _short(stream.tokens), f"{_short(learned)} of them to learn"))
    return "".join(
        f"<div><dt>{name}</dt><dd><b>{value}</b><span>{html.escape(base)}</span></dd></div>"
        for name, value, base in told
    )


def verdict(view: RunView) -> str:
    """What the numbers allow to say: where the two differ, and whether that may be chance; or that nobody knows."""
    stream = of(view)
    judged = stream.judged
    if not stream.rows:
        return ""
    if not judged:
        return "The file has no right answers, so nobody can say which answers are right: the lines show agreement."
    gaps = [float(bool(row.right)) - float(bool(row.zero_shot.right)) for row in judged]
    won, lost = gaps.count(1.0), gaps.count(-1.0)
    of_all = "" if len(judged) == len(stream.rows) else (
        f" Right answers are known for {len(judged)} of {len(stream.rows)}."
    )  # fmt: skip
    if not won + lost:
        return f"ELM and zero-shot are right on the same problems so far.{of_all}"
    chance = sign_flip(gaps)
    said = "more than chance would do" if chance < SURE else "this can be chance"
    return (
        f"ELM is right on {labels.count(won, 'problem')} where zero-shot is wrong, and wrong on {lost} where zero-shot "
        f"is right: {said} (sign test, p = {chance:.2g}).{of_all}"
    )


def row(one: StreamRow, settings: Mapping[str, Any]) -> str:
    """A problem that is done, as a row of the ledger; `settings` are those of the stream."""
    gold = inline_html(one.gold) if one.gold is not None else '<span class="quiet">not known</span>'
    ours = f"{answer(one.answer, no_two_agree(one, settings))} {mark(one.right)}"
    spent = f"{one.learn_tokens:,} of them to learn" if one.learn_tokens else "none of them to learn"
    decided = "no memory" if one.memory is None else SOURCES.get(one.source, one.source)
    return (
        f'<tr data-number="{one.number}" class="{_differs(one)}">'
        f'<td class="number" data-label="Problem">{one.number}</td>'
        f'<td class="what"><a href="?run={html.escape(one.solve)}" data-run="{html.escape(one.solve)}" '
        f'title="{html.escape(one.problem)}">{html.escape(beginning(one.problem, _LONGEST))}</a></td>'
        f'<td class="given" data-label="Right answer">{gold}</td>'
        f'<td class="given" data-label="Zero-shot">{_arm(one.zero_shot, settings)}</td>'
        f'<td class="given" data-label="ELM">{ours}</td>'
        f'<td data-label="Decided by">{html.escape(decided)}</td>'
        f'<td data-label="Memory used">{_used(one)}</td><td data-label="Memory made">{_made(one)}</td>'
        f'<td class="number" data-label="Tokens" title="{spent}">{one.tokens:,}</td>'
        f'<td class="number" data-label="Time">{labels.seconds(one.seconds)}</td></tr>'
    )


def meta(view: RunView) -> str:
    """The settings that the stream runs with."""
    told, parts = view.settings, []
    if isinstance(told.get("samples"), int):
        parts.append(labels.count(told["samples"], "sample"))
    learning = told.get("learning")
    if told.get("learns") is False:
        parts.append("nothing is learned")
    elif isinstance(learning, dict) and isinstance(learning.get("steps"), int):
        parts.append(f"at most {labels.count(learning['steps'], 'step')} of learning")
    if told.get("order"):
        parts.append("order of the file" if told["order"] == "file" else "shuffled order")
    if "seed" in told:
        parts.append(f"seed {html.escape(str(told['seed']))}")
    return labels.DOT.join(parts)


def _differs(one: StreamRow) -> str:
    if one.right is None or one.zero_shot.right is None or one.right == one.zero_shot.right:
        return "same"
    return "won" if one.right else "lost"


def _arm(arm: ArmResult, settings: Mapping[str, Any]) -> str:
    if alone(arm, settings):
        return f"{answer(arm.answer, True)} {mark(arm.right)}"
    return f'<span title="{arm.agreement:.0%} agree">{answer(arm.answer)}</span> {mark(arm.right)}'


def _used(one: StreamRow) -> str:
    if one.memory is None or one.retrieved is None:
        return '<span class="quiet">–</span>'
    name, run = html.escape(one.retrieved), html.escape(one.solve)
    near = "" if one.score is None else f" {one.score:.2f}"
    return (
        f'<a href="?memory={name}" data-memory="{name}" title="memory {name}">similarity{near}</a> '
        f'<a href="?explain={run}" data-explain-run="{run}">explain</a>'
    )


def _made(one: StreamRow) -> str:
    why = html.escape(one.reason)
    if one.learned is None:
        return f'<span class="quiet" title="{why}">{html.escape(beginning(one.reason, 60)) or "none"}</span>'
    name = html.escape(one.learned)
    state = "kept" if one.enabled else "made, not offered"
    learning = ""
    if one.learn is not None:
        run = html.escape(one.learn)
        learning = f' <a href="?run={run}" data-run="{run}" class="quiet">its run</a>'
    return f'<a href="?memory={name}" data-memory="{name}" title="{why}">{state}</a>{learning}'


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "–"


def _percent(value: float, rows: list[StreamRow]) -> str:
    return f"{value:.0%}" if rows else "–"


def _short(count: int) -> str:
    """
    >>> _short(950), _short(52311), _short(1234567)
    ('950', '52,311', '1.23 million')
    """
    return f"{count:,}" if count < 1_000_000 else f"{count / 1e6:.2f} million"
