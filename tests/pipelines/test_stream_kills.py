"""A stream that dies at every kind of event, before it is written down and after, ends as one that never died."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from remembering import tools

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput
from elm_app.core.events import Event, ProblemFinished, Progress, RunFinished, RunStarted, RunStopped, event_to_json
from elm_app.core.results import StreamRow
from elm_app.core.types import Problem
from elm_app.engine.loader import Models
from elm_app.pipelines.resources import Tools
from elm_app.pipelines.stream.folder import StreamFolder
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.pipelines.stream.stream import stream, stream_run
from elm_app.runs.event_log import LogWriter, read, recover
from elm_app.runs.state import view_of

pytestmark = pytest.mark.usefixtures("own_cache", "answered_by_length")

PROBLEMS = [
    Problem("A farmer packs 7 crates with 24 eggs each.", "eggs", "0"),
    Problem("A farmer packs 9 crates with 30 eggs each.", "more", "1"),
]
SAMPLING = SamplingSettings(4, 10, 1.0, seed=5)
LEARNING = LearnSettings(steps=2, rollouts=4, virtual_tokens=5, learning_rate=0.05, keep=True)
ROUTING = RouteSettings(threshold=0.3)


class Killed(BaseException):
    """The program dies here."""


class Sitting:
    """Goes on with a stream, in a store of its own, until it dies or ends."""

    def __init__(self, folder: Path, models: Models, random_model: Path) -> None:
        self.folder, self.models = folder, models
        self.model = ModelSettings(str(random_model), "int8", "cpu")
        self.out = StreamFolder(folder / "out")

    def run(self, look: Callable[[StreamFolder, Tools], None] = lambda *_: None) -> list[Event] | None:
        """The events; None if it died."""
        recover(self.folder / "memories" / "runs")
        kit = tools(self.folder / "memories", self.models)
        with closing(kit.store):
            if not (self.out.path / "stream.json").exists():
                stream_run(PROBLEMS, self.model, SAMPLING, ROUTING, LEARNING, kit, self.out.path)
            try:
                events = list(stream(self.out, kit))
            except Killed:
                return None
            look(self.out, kit)
            return events


Ended = tuple[list[StreamRow], list[Any]]


def ended(sitting: Sitting) -> Ended:
    """Rows and soft prompts of a stream that is through, of which every memory belongs to a row."""
    found: list[Ended] = []

    def look(folder: StreamFolder, kit: Tools) -> None:
        rows = folder.rows()
        learned = [row.learned for row in rows if row.learned]
        assert sorted(kit.store.vectors()[0]) == sorted(learned)
        for row in rows:
            assert view_of(read(kit.store.folder / "runs", row.solve)[0]).status == "done"
        found.append((rows, [kit.store.soft_prompt(id) for id in learned]))

    while not found:
        sitting.run(look)
    return found[0]


def whole(row: StreamRow) -> dict[str, Any]:
    """What of a row does not depend on when it was made."""
    told = dict(vars(row))
    for name in ("seconds", "solve", "learn", "learned", "retrieved"):
        told[name] = told[name] is not None
    return told


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_dying_at_every_kind_of_event(
    after: bool, models: Models, random_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = ended(Sitting(tmp_path / "straight", models, random_model))
    died: set[tuple[str, ...]] = set()
    run = [""]
    real = LogWriter.append

    def append(self: LogWriter, event: Event) -> Any:
        if isinstance(event, RunStarted):
            run[0] = f"{event.problem} {event.command}"
        told = event_to_json(event)
        key = (run[0], told["kind"], str(told.get("stage", "")), str(told.get("phase", "")), str(told.get("step", "")))
        entry = real(self, event) if after else None
        if key not in died and told["kind"] != "trace_chunk":  # said by the clock
            died.add(key)
            raise Killed
        return entry or real(self, event)

    monkeypatch.setattr(LogWriter, "append", append)
    rows, learned = ended(Sitting(tmp_path / "killed", models, random_model))
    kinds = {key[1] for key in died}
    assert {"run_started", "retrieved", "trace_finished", "decided", "step_finished", "memory_stored"} <= kinds
    assert len(died) > 40
    assert [whole(row) for row in rows] == [whole(row) for row in straight[0]]
    for mine, other in zip(learned, straight[1], strict=True):
        assert np.array_equal(mine, other)


@pytest.mark.parametrize("place", ["begin", "append", "replace"])
def test_dying_while_the_stream_s_own_files_are_written(
    place: str, models: Models, random_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = ended(Sitting(tmp_path / "straight", models, random_model))
    died: list[int] = []

    def dies_first(real: Callable[..., Any], cut: bool) -> Callable[..., Any]:
        calls = [0]

        def called(*given: Any) -> Any:
            calls[0] += 1
            if len(died) < 4 and calls[0] % 2 == 0:
                died.append(calls[0])
                if cut:  # half a row is on disk
                    folder, _ = given
                    path = folder.path / "results.jsonl"
                    before = path.read_bytes() if path.exists() else b""
                    real(*given)
                    path.write_bytes(path.read_bytes()[: (len(before) + path.stat().st_size) // 2])
                raise Killed
            return real(*given)

        return called

    if place == "replace":
        from elm_app.pipelines.stream import folder

        monkeypatch.setattr(folder, "replace_text", dies_first(folder.replace_text, False))
        with pytest.raises(Killed):  # before there is a plan
            ended(Sitting(tmp_path / "killed", models, random_model))
    else:
        monkeypatch.setattr(StreamFolder, place, dies_first(getattr(StreamFolder, place), place == "append"))
    rows, learned = _ended_somehow(Sitting(tmp_path / "killed", models, random_model))
    assert died
    assert [whole(row) for row in rows] == [whole(row) for row in straight[0]]
    for mine, other in zip(learned, straight[1], strict=True):
        assert np.array_equal(mine, other)


def _ended_somehow(sitting: Sitting) -> Ended:
    while True:
        try:
            return ended(sitting)
        except Killed:  # while the plan was written
            pass


def test_a_problem_that_does_not_fit_is_named_before_anything_is_solved(
    models: Models, random_model: Path, tmp_path: Path
) -> None:
    kit = tools(tmp_path / "memories", models)
    model = ModelSettings(str(random_model), "int8", "cpu")
    with closing(kit.store):
        frame = len(models.get(model, lambda _: None).encode("x")) - 1
        fits = 2048 - frame - SAMPLING.max_new_tokens - LEARNING.virtual_tokens
        for length, said in ((fits, None), (fits + 1, rf"Problem long is {2048 - 15 + 1} tokens long")):
            problems = [PROBLEMS[0], Problem("x" * length, "long")]
            folder = StreamFolder(tmp_path / f"out-{length}")
            stream_run(problems, model, SAMPLING, ROUTING, LEARNING, kit, folder.path)
            if said is None:
                assert isinstance(list(stream(folder, kit))[-1], RunFinished)
                assert len(folder.rows()) == 2
            else:
                with pytest.raises(BadInput, match=said) as caught:
                    list(stream(folder, kit))
                assert caught.value.remedy
                assert folder.rows() == []


def test_stopped_while_the_model_is_loaded(models: Models, random_model: Path, tmp_path: Path) -> None:
    """The rows are said all the same, and it goes on from there."""
    sitting = Sitting(tmp_path, models, random_model)
    events: list[Event] = []
    kit = tools(tmp_path / "memories", models)
    with closing(kit.store):
        stream_run(PROBLEMS, sitting.model, SAMPLING, ROUTING, LEARNING, kit, sitting.out.path)
        for event in stream(sitting.out, kit, lambda: bool(sitting.out.rows())):
            events.append(event)
        assert isinstance(events[-1], RunStopped)
        fresh = Tools(Models(), kit.store, kit.embedders)
        again = list(stream(sitting.out, fresh, lambda: True))
        assert [type(event) for event in again if not isinstance(event, Progress)] == [ProblemFinished, RunStopped]
    assert len(ended(sitting)[0]) == 2


def test_settings_of_another_version_are_read() -> None:
    """A stream that was begun before a setting existed goes on with its default."""
    told = StreamSettings(ModelSettings("tiny"), SAMPLING, ROUTING, LEARNING).to_json()
    del told["threshold"]
    del told["learning"]["reward"]
    assert StreamSettings.from_json(told).routing.threshold == RouteSettings().threshold
    assert StreamSettings.from_json(told).learning.reward == LearnSettings().reward
