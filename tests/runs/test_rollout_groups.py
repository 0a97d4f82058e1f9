"""The attempts of a learning run, group by group: what they were worth, and which turned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from elm_app.answers.vote import vote
from elm_app.core.events import Event, Failed, RunStarted, TraceChunk, TraceFinished, VoteChanged
from elm_app.core.learning_events import MeasureFinished, PhaseStarted, StepFinished
from elm_app.core.types import LearnStep, Measured, Trace
from elm_app.runs.event_log import Entry, LogWriter
from elm_app.runs.rollout_groups import Groups, Pair, having, judgement, pairs, wanted
from elm_app.runs.state import RunView

PAPER = {"recipe": "paper", "reward": "majority", "loss": "dr_grpo"}
GIVEN = ["26", "28", "26.0", None]


def started(run: str = "r", **settings: Any) -> RunStarted:
    return RunStarted(run, "learn", "a problem", {**PAPER, **settings}, "2026-11-28T00:00:00+00:00")


def sampled(answers: list[str | None], seeds: list[int] | None = None, arm: str = "memory") -> list[Event]:
    """Chunks, traces and votes of attempts with these answers."""
    events: list[Event] = []
    for index, answer in enumerate(answers):
        seed = seeds[index] if seeds else 100 + index
        events.append(TraceChunk(arm, index, "so", 1))
        events.append(TraceChunk(arm, index, " it is", 3))
        events.append(TraceFinished(Trace(arm, index, seed, "so it is", answer, 3, True, -0.1)))
        events.append(VoteChanged(arm, vote(answers[: index + 1]), index + 1, len(answers)))
    return events


def measuring(when: Any, answers: list[str | None], seeds: list[int] | None = None) -> list[Event]:
    arm = "zero_shot" if when == "before" else "memory"
    done = Measured(vote(answers), len(answers), 0.75, 3.0)
    return [PhaseStarted(when, 0, 2, len(answers)), *sampled(answers, seeds, arm), MeasureFinished(when, done)]


def step(number: int, answers: list[str | None], reward: float = 0.5, skipped: str | None = None) -> list[Event]:
    made = LearnStep(number, "26", 0.5, reward, 0.75, 3.0, None, None, skipped, 1.0, 1.0, 2.0)
    return [PhaseStarted("step", number, 2, len(answers)), *sampled(answers), StepFinished(made)]


def folded(folder: Path, events: list[Event]) -> tuple[RunView, Groups]:
    view, groups = RunView(), Groups(folder)
    for seq, event in enumerate(events):
        entry = Entry(seq, seq / 10, event)
        view.apply(entry)
        groups.take(entry, view)
    return view, groups


def written(folder: Path, run: str, events: list[Event]) -> None:
    with LogWriter(folder, run) as log:
        for event in [*events, Failed("Killed", "It was killed.", "Go on.")]:
            log.append(event)


def test_every_group_keeps_its_attempts(tmp_path: Path) -> None:
    events = [started(), *measuring("before", GIVEN), *step(1, GIVEN), *step(2, GIVEN), *measuring("after", GIVEN)]
    _, groups = folded(tmp_path, events)
    assert [group.key for group in groups.ordered()] == ["before", "step-1", "step-2", "after"]
    assert all(group.whole and len(group.by_index()) == 4 for group in groups.ordered())
    assert groups.by_key["step-2"].made is not None
    assert having(groups.by_key["before"], "52/2") == {0, 2}


def test_attempts_beyond_the_number_are_left_out(tmp_path: Path) -> None:
    odd = [started(), PhaseStarted("step", 1, 2, 2), *sampled(GIVEN)]
    view, groups = folded(tmp_path, odd)
    assert list(groups.by_key["step-1"].by_index()) == [0, 1]
    assert judgement(groups.by_key["step-1"], view.settings, None) is None  # that is not the vote over these


def test_more_text_alone_changes_nothing(tmp_path: Path) -> None:
    events = [started(), *measuring("before", GIVEN)]
    changed = [folded(tmp_path, events[: end + 1])[1].changed for end in range(len(events))]
    assert changed[2] == 2  # the first words of the first attempt
    assert changed[3] == 2
    assert changed[4] == 4  # it has finished


def test_rewards_and_advantages_are_those_of_the_method(tmp_path: Path) -> None:
    view, groups = folded(tmp_path, [started(), *measuring("before", GIVEN), *step(1, GIVEN)])
    judged = judgement(groups.by_key["step-1"], view.settings, None)
    assert judged is not None
    assert judged.rewards == (1.0, 0.0, 1.0, 0.0)
    assert judged.advantages == (0.5, -0.5, 0.5, -0.5)
    scaled = judgement(groups.by_key["step-1"], view.settings | {"loss": "grpo"}, None)
    assert scaled is not None
    assert scaled.advantages == pytest.approx([0.8659, -0.8659, 0.8659, -0.8659], abs=1e-4)


def test_rewards_of_other_sources(tmp_path: Path) -> None:
    _, groups = folded(tmp_path, [started(), *step(1, GIVEN)])
    group = replace(groups.by_key["step-1"], made=None)

    def rewards(**settings: Any) -> tuple[float, ...] | None:
        judged = judgement(group, settings, vote(["28"]))
        return judged and judged.rewards

    assert rewards(reward="vote") == (0, 1, 0, 0)
    assert rewards(reward="inverted") == (0, 1, 0, 0)
    assert rewards(reward="gold", gold="26") == (1, 0, 1, 0)
    assert rewards(reward="gold") is None
    assert rewards(reward="random") is rewards(reward="certainty") is rewards() is None


def test_nothing_is_told_that_the_log_does_not_bear_out(tmp_path: Path) -> None:
    view, groups = folded(tmp_path, [started(), *step(1, GIVEN, reward=0.9), *step(2, GIVEN, skipped="No majority.")])
    assert judgement(groups.by_key["step-1"], view.settings, None) is None
    skipped = judgement(groups.by_key["step-2"], view.settings, None)
    assert skipped is not None
    assert skipped.advantages is None
    view, groups = folded(tmp_path, [started(), *step(1, GIVEN)[:-6]])  # the last one is still being written
    assert judgement(groups.by_key["step-1"], view.settings, None) is None


def turns(met: list[Pair]) -> list[int]:
    return [pair.turned for pair in met]


def test_the_same_seed_stands_opposite_wherever_it_was(tmp_path: Path) -> None:
    after: list[str | None] = ["28", "26", None, "26"]
    events = [started(), *measuring("before", GIVEN, [1, 2, 3, 4]), *measuring("after", after, [4, 3, 2, 1])]
    view, groups = folded(tmp_path, events)
    before, later = groups.by_key["before"], groups.by_key["after"]
    assert wanted(view.settings, before) == "26"
    met = pairs(before, later, "26")
    assert [pair.after.index if pair.after else None for pair in met] == [3, 2, 1, 0]
    assert turns(met) == [0, 0, 0, 0]
    assert turns(pairs(before, later, "28")) == [0, -1, 0, 1]
    assert wanted(view.settings | {"gold": "28"}, before) == "28"


def test_attempts_of_other_seeds_stand_alone_and_turn_nowhere(tmp_path: Path) -> None:
    events = [started(), *measuring("before", GIVEN), *measuring("after", GIVEN, [1, 2, 3, 4])]
    _, groups = folded(tmp_path, events)
    met = pairs(groups.by_key["before"], groups.by_key["after"], "26")
    assert [(pair.before is None, pair.after is None) for pair in met] == [(False, True)] * 4 + [(True, False)] * 4
    assert not any(turns(met))


def test_attempts_that_are_still_written_stand_by_their_index(tmp_path: Path) -> None:
    events = [started(), *measuring("before", GIVEN), *measuring("after", GIVEN)[:6]]
    _, groups = folded(tmp_path, events)
    met = pairs(groups.by_key["before"], groups.by_key["after"], "26")
    assert [pair.after.index if pair.after else None for pair in met] == [0, 1, None, None]
    assert [pair.now for pair in met] == [True, None, None, None]
    assert len(pairs(groups.by_key["before"], None, None)) == 4


def test_a_run_that_goes_on_has_the_groups_of_the_one_before(tmp_path: Path) -> None:
    written(tmp_path, "first", [started("first"), *measuring("before", GIVEN), *step(1, GIVEN), *step(2, GIVEN)[:3]])
    _, groups = folded(tmp_path, [started("second", resumed_from="first"), *step(2, GIVEN)])
    assert [group.key for group in groups.ordered()] == ["before", "step-1", "step-2"]
    assert all(group.whole for group in groups.ordered())
    assert folded(tmp_path, [started(resumed_from="gone")])[1].by_key == {}
    written(tmp_path, "round", [started("round", resumed_from="round")])
    assert folded(tmp_path, [started(resumed_from="round")])[1].by_key == {}


def test_where_a_stream_solved_before_its_attempts_are_those_before_learning(tmp_path: Path) -> None:
    solved = [RunStarted("s", "solve", "a problem", {}, ""), *sampled(GIVEN, arm="zero_shot")]
    written(tmp_path, "s", solved)
    known = MeasureFinished("before", Measured(vote(GIVEN), 4, 0.75, 3.0))
    _, groups = folded(tmp_path, [started(source_run="s"), known, *measuring("after", GIVEN)])
    assert [group.key for group in groups.ordered()] == ["before", "after"]
    assert len(pairs(groups.by_key["before"], groups.by_key["after"], "26")) == 4
    other = MeasureFinished("before", Measured(vote(["26"]), 1, 1.0, 3.0))  # not the vote of that run
    assert folded(tmp_path, [started(source_run="s"), other])[1].by_key == {}
