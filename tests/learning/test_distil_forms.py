"""Distilling into keys and values on a random model: what the example brings about is learned, noise is not."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch

from elm_app.config import LearnSettings, ModelSettings
from elm_app.events import Event, LearningEnded, LessonsTaken, StepFinished, VariantsMade
from elm_app.learning.distil_forms import distil_into
from elm_app.learning.names import names_in
from elm_app.learning.policies import Prefix, SoftPrompt, snapshot
from elm_app.llm import sample as sample_module
from elm_app.llm.engine import Engine
from elm_app.llm.loader import load
from elm_app.llm.prompt import asked, turns_prompt
from elm_app.types import Lesson

PROBLEM = "Then Anna gives Tom 5 of 12 eggs."
EXAMPLE = "nnnnnnnn"
LEARNS = LearnSettings.by_recipe(
    recipe="distil", steps=60, learning_rate=0.05, variants=6, variant_traces=8, virtual_tokens=8, max_new_tokens=8,
    temperature=0.5, seed=1,
)  # fmt: skip
T = TypeVar("T")


@pytest.fixture(scope="module", params=["none", "int8"])
def engine(request: pytest.FixtureRequest, random_model: Path) -> Engine:
    """A random model hardly ever ends: many of its tokens end a trace here."""
    made = load(ModelSettings(str(random_model), request.param, "cpu"), lambda _: None)
    made.stop_tokens = frozenset(range(40))
    return made


@pytest.fixture(autouse=True)
def _answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The texts of a random model hold no answers."""
    monkeypatch.setattr(sample_module, "extract", lambda text: str(len(text) % 3))


def whole(work: Generator[Event, None, T]) -> tuple[list[Event], T]:
    events = []
    while True:
        try:
            events.append(next(work))
        except StopIteration as stop:
            return events, stop.value


def of(events: list[Event], kind: type[T]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]


def loss(policy: Any, lessons: list[Lesson]) -> float:
    """Mean negative log-likelihood of a token."""
    with torch.no_grad():
        parts = [policy.log_probs(policy.engine.encode(one.problem), [one.tokens], 0.5) for one in lessons]
    return -float(torch.cat(parts).mean())


def teacher_loss(engine: Engine, lessons: list[Lesson]) -> float:
    """The same with the example in view."""
    parts = []
    with torch.no_grad():
        for one in lessons:
            prompt = turns_prompt(engine.tokenizer, [asked(PROBLEM), EXAMPLE, asked(one.problem)])
            parts.append(engine.log_probs(prompt, torch.zeros(0, 64), [one.tokens], 0.5))
    return -float(torch.cat(parts).mean())


def test_what_the_example_brings_about_is_learned(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """On variants that were not learned from. Traces that nobody wrote with the example in view do not bring that
    about."""
    others = replace(LEARNS, steps=1, seed=99)
    _, other = whole(distil_into(Prefix(engine, others), engine, PROBLEM, EXAMPLE, others))
    policy = Prefix(engine, LEARNS)
    before = loss(policy, other.lessons)
    whole(distil_into(policy, engine, PROBLEM, EXAMPLE, LEARNS))
    after, teacher = loss(policy, other.lessons), teacher_loss(engine, other.lessons)
    assert before - after > 0.3 * (before - teacher) > 0

    generator = torch.Generator().manual_seed(5)

    def noise(text: str, tokens: Any, index: int) -> Lesson:
        return Lesson(text, tuple(torch.randint(259, (len(tokens),), generator=generator).tolist()), index)

    monkeypatch.setattr("elm_app.learning.distil.Lesson", noise)
    by_chance = Prefix(engine, LEARNS)
    whole(distil_into(by_chance, engine, PROBLEM, EXAMPLE, LEARNS))
    assert loss(by_chance, other.lessons) > after + 0.5 * (before - after)


@pytest.mark.parametrize("form", [Prefix, SoftPrompt])
def test_the_story(engine: Engine, form: Any) -> None:
    settings = replace(LEARNS, steps=7, variants=3)
    policy = form(engine, settings)
    start = snapshot(policy)
    told, state = whole(distil_into(policy, engine, PROBLEM, EXAMPLE, settings))
    (made,) = of(told, VariantsMade)
    assert (made.example, len(made.variants), made.each) == (EXAMPLE, 3, 8)
    assert not any({"Anna", "Tom"} & set(names_in(text)) for text in made.variants), "names change as well"
    (taken,) = of(told, LessonsTaken)
    assert [lesson.index for lesson in state.lessons] == list(taken.traces)
    steps = [event.step for event in of(told, StepFinished)]
    assert [step.step for step in steps] == list(range(1, 8))
    assert state.steps == steps
    assert all(step.loss and step.grad_norm for step in steps)
    assert told[-1] == LearningEnded("All 7 steps are done.", 7, False)
    assert not any(torch.equal(one, other) for one, other in zip(start, policy.parameters, strict=True))
    again = form(engine, settings)
    whole(distil_into(again, engine, PROBLEM, EXAMPLE, settings))
    assert all(torch.equal(one, other) for one, other in zip(again.parameters, policy.parameters, strict=True))


def test_the_learning_rate_falls_to_a_tenth(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    step = torch.optim.AdamW.step

    def watched(optimizer: torch.optim.AdamW, *rest: Any) -> Any:
        rates.append(optimizer.param_groups[0]["lr"])
        return step(optimizer, *rest)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    settings = replace(LEARNS, steps=9, variants=3)
    whole(distil_into(Prefix(engine, settings), engine, PROBLEM, EXAMPLE, settings))
    assert rates == pytest.approx([0.05 * (1 - 0.9 * done / 9) for done in range(9)])


def test_a_stop_is_between_steps(engine: Engine) -> None:
    told: list[Event] = []
    policy = Prefix(engine, LEARNS)
    for event in distil_into(
        policy, engine, PROBLEM, EXAMPLE, LEARNS, stopped=lambda: len(of(told, StepFinished)) == 2
    ):
        told.append(event)
    assert told[-1] == LearningEnded("Stopped before step 3.", 2, True)


def test_nothing_that_ended_is_nothing_to_learn(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_module, "extract", lambda _: None)
    policy = Prefix(engine, LEARNS)
    start = snapshot(policy)
    told, state = whole(distil_into(policy, engine, PROBLEM, EXAMPLE, LEARNS))
    assert isinstance(told[-1], LearningEnded)
    assert told[-1].early
    assert state.updates == 0
    assert all(torch.equal(one, other) for one, other in zip(start, policy.parameters, strict=True))
