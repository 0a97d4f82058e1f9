"""The list of earlier runs: what each was about and how it ended."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from elm_app.answers import vote_words
from elm_app.core.text import beginning
from elm_app.core.types import Vote
from elm_app.runs.catalog import Index
from elm_app.runs.event_log import runs
from elm_app.runs.standing import decisive, no_two_agree
from elm_app.runs.state import RunView
from elm_app.runs.stream_state import StreamView
from elm_app.runs.summaries import Summaries
from elm_app.web.components import benchmark_labels, labels, stream_labels
from elm_app.web.components.links import replay_link, run_link, save_link
from elm_app.web.components.markdown import inline_html
from elm_app.web.run import render

SHOWN = 100
"""Runs in the list; older ones are counted."""
STATES = {"done": "done", "stopped": "stopped", "failed": "failed", "damaged": "damaged log"}
KINDS = {"learn": "learning", "stream": "stream", "bench": "benchmark", "act": "where a memory acts"}
_NOTHING = '<span class="nothing">–</span>'


class History:
    """The list, made anew whenever it is looked at."""

    def __init__(self, summaries: Summaries, index: Index) -> None:
        self.summaries, self.index = summaries, index

    def table(self) -> str:
        """The newest runs as an HTML table; those that work for a stream stand under it, folded."""
        streams = self.index.streams()
        ids = [run for run in runs(self.summaries.folder) if self.index.stream(run) not in streams]
        if not ids:
            return (
                '<div class="empty"><p>Every problem you solve is kept here as a run: its traces, its vote, its '
                'settings. Open one to see it as it was.</p><p><a href="?" data-tab="solve">Solve a first problem</a>'
                "</p></div>"
            )
        rows = "".join(self._rows(run) for run in ids[:SHOWN])
        older = f'<p class="older">{labels.count(len(ids) - SHOWN, "older run")} not shown.</p>' if ids[SHOWN:] else ""
        return (
            '<table class="runs"><caption class="unseen">Runs, newest first</caption><thead><tr><th scope="col">When'
            '</th><th scope="col">Problem</th><th scope="col">Answer</th><th scope="col">Agreement</th>'
            f'<th scope="col">State</th><th scope="col" class="number">Time</th></tr></thead><tbody>{rows}</tbody>'
            f"</table>{older}"
        )

    def _rows(self, run: str) -> str:
        view = self.summaries.of(run)
        row = _row(run, view)
        if view is not None and view.stream is not None and self.index.latest(run) == run:
            row += _parts(view.stream, view.settings)
        return row


def _row(run: str, view: RunView | None) -> str:
    if view is None:
        return (
            f'<tr class="damaged"><td>{html.escape(run)}</td><td colspan="3">'
            f'{run_link(run, "This log cannot be read")}</td><td>{STATES["damaged"]}</td><td class="number"></td></tr>'
        )
    agreed = _learned(view) if view.learn else _agreed(view)
    given = [inline_html(one) for one in _given(view)]
    result = vote_words.either(given) if given else _NOTHING
    time = labels.seconds(view.seconds) if view.ended else ""
    state = STATES.get(view.status, render.status(view))
    if view.command == "stream":
        result, agreed, state = _right(view), _agreed_in(view), html.escape(stream_labels.heading(view))
        time = labels.seconds(stream_labels.of(view).seconds)
    elif view.command == "bench":
        result, agreed = _NOTHING, ""
        state = state if view.ended else html.escape(benchmark_labels.progress(view))
    told = html.escape(view.failure.message) if view.failure else ""
    if view.command in ("solve", "learn") and view.ended:
        time += f" {replay_link(run)} {save_link(run)}"
    return (
        f'<tr><td class="when"><time datetime="{html.escape(view.created)}">{_when(view.created)}</time></td>'
        f'<td class="what">{run_link(run, beginning(view.problem))}{_kind(view)}</td>'
        f'<td class="given">{result}</td><td>{html.escape(agreed)}</td>'
        f'<td title="{told}">{state}</td><td class="number">{time}</td></tr>'
    )


def _parts(view: StreamView, settings: Mapping[str, Any]) -> str:
    """The runs of a stream's problems, folded; `settings` are those of the stream."""
    rows = [
        (
            row.number,
            row.problem,
            row.solve,
            row.learn,
            f"{stream_labels.answer(row.answer, no_two_agree(row, settings))} {stream_labels.mark(row.right)}",
        )
        for row in view.rows
    ]
    if view.current is not None:
        rows.append((view.current.number, view.current.problem, view.current.solve, None, ""))
    if not rows:
        return ""
    items = "".join(
        f'<li><span class="number">{number}</span> {run_link(solve, beginning(problem))} {told}'
        f"{' ' + run_link(learn, 'learning') if learn else ''}</li>"
        for number, problem, solve, learn, told in rows
    )
    return (
        f'<tr class="parts"><td colspan="6"><details><summary>its {labels.count(len(rows), "problem")}</summary>'
        f"<ol>{items}</ol></details></td></tr>"
    )


def _right(view: RunView) -> str:
    """How many answers of a stream are right."""
    judged = stream_labels.of(view).judged
    return f"{sum(bool(row.right) for row in judged)} of {len(judged)} right" if judged else _NOTHING


def _agreed_in(view: RunView) -> str:
    """Mean agreement of a stream, without a memory and with it."""
    if not stream_labels.of(view).rows:
        return ""
    without, behind = stream_labels.of(view).agreement
    return f"{without:.0%} agree" if f"{without:.0%}" == f"{behind:.0%}" else f"{without:.0%} → {behind:.0%} agree"


def _kind(view: RunView) -> str:
    if view.command in KINDS:
        return f'<span class="kind">{KINDS[view.command]}</span>'
    return '<span class="kind">with a memory</span>' if view.retrieved and view.retrieved.used else ""


def _given(view: RunView) -> tuple[str, ...]:
    """The answer, or those of a tie; of a learning run the one that it learned from. None where no two agree."""
    vote: Vote | None
    if view.learn is not None:
        vote, asked = view.learn.before.vote if view.learn.before else None, view.learn.samples
    else:
        vote, asked = decisive(view), view.samples
    if vote is None:
        return (view.decision.answer,) if view.decision is not None and view.decision.answer is not None else ()
    return () if vote_words.headline(vote, asked) else vote_words.leaders(vote)


def _agreed(view: RunView) -> str:
    """How many agreed without a memory, and with it."""
    bare, *behind = (next(iter(labels.verdict(view, arm)), "") for arm in labels.arms(view))
    if not behind or not behind[0]:
        return bare
    return f"{bare}; with it {behind[0].removesuffix(' agree') if behind[0][:1].isdigit() else behind[0]}"


def _learned(view: RunView) -> str:
    """Agreement before and after, or as much of it as there is."""
    learn = view.learn
    measured = [one for one in ((learn.before, learn.after) if learn else ()) if one is not None]
    if len(measured) == 1:
        return vote_words.agreement(measured[0].vote)
    told = [f"{one.vote.counts[0].count if one.vote.counts else 0} of {one.samples}" for one in measured]
    return " → ".join(told) + (" agree" if told else "")


def _when(created: str) -> str:
    try:
        return f"{datetime.fromisoformat(created).astimezone():%-d %b %H:%M}"
    except ValueError:
        return html.escape(created)
