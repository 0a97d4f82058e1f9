"""A replay stands at every moment as the page stood then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scripted import REALISTIC
from test_fragments import finished_run, runner  # noqa: F401

from elm_app.runs.event_log import read
from elm_app.runs.replay import recording
from elm_app.runs.runner import Runner
from elm_app.runs.state import view_of
from elm_app.web.run import render
from elm_app.web.run.feed import Tail


def slow_run(runner: Runner) -> str:  # noqa: F811
    """A finished run whose log says that a tenth of a second passed between two events."""
    return stretched(runner.folder, finished_run(runner))


def stretched(folder: Path, run: str) -> str:
    """Says so in the log of a run."""
    path = folder / f"{run}.jsonl"
    values = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(f"{json.dumps({**value, 'at': place / 10})}\n" for place, value in enumerate(values)))
    return run


def told(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in ("state", "status", "parts", "arms", "shown", "offer", "ended")}


def blocks(answer: dict[str, Any]) -> dict[str, Any]:
    return {card["key"]: (card["shell"], card["blocks"]) for card in answer["cards"]}


def test_every_moment_is_the_log_up_to_it(runner: Runner) -> None:  # noqa: F811
    run, tail = slow_run(runner), Tail(runner)
    entries, recorded = read(runner.folder, run)[0], recording(runner.folder, run)
    for moment in (recorded.start, recorded.length / 3, recorded.marks[0], recorded.marks[3]):
        answer = tail.answer(run, -1, "me", moment)
        view = view_of(entry for entry in entries if entry.at <= moment)
        assert answer["status"] == render.status(view)
        assert not answer["ended"]
        assert not answer["live"]
        assert answer["replay"] == {"start": recorded.start, "length": recorded.length, "marks": recorded.marks}
    ended = tail.answer(run, -1, "me", recorded.length)
    live = tail.answer(run, -1)
    assert told(ended) == told(live)
    assert blocks(ended) == blocks(live)
    assert "replay" not in live


def test_it_begins_where_the_model_was_ready(runner: Runner) -> None:  # noqa: F811
    run = slow_run(runner)
    answer = Tail(runner).answer(run, -1, "me")
    assert answer["replay"]["start"] == recording(runner.folder, run).start
    assert answer["state"] in ("reading", "sampling")


def test_back_and_forth_is_as_it_was(runner: Runner) -> None:  # noqa: F811
    run, tail = slow_run(runner), Tail(runner)
    marks = recording(runner.folder, run).marks
    first = tail.answer(run, -1, "me", marks[1])
    tail.answer(run, first["seq"], "me", marks[-1])
    again = tail.answer(run, -1, "me", marks[1])
    assert told(again) == told(first)
    assert blocks(again) == blocks(first)


def test_two_who_watch_the_same_run_do_not_disturb_each_other(runner: Runner) -> None:  # noqa: F811
    run, tail = slow_run(runner), Tail(runner)
    marks = recording(runner.folder, run).marks
    mine = tail.answer(run, -1, "me", marks[2])
    assert tail.answer(run, -1, "you", marks[-1])["ended"]
    assert tail.answer(run, mine["seq"], "me", marks[2])["parts"] == {}
    assert tail.answer(run, -1)["ended"]


@pytest.mark.parametrize("run", ["nothing", "../secret", "\0", "<script>"])
def test_what_is_no_run_is_a_sentence(runner: Runner, run: str) -> None:  # noqa: F811
    answer = Tail(runner).answer(run, -1, "me", 1.0)
    assert "There is no run" in answer["error"]
    assert "<script>" not in answer["error"]


def test_only_a_run_that_has_ended_offers_it(runner: Runner) -> None:  # noqa: F811
    run = finished_run(runner, REALISTIC)
    assert "data-replay" in Tail(runner).answer(run, -1)["parts"]["meta"]
    assert "data-replay" not in Tail(runner).answer(run, -1, "me")["parts"]["meta"]
