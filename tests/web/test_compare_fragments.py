"""Starting a comparison without a browser: what it will take, the command that does the same, and what is refused."""

from __future__ import annotations

import base64
import errno
import shlex
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from commands import Elm

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings
from elm_app.core.errors import BadInput
from elm_app.core.events import (
    Failed,
    MethodStarted,
    ProblemAnswered,
    PromptRead,
    RunFinished,
    RunStarted,
    RunStopped,
    TraceFinished,
)
from elm_app.core.types import Problem, Timing, Trace
from elm_app.evaluation import bench
from elm_app.evaluation.folder import BenchFolder, BenchPlan
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.runs.catalog import Index
from elm_app.runs.event_log import LogWriter
from elm_app.runs.state import RunView
from elm_app.runs.summaries import Summaries
from elm_app.web.commands import BenchActions
from elm_app.web.components.benchmark_labels import doing, standing
from elm_app.web.components.guard import guarded
from elm_app.web.components.settings.form import bench_fields
from elm_app.web.pages.compare.command import command
from elm_app.web.pages.compare.panel import Compares
from elm_app.web.pages.compare.setup import CHOSEN, offered
from elm_app.web.pages.compare.standing import Standing
from elm_app.web.pages.compare.starting import Starting
from elm_app.web.run.feed import Tail

ROWS = b'{"problem": "1 + 1?", "answer": "2"}\n{"problem": "1 + 2?", "answer": "3"}\n'
FIELDS = {"samples": "4", "seeds": "1,2"}
USUAL = bench_fields({}).settings
PLAN = BenchPlan("eggs.csv", (Problem("1 + 1?", "a", "2"),), ("zero_shot", "elm"), (1, 2), USUAL.to_json())
Started = list[tuple[Any, ...]]


def asked(**more: Any) -> dict[str, Any]:
    fields = FIELDS | more.pop("fields", {})
    data = base64.b64encode(ROWS).decode()
    return {"name": "eggs.jsonl", "data": data, "count": 2, "methods": [*CHOSEN], "fields": fields} | more


@pytest.fixture
def started() -> Started:
    return []


@pytest.fixture
def starting(tmp_path: Path, started: Started) -> Starting:
    def start(*given: Any) -> str:
        started.append(given)
        return "r1"

    actions = BenchActions(start, lambda _: "r2", lambda _: True)
    return Starting(actions, Summaries(tmp_path / "runs"), tmp_path, lambda: "base", readonly=False)


def test_a_comparison_starts_as_the_form_says(starting: Starting, started: Started, tmp_path: Path) -> None:
    fields = {"limit": "1", "max_new_tokens": "64", "folder": "mine"}
    assert starting.compare_start(asked(fields=fields)) == {"run": "r1"}
    ((problems, methods, seeds, settings, out, name),) = started
    assert [problem.text for problem in problems] == ["1 + 1?"]
    assert (methods, seeds, out, name) == ([*CHOSEN], (1, 2), tmp_path / "bench" / "mine", "eggs.jsonl")
    assert (settings.sampling.samples, settings.sampling.max_new_tokens) == (4, 64)
    assert settings.learning.recipe == LearnSettings.recipe


def test_a_folder_is_named_after_the_file_and_never_one_that_is_there(starting: Starting, started: Started) -> None:
    for taken in ("a-b", "a-b-2"):
        (starting.folder / taken).mkdir(parents=True)
    starting.compare_start(asked(name="a b.jsonl.gz"))
    starting.compare_start(asked(name="....jsonl"))
    assert [one[4].name for one in started] == ["a-b-3", "comparison"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": None}, "No file was chosen."),
        ({"data": "%"}, "eggs.jsonl did not arrive."),
        ({"data": base64.b64encode(b"").decode()}, "eggs.jsonl is empty."),
        ({"data": base64.b64encode(ROWS + b"[]\n").decode()}, "Some rows cannot be used."),
        ({"methods": []}, "No method was chosen."),
        ({"methods": ["nothing", "elm_frozen"]}, "No method was chosen."),
        ({"fields": {"seeds": "1,-2"}}, "Seed is -2."),
        ({"fields": {"seeds": "x"}}, "Seeds is &#x27;x&#x27;."),
        ({"fields": {"samples": "0"}}, "Samples is 0."),
        ({"fields": {"limit": "0"}}, "Problems is 0."),
        ({"fields": {"folder": "../x"}}, "Folder is &#x27;../x&#x27;."),
        ({"fields": {"folder": ".x"}}, "Folder is &#x27;.x&#x27;."),
    ],
)
def test_what_cannot_be_started_is_a_sentence_with_a_remedy(
    starting: Starting, started: Started, changes: dict[str, Any], said: str
) -> None:
    error = guarded(starting.compare_start)(asked(**changes))["error"]
    assert f"<strong>{said}" in error
    assert not error.endswith("</strong></p>")
    assert started == []


def test_where_the_disk_is_full_it_is_said(starting: Starting, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def start(
        problems: Any, methods: Any, seeds: Any, settings: StreamSettings, out: Path, name: str
    ) -> str:  # fmt: skip
        kit: Any = None
        return bench.bench_run(problems, methods, seeds, settings, kit, out, name).run

    monkeypatch.setattr("elm_app.evaluation.folder.replace_text", full)
    starting.actions = replace(starting.actions, start=start)
    error = guarded(starting.compare_start)(asked())["error"]
    assert "cannot be written: No space left on device." in error
    assert "Free some room" in error


def test_without_a_run_the_estimate_says_what_it_takes(starting: Starting) -> None:
    told = starting.compare_plan(asked())
    assert set(told["costs"]) == set(offered())
    assert told["costs"]["zero_shot"] == "about 20 s · 4,900 tokens"  # 2 problems, 2 seeds, 4 traces of 307 tokens
    assert told["costs"]["self_consistency"] == "about 1 min · 20,000 tokens"
    assert told["estimate"].startswith("<b>Together about ")
    assert "taking 223 tokens a second" in told["estimate"]
    assert "nothing was solved here with this model yet" in told["estimate"]
    assert starting.compare_plan(asked(count=0))["costs"]["elm"] == ""
    assert starting.compare_plan(asked(methods=[]))["estimate"] == "No method is ticked."


def test_with_a_run_the_estimate_is_by_that(starting: Starting, tmp_path: Path) -> None:
    settings = {"model": ModelSettings().model, "samples": 1}
    with LogWriter(tmp_path / "runs", "r0") as log:
        log.append(RunStarted("r0", "solve", "1 + 1?", settings, "2026-01-01T00:00:00+00:00"))
        log.append(PromptRead("zero_shot", 10, 0.1))
        log.append(TraceFinished(Trace("zero_shot", 0, 1, "…", "2", 100, True, -0.1)))
        log.append(RunFinished(Timing(0.1, 0.1, 10.0, 100, 10.0)))
    told = starting.compare_plan(asked())
    assert told["costs"]["zero_shot"] == "about 3 min · 1,600 tokens"  # 16 traces of 100 tokens, 10 a second
    assert "by the last problem solved here: 10 tokens a second, 100 tokens a trace" in told["estimate"]


@pytest.mark.parametrize(
    "settings",
    [
        USUAL,
        replace(
            USUAL, sampling=replace(USUAL.sampling, samples=3, temperature=0.5), model=ModelSettings("tiny", "int8")
        ),
        replace(USUAL, routing=RouteSettings(threshold=-1.0, verifier="confidence")),
        replace(USUAL, learning=LearnSettings.by_recipe(recipe="distil", steps=4, keep=True, seed=1)),
    ],
)
def test_the_command_line_reads_the_command_as_it_was_meant(
    settings: StreamSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elm: Elm
) -> None:
    given: list[tuple[Any, ...]] = []

    def noted(*arguments: Any, **_: Any) -> None:
        given.append(arguments)
        raise BadInput("Enough.")

    monkeypatch.setattr(bench, "bench_run", noted)
    file = tmp_path / "my eggs.jsonl"
    file.write_bytes(ROWS)
    plan = replace(PLAN, settings=settings.to_json(), again=1, memories=str(tmp_path))
    words = shlex.split(command(plan, str(file), tmp_path / "o", ["--limit", "1"]))
    assert words[:3] == ["python", "-m", "elm_app"]
    elm(*words[3:])
    ((problems, methods, seeds, read, _, out, name, again, memories),) = given
    assert [problem.text for problem in problems] == ["1 + 1?"]
    assert (tuple(methods), tuple(seeds), out, name) == (plan.methods, plan.seeds, tmp_path / "o", "my eggs.jsonl")
    assert read == settings
    assert (again, memories) == (1, tmp_path)


def view(*events: Any, at: Callable[[int], float] = float) -> RunView:
    made = RunView(run="r1", command="bench", problem="eggs.csv")
    for number, event in enumerate(events):
        made.seconds = at(number)
        made._apply(event, number)
    return made


def answered(method: str, number: int) -> ProblemAnswered:
    return ProblemAnswered(method, 1, number, 4, "a", "2", True, 100, 1.0)


def test_how_a_comparison_stands() -> None:
    began = MethodStarted("zero_shot", 1, 1, 4, 0, 4)
    live = view(began, answered("zero_shot", 1), answered("zero_shot", 2))
    assert doing(RunView(status="queued"), 2) == "Waiting: 2 runs ahead"
    assert doing(RunView(status="loading"), 0) == "Starting"
    assert doing(live, 0) == "zero-shot, seed 1: problem 3 of 4"
    assert standing(view(began, RunStopped(Timing(0, 0, 0, 0, 0))), 2, 16) == "Paused after 2 of 16 answers"
    broken = view(began, Failed("Interrupted", "It ended.", ""))
    assert standing(broken, 2, 16) == "Broke off after 2 of 16 answers"
    assert standing(broken, 16, 16) == "All 16 answers are in"
    told = Standing(PLAN, live, 2, 16, ahead=0).answer(2.5)
    assert (told["live"], told["resume"], told["share"]) == (True, False, 0.125)
    assert told["parts"]["clock"].startswith("2 s gone, about ")
    told = Standing(PLAN, broken, 2, 16).answer(0.0)
    assert (told["live"], told["resume"]) == (False, True)
    assert "The program ended before this comparison did." in told["parts"]["failure"]
    told = Standing(PLAN, broken, 2, 16, busy=True).answer(0.0)
    assert (told["resume"], told["parts"]["failure"]) == (False, "")
    assert told["parts"]["status"] == "Another program works at it: 2 of 16 answers are in"


@pytest.fixture
def compares(tmp_path: Path) -> Compares:
    runner, store = SimpleNamespace(folder=tmp_path / "runs", live=list), SimpleNamespace(folder=tmp_path)
    actions = SimpleNamespace(
        benches=BenchActions(lambda *_: "r1", lambda out: out.name, lambda _: True), readonly=False, store=store
    )
    tail, index = Tail(runner), Index(tmp_path / "runs")  # type: ignore[arg-type]
    return Compares(actions, tail, Summaries(tmp_path / "runs"), index)  # type: ignore[arg-type]


def test_a_comparison_that_was_begun_can_go_on_and_be_taken_away(compares: Compares, tmp_path: Path) -> None:
    folder = tmp_path / "bench" / "eggs"
    BenchFolder(folder).save(PLAN)
    told = compares.compare_show({})
    assert (told["folder"], told["live"], told["resume"]) == (str(folder), False, True)
    assert told["parts"]["status"] == "0 of 4 answers are in"
    assert told["parts"]["head"].startswith("<h2>eggs.csv</h2>")
    assert f"bench {folder}/problems.jsonl --methods zero_shot,elm --seeds 1,2" in told["parts"]["again"]
    assert compares.compare_show({"stamp": told["stamp"]}) == {"what": "", "same": True}
    assert compares.compare_resume({"folder": str(folder)}) == {"run": "eggs"}
    (folder / "elm" / "1").mkdir(parents=True)
    (folder / "elm" / "1" / ".lock").write_text("")
    (folder / "elm" / "1" / "results.jsonl").write_text("")
    with zipfile.ZipFile(compares.compare_zip({"folder": str(folder)})["file"]) as packed:
        assert packed.namelist() == ["eggs/bench.json", "eggs/elm/1/results.jsonl", "eggs/problems.jsonl"]


def test_nothing_else_can_be_taken_away_or_gone_on_with(compares: Compares, tmp_path: Path) -> None:
    (tmp_path / "bench" / "secret").mkdir(parents=True)
    for name in ("compare_zip", "compare_resume"):
        for folder in (tmp_path / "bench" / "secret", tmp_path, ""):
            error = guarded(getattr(compares, name))({"folder": str(folder)})["error"]
            assert "That folder holds no comparison of this place." in error


def test_a_plan_that_is_damaged_is_a_sentence(compares: Compares, tmp_path: Path) -> None:
    folder = tmp_path / "bench" / "eggs"
    BenchFolder(folder).save(PLAN)
    (folder / "bench.json").write_text("{")
    assert "cannot be read" in compares.compare_show({})["error"]
