"""A stream with the real engine, trainer and store on a random model: it learns as it goes, and no kill hurts it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from remembering import answers_by_length, tools

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput
from elm_app.core.events import Event, ProblemFinished, ProblemStarted, RunFinished, RunStopped, TraceFinished
from elm_app.core.learning_events import PhaseStarted
from elm_app.core.results import StreamRow
from elm_app.core.types import Problem
from elm_app.engine.loader import Models
from elm_app.pipelines.resources import Tools
from elm_app.pipelines.stream.folder import COLUMNS, StreamFolder
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.pipelines.stream.stream import Donor, can_resume_stream, resume_stream, stream, stream_run
from elm_app.runs.event_log import read, recover, runs
from elm_app.runs.state import view_of

pytestmark = pytest.mark.usefixtures("own_cache", "answered_by_length")

PROBLEMS = [
    Problem("A farmer packs 7 crates with 24 eggs each.", "eggs", "0"),
    Problem("A farmer packs 9 crates with 30 eggs each.", "more", "1"),
    Problem("Find the derivative of sine at zero.", "sine", "1"),
]
SAMPLING = SamplingSettings(4, 10, 1.0, seed=5)
LEARNING = LearnSettings(steps=2, rollouts=4, virtual_tokens=5, learning_rate=0.05, keep=True)
ROUTING = RouteSettings(threshold=0.3)


@pytest.fixture
def model(random_model: Path) -> ModelSettings:
    return ModelSettings(str(random_model), "int8", "cpu")


def started(model: ModelSettings, kit: Tools, out: Path, **changes: Any) -> StreamFolder:
    given = {"sampling": SAMPLING, "routing": ROUTING, "learning": LEARNING, "tools": kit, "out": out} | changes
    stream_run(given.pop("problems", PROBLEMS), model, name="eggs.jsonl", **given)
    return StreamFolder(out)


def whole(row: StreamRow) -> dict[str, Any]:
    """What of a row does not depend on when it was made."""
    told = dict(vars(row))
    for name in ("seconds", "solve", "learn", "learned", "retrieved"):
        told[name] = told[name] is not None
    return told


def soft_prompts(kit: Tools, rows: list[StreamRow]) -> list[Any]:
    return [kit.store.soft_prompt(row.learned) for row in rows if row.learned]


@pytest.fixture(scope="module")
def straight(
    models: Models, random_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Event], list[StreamRow], list[Any], Path]:
    """A stream without an interruption: its events, rows, soft prompts and folder."""
    folder = tmp_path_factory.mktemp("straight")
    with pytest.MonkeyPatch.context() as patch:
        answers_by_length(patch)
        kit = tools(folder / "memories", models)
        with closing(kit.store):
            place = started(ModelSettings(str(random_model), "int8", "cpu"), kit, folder / "out")
            events = list(stream(place, kit))
            rows = place.rows()
            return events, rows, soft_prompts(kit, rows), folder


def test_before_and_after_learning_the_seeds_are_the_same(straight: Any) -> None:
    """What was sampled to solve a problem is what its memory is measured against."""
    _, rows, _, folder = straight
    logs = folder / "memories" / "runs"
    row = next(row for row in rows if row.learned)
    solved = [one.trace.seed for one in view_of(read(logs, row.solve)[0]).traces.values() if one.arm == "zero_shot"]
    seeds: list[int] = []
    for entry in read(logs, row.learn)[0]:
        match entry.event:
            case PhaseStarted():
                seeds = []
            case TraceFinished(trace):
                seeds.append(trace.seed)
    assert sorted(seeds) == sorted(solved)
    assert len(solved) == SAMPLING.samples


def test_each_problem_leaves_a_row_a_memory_and_two_logs(straight: Any) -> None:
    events, rows, learned, folder = straight
    assert isinstance(events[-1], RunFinished)
    begun = [event for event in events if isinstance(event, ProblemStarted)]
    assert [(event.number, event.total, event.id, event.gold) for event in begun] == [
        (1, 3, "eggs", "0"),
        (2, 3, "more", "1"),
        (3, 3, "sine", "1"),
    ]
    assert [event.row for event in events if isinstance(event, ProblemFinished)] == rows
    assert [row.number for row in rows] == [1, 2, 3]
    assert len(learned) >= 2
    assert rows[0].memory is None
    assert rows[1].retrieved == rows[0].learned is not None
    assert rows[1].score is not None
    assert rows[1].score > 0.3
    for row in rows:
        view = view_of(read(folder / "memories" / "runs", row.solve)[0])
        assert (view.status, view.problem, view.settings["stream"]) == ("done", row.problem, folder_id(folder))
        assert row.answer == (view.decision.answer if view.decision else None)
        assert row.right == (row.answer == row.gold)
        if row.learned:
            assert row.learn == row.learned
            learn_view = view_of(read(folder / "memories" / "runs", row.learned)[0])
            assert (learn_view.status, learn_view.settings["source_run"]) == ("done", row.solve)
            assert learn_view.learn is not None
            assert learn_view.learn.before is not None
            assert (
                learn_view.learn.before.vote == view.votes["zero_shot"].vote
            )  # its own samples are what it starts from
    assert set(runs(folder / "memories" / "runs")) == {run for row in rows for run in (row.solve, row.learn) if run}


def folder_id(folder: Path) -> str:
    return StreamFolder(folder / "out").plan().id


def test_the_results_can_be_taken_away(straight: Any) -> None:
    _, rows, _, folder = straight
    with (folder / "out" / "results.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == COLUMNS
    assert [line["id"] for line in table] == ["eggs", "more", "sine"]
    assert table[0]["memory_answer"] == ""
    assert table[1]["memory_agreement"] == str(rows[1].memory.agreement)
    lines = (folder / "out" / "results.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["number"] for line in lines] == [1, 2, 3]


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


@pytest.mark.parametrize("calls", [0, 1, 9, 17, 26, 34, 45, 60, 75, 95])
def test_a_killed_stream_goes_on_as_if_nothing_had_happened(
    calls: int, straight: Any, models: Models, model: ModelSettings, tmp_path: Path
) -> None:
    """Killed again and again after so many questions whether to stop; each sitting has its own store."""
    _, rows, learned, _ = straight
    out, sittings = tmp_path / "out", 0
    while True:
        recover(tmp_path / "memories" / "runs")
        kit = tools(tmp_path / "memories", models)
        with closing(kit.store):
            folder = StreamFolder(out) if out.exists() else started(model, kit, out)
            try:
                events = list(stream(folder, kit, dies_after(calls + 20 * sittings)))
            except Killed:
                sittings += 1
                assert can_resume_stream(out)
                continue
            assert isinstance(events[-1], RunFinished)
            again = folder.rows()
            assert [event.row for event in events if isinstance(event, ProblemFinished)] == again
            assert [whole(row) for row in again] == [whole(row) for row in rows]
            for mine, other in zip(soft_prompts(kit, again), learned, strict=True):
                assert np.array_equal(mine, other)
            assert kit.store.count() == len(learned)  # no memory was made twice
            break
    assert sittings > 0
    assert not can_resume_stream(out)


def test_killed_between_the_memory_and_the_row(
    straight: Any, models: Models, model: ModelSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, rows, learned, _ = straight
    kit = tools(tmp_path / "memories", models)
    with closing(kit.store):
        folder = started(model, kit, tmp_path / "out")
        with monkeypatch.context() as patch:

            def die(*_: object) -> None:
                raise Killed

            patch.setattr(StreamFolder, "append", die)
            with pytest.raises(Killed):
                list(stream(folder, kit))
        assert kit.store.count() == 1
        list(stream(folder, kit))
        assert [whole(row) for row in folder.rows()] == [whole(row) for row in rows]
        assert kit.store.count() == len(learned)


def test_a_stop_keeps_the_row_and_resuming_says_it_first(
    straight: Any, models: Models, model: ModelSettings, tmp_path: Path
) -> None:
    _, rows, _, _ = straight
    kit = tools(tmp_path / "memories", models)
    with closing(kit.store):
        folder = started(model, kit, tmp_path / "out")
        events: list[Event] = []
        for event in stream(folder, kit, lambda: any(isinstance(one, ProblemFinished) for one in events)):
            events.append(event)
        assert isinstance(events[-1], RunStopped)
        assert len(folder.rows()) == 1
        with pytest.raises(BadInput, match="holds a stream already"):
            started(model, kit, tmp_path / "out")
        ready = resume_stream(tmp_path / "out", kit)
        assert ready.settings["resumed_from"] == folder.plan().id
        assert (ready.settings["problems"], ready.settings["out"]) == (3, str(tmp_path / "out"))
        second = list(ready.work(lambda: False))
        assert isinstance(second[0], ProblemFinished)
        assert [whole(row) for row in folder.rows()] == [whole(row) for row in rows]
        with pytest.raises(BadInput, match="All 3 problems"):
            resume_stream(tmp_path / "out", kit)


def test_frozen_memories_stay_as_they_are(models: Models, model: ModelSettings, tmp_path: Path, straight: Any) -> None:
    folder = straight[3]
    kit = tools(folder / "memories", models)
    with closing(kit.store):
        before = kit.store.count()
        place = started(model, kit, tmp_path / "out", learns=False)
        list(stream(place, kit))
        assert kit.store.count() == before
        rows = place.rows()
        assert all(row.learned is None and row.learn_tokens == 0 for row in rows)
        assert rows[0].retrieved is not None
        assert rows[0].score == pytest.approx(1.0)
        assert rows[0].zero_shot == straight[1][0].zero_shot  # the same seeds, the same traces


def test_a_donor_gives_what_would_have_been_learned(
    straight: Any, models: Models, model: ModelSettings, tmp_path: Path
) -> None:
    _, rows, learned, folder = straight
    kit, other = tools(tmp_path / "memories", models), tools(folder / "memories", models)
    with closing(kit.store), closing(other.store):
        place = started(model, kit, tmp_path / "out", routing=RouteSettings(memory="random"))
        list(stream(place, kit, donor=Donor(rows, other.store)))
        again = place.rows()
        assert [row.learned for row in again] == [row.learned for row in rows]
        assert [row.learn_tokens for row in again] == [row.learn_tokens for row in rows]
        for mine, theirs in zip(soft_prompts(kit, again), learned, strict=True):
            assert np.array_equal(mine, theirs)
        assert again[2].retrieved in {row.learned for row in rows[:2]}


def test_learning_that_stored_nothing_is_charged_to_who_takes_the_memories(
    straight: Any, models: Models, model: ModelSettings, tmp_path: Path
) -> None:
    _, rows, _, folder = straight
    spent = [replace(rows[0], learned=None, learn_tokens=77, label_accuracy=0.5)]
    kit, other = tools(tmp_path / "memories", models), tools(folder / "memories", models)
    with closing(kit.store), closing(other.store):
        place = started(model, kit, tmp_path / "out", problems=PROBLEMS[:1])
        list(stream(place, kit, donor=Donor(spent, other.store)))
        (row,) = place.rows()
        assert (row.learned, row.learn_tokens, row.label_accuracy) == (None, 77, 0.5)
        assert row.tokens == row.zero_shot.tokens + 77


def test_an_untrained_soft_prompt_is_an_arm_without_a_memory(
    models: Models, model: ModelSettings, tmp_path: Path
) -> None:
    kit = tools(tmp_path / "memories", models)
    with closing(kit.store):
        place = started(model, kit, tmp_path / "out", routing=RouteSettings(memory="untrained"), learns=False)
        list(stream(place, kit))
        rows = place.rows()
        assert all(row.memory is not None and row.retrieved is None for row in rows)


def test_learning_samples_as_solving_does() -> None:
    settings = StreamSettings(ModelSettings("tiny"), SAMPLING, ROUTING, LEARNING)
    learning = settings.learning
    assert (learning.max_new_tokens, learning.measure_samples, learning.measure_temperature) == (10, 4, 1.0)
    assert (learning.temperature, learning.seed, learning.steps) == (1.0, 5, 2)
    assert StreamSettings.from_json(settings.to_json()) == settings
    greedy = StreamSettings(ModelSettings("tiny"), SamplingSettings(1, 10, 0.0, seed=1), ROUTING, LEARNING)
    assert greedy.learning.temperature == LEARNING.temperature


def test_what_cannot_be_streamed(models: Models, model: ModelSettings, tmp_path: Path) -> None:
    kit = tools(tmp_path / "memories", models)
    with closing(kit.store):
        with pytest.raises(BadInput, match="no problems"):
            started(model, kit, tmp_path / "a", problems=[])
        gold = LearnSettings(reward="gold")
        with pytest.raises(BadInput, match="needs the answer of problem x"):
            started(model, kit, tmp_path / "a", problems=[Problem("1?", "x")], learning=gold)
        with pytest.raises(BadInput, match="no stream in"):
            resume_stream(tmp_path / "a", kit)
        folder = started(model, kit, tmp_path / "a", problems=PROBLEMS[:1])
        folder = started(model, kit, tmp_path / "a")  # nothing was done yet
        with folder.claimed(), pytest.raises(BadInput, match="goes on elsewhere"):
            list(stream(StreamFolder(tmp_path / "a"), kit))
        (tmp_path / "a" / "results.jsonl").write_text('{"number": 1}\n')
        with pytest.raises(BadInput, match="cannot be read"):
            folder.rows()
        assert not can_resume_stream(tmp_path / "a")
