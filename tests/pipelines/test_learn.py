"""From a problem to a stored memory and back, with the real engine, trainer, store and runner on a random model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from remembering import answers_by_length, tools

from elm_app.core.config import LearnSettings, ModelSettings, SamplingSettings
from elm_app.core.errors import BadInput, ModelError, StoreLocked
from elm_app.core.events import Event, ModelReady, RunFinished, RunStopped, TraceFinished
from elm_app.core.learning_events import (
    LearningEnded,
    LessonsTaken,
    MeasureFinished,
    MemoryStored,
    PhaseStarted,
    StepFinished,
    VariantsMade,
)
from elm_app.engine.loader import Models
from elm_app.pipelines.learn import can_resume, learn, learn_run, resume_run
from elm_app.pipelines.resources import Tools
from elm_app.runs.event_log import Entry, follow
from elm_app.runs.run_json import learn_json
from elm_app.runs.runner import Runner
from elm_app.runs.state import view_of
from elm_app.store import journal
from elm_app.store.store import Store
from elm_app.store.turn import turn

pytestmark = pytest.mark.usefixtures("own_cache")

PROBLEM = "A farmer packs 7 crates with 24 eggs each. How many eggs is that?"
PARAPHRASE = "A farmer packs 7 crates with 24 eggs in each. How many eggs are that?"
ELSEWHERE = "Find the derivative of sine at zero"
SHORT = LearnSettings(
    steps=2,
    rollouts=4,
    virtual_tokens=5,
    max_new_tokens=12,
    measure_samples=5,
    seed=3,
    learning_rate=0.05,
    temperature=1.0,
)
SAMPLING = SamplingSettings(3, 10, 0.7, seed=5)


@pytest.fixture(scope="module")
def model(random_model: Path) -> ModelSettings:
    return ModelSettings(str(random_model), "none", "cpu")


@pytest.fixture
def kit(tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tools]:
    answers_by_length(monkeypatch)
    made = tools(tmp_path / "memories", models)
    with closing(made.store):
        yield made


def of(events: list[Event], kind: type) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


def run(kit: Tools, model: ModelSettings, settings: LearnSettings = SHORT, run_id: str = "r1") -> list[Event]:
    return list(learn(run_id, PROBLEM, model, settings, kit))


def test_the_story_of_a_run(kit: Tools, model: ModelSettings) -> None:
    told = run(kit, model)
    assert isinstance(of(told, ModelReady)[0], ModelReady)
    phases = [(event.phase, event.step, event.samples) for event in told if isinstance(event, PhaseStarted)]
    assert phases == [("before", 0, 5), ("step", 1, 4), ("step", 2, 4), ("after", 2, 5)]
    arms = [{event.trace.arm for event in told if isinstance(event, TraceFinished)}]
    assert arms == [{"zero_shot", "memory"}]
    steps = [event.step for event in told if isinstance(event, StepFinished)]
    assert [step.step for step in steps] == [1, 2]
    assert any(step.grad_norm for step in steps)
    assert [event.when for event in told if isinstance(event, MeasureFinished)] == ["before", "after"]
    assert len(of(told, LearningEnded)) == 1
    assert isinstance(told[-2], MemoryStored)
    assert told[-2].memory == "r1"
    assert isinstance(told[-1], RunFinished)
    assert not can_resume("r1", kit)


def test_the_card_tells_everything(kit: Tools, model: ModelSettings) -> None:
    told = run(kit, model)
    card = kit.store.get("r1")
    assert (card.problem, card.run, card.reward, card.embedder) == (PROBLEM, "r1", "majority", "words")
    assert (card.virtual_tokens, card.hidden_size, card.dtype) == (5, 64, "float32")
    assert card.steps == tuple(event.step for event in told if isinstance(event, StepFinished))
    before, after = (event.measured for event in told if isinstance(event, MeasureFinished))
    assert (card.before, card.after, card.answer) == (before, after, before.vote.answer)
    assert card.settings["seed"] == 3
    assert card.settings["architecture"]["num_layers"] == 2
    assert len(card.words) == 5
    assert all(len(words) == 5 for words in card.words)
    assert card.tokens > 0
    assert card.seconds > 0
    assert len(card.tokenizer_sha256) == 64
    assert card.enabled == card.improved
    stored = of(told, MemoryStored)[0]
    assert isinstance(stored, MemoryStored)
    assert (stored.kept, stored.reason) == (card.enabled, card.verdict)
    assert card.enabled or card.disabled_reason == card.verdict
    tensor = kit.store.soft_prompt("r1")
    assert tensor.shape == (5, 64)
    assert np.isfinite(tensor).all()


def test_a_user_may_keep_what_does_not_help(kit: Tools, model: ModelSettings) -> None:
    run(kit, model, replace(SHORT, keep=True))
    assert kit.store.get("r1").enabled


def test_the_same_seed_makes_the_same_memory(kit: Tools, model: ModelSettings) -> None:
    run(kit, model)
    run(kit, model, run_id="r2")
    assert np.array_equal(kit.store.soft_prompt("r1"), kit.store.soft_prompt("r2"))


def test_nothing_to_learn_is_said_and_nothing_stored(
    kit: Tools, model: ModelSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers_by_length(monkeypatch, 1)  # they all say 0
    told = run(kit, model)
    assert told[-2] == MemoryStored(None, False, "All 5 traces agree, so there is nothing left to learn.")
    assert not of(told, StepFinished)
    assert kit.store.count() == 0
    assert list((kit.store.folder / "checkpoints").glob("*")) == []


def test_stop_keeps_the_best_so_far(kit: Tools, model: ModelSettings) -> None:
    told: list[Event] = []
    settings = replace(SHORT, steps=50)
    work = learn("r1", PROBLEM, model, settings, kit, lambda: len(of(told, StepFinished)) >= 3)
    for event in work:
        told.append(event)
    assert isinstance(told[-1], RunStopped)
    card = kit.store.get("r1")
    assert len(card.steps) == 3
    assert card.after is None
    assert not card.enabled
    assert card.disabled_reason == "Not measured: learning was stopped after step 3."


def test_stopping_before_the_first_step_stores_nothing(kit: Tools, model: ModelSettings) -> None:
    told: list[Event] = []
    for event in learn("r1", PROBLEM, model, SHORT, kit, lambda: bool(of(told, PhaseStarted))):
        told.append(event)
    assert told[-2] == MemoryStored(None, False, "Stopped before the first step.")
    assert isinstance(told[-1], RunStopped)
    assert kit.store.count() == 0


def test_an_interrupted_run_goes_on(kit: Tools, model: ModelSettings) -> None:
    """The generator is dropped in the middle of step 2, as when the process is killed."""
    whole = run(kit, model, run_id="whole")
    work = learn("r1", PROBLEM, model, SHORT, kit)
    for event in work:
        if isinstance(event, StepFinished):
            break
    work.close()  # type: ignore[attr-defined]
    assert can_resume("r1", kit)
    ready = resume_run("r1", kit)
    assert ready.problem == PROBLEM
    assert ready.settings["resumed_from"] == "r1"
    rest = list(ready.work(lambda: False))
    assert [event.step for event in rest if isinstance(event, PhaseStarted)] == [2, 2]
    assert np.array_equal(kit.store.soft_prompt(ready.run), kit.store.soft_prompt("whole"))
    losses = [step.loss for step in kit.store.get(ready.run).steps]
    assert losses == [event.step.loss for event in whole if isinstance(event, StepFinished)]
    assert not can_resume("r1", kit)
    assert not can_resume(ready.run, kit)


def test_going_on_needs_the_same_model(kit: Tools, model: ModelSettings, tmp_path: Path) -> None:
    from random_models import make_folder

    work = learn("r1", PROBLEM, model, SHORT, kit)
    while not isinstance(next(work), StepFinished):
        pass
    work.close()  # type: ignore[attr-defined]
    other = make_folder(tmp_path / "other", seed=1)
    with pytest.raises(BadInput, match="another model"):
        list(learn("r2", PROBLEM, ModelSettings(str(other), "none", "cpu"), SHORT, kit, resumed="r1"))
    assert can_resume("r1", kit)


def test_nothing_to_go_on_from(kit: Tools) -> None:
    with pytest.raises(BadInput, match="nothing to go on from"):
        resume_run("20260101-000000-000000", kit)


def test_who_cannot_write_is_told_before_anything_is_learned(
    kit: Tools, model: ModelSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "PATIENCE", 0.05)
    with closing(Store(kit.store.folder)) as second, turn(kit.store), pytest.raises(StoreLocked):
        list(learn("r2", PROBLEM, model, SHORT, replace(kit, store=second)))


def test_two_processes_may_learn_into_one_folder(kit: Tools, model: ModelSettings) -> None:
    run(kit, model)
    with closing(Store(kit.store.folder)) as second:
        list(learn("r2", PROBLEM, model, SHORT, replace(kit, store=second)))
    assert kit.store.count() == 2


def test_through_the_runner_and_the_log(kit: Tools, model: ModelSettings, tmp_path: Path) -> None:
    with closing(Runner(tmp_path / "runs")) as runner:
        ready = learn_run(f"  {PROBLEM}\n", model, SHORT, kit, source="20260101-000000-000000")
        assert ready.settings["source_run"] == "20260101-000000-000000"
        run_id = runner.submit("learn", ready.problem, ready.settings, ready.work, ready.run)
        entries: list[Entry] = list(follow(tmp_path / "runs", run_id))
    document = learn_json(view_of(entries))
    assert run_id == ready.run == document["memory"] == document["run"]
    assert document["status"] == "done"
    assert [step["step"] for step in document["steps"]] == [1, 2]
    assert set(document["steps"][0]) >= {"step", "reward_mean", "agreement", "answer", "loss", "grad_norm", "seconds"}
    assert document["vote_before"]["counts"]
    assert document["vote_after"]["counts"]
    assert document["problem"] == PROBLEM
    assert document["kept"] == kit.store.get(run_id).enabled


@pytest.mark.parametrize("problem", ["", "  \n", "\ud800"])
def test_no_problem_no_run(kit: Tools, model: ModelSettings, problem: str) -> None:
    with pytest.raises(BadInput):
        learn_run(problem, model, SHORT, kit)


def test_a_problem_that_does_not_fit_is_refused_before_learning(kit: Tools, model: ModelSettings) -> None:
    with pytest.raises(BadInput, match="does not fit"):
        list(learn("r1", "long " * 600, model, SHORT, kit))


class TestDistilling:
    """The other recipe, through the same run: measured, stopped, gone on with and stored alike."""

    SETTINGS = replace(
        SHORT, recipe="distil", form="prefix", init="example", steps=3, variants=3, variant_traces=2
    )  # fmt: skip

    @pytest.fixture(autouse=True)
    def _ends(self, kit: Tools, model: ModelSettings, monkeypatch: pytest.MonkeyPatch) -> None:
        """A random model hardly ever ends: here many of its tokens end a trace."""
        monkeypatch.setattr(kit.models.get(model, lambda _: None), "stop_tokens", frozenset(range(60)))

    def test_the_story_and_the_card(self, kit: Tools, model: ModelSettings) -> None:
        told = run(kit, model, self.SETTINGS)
        phases = [(event.phase, event.step, event.samples) for event in told if isinstance(event, PhaseStarted)]
        steps = [("step", 1, 0), ("step", 2, 0), ("step", 3, 0)]
        assert phases == [("before", 0, 5), ("teach", 0, 6), ("fit", 0, 0), *steps, ("after", 3, 5)]
        (made,) = of(told, VariantsMade)
        assert isinstance(made, VariantsMade)
        assert len(made.variants) == 3
        before = [event.trace for event in told if isinstance(event, TraceFinished)][:5]
        assert made.example in [trace.text for trace in before]
        assert len(of(told, LessonsTaken)) == 1
        card = kit.store.get("r1")
        assert (card.settings["recipe"], card.reward) == ("distil", "distil")
        assert [step.step for step in card.steps] == [1, 2, 3]
        assert all(step.loss is not None and step.reward_mean is None for step in card.steps)
        assert card.after is not None
        assert np.isfinite(kit.store.soft_prompt("r1")).all()
        assert not can_resume("r1", kit)
        document = learn_json(view_of([Entry(number, 0.0, event) for number, event in enumerate(told)]))
        assert list(document["worked"]["variants"]) == list(made.variants)
        assert document["steps"][0]["reward_mean"] is None

    @pytest.mark.parametrize("cut", [VariantsMade, LessonsTaken, StepFinished])
    def test_an_interrupted_run_goes_on(self, kit: Tools, model: ModelSettings, cut: type) -> None:
        run(kit, model, self.SETTINGS, "whole")
        work = learn("r1", PROBLEM, model, self.SETTINGS, kit)
        while not isinstance(next(work), cut):
            pass
        work.close()  # type: ignore[attr-defined]
        ready = resume_run("r1", kit)
        assert ready.settings["recipe"] == "distil"
        rest = list(ready.work(lambda: False))
        assert isinstance(rest[-1], RunFinished)
        assert np.array_equal(kit.store.soft_prompt(ready.run), kit.store.soft_prompt("whole"))

    def test_a_stop_while_the_memory_is_fitted_stores_nothing(self, kit: Tools, model: ModelSettings) -> None:
        told: list[Event] = []

        def fits() -> bool:
            return any(isinstance(event, PhaseStarted) and event.phase == "fit" for event in told)

        for event in learn("r1", PROBLEM, model, self.SETTINGS, kit, fits):
            told.append(event)
        assert isinstance(told[-1], RunStopped)
        assert not of(told, StepFinished)
        assert kit.store.count() == 0

    def test_a_model_that_shows_no_attention_is_refused_before_anything_is_sampled(
        self, kit: Tools, model: ModelSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuses(*_: object) -> None:
            raise ModelError("It cannot be watched.", "Learn with --init text.")

        monkeypatch.setattr(type(kit.models.get(model, lambda _: None).decoder), "attention", refuses)
        told: list[Event] = []
        with pytest.raises(ModelError, match="watched"):
            told.extend(learn("r1", PROBLEM, model, self.SETTINGS, kit))
        assert not of(told, PhaseStarted)
        assert not can_resume("r1", kit)

    def test_a_stop_between_steps_keeps_what_was_learned(self, kit: Tools, model: ModelSettings) -> None:
        told: list[Event] = []
        for event in learn("r1", PROBLEM, model, self.SETTINGS, kit, lambda: len(of(told, StepFinished)) >= 2):
            told.append(event)
        assert isinstance(told[-1], RunStopped)
        assert len(kit.store.get("r1").steps) == 2
