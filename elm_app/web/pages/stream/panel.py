"""The Stream tab: what its script (`pages/stream/stream.js`) may ask for, and the component that holds it."""

from __future__ import annotations

import hashlib
import html
import json
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import gradio as gr

from elm_app.core.errors import BadInput, ElmError
from elm_app.pipelines.problems import arranged
from elm_app.runs.catalog import Index
from elm_app.runs.state import RunView
from elm_app.runs.summaries import Summaries
from elm_app.web.commands import StreamActions
from elm_app.web.components import alerts, labels, stream_labels
from elm_app.web.components.charts.running_accuracy import race
from elm_app.web.components.guard import Answering, Begun, Nothing, OfRun, Stopping, guarded
from elm_app.web.components.problem_file import upload
from elm_app.web.components.settings.form import stream_fields
from elm_app.web.files import scripts
from elm_app.web.pages.stream import current_problem, ledger
from elm_app.web.pages.stream.answers import (
    NoStream,
    ResultsFile,
    SameStream,
    ShownStream,
    StreamResults,
    StreamSince,
    StreamStanding,
)
from elm_app.web.pages.stream.template import STREAM
from elm_app.web.readonly import refuse_file
from elm_app.web.run import render
from elm_app.web.run.feed import Tail

SCRIPTS = ("pages/stream/stream.js",)
EARLIER = 8
"""Earlier streams that are listed."""
_FILES = {"jsonl": "results.jsonl", "csv": "results.csv"}


def panel(streams: Streams) -> gr.HTML:
    """What the tab holds."""
    return gr.HTML(
        html_template=STREAM,
        js_on_load=scripts(*SCRIPTS),
        apply_default_css=False,
        server_functions=streams.functions(),
        elem_id="elm-streaming",
    )


class Streams:
    """Answers the questions of the pages."""

    def __init__(
        self, actions: StreamActions, tail: Tail, summaries: Summaries, index: Index, readonly: bool = False
    ) -> None:
        self.actions, self.tail, self.summaries, self.index = actions, tail, summaries, index
        self.readonly = readonly

    def functions(self) -> list[Answering]:
        """What the page's script may call, each by the name that it has here."""
        answers: tuple[Answering, ...] = (
            self.stream_check, self.stream_example, self.stream_start, self.stream_tail, self.stream_pause,
            self.stream_resume, self.stream_results,
        )  # fmt: skip
        return [guarded(answer) for answer in answers]

    def stream_check(self, ask: upload.FileToRead) -> upload.FileContents:
        """What is in a file. A read-only page takes none."""
        return refuse_file() if self.readonly else upload.checked(ask)

    def stream_example(self, _: Nothing) -> upload.SentFile:
        """The example that comes with the program, as the browser would send it."""
        return upload.example()

    def stream_start(self, ask: upload.FileToUse) -> Begun | upload.FileRefused:
        """Start a stream of a file."""
        fields = ask.get("fields")
        try:
            name, found = refuse_file() if self.readonly else upload.whole(ask)
        except ElmError as error:
            return upload.refused(error)
        wanted = stream_fields(fields if isinstance(fields, dict) else {})
        problems = arranged(found.problems, wanted.order, wanted.sampling.seed, wanted.limit)
        how = {"order": wanted.order, "limit": wanted.limit, "left_out": len(found.bad)}
        run = self.actions.start(
            problems, wanted.model, wanted.sampling, wanted.routing, wanted.learning, how, name
        )  # fmt: skip
        return {"run": run}

    def stream_pause(self, ask: OfRun) -> Stopping:
        """Stop a stream at once; what it has made is kept."""
        return {"stopping": self.tail.runner.stop(_run(ask))}

    def stream_resume(self, ask: OfRun) -> Begun:
        """Go on with a stream at the very problem at which it ended."""
        return {"run": self.actions.resume(self._out(_run(ask)))}

    def stream_results(self, ask: StreamResults) -> ResultsFile:
        """The results so far."""
        kind = ask.get("kind") if ask.get("kind") in _FILES else "jsonl"
        path = self._out(_run(ask)) / _FILES[str(kind)]
        if not path.is_file():
            raise BadInput("There are no results yet.", "They come with the first problem that is done.")
        return {"name": f"{path.parent.name}-{path.name}", "text": path.read_text(encoding="utf-8")}

    def stream_tail(self, ask: StreamSince) -> ShownStream | SameStream | NoStream:
        """A stream as it stands. The same state has the same stamp, and is not told twice."""
        live = self.tail.runner.live()
        run = str(ask.get("run") or "") or self._first(live)
        if not run:
            return {"run": "", "stamp": "", "earlier": ""}
        newest = self.index.latest(run)
        if ask.get("follow") is True and newest != run:
            run = newest
        with ExitStack() as held:
            view = held.enter_context(self.tail.reading(run))
            if view.command != "stream":
                raise BadInput(f"Run {run} is no stream.", "Open it on the page Runs.")
            standing = self._standing(view, live, newest, held)
            rows = [ledger.row(row, view.settings) for row in stream_labels.of(view).rows]
        stamp = hashlib.sha256(json.dumps([standing, len(rows)]).encode()).hexdigest()[:16]
        if stamp == ask.get("stamp") and ask.get("run") == run:
            return {"run": run, "same": True}
        given = ask.get("rows")
        known = given if ask.get("run") == run and isinstance(given, int) else 0
        return {**standing, "stamp": stamp, "from": known, "rows": rows[known:]}

    def _standing(self, view: RunView, live: list[str], newest: str, held: ExitStack) -> StreamStanding:
        current = stream_labels.of(view).current
        solve = self._child(current.solve, held) if current else None
        learn = self._child(current.learn, held) if current else None
        here = view.run in live
        can = view.ended and newest == view.run and self._can_resume(view)
        elsewhere = ""
        if newest != view.run:
            name = html.escape(newest)
            elsewhere = f'<a href="?stream={name}" data-stream="{name}">This stream went on: show the whole</a>'
        ahead = live.index(view.run) if here else view.ahead
        shown = current if current is not None and not view.ended else None
        return {
            "run": view.run,
            "state": view.status,
            "ended": view.ended,
            "live": here,
            "resume": can,
            "done": len(stream_labels.of(view).rows),
            "total": stream_labels.of(view).total,
            "parts": {
                "title": ledger.title(view),
                "status": html.escape(stream_labels.heading(view, ahead)),
                "clock": html.escape(ledger.clock(view, _since(view, solve))),
                "meta": ledger.meta(view),
                "numbers": ledger.numbers(view),
                "verdict": html.escape(ledger.verdict(view)),
                "chart": race(stream_labels.of(view)),
                "wait": render.progress(view) if current is None else "",
                "now": current_problem.now(shown, solve, learn) if shown else "",
                "failure": _failure(view),
                "elsewhere": elsewhere,
            },
            "chip": render.chip(view),
            "earlier": self._earlier(view.run),
        }

    def _child(self, run: str, held: ExitStack) -> RunView | None:
        """The view of a run that works for the stream, not changing while `held`; None as long as it has no log."""
        if not (self.tail.runner.folder / f"{run}.jsonl").is_file():
            return None
        try:
            return held.enter_context(self.tail.reading(run))
        except ElmError:
            return None

    def _can_resume(self, view: RunView) -> bool:
        out = view.settings.get("out")
        return isinstance(out, str) and self.actions.can_resume(Path(out))

    def _out(self, run: str) -> Path:
        out = self.index.settings(run).get("out")
        if not isinstance(out, str):
            raise BadInput(f"Run {run} is no stream.", "Choose a stream.")
        return Path(out)

    def _first(self, live: list[str]) -> str:
        streams = self.index.of("stream")
        return next((run for run in live if run in streams), streams[0] if streams else "")

    def _earlier(self, shown: str) -> str:
        """The newest streams but for the one that is shown, as list items: each as it stands last."""
        seen, items = {self.index.settings(shown).get("out")}, []
        for run in self.index.of("stream"):
            out = self.index.settings(run).get("out")
            view = None if out in seen else self.summaries.of(run)
            seen.add(out)
            if view is None:
                continue
            done = stream_labels.of(view)
            name = html.escape(run)
            items.append(
                f'<li><a href="?stream={name}" data-stream="{name}">{html.escape(view.problem)}</a> '
                f"<span>{len(done.rows)} of {labels.count(done.total, 'problem')}</span></li>"
            )
            if len(items) == EARLIER:
                break
        return "".join(items)


def _since(view: RunView, solve: RunView | None) -> float:
    """Seconds spent on the current problem in this sitting, by the clock."""
    try:
        began = max(datetime.fromisoformat(run.created) for run in (view, solve) if run is not None)
        return max(0.0, (datetime.now(UTC) - began).total_seconds()) if solve else 0.0
    except (ValueError, TypeError):
        return 0.0


def _failure(view: RunView) -> str:
    if view.failure is not None and view.failure.error == "Interrupted":
        return alerts.sentence("The program ended before this stream did.", "It goes on at the very problem.")
    return render.failure(view)


def _run(ask: OfRun) -> str:
    run = ask.get("run")
    if not isinstance(run, str) or not run:
        raise BadInput("There is no stream.", "Start one.")
    return run
