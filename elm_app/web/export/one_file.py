"""A run as one HTML file: its frames, the page's style, and a small script that plays them.

The file asks nobody for anything: a content security policy forbids every request, and every script but the one that it
came with. Nothing in it names a folder or an address of the machine that it was made on (`redaction.py`).
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from elm_app.core.errors import BadInput
from elm_app.core.events import ENDINGS
from elm_app.core.text import beginning
from elm_app.runs.replay import Recording, recording
from elm_app.runs.state import RunView, view_of
from elm_app.web.export.frames import Change, Frames, frames, seconds
from elm_app.web.export.redaction import Redaction
from elm_app.web.export.template import body
from elm_app.web.files import ASSETS, scripts, style

SCRIPTS = ("export/player.js",)
_STYLES = (
    "shell/base.css", "run/headline.css", "run/learn.css", "run/replay.css", "run/wide.css", "export/export.css"
)  # fmt: skip
_KINDS = {"solve": "", "learn": "", "stream": "a stream", "bench": "a benchmark"}
_PACES = ((60, 1), (120, 2), (400, 5))
"""Up to so many seconds a run is played so many times as fast as it was, until somebody chooses; longer ones by 20."""


class RecordedRun(TypedDict):
    """What the player is given: seconds count from the start of the replay; `slots` and `frames` as in `Frames`."""

    length: float
    speed: int
    marks: list[float]
    slots: list[str]
    frames: list[tuple[float, list[Change]]]


def file_name(run: str) -> str:
    """What the file of a run is called."""
    return f"elm-run-{run}.html"


def one_file(folder: Path, run: str) -> str:
    """The file of a run that has ended.

    Args:
        folder: where the logs are.

    Raises:
        RunError: no such run, or its log cannot be read.
        BadInput: it has not ended, or is neither a solved problem nor a learning run.
    """
    recorded = recording(folder, run)
    recorded = replace(recorded, entries=tuple(Redaction(folder).entries(recorded.entries)))
    view = view_of(recorded.entries)
    if view.command not in ("solve", "learn"):
        kind = _KINDS.get(view.command, "something else")
        raise BadInput(
            f"Run {run} is {kind}: only a solved problem or a learning run can be one file.",
            "Take the runs of its problems, one by one." if kind == _KINDS["stream"] else "Choose another run.",
        )
    if not isinstance(recorded.entries[-1].event, ENDINGS):
        raise BadInput(f"Run {run} has not ended.", "Wait until it has, or stop it.")
    return _document(view, frames(folder, run, recorded), recorded)


def _document(view: RunView, made: Frames, recorded: Recording) -> str:
    script = f"(() => {{\n{scripts(*SCRIPTS)}\n}})();"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    icon = base64.b64encode((ASSETS / "icon.png").read_bytes()).decode()
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{html.escape(beginning(view.problem, 70))} · ELM</title>
<link rel="icon" href="data:image/png;base64,{icon}">
<style>{style(*_STYLES)}</style>
</head>
<body class="file">{body(view, made.last, json.loads(made.last["arms"]))}
<script type="application/json" id="recording">{_data(_told(made, recorded))}</script>
<script>{script}</script>
</body>
</html>
"""


def _told(made: Frames, recorded: Recording) -> RecordedRun:
    length = seconds(recorded.length, recorded)
    return {
        "length": length,
        "speed": next((speed for longest, speed in _PACES if length <= longest), 20),
        "marks": sorted({seconds(mark, recorded) for mark in recorded.marks}),
        "slots": list(made.numbers),
        "frames": made.frames,
    }


def _data(value: Any) -> str:
    """JSON that no text in it can end: it has no `<`."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
