"""Runs that belong together: about the same problem, with the same memory, or one going on where another broke off."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from elm_app.core.events import Retrieved, event_from_json
from elm_app.runs.event_log import runs
from elm_app.runs.state import LearnView, RunView
from elm_app.runs.summaries import summary

LOOKED_AT = 300
"""Runs searched for one about the same problem, newest first."""
_CHAIN = 50
_HEAD_BYTES = 1 << 16
"""Read of each log to see what was found: that stands at its beginning."""
_FOUND = (b'"kind": "retrieved"', b'"matches": [{')


def about(folder: Path, problem: str, command: str, before: str | None = None) -> str | None:
    """The newest run of `command` about this problem, older than the run `before` if given."""
    for run in runs(folder)[:LOOKED_AT]:
        if before is not None and run >= before:
            continue
        started = _first(folder / f"{run}.jsonl")
        if started.get("command") == command and started.get("problem") == problem:
            return run
    return None


def source(folder: Path, view: RunView) -> str | None:
    """The run whose problem a learning run was asked to learn from: the one that it names, or that named by the run
    that it goes on from. One that was not asked from a run (the command line's) is told by its problem."""
    settings: Any = view.settings
    for _ in range(_CHAIN):
        if not isinstance(settings, dict):
            break
        if _is_there(folder, settings.get("source_run")):
            return str(settings["source_run"])
        run = settings.get("resumed_from")
        settings = _first(folder / f"{run}.jsonl").get("settings") if _is_there(folder, run) else None
    return about(folder, view.problem, "solve", before=view.run)


def recalling(folder: Path, memory: str = "", but: Callable[[str], bool] = lambda _: False) -> str | None:
    """The newest run that found memories, or the newest in which that memory was used; none of which `but` is true."""
    for run in runs(folder)[:LOOKED_AT]:
        if but(run):
            continue
        with (folder / f"{run}.jsonl").open("rb") as file:
            head = file.read(_HEAD_BYTES)
        for line in head[: head.rfind(b"\n") + 1].splitlines():
            if all(part in line for part in _FOUND) and (not memory or memory in _used(line)):
                return run
    return None


def _used(line: bytes) -> list[str]:
    try:
        event = event_from_json({name: value for name, value in json.loads(line).items() if name not in ("seq", "at")})
    except (ValueError, AttributeError, RecursionError):
        return []
    return [id for ids in event.arms.values() for id in ids] if isinstance(event, Retrieved) else []


def earlier(folder: Path, run: object) -> LearnView | None:
    """What was learned in the run that another goes on from, and in those before it; None if its log is gone."""
    steps: LearnView | None = None
    for _ in range(_CHAIN):
        view = summary(folder / f"{run}.jsonl") if _is_there(folder, run) else None
        if view is None or view.learn is None:
            break
        old = view.learn
        found = LearnView(steps=old.steps, finished=list(old.finished), before=old.before)
        found.worked, found.taken = old.worked, old.taken
        if steps is not None:
            found.finished += steps.finished
            found.worked, found.taken = steps.worked or found.worked, steps.taken or found.taken
            found.before = steps.before or found.before
        steps, run = found, view.settings.get("resumed_from")
    return steps


def _is_there(folder: Path, run: object) -> bool:
    return isinstance(run, str) and Path(run).name == run and (folder / f"{run}.jsonl").is_file()


def _first(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            value = json.loads(file.readline())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
