"""The command line: `python -m elm_app solve|learn|vote|memories …`.

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
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from elm_app import config, memories_cli
from elm_app.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.errors import BadInput, ElmError
from elm_app.report import Reporter, one_line

if TYPE_CHECKING:
    from elm_app.runs.runner import Work
    from elm_app.runs.view import RunView


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
    _options(solve, SamplingSettings, _ABOUT_SAMPLING)
    _options(solve, RouteSettings, _ABOUT_ROUTING)
    solve.set_defaults(command=_solve)
    learn = commands.add_parser(
        "learn", parents=[common], help="train a memory on a problem, the majority vote being the reward, and store it"
    )
    learn.add_argument("problem", nargs="?", help="the problem in words; - reads it from standard input")
    learn.add_argument("--resume", metavar="RUN", help="go on with a run that was interrupted")
    _options(learn, LearnSettings, _ABOUT_LEARNING)
    learn.set_defaults(command=_learn)
    memories_cli.add(commands, parents=[common])
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


_ABOUT_SAMPLING = {
    "samples": "k, how many traces",
    "max_new_tokens": "where a trace is cut off",
    "temperature": "0 is greedy",
    "top_k": "sample among the k likeliest tokens; 0 is the whole vocabulary",
    "seed": "same seed, same traces (default: a random one, which is shown)",
}
_ABOUT_LEARNING = {
    "steps": "gradient steps at most",
    "rollouts": "k, rollouts of a step",
    "virtual_tokens": "P, length of the soft prompt",
    "learning_rate": "of AdamW",
    "temperature": "of the rollouts",
    "max_new_tokens": "where a rollout is cut off",
    "init": "start from a text, or from random rows of the vocabulary",
    "loss": "dr_grpo, or the published formula",
    "reward": "majority of each step's rollouts, or the vote before learning",
    "clip_norm": "the gradient's norm is cut to this",
    "norm_cap": "longest virtual token, in mean lengths of a word's embedding; 0 is no cap",
    "measure_samples": "fresh samples before and after",
    "measure_temperature": "of these",
    "keep": "store the memory enabled even if it does not help",
    "seed": "same seed, same memory (default: a random one, which is shown)",
}
_ABOUT_ROUTING = {
    "memory": "auto: the nearest memory, if it is near enough; off; or the id of one",
    "retrieval": "found by the problem's embedding, by the model's own keys, or by both",
    "rank": "by similarity, or by similarity and credit",
    "top_n": "so many memories, if they are near enough (experimental above 1)",
    "compose": "more than one: each in an arm of its own, or joined to one longer soft prompt",
    "verifier": "who decides if the answers without and with memories differ",
    "prm": "process reward model for --verifier prm, a hub id or a folder",
}
_CHOICES = {
    "init": config.Init, "loss": config.Loss, "reward": config.Reward, "retrieval": config.Retrieval,
    "rank": config.Rank, "compose": config.Compose, "verifier": config.Verifier,
}  # fmt: skip


def _options(parser: argparse.ArgumentParser, kind: type[Any], about: dict[str, str]) -> None:
    """An option for every field of a settings dataclass; those that are not given keep the dataclass's default."""
    for field in fields(kind):
        flags = ["--" + field.name.replace("_", "-")] + (["--lr"] if field.name == "learning_rate" else [])
        default = "" if field.name == "seed" or field.name == "keep" else f" (default: {field.default})"
        if field.name == "keep":
            parser.add_argument(*flags, action="store_true", default=None, help=about[field.name])
        elif field.name in _CHOICES:
            choices = get_args(_CHOICES[field.name])
            parser.add_argument(*flags, choices=choices, help=about[field.name] + default)
        else:
            kind_of = int if field.name == "seed" else type(field.default)
            parser.add_argument(*flags, type=kind_of, help=about[field.name] + default)


def _given(options: argparse.Namespace, kind: type[Any]) -> dict[str, Any]:
    given = {field.name: getattr(options, field.name) for field in fields(kind)}
    return {name: value for name, value in given.items() if value is not None}


def _solve(options: argparse.Namespace) -> int:
    from elm_app.llm.loader import Models
    from elm_app.memory.embedder import Embedders
    from elm_app.memory.store import Store
    from elm_app.runs.solve import solve_run
    from elm_app.runs.tools import Tools
    from elm_app.runs.view import solve_json

    problem = _problem(options.problem)
    sampling = SamplingSettings(**_given(options, SamplingSettings))
    routing = RouteSettings(**_given(options, RouteSettings))
    model = ModelSettings(options.model, options.quantization, options.device)
    with closing(Store(_folder(options))) as store:
        settings, work = solve_run(problem, model, sampling, routing, Tools(Models(), store, Embedders()))
        return _run(options, "solve", problem, settings, work, solve_json)


def _learn(options: argparse.Namespace) -> int:
    from elm_app.llm.loader import Models
    from elm_app.memory.embedder import Embedders
    from elm_app.memory.store import Store
    from elm_app.runs.learn import learn_run, resume_run
    from elm_app.runs.tools import Tools
    from elm_app.runs.view import learn_json

    if (options.problem is None) == (options.resume is None):
        raise BadInput("Learning needs either a problem or --resume RUN.", "See: python -m elm_app learn --help")
    problem = None if options.problem is None else _problem(options.problem)
    learning = LearnSettings(**_given(options, LearnSettings))
    model = ModelSettings(options.model, options.quantization, options.device)
    with closing(Store(_folder(options))) as store:
        tools = Tools(Models(), store, Embedders())
        ready = resume_run(options.resume, tools) if problem is None else learn_run(problem, model, learning, tools)
        return _run(options, "learn", ready.problem, ready.settings, ready.work, learn_json, ready.run)


def _run(
    options: argparse.Namespace,
    command: str,
    problem: str,
    settings: dict[str, Any],
    work: Work,
    document: Callable[[RunView], dict[str, Any]],
    run: str | None = None,
) -> int:
    """Run something to its end, telling how it goes; returns the exit code."""
    from elm_app.runs.log import follow
    from elm_app.runs.runner import Runner
    from elm_app.runs.view import RunView, view_of

    folder = _folder(options) / "runs"
    view, reporter = RunView(), Reporter(quiet=options.quiet)
    with closing(Runner(folder, options.debug)) as runner, closing(reporter):
        reporter.recovered(runner.recovered)
        run = runner.submit(command, problem, settings, work, run)
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
    _print(document(view)) if options.json else reporter.answer(view)
    return 130 if view.status == "stopped" else 0


def _problem(given: str) -> str:
    from elm_app.runs.problem import checked

    return checked(_read(given) if given == "-" else given)


def _folder(options: argparse.Namespace) -> Path:
    folder: Path = options.memories or config.memories_dir()
    return folder


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
