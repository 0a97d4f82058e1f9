"""The Compare tab: what its script (`pages/compare/compare.js`) may ask for, and the component that holds it."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import gradio as gr

from elm_app.core.errors import BadInput, ElmError
from elm_app.evaluation.report_schema import REPORT, folders, read_report
from elm_app.runs.catalog import Index
from elm_app.web.components import alerts, benchmark_labels
from elm_app.web.files import scripts
from elm_app.web.pages.compare import figures
from elm_app.web.run.feed import Tail

SCRIPTS = ("pages/compare/compare.js",)
COMMAND = (
    "python -m elm_app bench problems.jsonl --methods zero_shot,self_consistency,elm --seeds 1,2 "
    "--out memories/bench/first"
)
COMPARE = f"""
<section class="elm-compare" data-state="none" aria-label="Compare">
  <form class="pick" data-part="form">
    <label data-part="known-box" hidden>Benchmark <select data-part="known"></select></label>
    <label class="path"><span data-part="path-name">Path of a benchmark's folder</span>
      <input data-part="path" autocomplete="off" spellcheck="false" placeholder="memories/bench/first"></label>
    <button type="submit">Show</button>
  </form>
  <div data-part="notice" role="alert"></div>
  <p class="progress" data-part="progress" role="status"></p>
  <div class="empty" data-part="empty" hidden>
    <p class="lead">Does it improve, against what, and would it without the vote?</p>
    <p>A benchmark asks every method the same problems, with the same samples, and grades them alike. This place will
    show its table, its plot with intervals, and the sentence that the numbers allow. Make one:</p>
    <pre tabindex="0"><code>{html.escape(COMMAND)}</code></pre>
  </div>
  <div data-part="report" hidden>
    <div data-part="head"></div><div data-part="plot"></div>
    <div class="sentences" data-part="sentences"></div><div data-part="running"></div>
    <div class="scroll" data-part="table" tabindex="0" role="region" aria-label="Table of the methods"></div>
    <p class="quiet where" data-part="where"></p>
  </div>
</section>
"""

Ask = dict[str, Any]


def panel(tail: Tail, index: Index, memories: Path) -> gr.HTML:
    """What the tab holds."""
    answers = Compares(tail, index, memories)

    def compare_show(ask: Ask) -> Ask:
        return answers.show(ask if isinstance(ask, dict) else {})

    return gr.HTML(
        html_template=COMPARE,
        js_on_load=scripts(*SCRIPTS),
        apply_default_css=False,
        server_functions=[compare_show],
        elem_id="elm-comparing",
    )


class Compares:
    """Answers the question of the pages."""

    def __init__(self, tail: Tail, index: Index, memories: Path) -> None:
        self.tail, self.index, self.memories = tail, index, memories

    def show(self, ask: Ask) -> Ask:
        """The benchmark in a folder, or that of a run (`what`); without either the newest. `error` is a sentence as
        HTML, `again` says that it will be another one soon, `known` is what there is to choose from."""
        known = folders(self.memories, self.index)
        answer: Ask = {"known": [[str(path), path.name] for path in known], "what": "", "progress": "", "again": False}
        what = str(ask.get("what") or "").strip()
        try:
            folder = self._folder(what, answer) if what else known[0] if known else None
            if folder is None:
                return answer
            answer["what"] = what or str(folder)
            if answer["again"] and not (folder / REPORT).is_file():
                return answer
            report = read_report(folder)
        except ElmError as error:
            return answer | {"error": alerts.error(error)}
        return answer | {
            "folder": str(folder),
            "parts": {
                "head": figures.head(report),
                "sentences": figures.sentences(report),
                "plot": figures.plot(report),
                "running": figures.running(report),
                "table": figures.table(report),
                "where": html.escape(f"From {folder / REPORT}"),
            },
        }

    def _folder(self, what: str, answer: Ask) -> Path:
        """Where the benchmark lies; tells in `answer` how far its run has come, if `what` is one."""
        started = self.index.started(what) if Path(what).name == what else {}
        if started.get("command") != "bench":
            if "\0" in what:
                raise BadInput("That is no path.", "Type the path of a folder.")
            return Path(what).expanduser()
        with self.tail.reading(what) as view:
            answer["progress"] = benchmark_labels.progress(view)
            answer["again"] = not view.ended
        out = self.index.settings(what).get("out")
        if not isinstance(out, str):
            raise BadInput(f"Run {what} names no folder.", "Type the path of its folder.")
        return Path(out)
