"""A benchmark that dies anywhere, or meets odd ids, long problems and damaged files."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from remembering import answers_by_length, tools

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput, DamagedMemory
from elm_app.core.events import Event, ProblemAnswered, Progress, RunFinished, RunStopped
from elm_app.core.results import Result
from elm_app.core.types import Problem
from elm_app.engine.loader import Models
from elm_app.evaluation.bench import bench_run, resume_bench, seeds_of
from elm_app.evaluation.folder import BenchFolder
from elm_app.evaluation.report import report_json
from elm_app.pipelines.resources import Tools
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.store.store import Store

pytestmark = pytest.mark.usefixtures("own_cache", "answered_by_length")

PROBLEMS = [
    Problem("A farmer packs 7 crates with 24 eggs each.", "eggs", "0"),
    Problem("A farmer packs 9 crates with 30 eggs each.", "more", "1"),
]
OTHERS = [replace(problem, text=f"{problem.text} Today.") for problem in PROBLEMS]
Lines = dict[str, list[Result]]
LONG_METHODS = ["icl_reflection", "lag", "dynamic_cheatsheet", "elm_prefix", "ttrl", "elm", "elm_random_memory"]


@pytest.fixture(scope="module")
def settings(random_model: Path) -> StreamSettings:
    return StreamSettings(
        ModelSettings(str(random_model), "int8", "cpu"),
        SamplingSettings(4, 8, 1.0, seed=0),
        RouteSettings(threshold=-1.0),
        LearnSettings(steps=1, rollouts=4, virtual_tokens=5, learning_rate=0.05, keep=True),
    )


class Killed(BaseException):
    """The program dies here."""


def dies_after(calls: int) -> Callable[[], bool]:
    left = [calls]

    def stopped() -> bool:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return False

    return stopped


def after(answers: int, out: Path) -> Callable[[], bool]:
    """Whether so many have been kept since."""
    enough = BenchFolder(out).counted()[0] + answers
    return lambda: BenchFolder(out).counted()[0] >= enough


def run(
    kit: Tools,
    settings: StreamSettings,
    out: Path,
    *names: str,
    stopped: Callable[[], bool] = lambda: False,
    **more: Any,
) -> list[Event]:
    given = {"problems": PROBLEMS, "seeds": [0], "again": 0} | more
    problems, seeds = given.pop("problems"), given.pop("seeds")
    return list(bench_run(problems, names, seeds, settings, kit, out, "eggs.jsonl", **given).work(stopped))


def told(line: Result) -> Result:
    """A line without what depends on when it was made."""
    detail = {
        name: value is not None if name in ("learned", "retrieved") else value
        for name, value in line.detail.items()
        if name not in ("stored_bytes", "prepare_seconds")
    }
    return replace(line, seconds=0.0, detail=detail)


@pytest.fixture(scope="module")
def straight(
    models: Models, settings: StreamSettings, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Result]]:
    """The lines of each method where nothing broke off, the first problem asked once more."""
    folder = tmp_path_factory.mktemp("straight")
    with pytest.MonkeyPatch.context() as patch:
        answers_by_length(patch)
        kit = tools(folder / "memories", models)
        with closing(kit.store):
            run(kit, settings, folder / "b", *LONG_METHODS, again=1)
    return {name: BenchFolder(folder / "b").results(name, 0) for name in LONG_METHODS}


@pytest.mark.parametrize("name", LONG_METHODS)
@pytest.mark.parametrize("calls", [3, 11, 20])
def test_a_killed_benchmark_goes_on_as_if_nothing_had_happened(
    name: str, calls: int, straight: Lines, kit: Tools, settings: StreamSettings, tmp_path: Path
) -> None:
    """Each sitting lasts longer than the one before, and the last line is cut off in between."""
    out, sittings = tmp_path / "b", 0
    names = ["elm", name] if name == "elm_random_memory" else [name]
    while True:
        try:
            events = run(kit, settings, out, *names, stopped=dies_after(calls + 13 * sittings), again=1)
        except Killed:
            sittings += 1
            path = BenchFolder(out).of(name, 0) / "results.jsonl"
            if sittings % 3 == 0 and path.exists():
                path.write_bytes(path.read_bytes()[:-20])
            continue
        break
    assert sittings > 0
    assert isinstance(events[-1], RunFinished)
    lines = BenchFolder(out).results(name, 0)
    assert [(one.number, one.again) for one in lines] == [(1, False), (2, False), (1, True)]
    assert [told(one) for one in lines] == [told(one) for one in straight[name]]


@pytest.mark.parametrize("name", ["elm_prefix", "elm"])
def test_ids_are_no_paths(name: str, kit: Tools, settings: StreamSettings, tmp_path: Path) -> None:
    ids = ["a/b", "a_b", "../../up", "x" * 300, "."]
    problems = [replace(PROBLEMS[0], id=id) for id in ids]
    run(kit, settings, tmp_path / "b", name, problems=problems)
    lines = BenchFolder(tmp_path / "b").results(name, 0)
    assert [line.id for line in lines] == ids
    if name == "elm_prefix":
        files = [line.kept["file"] for line in lines if line.kept]
        assert len(set(files)) == len(files) > 2
        folder = BenchFolder(tmp_path / "b").of(name, 0)
        assert {path.name for path in folder.glob("*.safetensors")} == set(files)
        assert lines[-1].detail["stored_bytes"] == sum((folder / file).stat().st_size for file in files)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "memories"]


def test_a_problem_that_does_not_fit_is_named_before_anything_is_solved(
    kit: Tools, settings: StreamSettings, tmp_path: Path
) -> None:
    problems = [*PROBLEMS, Problem("x" * 2040, "long", "1")]
    with pytest.raises(BadInput, match="Problem long is 2") as caught:
        run(kit, settings, tmp_path / "b", "zero_shot", problems=problems)
    assert "leave it out" in caught.value.remedy
    assert BenchFolder(tmp_path / "b").results("zero_shot", 0) == []


def test_stopped_while_the_model_is_loaded(kit: Tools, settings: StreamSettings, tmp_path: Path) -> None:
    fresh = replace(kit, models=Models())
    events = run(fresh, settings, tmp_path / "b", "zero_shot", stopped=lambda: True)
    assert isinstance(events[-1], RunStopped)
    assert not [event for event in events if isinstance(event, ProblemAnswered)]
    assert report_json(tmp_path / "b")["methods"] == []
    assert isinstance(run(kit, settings, tmp_path / "b", "zero_shot")[-1], RunFinished)


def test_learning_that_was_written_down_by_half_is_done_again(
    kit: Tools, settings: StreamSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(kit, settings, tmp_path / "a", "elm_offline")
    wanted = [told(line) for line in BenchFolder(tmp_path / "a").results("elm_offline", 0)]
    real = json.dumps

    def dies(value: Any, **how: Any) -> str:
        if isinstance(value, dict) and "updates" in value:
            raise Killed
        return real(value, **how)

    with monkeypatch.context() as patch:
        patch.setattr("elm_app.evaluation.offline_methods.json.dumps", dies)
        with pytest.raises(Killed):
            run(kit, settings, tmp_path / "b", "elm_offline")
    folder = BenchFolder(tmp_path / "b").of("elm_offline", 0)
    assert (folder / "policy.safetensors").exists()
    assert not (folder / "policy.json").exists()
    run(kit, settings, tmp_path / "b", "elm_offline")
    assert [told(line) for line in BenchFolder(tmp_path / "b").results("elm_offline", 0)] == wanted


def test_tensors_that_are_gone_are_named(kit: Tools, settings: StreamSettings, tmp_path: Path) -> None:
    run(kit, settings, tmp_path / "b", "elm_prefix")
    folder = BenchFolder(tmp_path / "b")
    (file,) = {line.kept.get("file") for line in folder.results("elm_prefix", 0)[:1]}
    (folder.of("elm_prefix", 0) / str(file)).unlink()
    path = folder.of("elm_prefix", 0) / "results.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(DamagedMemory, match=r"1\.safetensors cannot be read: No such file"):
        run(kit, settings, tmp_path / "b", "elm_prefix")


@pytest.mark.parametrize("numbers", [[2], [1, 1], [2, 1], [1, -1, 2], [1, 2, -2]])
def test_lines_that_are_missing_or_there_twice(
    numbers: list[int], kit: Tools, settings: StreamSettings, tmp_path: Path
) -> None:
    """A negative number is a problem that was asked once more."""
    run(kit, settings, tmp_path / "b", "zero_shot", again=2)
    folder = BenchFolder(tmp_path / "b")
    lines = {(-1 if one.again else 1) * one.number: one for one in folder.results("zero_shot", 0)}
    assert list(lines) == [1, 2, -1, -2]
    (folder.of("zero_shot", 0) / "results.jsonl").unlink()
    for number in numbers:
        folder.append(lines[number])
    with pytest.raises(BadInput, match="lines missing, or twice") as caught:
        folder.results("zero_shot", 0)
    assert "Remove" in caught.value.remedy


def test_a_benchmark_grows_by_a_seed_at_a_time(kit: Tools, settings: StreamSettings, tmp_path: Path) -> None:
    """The seed of the settings is not what it is compared by: each method has its own."""
    for seed in (0, 3):
        own = replace(settings, sampling=replace(settings.sampling, seed=seed))
        run(kit, own, tmp_path / "b", "zero_shot", "elm", seeds=[seed])
    folder = BenchFolder(tmp_path / "b")
    assert folder.plan().seeds == (0, 3)
    run(kit, settings, tmp_path / "a", "zero_shot", "elm", seeds=[0, 3])
    for name in ("zero_shot", "elm"):
        for seed in (0, 3):
            mine, other = folder.results(name, seed), BenchFolder(tmp_path / "a").results(name, seed)
            assert [told(one) for one in mine] == [told(one) for one in other]
    hotter = replace(settings, sampling=replace(settings.sampling, temperature=0.5))
    with pytest.raises(BadInput, match="other settings"):
        run(kit, hotter, tmp_path / "b", "zero_shot")


def test_asked_once_more_with_other_seeds_and_all_memories(
    kit: Tools, settings: StreamSettings, tmp_path: Path
) -> None:
    run(kit, settings, tmp_path / "b", "zero_shot", "icl", "elm", again=2)
    folder = BenchFolder(tmp_path / "b")
    bare, icl, ours = (folder.results(name, 0) for name in ("zero_shot", "icl", "elm"))
    assert [one.traces for one in bare[:2]] != [one.traces for one in bare[2:]]
    assert icl[2].detail["shown"][-1] == PROBLEMS[0].text  # its own trace is the nearest
    assert all(one.kept == {} for one in icl[2:])
    assert ours[2].detail["retrieved"] == ours[0].detail["learned"]
    assert all(one.detail["learned"] is None for one in ours[2:])
    assert all(row["problems"] == 2 for row in report_json(tmp_path / "b")["methods"])


def test_memories_made_elsewhere_are_taken_once(kit: Tools, settings: StreamSettings, tmp_path: Path) -> None:
    """What becomes of the other store between two sittings changes nothing."""
    run(kit, settings, tmp_path / "a", "elm", problems=OTHERS)
    source = BenchFolder(tmp_path / "a").of("elm", 0) / "memories"
    run(kit, settings, tmp_path / "straight", "elm_frozen", memories=source)
    wanted = [told(one) for one in BenchFolder(tmp_path / "straight").results("elm_frozen", 0)]
    with pytest.raises(Killed):
        run(kit, settings, tmp_path / "b", "elm_frozen", memories=source, stopped=dies_after(9))
    with closing(Store(source)) as store:
        store.delete(list(store.vectors()[0]))
    run(kit, settings, tmp_path / "b", "elm_frozen", memories=source)
    assert [told(one) for one in BenchFolder(tmp_path / "b").results("elm_frozen", 0)] == wanted


def test_a_donor_that_comes_later_changes_nothing(kit: Tools, settings: StreamSettings, tmp_path: Path) -> None:
    run(kit, settings, tmp_path / "a", "elm", "elm_farthest_memory")
    wanted = [told(one) for one in BenchFolder(tmp_path / "a").results("elm_farthest_memory", 0)]
    answered: list[Event] = []
    ready = bench_run(PROBLEMS, ["elm_farthest_memory"], [0], settings, kit, tmp_path / "b", "eggs.jsonl")
    for event in ready.work(lambda: any(isinstance(one, ProblemAnswered) for one in answered)):
        answered.append(event)
    run(kit, settings, tmp_path / "b", "elm", "elm_farthest_memory")
    assert [told(one) for one in BenchFolder(tmp_path / "b").results("elm_farthest_memory", 0)] == wanted


def test_a_pause_ends_it_when_a_problem_is_done_and_it_goes_on_as_it_was_asked_for(
    kit: Tools, settings: StreamSettings, tmp_path: Path
) -> None:
    """Nothing of the problem that goes on is lost, and the report is of what is done."""
    out, names, seen = tmp_path / "b", ["zero_shot", "elm"], list[Event]()
    ready = bench_run(
        PROBLEMS, names, [0, 3], settings, kit, out, "eggs.jsonl", 1,
        paused=lambda: any(isinstance(event, ProblemAnswered) for event in seen),
    )  # fmt: skip
    for event in ready.work(lambda: False):
        seen.append(event)
        if isinstance(event, ProblemAnswered):
            assert report_json(out)["methods"][0]["problems"] == 1
    assert isinstance(seen[-1], RunStopped)
    assert BenchFolder(out).counted() == (1, 12)
    while BenchFolder(out).counted()[0] < 12:
        events = list(resume_bench(out, kit, paused=after(5, out)).work(bool))
        assert sum(isinstance(event, ProblemAnswered) for event in events) <= 5
    assert isinstance(events[-1], RunFinished)
    with pytest.raises(BadInput, match="All 12 answers"):
        resume_bench(out, kit)
    run(kit, settings, tmp_path / "a", *names, seeds=[0, 3], again=1)
    for name in names:
        for seed in (0, 3):
            mine, straight = (BenchFolder(folder).results(name, seed) for folder in (out, tmp_path / "a"))
            assert [told(one) for one in mine] == [told(one) for one in straight]


def test_a_pause_before_it_begins_ends_it_at_once(kit: Tools, settings: StreamSettings, tmp_path: Path) -> None:
    ready = bench_run(PROBLEMS, ["zero_shot"], [0], settings, kit, tmp_path / "b", paused=lambda: True)
    assert [type(event) for event in ready.work(lambda: False) if not isinstance(event, Progress)] == [RunStopped]


def test_no_method_and_bad_seeds_are_said(kit: Tools, settings: StreamSettings, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No method was chosen"):
        bench_run(PROBLEMS, [], [0], settings, kit, tmp_path / "b")
    for seeds in ("", "1;2", "-1"):
        with pytest.raises(BadInput, match="seed"):
            seeds_of(seeds)
