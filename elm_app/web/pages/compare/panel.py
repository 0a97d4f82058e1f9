"""The Compare tab: what its scripts (`pages/compare/compare.js` …) may ask for, and the component that holds it."""

from __future__ import annotations

import hashlib
import html
import json
from pathlib import Path

import gradio as gr

from elm_app.core.errors import BadInput, ElmError
from elm_app.evaluation.folder import BenchFolder
from elm_app.evaluation.report_schema import PLAN, REPORT, folders, read_report
from elm_app.runs.catalog import Index
from elm_app.runs.summaries import Summaries
from elm_app.web import downloads
from elm_app.web.commands import Actions, BenchActions
from elm_app.web.components import alerts
from elm_app.web.components.guard import Answering, Begun, OfRun, Stopping, guarded
from elm_app.web.downloads import ServedFile
from elm_app.web.files import scripts
from elm_app.web.pages.compare import figures
from elm_app.web.pages.compare.answers import (
    ComparisonInFolder,
    OfFolder,
    Pausing,
    SameComparison,
    ShownComparison,
    WhichComparison,
)
from elm_app.web.pages.compare.command import command
from elm_app.web.pages.compare.standing import Standings
from elm_app.web.pages.compare.starting import Starting
from elm_app.web.pages.compare.template import COMPARE
from elm_app.web.readonly import refuse_comparison
from elm_app.web.run.feed import Tail

SCRIPTS = ("pages/compare/compare.js", "pages/compare/setup.js")


def panel(compares: Compares) -> gr.HTML:
    """What the tab holds."""
    return gr.HTML(
        html_template=COMPARE,
        js_on_load=scripts(*SCRIPTS),
        apply_default_css=False,
        server_functions=compares.functions(),
        elem_id="elm-comparing",
    )


class Compares:
    """Answers the questions of the pages."""

    def __init__(self, actions: Actions, tail: Tail, summaries: Summaries, index: Index) -> None:
        self.actions, self.tail, self.index = actions.benches, tail, index
        self.memories, self.readonly = actions.store.folder, actions.readonly
        self.standings = Standings(tail, index)
        choice = lambda: actions.fetching.weights.choice().preset  # noqa: E731
        self.starting = (
            Starting(self.actions, summaries, self.memories, choice, self.readonly) if self.actions else None
        )

    def functions(self) -> list[Answering]:
        """What the page's scripts may call, each by the name that it has here."""
        answers: list[Answering] = [
            self.compare_show, self.compare_pause, self.compare_stop, self.compare_resume, self.compare_zip
        ]  # fmt: skip
        if self.starting:
            one = self.starting
            answers += [one.compare_check, one.compare_example, one.compare_plan, one.compare_start]
        return [guarded(answer) for answer in answers]

    def compare_show(self, ask: WhichComparison) -> ShownComparison | SameComparison:
        """A comparison as it stands. The same state has the same stamp, and is not told twice."""
        known = folders(self.memories, self.index)
        what = str(ask.get("what") or "").strip()
        choices = [(self._name(path), path.name) for path in known]
        answer: ShownComparison = {"known": choices, "what": what, "folder": "", "parts": {}, "stamp": ""}
        try:
            folder = self._folder(what) if what else known[0] if known else None
            if folder is not None:
                answer = {**answer, **self._answer(folder, what or self._name(folder))}
        except ElmError as error:
            answer["error"] = alerts.error(error)
        answer["stamp"] = hashlib.sha256(json.dumps(answer).encode()).hexdigest()[:16]
        return {"what": what, "same": True} if answer["stamp"] == ask.get("stamp") else answer

    def compare_pause(self, ask: OfRun) -> Pausing:
        """End a comparison when the problem that it is at is done."""
        return {"pausing": self._does().pause(_run(ask))}

    def compare_stop(self, ask: OfRun) -> Stopping:
        """Stop a comparison at once; what is done is kept."""
        self._does()
        return {"stopping": self.tail.runner.stop(_run(ask))}

    def compare_resume(self, ask: OfFolder) -> Begun:
        """Go on with the comparison in a folder."""
        return {"run": self._does().resume(self._known(ask))}

    def compare_zip(self, ask: OfFolder) -> ServedFile:
        """Writes the folder of a comparison into a zip file that the browser then fetches."""
        self._does()
        folder = self._known(ask)
        file = downloads.place(f"{folder.name}.zip")
        BenchFolder(folder).pack(file)
        return {"file": str(file), "name": file.name}

    def _does(self) -> BenchActions:
        return refuse_comparison() if self.readonly or self.actions is None else self.actions

    def _known(self, ask: OfFolder) -> Path:
        """The folder that is asked for, if it is one of those that the page offers."""
        wanted = str(ask.get("folder") or "")
        known = next((path for path in folders(self.memories, self.index) if str(path) == wanted), None)
        if known is None:
            raise BadInput("That folder holds no comparison of this place.", "Choose one from the list.")
        return known

    def _name(self, folder: Path) -> str:
        """What a folder is asked for by; nobody is told the paths of a read-only page's machine."""
        return folder.name if self.readonly else str(folder)

    def _folder(self, what: str) -> Path:
        """Where a comparison lies; on a read-only page one of those that it offers."""
        started = self.index.started(what) if Path(what).name == what else {}
        if started.get("command") != "bench":
            if self.readonly:
                found = (path for path in folders(self.memories, self.index) if path.name == what)
                if (known := next(found, None)) is None:
                    raise BadInput("There is no such comparison here.", "Choose one from the list.")
                return known
            if "\0" in what:
                raise BadInput("That is no path.", "Type the path of a folder.")
            return Path(what).expanduser()
        out = self.index.settings(what).get("out")
        if not isinstance(out, str):
            raise BadInput(f"Run {what} names no folder.", "Type the path of its folder.")
        return Path(out)

    def _answer(self, folder: Path, what: str) -> ComparisonInFolder:
        answer: ComparisonInFolder = {"what": what, "folder": self._name(folder), "live": False, "parts": {}}
        begun = (folder / PLAN).is_file()
        report = read_report(folder) if not begun or (folder / REPORT).is_file() else None
        if begun:
            standing, now = self.standings.of(folder)
            answer = {**answer, **standing.answer(now)}
            answer["resume"] = answer["resume"] and self.actions is not None and not self.readonly
            answer["parts"] |= {
                "head": figures.begun(standing.plan),
                "again": ""
                if self.readonly
                else html.escape(command(standing.plan, str(folder / "problems.jsonl"), folder)),
            }
        if report is None or (begun and not report.methods):
            coming = "The plot comes with the first answer." if answer["live"] else ""
            nothing = dict.fromkeys(("sentences", "plot", "running", "table", "where"), "")
            answer["parts"] |= nothing | {"coming": coming}
            return answer
        answer["parts"] |= {
            "head": figures.head(report),
            "sentences": figures.sentences(report),
            "plot": figures.plot(report),
            "running": figures.running(report),
            "table": figures.table(report),
            "where": "" if self.readonly else html.escape(f"From {folder / REPORT}"),
            "coming": "",
        }
        return answer


def _run(ask: OfRun) -> str:
    run = ask.get("run")
    if not isinstance(run, str) or not run:
        raise BadInput("There is no comparison.", "Start one.")
    return run
