"""A run played once more: all of it, in its order, at its pace, from its log alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from elm_app.core.errors import BadInput, RunError
from elm_app.core.events import Event, RunStarted, TraceFinished, event_to_json
from elm_app.runs.event_log import read
from elm_app.runs.replay import play, recording

from .scripted import events, learning, story, trace

STARTED = RunStarted("r", "solve", "1?", {"seed": 7, "samples": 2}, "2026-11-22T18:16:39+00:00")


def written(folder: Path, told: list[Event], pace: float = 0.5) -> None:
    """A log in which an event comes every half second."""
    lines = [json.dumps({"seq": seq, "at": seq * pace, **event_to_json(event)}) for seq, event in enumerate(told)]
    (folder / "r.jsonl").write_text("".join(f"{line}\n" for line in lines))


class Clock:
    """Time that passes only in sleep."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("speed", [0.5, 1, 4, float("inf")])
def test_the_pace_is_the_log_s_own(tmp_path: Path, speed: float) -> None:
    written(tmp_path, [STARTED, *story()])
    recorded, clock = recording(tmp_path, "r"), Clock()
    assert recorded.start == 1.0  # the model is ready with the third event
    heard = [(clock.now - 100, entry) for entry in play(recorded, speed, clock.sleep, clock)]
    everything = read(tmp_path, "r")[0]
    assert events([entry for _, entry in heard]) == [entry.event for entry in everything if entry.seq != 1]
    for passed, entry in heard:
        assert passed == pytest.approx(max(0.0, entry.at - 1.0) / speed)


def test_there_is_something_to_stop_at(tmp_path: Path) -> None:
    written(tmp_path, [STARTED, *story()])
    recorded = recording(tmp_path, "r")
    kinds = [recorded.entries[round(mark / 0.5)].event.kind for mark in recorded.marks]
    assert kinds == ["vote_changed", "vote_changed", "decided", "run_finished"]
    assert recorded.length == recorded.marks[-1]
    written(tmp_path, [STARTED, *story()], pace=0.01)  # one right after the other: the last of them
    assert recording(tmp_path, "r").marks == (recording(tmp_path, "r").length,)
    learned = RunStarted("r", "learn", "1?", {}, "2026-11-22T18:16:39+00:00")
    written(tmp_path, [learned, *learning(), TraceFinished(trace(0))])
    recorded = recording(tmp_path, "r")
    kinds = [recorded.entries[round(mark / 0.5)].event.kind for mark in recorded.marks]
    assert kinds == ["measure_finished", "step_finished", "learning_ended", "measure_finished", "memory_stored"]


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_that_is_none(tmp_path: Path, speed: float) -> None:
    written(tmp_path, [STARTED, *story()])
    with pytest.raises(BadInput, match="It must be above 0"):
        list(play(recording(tmp_path, "r"), speed))


def test_what_is_no_run_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="There is no run"):
        recording(tmp_path, "r")
    for text in ("", '{"half'):
        (tmp_path / "r.jsonl").write_text(text)
        with pytest.raises(RunError, match="has no beginning"):
            recording(tmp_path, "r")
    written(tmp_path, story())
    with pytest.raises(RunError, match="has no beginning"):
        recording(tmp_path, "r")
