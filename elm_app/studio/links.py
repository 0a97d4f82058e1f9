"""Runs that belong together: those about the same problem, and those that go on where another broke off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from elm_app.runs.log import runs
from elm_app.runs.view import LearnView
from elm_app.studio.history import summary

LOOKED_AT = 300
"""Runs searched for one about the same problem, newest first."""
_CHAIN = 50


def about(folder: Path, problem: str, command: str, before: str | None = None) -> str | None:
    """The newest run of `command` about this problem, older than the run `before` if given."""
    for run in runs(folder)[:LOOKED_AT]:
        if before is not None and run >= before:
            continue
        started = _first(folder / f"{run}.jsonl")
        if started.get("command") == command and started.get("problem") == problem:
            return run
    return None


def earlier(folder: Path, run: object) -> LearnView | None:
    """What was learned in the run that another goes on from, and in those before it; None if its log is gone."""
    steps: LearnView | None = None
    for _ in range(_CHAIN):
        if not isinstance(run, str) or Path(run).name != run:
            break
        view = summary(folder / f"{run}.jsonl") if (folder / f"{run}.jsonl").is_file() else None
        if view is None or view.learn is None:
            break
        found = LearnView(steps=view.learn.steps, finished=list(view.learn.finished), before=view.learn.before)
        if steps is not None:
            found.finished += steps.finished
            found.before = steps.before or found.before
        steps, run = found, view.settings.get("resumed_from")
    return steps


def _first(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            value = json.loads(file.readline())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
