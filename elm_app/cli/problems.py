"""Files of problems on the command line: their options, what is said of them before anything runs, and --dry-run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from elm_app.cli.lines import one_line
from elm_app.cli.run_command import print_json, read_bytes
from elm_app.core.errors import BadInput
from elm_app.core.text import count
from elm_app.core.types import Problem, to_json
from elm_app.pipelines.problem_files import hub
from elm_app.pipelines.problem_files.columns import parse_columns
from elm_app.pipelines.problems import Order, ProblemsFile, read_problems

FIRST = 5
"""Problems that --dry-run shows."""
_WIDTH = 70
_OTHERWISE = "If that is wrong: --columns problem=NAME,answer=NAME"


def add_file_options(parser: argparse.ArgumentParser) -> None:
    """The file, and how it is read."""
    about = "JSON lines, a JSON array, CSV, text or parquet; hf:OWNER/NAME is a data set on the hub; - is stdin"
    parser.add_argument("file", nargs="?", help=about)
    parser.add_argument("--columns", default="", metavar="problem=A,answer=B", help="what its columns are called")
    parser.add_argument("--limit", type=int, help="only so many problems")
    parser.add_argument("--order", choices=get_args(Order), default=None, help="of the problems (default: file)")
    parser.add_argument("--skip-bad", action="store_true", help="leave bad rows out instead of refusing the file")
    parser.add_argument("--dry-run", action="store_true", help="only say what is in the file and how it is read")


def file_name(options: argparse.Namespace) -> str:
    """What the file is called in a sentence."""
    given: str = options.file
    if given.startswith(hub.PREFIX):
        return given
    return "standard input" if given == "-" else Path(given).name


def read_file(options: argparse.Namespace) -> Sequence[Problem]:
    """The good rows of the file, in its order; what is to be known of it is said on stderr."""
    found = _read(options, options.skip_bad)
    if options.limit is not None and options.limit < 1:
        raise BadInput(f"limit is {options.limit}.", "It must be 1 or more.")
    for line in (*_said(file_name(options), found), *_left_out(found)):
        print(f"elm: {one_line(line)}", file=sys.stderr)
    return found.problems


def dry_run(options: argparse.Namespace) -> int:
    """Print what was read, what was assumed, and the first problems; nothing is run, no model is loaded."""
    name, found = file_name(options), _read(options, skip_bad=True)
    answered = sum(problem.answer is not None for problem in found.problems)
    if options.json:
        print_json(
            {
                "file": name,
                "problems": len(found.problems),
                "with_answers": answered,
                "bad": [{found.unit: row.number, "reason": row.reason} for row in found.bad],
                "assumed": found.assumed,
                "warnings": found.warnings,
                "first": [to_json(problem) for problem in found.problems[:FIRST]],
            }
        )
        return 0
    print(f"{name}: {count(len(found.problems), 'problem')}, {answered:,} with an answer, "
          f"{count(len(found.bad), 'bad row')}")  # fmt: skip
    for line in _said(name, found):
        print(one_line(line))
    for row in found.bad[: 2 * FIRST]:
        print(one_line(f"bad {found.unit} {row.number}: {row.reason}"))
    if len(found.bad) > 2 * FIRST:
        print(f"and {count(len(found.bad) - 2 * FIRST, 'more bad row')}")
    if found.bad and not options.skip_bad:
        print("A run refuses the file unless bad rows are left out: --skip-bad")
    for problem in found.problems[:FIRST]:
        print(one_line(f"  {problem.id}: {_cut(problem.text)} → {_cut(problem.answer or 'no answer')}"))
    return 0


def _read(options: argparse.Namespace, skip_bad: bool) -> ProblemsFile:
    columns = parse_columns(options.columns)
    if not options.file.startswith(hub.PREFIX):
        return read_problems(read_bytes(options.file), file_name(options), skip_bad, columns)
    data, name, chosen = hub.fetch(options.file)
    found = read_problems(data, name, skip_bad, columns)
    return ProblemsFile(found.problems, found.bad, (*chosen, *found.assumed), found.warnings, found.unit)


def _said(name: str, found: ProblemsFile) -> list[str]:
    assumed = [f"{name}, read as: {'; '.join(found.assumed)}. {_OTHERWISE}"] if found.assumed else []
    return assumed + [f"warning: {warning}" for warning in found.warnings]


def _left_out(found: ProblemsFile) -> list[str]:
    return [f"{found.unit} {row.number} left out: {row.reason}" for row in found.bad]


def _cut(text: str) -> str:
    told = " ".join(text.split())
    return told if len(told) <= _WIDTH else told[: _WIDTH - 1] + "…"
