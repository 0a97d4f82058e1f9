"""The nouns: frozen, and the same after a trip through JSON."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any

import pytest
from pydantic import ValidationError

from elm_app.core import scores, types
from elm_app.core.scores import SideScore, StepScore, TraceScore
from elm_app.core.types import (
    AnswerCount,
    Credit,
    Decision,
    LearnStep,
    Lesson,
    Match,
    Measured,
    Memory,
    ModelInfo,
    Problem,
    Timing,
    Trace,
    Vote,
    from_json,
    to_json,
)

NOUNS: list[Any] = [
    Problem("Wie viele Äpfel? 🍎\n“½”", id="7", answer="72", source="kitchen"),
    Problem("1?"),
    Trace("memory", 3, 2**63 - 1, "So \\boxed{72}\u2028", "72", 20, True, -0.125),
    Trace("zero_shot", 0, 0, "", None, 1, False, -1e-9),
    AnswerCount("\\frac{1}{2}", 2, (0, 4)),
    Vote("72", 0.75, (AnswerCount("72", 3, (0, 1, 2)), AnswerCount("5", 1, (3,))), 0, tied=False),
    Vote(None, 0.0, (), 4),
    Match("m1", -0.5, "1?"),
    Match("m1", 0.75, "1?", 0.5, 1.0, 0.875),
    Credit("prm", won=2, agreed=1),
    StepScore(0, 12, -0.5),
    TraceScore("memory_2", 3, -0.5, (StepScore(0, 12, -0.5),)),
    SideScore("memory", "72", 0.25, (TraceScore("memory", 0, 0.25),)),
    SideScore("zero_shot", None, 0.0),
    Decision("72", "agreement", "Both agree.", verifier="model"),
    Decision(None, "zero_shot", "No answer."),
    ModelInfo("tiny", "int8", "cpu", "ab" * 32),
    Timing(1.5, 0.25, 2.0, 40, 20.0),
    Measured(Vote(None, 0.0, (), 4), 4, 0.0, 256.0),
    LearnStep(1, "72", 0.5, 0.5, 1.0, 200.5, -0.25, 0.5, None, 4.0, 3.0, 7.1),
    Memory(
        id="20261122-181639-482913",
        problem="Wie viele? 🍎",
        answer="72",
        reward="majority",
        before=Measured(Vote("72", 0.5, (AnswerCount("72", 2, (0, 1)),), 2), 4, 0.5, 256.0),
        after=None,
        improved=False,
        verdict="Not measured.",
        steps=(LearnStep(1, "72", 0.5, 0.5, 1.0, 200.5, None, None, "equal rewards", 4.0, 0.0, 4.1),),
        settings={"seed": 2**63 - 1},
        model=ModelInfo("tiny", "int8", "cpu", "ab" * 32),
        tokenizer_sha256="cd" * 32,
        virtual_tokens=20,
        hidden_size=64,
        dtype="float32",
        embedder="all-MiniLM-L6-v2",
        created="2026-11-22T18:16:39+00:00",
        seconds=84.5,
        tokens=12345,
        bytes=71680,
        words=((" think", "½"), ("step",)),
        run="20261122-181639-482913",
        credit=(Credit("none", agreed=3),),
    ),
    Lesson("What is 2 + 3?", (5, 7, 9), 4),
]


def test_the_list_is_whole() -> None:
    modules = (types, scores)
    declared = {
        kind for module in modules for kind in vars(module).values()
        if is_dataclass(kind) and kind.__module__ == module.__name__
    }  # fmt: skip
    assert {type(noun) for noun in NOUNS} == declared


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: type(noun).__name__)
class TestEach:
    def test_it_comes_back_as_it_was(self, noun: Any) -> None:
        text = json.dumps(to_json(noun), ensure_ascii=False, allow_nan=False)
        back = from_json(type(noun), json.loads(text))
        assert back == noun
        assert type(back) is type(noun)

    def test_it_is_frozen(self, noun: Any) -> None:
        with pytest.raises(FrozenInstanceError):
            setattr(noun, fields(noun)[0].name, None)

    def test_every_field_without_a_default_is_asked_for(self, noun: Any) -> None:
        whole = to_json(noun)
        required = [field.name for field in fields(noun) if not _has_default(field)]
        assert required
        for name in required:
            with pytest.raises(ValidationError, match=name):
                from_json(type(noun), {key: value for key, value in whole.items() if key != name})

    @pytest.mark.parametrize("foreign", [None, [], "text", 7, {}])
    def test_something_else_is_refused(self, noun: Any, foreign: Any) -> None:
        with pytest.raises(ValidationError):
            from_json(type(noun), foreign)


def _has_default(field: Any) -> bool:
    from dataclasses import MISSING

    return field.default is not MISSING or field.default_factory is not MISSING


@pytest.mark.parametrize(
    "change",
    [
        {"arm": "left"},
        {"index": "first"},
        {"index": 1.5},
        {"text": None},
        {"answer": 72},
        {"tokens": None},
        {"finished": "perhaps"},
        {"mean_logprob": "low"},
    ],
)
def test_a_field_of_another_kind_is_refused(change: dict[str, Any]) -> None:
    whole = to_json(Trace("zero_shot", 0, 1, "text", "72", 20, True, -0.5))
    with pytest.raises(ValidationError, match=next(iter(change))):
        from_json(Trace, whole | change)


def test_a_class_of_answers_is_checked_inside_a_vote() -> None:
    whole = to_json(Vote("72", 1.0, (AnswerCount("72", 1, (0,)),), 0))
    whole["counts"] = [{"answer": "72", "count": "one"}]
    with pytest.raises(ValidationError, match="count"):
        from_json(Vote, whole)
