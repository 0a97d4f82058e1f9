"""The list of earlier runs: what each was about and how it ended."""

from __future__ import annotations

import html
import json
import threading
from datetime import datetime
from pathlib import Path

from elm_app.events import event_from_json
from elm_app.runs.log import Entry, runs
from elm_app.runs.view import RunView
from elm_app.studio import render, words
from elm_app.studio.prose import inline_html

SHOWN = 100
"""Runs in the list; older ones are counted."""
STATES = {"done": "done", "stopped": "stopped", "failed": "failed", "damaged": "damaged log"}
_NOTHING = '<span class="nothing">–</span>'
_CHUNK = b'"kind": "trace_chunk"'


class History:
    """Summaries of the runs in a folder, read again only when a log has grown."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, RunView | None]] = {}

    def table(self) -> str:
        """The newest runs as an HTML table."""
        ids = runs(self.folder)
        if not ids:
            return (
                '<div class="empty"><p>Every problem you solve is kept here as a run: its traces, its vote, its '
                'settings. Open one to see it as it was.</p><p><a href="?" data-tab="solve">Solve a first problem</a>'
                "</p></div>"
            )
        rows = "".join(_row(run, self.summary(run)) for run in ids[:SHOWN])
        older = f'<p class="older">{words.count(len(ids) - SHOWN, "older run")} not shown.</p>' if ids[SHOWN:] else ""
        return (
            '<table class="runs"><caption class="unseen">Runs, newest first</caption><thead><tr><th scope="col">When'
            '</th><th scope="col">Problem</th><th scope="col">Answer</th><th scope="col">Agreement</th>'
            f'<th scope="col">State</th><th scope="col" class="number">Time</th></tr></thead><tbody>{rows}</tbody>'
            f"</table>{older}"
        )

    def summary(self, run: str) -> RunView | None:
        """A run's view without its text; None if its log is damaged or gone."""
        path = self.folder / f"{run}.jsonl"
        try:
            size = path.stat().st_size
            with self._lock:
                known = self._known.get(run)
            if known is None or known[0] != size:
                known = (size, summary(path))
                with self._lock:
                    self._known[run] = known
            return known[1]
        except OSError:
            return None


def summary(path: Path) -> RunView | None:
    """A run's view without the text that was streamed; None if its log is damaged."""
    view = RunView()
    try:
        data = path.read_bytes()
        for line in data[: data.rfind(b"\n") + 1].splitlines():
            if not line.endswith(_CHUNK + b"}"):
                value = json.loads(line)
                view.apply(Entry(int(value.pop("seq")), float(value.pop("at")), event_from_json(value)))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None
    return view if view.run else None


def _row(run: str, view: RunView | None) -> str:
    name = html.escape(run)
    if view is None:
        return (
            f'<tr class="damaged"><td>{name}</td><td colspan="3"><a href="?run={name}" data-run="{name}">'
            f'This log cannot be read</a></td><td>{STATES["damaged"]}</td><td class="number"></td></tr>'
        )
    agreed = _learned(view) if view.learn else _agreed(view)
    given = _given(view)
    told = html.escape(view.failure.message) if view.failure else ""
    time = words.seconds(view.seconds) if view.ended else ""
    return (
        f'<tr><td class="when"><time datetime="{html.escape(view.created)}">{_when(view.created)}</time></td>'
        f'<td class="what"><a href="?run={name}" data-run="{name}">{html.escape(_beginning(view.problem))}</a>'
        f"{_kind(view)}</td>"
        f'<td class="given">{inline_html(given) if given is not None else _NOTHING}</td><td>{html.escape(agreed)}</td>'
        f'<td title="{told}">{STATES.get(view.status, render.status(view))}</td><td class="number">{time}</td></tr>'
    )


def _kind(view: RunView) -> str:
    if view.command == "learn":
        return '<span class="kind">learning</span>'
    return '<span class="kind">with a memory</span>' if view.retrieved and view.retrieved.used else ""


def _given(view: RunView) -> str | None:
    """The answer: the decision's, else that of the latest vote; of a learning run the one that it learned from."""
    if view.learn is not None and view.learn.before is not None:
        return view.learn.before.vote.answer
    if view.decision is not None:
        return view.decision.answer
    changed = view.votes.get(words.arms(view)[0])
    return changed.vote.answer if changed else None


def _agreed(view: RunView) -> str:
    """How many agreed without a memory, and with it."""
    bare, *behind = (next(iter(words.verdict(view, arm)), "") for arm in words.arms(view))
    return f"{bare}; with it {behind[0].removesuffix(' agree')}" if behind and behind[0] else bare


def _learned(view: RunView) -> str:
    """Agreement before and after, or as much of it as there is."""
    learn = view.learn
    told = [
        f"{one.vote.counts[0].count if one.vote.counts else 0} of {one.samples}"
        for one in ((learn.before, learn.after) if learn else ())
        if one is not None
    ]
    return " → ".join(told) + (" agree" if told else "")


def _when(created: str) -> str:
    try:
        return f"{datetime.fromisoformat(created).astimezone():%-d %b %H:%M}"
    except ValueError:
        return html.escape(created)


def _beginning(problem: str, longest: int = 110) -> str:
    text = " ".join(problem.split())
    return text if len(text) <= longest else text[: longest - 1].rsplit(" ", 1)[0] + " …"
