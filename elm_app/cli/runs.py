"""`runs …` on the command line: what is done with runs that have ended."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elm_app.cli.run_command import folder_of, print_json
from elm_app.core.errors import BadInput, RunError
from elm_app.core.text import size


def add(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    """Registers `runs` and its actions; each sets `command` to a function from options to an exit code."""
    actions = commands.add_parser("runs", help="take a run along as one file").add_subparsers(
        required=True, metavar="ACTION"
    )
    about = "write a run into one HTML file that plays it anywhere, offline; for solved problems and learning runs"
    export = actions.add_parser("export", parents=list(parents), help=about, description=f"{about.capitalize()}.")
    export.add_argument("run", help="its id")
    export.add_argument("--out", type=Path, metavar="FILE", help="(default: elm-run-RUN.html in this folder)")
    export.add_argument("--force", action="store_true", help="replace a file that is there")
    export.set_defaults(command=_export)


def _export(options: argparse.Namespace) -> int:
    from elm_app.store.journal import write_whole
    from elm_app.web.export.one_file import file_name, one_file

    path: Path = options.out or Path(file_name(options.run))
    if path.exists() and not options.force:
        raise BadInput(f"{path} is there already.", "Give another name with --out, or replace it with --force.")
    made = one_file(folder_of(options) / "runs", options.run)
    try:
        write_whole(path, made.encode())
    except OSError as error:
        told = f"{path} cannot be written: {error.strerror or error}."
        raise RunError(told, "Give another place with --out.") from error
    bytes = path.stat().st_size
    if options.json:
        print_json({"run": options.run, "file": str(path), "bytes": bytes})
    else:
        print(f"run {options.run} in {path}, {size(bytes)}")
    return 0
