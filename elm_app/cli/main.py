"""The command line: `python -m elm_app app|solve|learn|stream|bench|replay|runs|vote|memories …`, or `elm …`.

With --json one JSON document goes to stdout and nothing else does; progress goes to stderr. Exit codes: 0 done, 1
failed while running, 2 bad input, 130 stopped. Errors are one sentence and a remedy; --debug adds the traceback.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import NoReturn

from elm_app import __version__
from elm_app.cli import memories, runs, stream
from elm_app.cli.lines import one_line
from elm_app.cli.progress import Reporter
from elm_app.cli.run_command import folder_of, outcome, print_json, read_text, run_to_end, tell
from elm_app.cli.settings_options import ABOUT_LEARNING, ABOUT_ROUTING, ABOUT_SAMPLING, add_options, given
from elm_app.cli.solved import of_vote
from elm_app.core import config, environment
from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput, ElmError
from elm_app.core.types import Vote, from_json

_WHERE = (
    "folder for memories and runs (default: memories/ beside app.py in a checkout, "
    "elsewhere elm/memories in the user's data folder)"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    debug = environment.debug()
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
    name = "elm" if Path(sys.argv[0]).stem == "elm" else "python -m elm_app"
    parser = _Parser(prog=name, description="Solve maths problems with a local model.")
    parser.add_argument("--version", action="version", version=f"elm {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = _common()
    app = commands.add_parser("app", help="show the web page, at the address that it prints", description=_ABOUT_APP)
    app.add_argument("--memories", type=Path, help=_WHERE)
    app.add_argument(
        "--mcp", action="store_true", help="offer solve, retrieve and vote as MCP tools, too (docs/API.md)"
    )
    app.add_argument(
        "--readonly",
        action="store_true",
        default=environment.readonly(),
        help="learn, change, delete and take in nothing: for a talk, or where strangers may come (also ELM_READONLY=1)",
    )
    app.set_defaults(command=_app, debug=environment.debug())
    solve = commands.add_parser(
        "solve", parents=[common], help="sample traces for a problem and take the majority vote"
    )
    solve.add_argument("problem", help="the problem in words; - reads it from standard input")
    add_options(solve, SamplingSettings, ABOUT_SAMPLING)
    add_options(solve, RouteSettings, ABOUT_ROUTING)
    solve.set_defaults(command=_solve)
    learn = commands.add_parser(
        "learn", parents=[common], help="learn a memory from a problem by its majority vote, and store it"
    )
    learn.add_argument("problem", nargs="?", help="the problem in words; - reads it from standard input")
    learn.add_argument("--resume", metavar="RUN", help="go on with a run that was interrupted")
    learn.add_argument("--answer", help="the right answer, for --reward gold")
    add_options(learn, LearnSettings, ABOUT_LEARNING, recipe=config.LEARNS_BY)
    learn.set_defaults(command=_learn)
    stream.add(commands, parents=[common])
    replay = commands.add_parser(
        "replay", parents=[common], help="play a run once more from its log, at its own pace; no model is loaded"
    )
    replay.add_argument("run", help="its id")
    replay.add_argument("--speed", type=float, default=1.0, help="so many times as fast (default: 1; inf: at once)")
    replay.set_defaults(command=_replay)
    runs.add(commands, parents=[common])
    memories.add(commands, parents=[common])
    vote = commands.add_parser("vote", parents=[common], help="majority vote over traces made elsewhere")
    vote.add_argument(
        "file", help="JSON lines, each with `text` (and `answer`, if it was extracted); - is standard input"
    )
    vote.add_argument("--skip-bad", action="store_true", help="leave bad rows out instead of refusing the file")
    vote.set_defaults(command=_vote)
    return parser


_ABOUT_APP = (
    "Show the web page. Address and port are GRADIO_SERVER_NAME (default 127.0.0.1) and GRADIO_SERVER_PORT (default: "
    "the first free from 7860)."
)


def _app(options: argparse.Namespace) -> int:
    from elm_app.web.launch import launch

    launch(options.memories, mcp=options.mcp, read_only=options.readonly)
    return 0


def _common() -> _Parser:
    common = _Parser(add_help=False)
    common.add_argument("--memories", type=Path, help=_WHERE)
    common.add_argument(
        "--model", default=environment.default_model(), help="a preset, a hub id or a folder (default: auto)"
    )
    common.add_argument("--device", default="auto", help="cpu, cuda or auto")
    common.add_argument("--quantization", default="auto", help="4-bit, int8, nf4, none or auto")
    common.add_argument("--json", action="store_true", help="one JSON document on stdout and nothing else")
    common.add_argument("--quiet", action="store_true", help="no progress on stderr")
    common.add_argument("--debug", action="store_true", default=environment.debug(), help="show tracebacks")
    return common


def _solve(options: argparse.Namespace) -> int:
    from elm_app.engine.loader import Models
    from elm_app.pipelines.resources import Tools
    from elm_app.pipelines.solve import solve_run
    from elm_app.retrieval.embedder import Embedders
    from elm_app.runs.event_log import new_run_id
    from elm_app.runs.run_json import solve_json
    from elm_app.runs.runner import Ready
    from elm_app.store.store import Store

    problem = _problem(options.problem)
    sampling = SamplingSettings(**given(options, SamplingSettings))
    routing = RouteSettings(**given(options, RouteSettings))
    model = ModelSettings(options.model, options.quantization, options.device)
    with closing(Store(folder_of(options))) as store:
        settings, work = solve_run(problem, model, sampling, routing, Tools(Models(), store, Embedders()))
        return run_to_end(options, "solve", Ready(new_run_id(), problem, settings, work), solve_json)


def _learn(options: argparse.Namespace) -> int:
    from elm_app.engine.loader import Models
    from elm_app.pipelines.learn import learn_run, resume_run
    from elm_app.pipelines.resources import Tools
    from elm_app.retrieval.embedder import Embedders
    from elm_app.runs.run_json import learn_json
    from elm_app.store.store import Store

    if (options.problem is None) == (options.resume is None):
        raise BadInput("Learning needs either a problem or --resume RUN.", "See: python -m elm_app learn --help")
    problem = None if options.problem is None else _problem(options.problem)
    asked = given(options, LearnSettings)
    recipe = "paper" if config.OF_PAPER & asked.keys() else config.LEARNS_BY
    learning = LearnSettings.by_recipe(**{"recipe": recipe, **asked})
    model = ModelSettings(options.model, options.quantization, options.device)
    with closing(Store(folder_of(options))) as store:
        tools = Tools(Models(), store, Embedders())
        ready = (
            resume_run(options.resume, tools)
            if problem is None
            else learn_run(problem, model, learning, tools, gold=options.answer)
        )
        return run_to_end(options, "learn", ready, learn_json)


def _replay(options: argparse.Namespace) -> int:
    from elm_app.runs.replay import play, recording
    from elm_app.runs.run_json import effect_json, learn_json, solve_json
    from elm_app.runs.state import RunView

    documents = {
        "solve": solve_json, "learn": learn_json, "stream": stream.document, "bench": stream.reported,
        "act": effect_json,
    }  # fmt: skip
    view, reporter = RunView(), Reporter(quiet=options.quiet)
    with closing(reporter):
        tell(play(recording(folder_of(options) / "runs", options.run), options.speed), view, reporter)
    return outcome(options, view, reporter, documents[view.command])


def _problem(given: str) -> str:
    from elm_app.pipelines.problem import checked

    return checked(read_text(given) if given == "-" else given)


def _vote(options: argparse.Namespace) -> int:
    from elm_app.answers.imported_traces import read_traces, vote_traces

    rows = read_text(options.file).split("\n")  # splitlines() would also cut at a U+2028 inside a string
    result = vote_traces(read_traces(rows, skip_bad=options.skip_bad))
    if options.json:
        print_json(result)
        return 0
    vote = result["vote"]
    print(of_vote(from_json(Vote, vote), 1))
    total = len(result["traces"])
    for count in vote["counts"]:
        print(f"  {count['count']:>4} of {total}  {one_line(count['answer'])}")
    if vote["abstained"]:
        print(f"  {vote['abstained']:>4} of {total}  without an answer")
    for row in result["bad_rows"]:
        print(f"elm: row {row['number']} left out: {row['reason']}", file=sys.stderr)
    return 0
