"""What the commands share: running something to its end while telling how it goes, reading files, printing JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elm_app.cli.progress import Reporter
from elm_app.core import environment
from elm_app.core.errors import BadInput

if TYPE_CHECKING:
    from elm_app.runs.event_log import Entry
    from elm_app.runs.runner import Ready
    from elm_app.runs.state import RunView


def run_to_end(
    options: argparse.Namespace, command: str, ready: Ready, document: Callable[[RunView], dict[str, Any]]
) -> int:
    """Run something to its end, telling how it goes; returns the exit code."""
    from elm_app.runs.event_log import follow
    from elm_app.runs.runner import Runner
    from elm_app.runs.state import RunView, view_of

    folder = folder_of(options) / "runs"
    view, reporter = RunView(), Reporter(quiet=options.quiet)
    with closing(Runner(folder, options.debug)) as runner, closing(reporter):
        reporter.recovered(runner.recovered)
        if ready.settings.get("model") == "auto" and not options.quiet:
            from elm_app.engine.loader import device_for
            from elm_app.weights.choice import here

            reporter.chosen(here(device_for(ready.settings["device"])))
        run = runner.submit(command, ready.problem, ready.settings, ready.work, ready.run)
        try:
            tell(follow(folder, run), view, reporter)
        except KeyboardInterrupt:
            runner.stop(run)
            view = view_of(follow(folder, run))
    return outcome(options, view, reporter, document, _larger)


def _larger(view: RunView) -> str | None:
    """A larger model than that of a solved problem without a majority, if this machine can run one."""
    from elm_app.runs.trust import helps

    if view.model is None or not helps(view, None):
        return None
    from elm_app.engine.loader import device_for
    from elm_app.weights.choice import here, larger

    return larger(view.model.id, here(device_for(view.settings.get("device", "auto"))))


def tell(entries: Iterable[Entry], view: RunView, reporter: Reporter) -> None:
    """Tell how a run goes; `view` takes it in."""
    for entry in entries:
        view.apply(entry)
        reporter.show(view, entry.event)


def outcome(
    options: argparse.Namespace,
    view: RunView,
    reporter: Reporter,
    document: Callable[[RunView], dict[str, Any]],
    larger: Callable[[RunView], str | None] = lambda _: None,
) -> int:
    """Print what came of a run; returns the exit code. `larger` finds a larger model than the run's, to be offered."""
    if view.failure is not None:
        print(f"elm: {view.failure.message} {view.failure.remedy}".rstrip(), file=sys.stderr)
        return 2 if view.failure.error == BadInput.__name__ else 1
    if options.json:
        print_json(document(view))
    else:
        reporter.answer(view, None if options.quiet else larger(view))
    return 130 if view.status == "stopped" else 0


def folder_of(options: argparse.Namespace) -> Path:
    """Where memories and runs are."""
    folder: Path = options.memories or environment.memories_dir()
    return folder


def read_bytes(name: str) -> bytes:
    """The bytes of a file, or of standard input if it is called `-`. Raises `BadInput` where there are none to read."""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise BadInput(f"{name} cannot be read: {error.strerror or error}.", "Check the path.") from error


def read_text(name: str) -> str:
    """As `read_bytes`, as text."""
    try:
        return read_bytes(name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is not text in UTF-8 (byte {error.start}).", "Convert it to UTF-8.") from error


def print_json(document: dict[str, Any]) -> None:
    """One document on stdout."""
    print(json.dumps(document, ensure_ascii=False, indent=2))
