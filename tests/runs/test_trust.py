"""On what an answer rests, how far it can be trusted, and what would help; the share that is named was measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from elm_app.answers.vote import vote
from elm_app.core.events import (
    Decided,
    Event,
    ModelReady,
    Retrieved,
    RunFinished,
    RunStarted,
    RunStopped,
    TraceFinished,
    VoteChanged,
)
from elm_app.core.results import ArmResult, StreamRow
from elm_app.core.types import Arm, Decision, Match, ModelInfo, Timing, Trace, Vote
from elm_app.runs.event_log import Entry
from elm_app.runs.standing import alone, decisive, joined, no_two_agree, reason
from elm_app.runs.state import RunView, view_of
from elm_app.runs.trust import FEWER, helps, note
from elm_app.weights.presets import PRESETS

RAW = Path(__file__).parents[2] / "docs" / "results" / "ladder" / "plain.jsonl"
BASE = PRESETS["base"].weights
SETTINGS = {"samples": 8, "max_new_tokens": 512, "temperature": 0.7, "top_k": 0}
NO_TIME = Timing(0, 0, 0, 0, 0)
SCATTERED = ["1", "2", "3", "4", "5", None, None, None]
TIE = ["7", "9", "7", "9", "1", None, None, None]
WEAK = ["7", "7", "1", "2", "3", None, None, None]
CLEAR = ["7"] * 6 + ["1", None]


def of(answers: list[str | None]) -> Vote:
    return vote(answers, classes=lambda given: [sorted(set(given)).index(one) for one in given])


def model(preset: str = "base") -> ModelInfo:
    weights = PRESETS[preset].weights
    assert weights is not None
    return ModelInfo(PRESETS[preset].repo, "4-bit", "cpu", weights.sha256)


def solved(
    source: Literal["zero_shot", "memory", "agreement"] = "zero_shot",
    which: ModelInfo | None = None,
    found: Retrieved | None = None,
    settings: dict[str, Any] | None = None,
    ending: Event | None = None,
    cut: int = 0,
    **arms: list[str | None],
) -> RunView:
    """A solved problem, of which `arms` had these answers; the first `cut` traces of each were cut off."""
    events: list[Event] = [RunStarted("r", "solve", "p", SETTINGS | (settings or {}), "")]
    events += [ModelReady(which or model(), 1.0)] + ([found] if found else [])
    for arm, answers in arms.items():
        for index, answer in enumerate(answers):
            events.append(TraceFinished(Trace(arm, index, index, "", answer, 9, index >= cut, -0.1)))
        events.append(VoteChanged(arm, of(answers), len(answers), len(answers)))
    taken = of(arms["memory" if source == "memory" else "zero_shot"]).answer
    events += [Decided(Decision(taken, source, "Because.")), ending or RunFinished(NO_TIME)]
    return view_of(Entry(place, float(place), event) for place, event in enumerate(events))


def test_the_answer_rests_on_the_side_that_was_believed() -> None:
    bare, behind = SCATTERED, CLEAR
    assert decisive(solved("zero_shot", zero_shot=bare, memory=behind)) == of(bare)
    assert decisive(solved("memory", zero_shot=bare, memory=behind)) == of(behind)


def test_where_both_say_the_same_all_attempts_count() -> None:
    both = decisive(solved("agreement", zero_shot=SCATTERED, memory=["1", "8", None]))
    assert both is not None
    assert (both.answer, both.counts[0].count, both.abstained) == ("1", 2, 4)
    assert both.agreed
    assert not both.tied
    assert both.agreement == 2 / 11


def test_several_memories_are_one_side() -> None:
    pooled = joined([of(["1", "0.5"]), of(["1/2", "3"])])
    assert (pooled.answer, pooled.counts[0].count, pooled.agreement, pooled.tied) == ("0.5", 2, 0.5, False)


def test_who_decided_is_not_said_where_there_was_nothing_to_decide() -> None:
    assert reason(solved(zero_shot=SCATTERED, memory=["8", "9", None])) == "Neither with the memory nor without."
    assert reason(solved(zero_shot=SCATTERED, memory=CLEAR)) == "Because."
    same = solved("agreement", zero_shot=SCATTERED, memory=["1", "9", None])
    assert reason(same) == "Because.", "one of each side says 1"
    assert reason(RunView()) == ""


def test_before_anything_is_decided_the_vote_without_a_memory_leads() -> None:
    view = solved(zero_shot=CLEAR, memory=SCATTERED)
    assert decisive(replace(view, decision=None)) == of(CLEAR)
    assert decisive(RunView()) is None


def test_the_measured_share_is_what_the_raw_lines_say() -> None:
    """Of the first 52 lines: twelve families, the default model and sampling."""
    rows = [json.loads(line) for line in RAW.read_text(encoding="utf-8").splitlines()[:52]]
    assert BASE is not None
    for row in rows:
        assert row["how"]["weights"] == BASE.sha256
        assert {name: row["how"][name] for name in SETTINGS} == SETTINGS
    few = [row for row in rows if 2 / 8 <= row["agreement"] < 4 / 8]
    assert (sum(row["vote_right"] for row in few), len(few)) == FEWER


def test_a_measured_share_is_named_only_where_it_was_measured() -> None:
    share = "Measured with this model: 8 of 18 votes"
    assert share in note(solved(zero_shot=WEAK))
    assert share in note(solved(zero_shot=TIE))
    assert share not in note(solved(zero_shot=WEAK, which=model("small")))
    assert share not in note(solved(zero_shot=WEAK[:7]))
    for other in ({"temperature": 1.0}, {"max_new_tokens": 320}, {"top_k": 5}):
        assert share not in note(solved(zero_shot=WEAK, settings=other))


def test_what_is_weak_is_said_and_what_is_clear_needs_no_word() -> None:
    assert note(solved(zero_shot=WEAK, which=model("small"))) == "A weak majority: so few can agree by chance."
    assert "cannot tell them apart; where one is needed, the earlier, 7, is taken" in note(solved(zero_shot=TIE))
    assert note(solved(zero_shot=CLEAR)) == note(solved(zero_shot=SCATTERED)) == ""


def kinds(view: RunView, larger: str | None = None) -> list[tuple[str, str]]:
    return [(one.kind, one.value) for one in helps(view, larger)]


def test_where_no_two_agree_it_says_what_would_help() -> None:
    assert kinds(solved(zero_shot=SCATTERED)) == [("samples", "16"), ("memory", "")]
    assert kinds(solved(zero_shot=SCATTERED), "base") == [("samples", "16"), ("model", "base"), ("memory", "")]
    assert kinds(solved(zero_shot=TIE), "base") == [("samples", "16"), ("model", "base")]
    assert kinds(solved(zero_shot=CLEAR), "base") == kinds(solved(zero_shot=WEAK), "base") == []
    assert kinds(solved(zero_shot=SCATTERED, ending=RunStopped(NO_TIME))) == []


def test_only_what_can_help_is_offered() -> None:
    assert ("samples", "16") not in kinds(solved(zero_shot=SCATTERED, settings={"temperature": 0}))
    assert kinds(solved(zero_shot=SCATTERED, settings={"samples": 200})) == [("memory", "")]
    assert kinds(solved(zero_shot=SCATTERED, cut=4))[0] == ("tokens", "1024")
    assert kinds(solved(zero_shot=SCATTERED, cut=3))[0] == ("samples", "16")
    near = Match("m1", 0.4, "p")
    assert kinds(solved(zero_shot=SCATTERED, found=retrieved((near,), None)))[-1] == ("memory", "m1")
    used = solved(zero_shot=SCATTERED, memory=SCATTERED, found=retrieved((near,), "m1"))
    assert "memory" not in dict(kinds(used)), "one was used"


def retrieved(matches: tuple[Match, ...], used: str | None) -> Retrieved:
    arms: dict[Arm, tuple[str, ...]] = {"memory": (used,)} if used else {}
    return Retrieved(matches, used, 0.6, "Because.", arms)


@pytest.mark.parametrize(
    ("source", "bare", "behind", "wanted"),
    [
        ("zero_shot", 1 / 8, None, True),
        ("zero_shot", 2 / 8, None, False),
        ("zero_shot", 1 / 8, 6 / 8, True),
        ("memory", 1 / 8, 6 / 8, False),
        ("memory", 6 / 8, 1 / 8, True),
        ("agreement", 1 / 8, 1 / 8, False),
    ],
)
def test_a_row_of_a_stream(source: str, bare: float, behind: float | None, wanted: bool) -> None:
    arms = [None if share is None else ArmResult("7", None, share, 9) for share in (bare, behind)]
    assert arms[0] is not None
    row = StreamRow(
        1, "p", "p", None, "7", None, source, arms[0], arms[1], None, None, None, False, "", None, 9, 0, 1.0, "s", None
    )  # fmt: skip
    assert no_two_agree(row, {"samples": 8}) is wanted
    assert not no_two_agree(row, {})
    assert not no_two_agree(row, {"samples": 1})


def test_of_several_memories_nobody_knows_how_many_attempts_there_were() -> None:
    arm = ArmResult("7", None, 1 / 8, 9)
    assert alone(arm, {"samples": 8, "top_n": 1}, memory=True)
    assert not alone(arm, {"samples": 8, "top_n": 2}, memory=True)
    assert not alone(replace(arm, answer=None), {"samples": 8})
