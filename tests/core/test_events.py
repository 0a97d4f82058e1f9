"""What a run says: every event through JSON and back, and nothing else let in."""

from __future__ import annotations

import json
from dataclasses import MISSING, FrozenInstanceError, fields
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from elm_app.core.events import (
    ENDINGS,
    KINDS,
    Credited,
    Decided,
    EffectMeasured,
    Event,
    Failed,
    MethodStarted,
    ModelReady,
    ProblemAnswered,
    ProblemFinished,
    ProblemStarted,
    Progress,
    PromptRead,
    Queued,
    Retrieved,
    RunFinished,
    RunStarted,
    RunStopped,
    TraceChunk,
    TraceFinished,
    Verified,
    VoteChanged,
    event_from_json,
    event_to_json,
)
from elm_app.core.learning_events import (
    LearningEnded,
    LessonsTaken,
    MeasureFinished,
    MemoryStored,
    PhaseStarted,
    StepFinished,
    VariantsMade,
)
from elm_app.core.results import ArmResult, StreamRow
from elm_app.core.scores import SideScore, StepScore, TraceScore
from elm_app.core.token_effect import TokenScore, TraceEffect
from elm_app.core.types import AnswerCount, Decision, LearnStep, Match, Measured, ModelInfo, Timing, Trace, Vote

TIMING = Timing(1.5, 0.25, 2.0, 40, 20.0)
SETTINGS = {"model": "tiny", "samples": 8, "temperature": 0.7, "seed": 2**63 - 1, "note": None, "deep": {"list": [1]}}
ROW = StreamRow(
    number=1,
    id="line-1",
    problem="1?",
    gold="1",
    answer="1",
    right=True,
    source="memory",
    zero_shot=ArmResult(None, False, 0.0, 640),
    memory=ArmResult("1", True, 0.5, 512),
    retrieved="m1",
    score=0.7,
    learned="m2",
    enabled=False,
    reason="Agreement fell.",
    label_accuracy=0.5,
    tokens=4000,
    learn_tokens=2848,
    seconds=61.5,
    solve="r1",
    learn="r2",
)
EVENTS: list[Event] = [
    RunStarted("20261122-181639-482913", "solve", "Wie viele? 🍎\n\u2028", SETTINGS, "2026-11-22T18:16:39+00:00"),
    Queued(3),
    Progress("download", "Fetching tiny", 1.5, 0, "B"),
    ModelReady(ModelInfo("tiny", "int8", "cpu", "ab" * 32), 0.0),
    PromptRead("memory", 37, 0.25),
    TraceChunk("zero_shot", 0, ' \\boxed{"½"}', 4),
    TraceFinished(Trace("zero_shot", 1, 7, "text", None, 20, False, -0.5)),
    VoteChanged("zero_shot", Vote("72", 0.5, (AnswerCount("72", 1, (0,)),), 1, tied=True), 2, 8),
    Retrieved((Match("m1", 0.83, "1?"),), "m1", 0.6, "The nearest one."),
    PhaseStarted("step", 3, 10, 8),
    VariantsMade("So it is \\boxed{72}.", ("A ½ of 8?", "A ½ of 12?"), 2),
    LessonsTaken((0, 1, 3), "3 of 4 worked examples ended with an answer and are learned."),
    StepFinished(LearnStep(4, None, None, None, None, 180.5, 0.11, 0.5, None, 0.0, 14.0, 14.0)),
    StepFinished(LearnStep(3, None, 0.0, 0.0, 0.5, 200.5, None, None, "equal rewards", 4.0, 0.0, 4.1)),
    MeasureFinished("after", Measured(Vote(None, 0.0, (), 4), 4, 0.0, 256.0)),
    LearningEnded("All agree.", 3, True),
    MemoryStored("m1", True, "It helps."),
    Retrieved(
        (Match("m1", 0.8, "1?", 0.7, 0.9, 0.85),), "m1", 0.6, "Two.", {"memory_2": ("m1", "m2")}, "both", "utility"
    ),
    Verified("prm", (SideScore("memory", "1", 0.5, (TraceScore("memory_2", 0, 0.5, (StepScore(0, 9, 0.5),)),)),), 1.5),
    Decided(Decision("72", "agreement", "Both agree.", "model")),
    Credited("m1", "lost", "prm", "The disk is full."),
    EffectMeasured(
        TraceEffect("memory_2", 1, (TokenScore(" é", (9, 8), -1.5, -0.25), TokenScore("e", (1,), 0, 0, True)))
    ),
    ProblemStarted(1, 6, "line-1", "1?", None, "r1", "r2"),
    ProblemFinished(ROW),
    MethodStarted("icl", 0, 2, 4, 3, 40),
    ProblemAnswered("icl", 0, 4, 40, "line-4", None, False, 900, 4.5),
    RunFinished(TIMING),
    RunStopped(TIMING),
    Failed("BadInput", "Too long.", ""),
]


def test_the_list_is_whole() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(Event)) == set(KINDS.values())
    assert set(ENDINGS) <= set(get_args(Event))
    assert len(KINDS) == len({event.kind for event in EVENTS})


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
class TestEach:
    def test_it_comes_back_as_it_was(self, event: Event) -> None:
        text = json.dumps(event_to_json(event), ensure_ascii=False, allow_nan=False)
        back = event_from_json(json.loads(text))
        assert back == event
        assert type(back) is type(event)

    def test_its_json_says_its_kind(self, event: Event) -> None:
        assert KINDS[event_to_json(event)["kind"]] is type(event)

    def test_it_is_frozen(self, event: Event) -> None:
        with pytest.raises(FrozenInstanceError):
            setattr(event, fields(event)[0].name, None)

    def test_without_its_kind_it_is_nothing(self, event: Event) -> None:
        value = event_to_json(event)
        del value["kind"]
        with pytest.raises(ValidationError):
            event_from_json(value)

    def test_without_one_of_its_fields_it_is_nothing(self, event: Event) -> None:
        value = event_to_json(event)
        optional = {field.name for field in fields(event) if field.default is not MISSING}
        optional |= {field.name for field in fields(event) if field.default_factory is not MISSING}
        for name in set(value) - optional:
            with pytest.raises(ValidationError, match=name):
                event_from_json({key: part for key, part in value.items() if key != name})

    def test_with_another_kind_it_is_nothing(self, event: Event) -> None:
        value = event_to_json(event)
        twins = {"run_finished", "run_stopped"}  # the same fields
        for kind in set(KINDS) - {event.kind} - (twins if event.kind in twins else set()):
            with pytest.raises(ValidationError):
                event_from_json(value | {"kind": kind})


@pytest.mark.parametrize(
    "foreign",
    [
        None,
        [],
        "queued",
        7,
        {},
        {"kind": None},
        {"kind": "unheard", "ahead": 1},
        {"kind": ["queued"], "ahead": 1},
        {"kind": "queued", "ahead": "many"},
        {"kind": "queued", "ahead": 1.5},
        {"kind": "progress", "stage": "lunch", "message": "", "done": 0, "total": 0},
        {"kind": "trace_chunk", "arm": "left", "index": 0, "text": "", "tokens": 0},
        {"kind": "run_finished", "timing": {"load_seconds": 1}},
    ],
)
def test_something_else_is_refused(foreign: Any) -> None:
    with pytest.raises(ValidationError):
        event_from_json(foreign)
