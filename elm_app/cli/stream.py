"""The commands over files of problems: `python -m elm_app stream …` and `bench …`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elm_app.cli.problems import add_file_options, dry_run, file_name, read_file
from elm_app.cli.progress import stream_summary
from elm_app.cli.run_command import folder_of, print_json, run_to_end
from elm_app.cli.settings_options import ABOUT_LEARNING, ABOUT_ROUTING, ABOUT_SAMPLING, add_options, given
from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput
from elm_app.evaluation.report import markdown, report_json
from elm_app.pipelines.problems import arranged

if TYPE_CHECKING:
    from elm_app.evaluation.bench import Bench
    from elm_app.pipelines.resources import Tools
    from elm_app.runs.runner import Ready
    from elm_app.runs.state import RunView

USUAL = "zero_shot,self_consistency,icl,elm"
AS_SOLVING = ("temperature", "max_new_tokens", "seed", "measure_samples", "measure_temperature")
"""Settings of learning that are those of solving here."""


def add(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    """Registers the commands; each sets `command` to a function from options to an exit code."""
    stream = commands.add_parser(
        "stream", parents=list(parents), help="solve a file of problems one after the other, learning from each"
    )
    add_file_options(stream)
    stream.add_argument("--out", type=Path, help="folder for the results (default: one of its own beside the memories)")
    stream.add_argument("--resume", action="store_true", help="go on with the stream in --out where it broke off")
    stream.add_argument("--frozen", action="store_true", help="use the memories that there are, and make no new ones")
    _settings_options(stream)
    stream.set_defaults(command=_stream)
    bench = commands.add_parser(
        "bench", parents=list(parents), help="compare methods on the same problems, with a report; goes on if repeated"
    )
    add_file_options(bench)
    bench.add_argument(
        "--methods", default=USUAL, metavar="A,B,…", help=f"(default: {USUAL}); --methods list shows all"
    )
    bench.add_argument("--seeds", default="0", metavar="N,N,…", help="each method runs once with each (default: 0)")
    bench.add_argument("--out", type=Path, help="folder for the results and the report")
    bench.add_argument("--again", type=int, default=0, help="ask the first so many problems once more at the end")
    bench.add_argument("--memories-from", type=Path, help="memories made elsewhere, for elm_frozen")
    bench.add_argument(
        "--ray", metavar="local|ADDRESS", help="work with several workers, here or on the Ray cluster at an address"
    )
    bench.add_argument("--workers", type=int, metavar="N", help="for --ray (default: one a GPU, or one for two cores)")
    bench.add_argument("--report", action="store_true", help="only make the report of --out anew")
    _settings_options(bench, ("seed",))
    bench.set_defaults(command=_bench)


def _settings_options(parser: argparse.ArgumentParser, without: Sequence[str] = ()) -> None:
    add_options(parser, SamplingSettings, ABOUT_SAMPLING, without)
    add_options(parser, RouteSettings, ABOUT_ROUTING)
    add_options(parser, LearnSettings, ABOUT_LEARNING, without=AS_SOLVING)


def _stream(options: argparse.Namespace) -> int:
    from elm_app.engine.loader import Models
    from elm_app.pipelines.resources import Tools
    from elm_app.pipelines.stream.folder import StreamFolder
    from elm_app.retrieval.embedder import Embedders
    from elm_app.store.store import Store

    if options.resume and options.out is None:
        raise BadInput("--resume needs the folder of the stream.", "Give it with --out.")
    if options.file is None and (options.dry_run or not options.resume):
        raise BadInput("Streaming needs a file of problems.", "See: python -m elm_app stream --help")
    if options.dry_run:
        return dry_run(options)
    going_on = options.resume and (options.out / "stream.json").is_file()
    if options.resume and not going_on and options.file is None:
        raise BadInput(f"There is no stream in {options.out}.", "Start one with a file, or check the path.")
    with closing(Store(folder_of(options))) as store:
        tools = Tools(Models(), store, Embedders())
        if going_on:
            _same(options)
            folder = StreamFolder(options.out)
            if len(folder.rows()) == len(folder.plan().problems):
                return _all_done(options, folder)
            from elm_app.pipelines.stream.stream import resume_stream

            ready = resume_stream(options.out, tools)
        else:
            ready = _new(options, tools)
        return run_to_end(options, "stream", ready, document)


def _new(options: argparse.Namespace, tools: Tools) -> Ready:
    from elm_app.pipelines.stream.stream import stream_run

    sampling = SamplingSettings(**given(options, SamplingSettings))
    problems = arranged(read_file(options), options.order or "file", sampling.seed, options.limit)
    return stream_run(
        problems,
        ModelSettings(options.model, options.quantization, options.device),
        sampling,
        RouteSettings(**given(options, RouteSettings)),
        LearnSettings.by_recipe(**given(options, LearnSettings)),
        tools,
        options.out,
        file_name(options),
        learns=not options.frozen,
    )


def _same(options: argparse.Namespace) -> None:
    """Raises `BadInput` if what is given is not what the stream began with."""
    from elm_app.pipelines.stream.folder import StreamFolder

    plan = StreamFolder(options.out).plan()
    began = plan.settings
    asked = given(options, SamplingSettings) | given(options, RouteSettings)
    for name, value in asked.items():
        if began[name] != value:
            raise BadInput(f"The stream in {options.out} began with {name} {began[name]}, not {value}.", _ANEW)
    for name, value in given(options, LearnSettings).items():
        if name not in AS_SOLVING and began["learning"][name] != value:
            raise BadInput(f"The stream in {options.out} began with {name} {began['learning'][name]}.", _ANEW)
    if options.file is not None:
        limit = options.limit or len(plan.problems)
        problems = arranged(read_file(options), options.order or "file", began["seed"], limit)
        if [problem.text for problem in problems] != [problem.text for problem in plan.problems]:
            told = f"The stream in {options.out} began with other problems, or in another order."
            raise BadInput(told, "Leave out the file and its options, or start anew with another --out.")


_ANEW = "Leave that option out, or start anew with another --out."


def _all_done(options: argparse.Namespace, folder: Any) -> int:
    from elm_app.core.events import ProblemFinished
    from elm_app.runs.stream_state import StreamView

    view = StreamView()
    for row in folder.rows():
        view.apply(ProblemFinished(row))
    if options.json:
        from elm_app.runs.state import RunView

        print_json(document(RunView(status="done", stream=view, settings=folder.plan().settings)))
        return 0
    for line in stream_summary(view):
        print(line)
    return 0


def document(view: RunView) -> dict[str, Any]:
    """What --json prints of a stream."""
    from elm_app.runs.stream_state import stream_json

    return {
        "status": view.status,
        "settings": view.settings,
        **stream_json(view.stream),
        "model": vars(view.model) if view.model else None,
        "run": view.run,
    }


def _bench(options: argparse.Namespace) -> int:
    from elm_app.engine.loader import Models
    from elm_app.evaluation.bench import bench_run, methods, seeds_of
    from elm_app.evaluation.folder import BenchFolder
    from elm_app.evaluation.report import write_report
    from elm_app.pipelines.resources import Tools
    from elm_app.pipelines.stream.settings import StreamSettings
    from elm_app.retrieval.embedder import Embedders
    from elm_app.store.store import Store

    if options.methods == "list":
        for name, about in methods().items():
            print(f"{name:<24}{about}")
        return 0
    if options.dry_run:
        if options.file is None:
            raise BadInput("A dry run needs a file of problems.", "See: python -m elm_app bench --help")
        return dry_run(options)
    if options.out is None:
        raise BadInput("A benchmark needs a folder for its results.", "Give it with --out.")
    if options.report:
        return _told(options, write_report(BenchFolder(options.out)))
    if options.file is None:
        raise BadInput("A benchmark needs a file of problems.", "See: python -m elm_app bench --help")
    seeds = seeds_of(options.seeds)
    problems = arranged(read_file(options), options.order or "file", seeds[0], options.limit)
    settings = StreamSettings(
        ModelSettings(options.model, options.quantization, options.device),
        SamplingSettings(**given(options, SamplingSettings) | {"seed": seeds[0]}),
        RouteSettings(**given(options, RouteSettings)),
        LearnSettings.by_recipe(**given(options, LearnSettings)),
    )
    with closing(Store(folder_of(options))) as store:
        ready = bench_run(
            problems,
            [name.strip() for name in options.methods.split(",") if name.strip()],
            seeds,
            settings,
            Tools(Models(), store, Embedders()),
            options.out,
            file_name(options),
            options.again,
            options.memories_from,
            through=_through(options),
        )
        return run_to_end(options, "bench", ready, reported)


def _through(options: argparse.Namespace) -> Bench | None:
    """What does the benchmark, if it is not this process."""
    if options.ray is None:
        if options.workers is not None:
            raise BadInput("--workers is for --ray.", "Add --ray local, or leave it out.")
        return None
    if options.workers is not None and options.workers < 1:
        raise BadInput(f"--workers is {options.workers}.", "It must be at least 1.")
    from elm_app.evaluation.cluster.ray_bench import ray_bench

    return partial(ray_bench, address=options.ray, workers=options.workers)


def reported(view: RunView) -> dict[str, Any]:
    """What --json prints of a benchmark: the report in its folder."""
    return report_json(Path(view.settings["out"]))


def _told(options: argparse.Namespace, report: dict[str, Any]) -> int:
    print_json(report) if options.json else print(markdown(report))
    return 0
