"""The command line: `python -m elm_app solve|vote …`.

With --json one JSON document goes to stdout and nothing else does; progress goes to stderr. Exit codes: 0 done, 1
failed while running, 2 bad input, 130 stopped. Errors are one sentence and a remedy; --debug adds the traceback.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from elm_app import config
from elm_app.config import ModelSettings, SamplingSettings
from elm_app.errors import BadInput, ElmError
from elm_app.report import Reporter, one_line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    debug = config.debug()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # as JSON is, whatever the system prefers
    try:
        options = _parser().parse_args(arguments)
        debug = options.debug
        code: int = options.command(options)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("elm: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read our output has gone
        _drop_output()
        return 0
    except Exception as error:
        if debug:
            traceback.print_exc()
        if isinstance(error, OSError):
            _drop_output()
        known = isinstance(error, ElmError | OSError)
        said = error if known else f"{type(error).__name__}: {error}. This is a defect; --debug shows where."
        print(f"elm: {said}", file=sys.stderr)
        return error.exit_code if isinstance(error, ElmError) else 1


def _drop_output() -> None:
    """Let what is still buffered go nowhere, so that it does not fail again at exit."""
    with suppress(OSError):  # no file behind it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    """Bad options end as bad input does."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message[:1].upper()}{message[1:]}.", f"See: {self.prog} --help")


def _parser() -> _Parser:
    parser = _Parser(prog="python -m elm_app", description="Solve maths problems with a local model.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = _common()
    solve = commands.add_parser(
        "solve", parents=[common], help="sample traces for a problem and take the majority vote"
    )
    solve.add_argument("problem", help="the problem in words; - reads it from standard input")
    _sampling(solve)
    solve.set_defaults(command=_solve)
    vote = commands.add_parser("vote", parents=[common], help="majority vote over traces made elsewhere")
    vote.add_argument(
        "file", help="JSON lines, each with `text` (and `answer`, if it was extracted); - is standard input"
    )
    vote.add_argument("--skip-bad", action="store_true", help="leave bad rows out instead of refusing the file")
    vote.set_defaults(command=_vote)
    return parser


def _common() -> _Parser:
    common = _Parser(add_help=False)
    common.add_argument("--memories", type=Path, help="folder for memories and runs (default: memories/)")
    common.add_argument(
        "--model", default=config.default_model(), help="a preset, a hub id or a folder (default: auto)"
    )
    common.add_argument("--device", default="auto", help="cpu, cuda or auto")
    common.add_argument("--quantization", default="auto", help="int8, nf4, none or auto")
    common.add_argument("--json", action="store_true", help="one JSON document on stdout and nothing else")
    common.add_argument("--quiet", action="store_true", help="no progress on stderr")
    common.add_argument("--debug", action="store_true", default=config.debug(), help="show tracebacks")
    return common


def _sampling(parser: argparse.ArgumentParser) -> None:
    about = {
        "samples": "k, how many traces",
        "max_new_tokens": "where a trace is cut off",
        "temperature": "0 is greedy",
        "top_k": "sample among the k likeliest tokens; 0 is the whole vocabulary",
        "seed": "same seed, same traces (default: a random one, which is shown)",
    }
    for field in fields(SamplingSettings):
        kind = float if field.name == "temperature" else int
        parser.add_argument("--" + field.name.replace("_", "-"), type=kind, help=about[field.name])


def _solve(options: argparse.Namespace) -> int:
    from elm_app.llm.loader import Models
    from elm_app.runs.log import follow
    from elm_app.runs.runner import Runner
    from elm_app.runs.solve import solve_run
    from elm_app.runs.view import RunView, solve_json, view_of

    problem = _read(options.problem) if options.problem == "-" else options.problem
    given = {field.name: getattr(options, field.name) for field in fields(SamplingSettings)}
    sampling = SamplingSettings(**{name: value for name, value in given.items() if value is not None})
    model = ModelSettings(options.model, options.quantization, options.device)
    settings, work = solve_run(problem, model, sampling, Models())
    folder = (options.memories or config.memories_dir()) / "runs"
    view, reporter = RunView(), Reporter(quiet=options.quiet)
    with closing(Runner(folder, options.debug)) as runner, closing(reporter):
        reporter.recovered(runner.recovered)
        run = runner.submit("solve", problem.strip(), settings, work)
        try:
            for entry in follow(folder, run):
                view.apply(entry)
                reporter.show(view, entry.event)
        except KeyboardInterrupt:
            runner.stop(run)
            view = view_of(follow(folder, run))
    if view.failure is not None:
        print(f"elm: {view.failure.message} {view.failure.remedy}".rstrip(), file=sys.stderr)
        return 2 if view.failure.error == BadInput.__name__ else 1
    _print(solve_json(view)) if options.json else reporter.answer(view)
    return 130 if view.status == "stopped" else 0


def _vote(options: argparse.Namespace) -> int:
    from elm_app.answers.traces import read_traces, vote_traces

    rows = _read(options.file).split("\n")  # splitlines() would also cut at a U+2028 inside a string
    result = vote_traces(read_traces(rows, skip_bad=options.skip_bad))
    if options.json:
        _print(result)
        return 0
    vote = result["vote"]
    print(one_line(vote["answer"]) if vote["answer"] is not None else "no answer")
    total = len(result["traces"])
    for count in vote["counts"]:
        print(f"  {count['count']:>4} of {total}  {one_line(count['answer'])}")
    if vote["abstained"]:
        print(f"  {vote['abstained']:>4} of {total}  without an answer")
    for row in result["bad_rows"]:
        print(f"elm: row {row['number']} left out: {row['reason']}", file=sys.stderr)
    return 0


def _read(name: str) -> str:
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise BadInput(f"{name} cannot be read: {error.strerror or error}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is not text in UTF-8 (byte {error.start}).", "Convert it to UTF-8.") from error


def _print(document: dict[str, Any]) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=2))
