"""The trainer on a random model: it learns what can be learned, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from elm_app.core.config import LearnSettings, ModelSettings
from elm_app.core.errors import BadInput, DamagedMemory
from elm_app.core.events import Event, TraceFinished
from elm_app.core.learning_events import LearningEnded, MeasureFinished, PhaseStarted, StepFinished
from elm_app.core.types import AnswerCount, LearnStep, Vote
from elm_app.engine.engine import Engine
from elm_app.engine.loader import load
from elm_app.learning import checkpoint
from elm_app.learning.checkpoint import Checkpoint
from elm_app.learning.rewards import SOURCES, Judged
from elm_app.learning.trainer import PATIENCE, Trainer, nothing_to_learn
from elm_app.rollouts import collect as sample_module

PROBLEM = "1?"
SHORT = LearnSettings(steps=4, rollouts=4, virtual_tokens=6, max_new_tokens=5, measure_samples=3, seed=7)
Reward = Callable[[Judged], list[float | None]]


@pytest.fixture(scope="module", params=["none", "int8"])
def engine(request: pytest.FixtureRequest, random_model: Path) -> Engine:
    return load(ModelSettings(str(random_model), request.param, "cpu"), lambda _: None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "memories"


def trainer(
    engine: Engine,
    folder: Path,
    settings: LearnSettings = SHORT,
    reward: Reward | None = None,
    stopped: Callable[[], bool] = lambda: False,
    state: Checkpoint | None = None,
) -> Trainer:
    state = state or checkpoint.fresh(engine, PROBLEM, settings, {"seed": settings.seed})
    path = checkpoint.path_of(folder, "r1")
    return Trainer(engine, engine.encode(PROBLEM), settings, state, path, stopped, reward)


def steps(events: list[Event]) -> list[LearnStep]:
    return [event.step for event in events if isinstance(event, StepFinished)]


def by_place(judged: Judged) -> list[float | None]:
    """A reward that differs between rollouts, whatever a model writes."""
    return [float(index % 2) for index, _ in enumerate(judged.traces)]


def test_a_planted_task_is_learned(engine: Engine, folder: Path) -> None:
    """A reward for one first letter, which chance gives to 1 rollout in 30, rises above 0.9."""
    settings = LearnSettings(
        steps=40, rollouts=32, virtual_tokens=8, max_new_tokens=3, learning_rate=0.03, init="vocabulary", seed=1
    )
    reward: Reward = lambda judged: [float(trace.text[:1] == "n") for trace in judged.traces]  # noqa: E731
    learned = steps(list(trainer(engine, folder, settings, reward).train()))
    assert learned[0].reward_mean < 0.15
    assert max(step.reward_mean for step in learned[:3]) < 0.5
    assert sum(step.reward_mean for step in learned[-3:]) / 3 > 0.9


def test_going_on_from_a_checkpoint_is_as_if_nothing_had_happened(engine: Engine, folder: Path) -> None:
    whole = trainer(engine, folder, reward=by_place)
    told = steps(list(whole.train()))
    assert [step.step for step in told] == [1, 2, 3, 4]
    assert whole.state.updates >= 2
    first = trainer(engine, folder, replace(SHORT, steps=2), reward=by_place)
    list(first.train())
    state = checkpoint.read(folder, "r1")
    second = trainer(engine, folder, reward=by_place, state=state)
    rest = steps(list(second.train()))
    assert [step.step for step in rest] == [3, 4]
    assert torch.equal(second.state.soft_prompt, whole.state.soft_prompt)
    assert [step.loss for step in second.state.steps] == [step.loss for step in told]
    assert second.state.tokens == whole.state.tokens


def test_a_stop_loses_the_current_step_only(engine: Engine, folder: Path) -> None:
    seen: list[Event] = []

    def stopped() -> bool:
        return len(steps(seen)) == 2 and any(isinstance(event, PhaseStarted) and event.step == 3 for event in seen)

    learning = trainer(engine, folder, reward=by_place, stopped=stopped)
    for event in learning.train():
        seen.append(event)
    assert isinstance(seen[-1], LearningEnded)
    assert (seen[-1].steps, seen[-1].early) == (2, True)
    kept = checkpoint.read(folder, "r1")
    assert len(kept.steps) == 2
    assert torch.equal(kept.soft_prompt, learning.state.soft_prompt)


def test_equal_rewards_are_a_skipped_step_and_say_so(engine: Engine, folder: Path) -> None:
    learning = trainer(engine, folder, reward=lambda judged: [0.0] * len(judged.traces))
    start = learning.state.soft_prompt.clone()
    events = list(learning.train())
    told = steps(events)
    assert events[-1] == LearningEnded("3 steps in a row gave all rollouts the same reward.", PATIENCE, True)
    assert len(told) == PATIENCE
    assert all(step.skipped == "All 4 rollouts have the same reward, 0: no gradient." for step in told)
    assert all(step.loss is None and step.grad_norm is None for step in told)
    assert torch.equal(learning.state.soft_prompt, start)
    assert learning.state.updates == 0


def test_full_reward_ends_early(engine: Engine, folder: Path) -> None:
    told = list(trainer(engine, folder, reward=lambda judged: [1.0] * len(judged.traces)).train())
    assert isinstance(told[-1], LearningEnded)
    assert told[-1].early
    assert told[-1].steps == 1


def answered(monkeypatch: pytest.MonkeyPatch, answers: list[str | None]) -> None:
    """Random traces hold no answers: give them these, one after the other."""
    monkeypatch.setattr(sample_module, "extract", lambda _: answers.pop(0) if answers else None)


def test_no_majority_for_long_ends_early(engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(monkeypatch, [])
    learning = trainer(engine, folder)
    told = list(learning.train())
    assert [step.skipped for step in steps(told)] == [
        "None of the 4 traces has an answer, so there is no majority to learn from."
    ] * PATIENCE
    assert told[-1] == LearningEnded("3 steps in a row had no majority to learn from.", PATIENCE, True)


def test_everybody_agreeing_ends_early(engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(monkeypatch, ["7", "7", None, "8", "7", "7.0", "7", "7"])
    told = list(trainer(engine, folder).train())
    assert [step.reward_mean for step in steps(told)] == [0.5, 1.0]
    assert told[-1] == LearningEnded("All 4 rollouts agree, so there is nothing left to learn.", 2, True)


def test_measuring_samples_afresh_with_the_same_seeds(engine: Engine, folder: Path) -> None:
    learning = trainer(engine, folder)
    before, after = list(learning.measure("before")), list(learning.measure("after"))
    seeds = [[event.trace.seed for event in told if isinstance(event, TraceFinished)] for told in (before, after)]
    assert sorted(seeds[0]) == sorted(seeds[1])
    assert len(set(seeds[0])) == SHORT.measure_samples
    for told, arm in ((before, "zero_shot"), (after, "memory")):
        assert isinstance(told[-1], MeasureFinished)
        assert {event.trace.arm for event in told if isinstance(event, TraceFinished)} == {arm}
    assert isinstance(before[-1], MeasureFinished)
    assert learning.state.before == before[-1].measured


def test_the_published_formula_learns_too(engine: Engine, folder: Path) -> None:
    learning = trainer(engine, folder, replace(SHORT, loss="grpo"), by_place)
    start = learning.state.soft_prompt.clone()
    told = [step for step in steps(list(learning.train())) if step.skipped is None]
    assert told
    assert all(step.grad_norm for step in told)
    assert not torch.equal(learning.state.soft_prompt, start)


def test_the_norm_cap_holds(engine: Engine, folder: Path) -> None:
    settings = replace(SHORT, learning_rate=1.0, norm_cap=1.5)
    learning = trainer(engine, folder, settings, by_place)
    list(learning.train())
    from elm_app.learning.soft_prompt import mean_length

    assert learning.state.updates > 0
    assert learning.state.soft_prompt.norm(dim=1).max() <= 1.5 * mean_length(engine) * 1.0001


def test_the_vote_before_is_a_reward_too() -> None:
    traces: Any = [type("T", (), {"answer": answer})() for answer in ("0.5", "2", None)]
    before = Vote("1/2", 1.0, (AnswerCount("1/2", 1, (0,)),), 0)
    assert SOURCES["vote"](Judged(traces, before, before)) == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("vote", "reason"),
    [
        (Vote(None, 0.0, (), 4), "None of the 4 traces has an answer"),
        (Vote("7", 1.0, (AnswerCount("7", 4, (0, 1, 2, 3)),), 0), "All 4 traces agree"),
        (Vote("7", 0.25, (AnswerCount("7", 1, (0,)), AnswerCount("8", 1, (1,))), 2, True), "No two of the 4 traces"),
        (Vote("7", 0.5, (AnswerCount("7", 2, (0, 1)), AnswerCount("8", 2, (2, 3))), 0, True), None),
    ],
)  # fmt: skip
def test_what_leaves_nothing_to_learn(vote: Vote, reason: str | None) -> None:
    said = nothing_to_learn(vote, 4)
    assert (said is None) if reason is None else str(said).startswith(reason)


def test_a_majority_may_be_too_small_to_learn_from() -> None:
    half = Vote("7", 0.5, (AnswerCount("7", 2, (0, 1)),), 2)
    assert nothing_to_learn(half, 4, 0.5) is None
    assert nothing_to_learn(half, 4, 0.6) == "Only 2 of the 4 traces agree; it is learned from 3 on."
    assert nothing_to_learn(half, 4, 1.0) == "Only 2 of the 4 traces agree; it is learned from 4 on."


class TestCheckpoint:
    def test_there_may_be_none(self, folder: Path) -> None:
        for run in ("r1", "../r1", ""):
            with pytest.raises(BadInput, match="nothing to go on from"):
                checkpoint.read(folder, run)

    @pytest.mark.parametrize("harm", ["cut", "nan", "words"])
    def test_a_damaged_one_is_refused(self, engine: Engine, folder: Path, harm: str) -> None:
        state = checkpoint.fresh(engine, PROBLEM, SHORT, {})
        path = checkpoint.path_of(folder, "r1")
        if harm == "nan":
            state.soft_prompt[0, 0] = float("nan")
        state.save(path)
        if harm == "cut":
            path.write_bytes(path.read_bytes()[:-10])
        if harm == "words":
            path.write_bytes(b"these are words")
        with pytest.raises(DamagedMemory, match="r1"):
            checkpoint.read(folder, "r1")

    def test_nothing_half_written_is_left(self, engine: Engine, folder: Path) -> None:
        checkpoint.fresh(engine, PROBLEM, SHORT, {}).save(checkpoint.path_of(folder, "r1"))
        assert [path.name for path in (folder / "checkpoints").iterdir()] == ["r1.safetensors"]
