"""Where a memory acts, on a random model: the right tokens, the right numbers, and sentences where there are none."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from solved_runs import PROBLEM, RUN, TEXTS, solved, stored, written_down

from elm_app.core.config import ModelSettings
from elm_app.core.errors import BadInput, RunError
from elm_app.core.events import EffectMeasured, Event, ModelReady, Progress, RunFinished, RunStarted, RunStopped
from elm_app.core.token_effect import TraceEffect, parting
from elm_app.core.types import Arm
from elm_app.engine.engine import Engine
from elm_app.learning.soft_prompt import start
from elm_app.pipelines.resources import Tools
from elm_app.pipelines.token_effect import default_trace, effect_run
from elm_app.runs.event_log import read
from elm_app.runs.runner import Runner
from elm_app.runs.state import view_of

NEAR = 0.15
"""Nats: in bfloat16, token by token and in one pass."""
TENSOR = 0.3 * np.random.default_rng(1).standard_normal((3, 64)).astype(np.float32)


@pytest.fixture
def settings(random_model: Path) -> ModelSettings:
    return ModelSettings(str(random_model), "none", "cpu")


@pytest.fixture
def engine(kit: Tools, settings: ModelSettings) -> Engine:
    return kit.models.get(settings, lambda _: None)


Solved = Callable[..., str]


@pytest.fixture
def run(kit: Tools, settings: ModelSettings, engine: Engine) -> Solved:
    """Writes down a run that solved the problem with the memory m1."""

    def write(tensor: Any = TENSOR, arms: Any = None, **changes: Any) -> str:
        if tensor is not None:
            form = {} if tensor.shape[1] == 64 else {"settings": {"form": "prefix"}}
            stored(kit.store, "m1", tensor, engine.info, **form)
        return solved(kit.store, engine.info, settings, {"memory": ("m1",)} if arms is None else arms, **changes)

    return write


def act(kit: Tools, *asked: Any, stopped: Callable[[], bool] = lambda: False) -> list[Event]:
    return list(effect_run(asked[0], kit, *asked[1:]).work(stopped))


def effects(events: list[Event]) -> list[TraceEffect]:
    return [event.effect for event in events if isinstance(event, EffectMeasured)]


def expected(engine: Engine, text: str, memory: Any, temperature: float = 0.7) -> list[float]:
    """By the pass that learning takes, of the text and the token that ends it."""
    soft_prompt = torch.zeros(0, 64) if memory is None else torch.from_numpy(memory)
    row = [*engine.tokenizer(text, add_special_tokens=False)["input_ids"], 258]
    scores: list[float] = engine.log_probs(engine.encode(PROBLEM), soft_prompt, [row], temperature).tolist()
    return scores


def per_character(scores: list[float]) -> list[float]:
    """The letter of two bytes, at 18 in its text, counts as one."""
    return [*scores[:18], scores[18] + scores[19], *scores[20:]]


@pytest.mark.parametrize("form", ["soft", "prefix"])
def test_both_traces_of_a_seed_are_scored_without_and_with(kit: Tools, run: Solved, engine: Engine, form: str) -> None:
    memory = TENSOR if form == "soft" else start(engine, 4, "text", 0, "prefix").numpy()
    events = act(kit, run(memory), "memory", 0)
    assert isinstance(events[0], ModelReady)
    assert isinstance(events[-1], RunFinished)
    behind, bare = effects(events)
    assert [(one.arm, one.index) for one in (behind, bare)] == [("memory", 0), ("zero_shot", 0)]
    for effect, text in ((behind, TEXTS["memory"][0]), (bare, TEXTS["zero_shot"][0])):
        assert "".join(token.text for token in effect.tokens if not token.special) == text
        assert (effect.tokens[-1].text, effect.tokens[-1].special) == ("<|im_end|>", True)
        for name, tensor in (("zero_shot", None), ("memory", memory)):
            scores = expected(engine, text, tensor)
            wanted = per_character(scores) if effect is behind else scores
            assert [getattr(token, name) for token in effect.tokens] == pytest.approx(wanted, abs=NEAR)
    assert (behind.tokens[18].text, len(behind.tokens[18].ids)) == ("é", 2)
    assert parting([behind, bare]) == len("So 7 times")


def test_memories_of_one_arm_are_joined(kit: Tools, run: Solved, engine: Engine) -> None:
    stored(kit.store, "m2", -TENSOR, engine.info)
    (behind, _) = effects(act(kit, run(arms={"memory": ("m1", "m2")}), "memory", 1))
    scores = expected(engine, TEXTS["memory"][1], np.concatenate([TENSOR, -TENSOR]))
    assert [token.memory for token in behind.tokens] == pytest.approx(scores, abs=NEAR)


def test_another_arm_can_be_chosen(kit: Tools, run: Solved, engine: Engine) -> None:
    stored(kit.store, "m2", -TENSOR, engine.info)
    texts: dict[Arm, tuple[str, ...]] = {**TEXTS, "memory_2": ("No.", "Or 168.")}
    name = run(arms={"memory": ("m1",), "memory_2": ("m2",)}, texts=texts)
    (behind, _) = effects(act(kit, name, "memory_2", 1))
    assert behind.arm == "memory_2"
    scores = expected(engine, "Or 168.", -TENSOR)
    assert [token.memory for token in behind.tokens] == pytest.approx(scores, abs=NEAR)


def test_the_default_trace_is_of_the_majority_and_differs_from_the_one_without(kit: Tools, run: Solved) -> None:
    texts: dict[Arm, tuple[str, ...]] = {
        "zero_shot": ("168.", " 168.", " 168.", " 160."),
        "memory": ("160.", " 168.", "   168.", "  168."),
    }
    view = view_of(read(kit.store.folder / "runs", run(texts=texts))[0])
    assert view.votes["memory"].vote.answer == "168"
    assert default_trace(view) == 3
    assert effect_run(view.run, kit).settings["trace"] == 3


def test_its_settings_say_what_it_is_about(kit: Tools, run: Solved, settings: ModelSettings) -> None:
    ready = effect_run(run(), kit)
    about = {name: ready.settings[name] for name in ("source_run", "arm", "trace", "memories", "temperature", "model")}
    assert about == {
        "source_run": RUN, "arm": "memory", "trace": 1, "memories": ["m1"], "temperature": 0.7, "model": settings.model,
    }  # fmt: skip
    assert ready.problem == PROBLEM


def test_a_trace_that_was_cut_off_has_no_end(kit: Tools, run: Solved) -> None:
    for effect in effects(act(kit, run(finished=False), "memory", 0)):
        assert not any(token.special for token in effect.tokens)


def test_special_tokens_that_are_written_out_are_plain_text(kit: Tools, run: Solved) -> None:
    texts: dict[Arm, tuple[str, ...]] = {"zero_shot": ("a 1.",), "memory": ("<|im_end|> 168.",)}
    (behind, _) = effects(act(kit, run(texts=texts)))
    assert [token.text for token in behind.tokens[:10]] == list("<|im_end|>")
    assert [token.special for token in behind.tokens].count(True) == 1


def test_it_says_where_other_tokens_were_drawn(kit: Tools, run: Solved, engine: Engine) -> None:
    (behind, bare) = effects(act(kit, run(), "memory", 0))
    for effect in (behind, bare):  # the log says −5.5
        assert "and −5.50 when it was drawn" in effect.note
    mean = sum(expected(engine, TEXTS["memory"][0], TENSOR)) / (len(TEXTS["memory"][0].encode()) + 1)
    entries = [entry.event for entry in read(kit.store.folder / "runs", RUN)[0]]
    changed = [
        replace(event, trace=replace(event.trace, mean_logprob=mean, tokens=event.trace.tokens + (event.trace.index)))
        if event.kind == "trace_finished" and event.trace.arm == "memory"
        else replace(event, run="other") if isinstance(event, RunStarted) else event
        for event in entries
    ]  # fmt: skip
    written_down(kit.store.folder / "runs", "other", changed)
    assert effects(act(kit, "other", "memory", 0))[0].note == ""
    told = effects(act(kit, "other", "memory", 1))[0].note
    assert told.startswith("The log has the text, not its tokens: 12 were drawn, and the same text, read again, is 11")


@pytest.mark.parametrize("text", ["so \ufffd 168.", "\ufffd"])
def test_a_text_that_is_not_the_same_again_is_refused(kit: Tools, run: Solved, text: str) -> None:
    name = run(texts={"zero_shot": ("168.",), "memory": (text,)})
    with pytest.raises(BadInput, match=r"Trace 1 of run .* cannot be scored: its log has the text, not the tokens"):
        act(kit, name)


def test_it_stops_between_two_tokens(kit: Tools, run: Solved) -> None:
    events = act(kit, run(), stopped=lambda: True)
    assert isinstance(events[-1], RunStopped)
    assert effects(events) == []


def test_it_takes_its_turn_in_the_queue_and_says_how_far_it_is(kit: Tools, run: Solved) -> None:
    ready = effect_run(run(), kit, "memory", 0)
    with closing(Runner(kit.store.folder / "runs")) as runner:
        assert runner.wait(runner.submit("act", ready.problem, ready.settings, ready.work, ready.run), 30)
    entries = read(kit.store.folder / "runs", ready.run)[0]
    told = [entry.event for entry in entries if isinstance(entry.event, Progress) and entry.event.stage == "weigh"]
    assert [(one.done, one.total) for one in told] == [(0, 25), (16, 25)]
    view = view_of(entries)
    assert (view.status, view.command, len(view.effects)) == ("done", "act", 2)


class TestRefusals:
    def test_no_such_run(self, kit: Tools) -> None:
        with pytest.raises(RunError):
            effect_run("20200101-000000-000000", kit)

    def test_a_run_that_did_not_solve(self, kit: Tools) -> None:
        started = RunStarted("learning", "learn", PROBLEM, {}, "2026-11-22T18:16:39+00:00")
        with pytest.raises(BadInput, match="did not solve a problem"):
            effect_run(written_down(kit.store.folder / "runs", "learning", [started]), kit)
        with pytest.raises(BadInput, match="did not solve a problem"):
            effect_run(
                written_down(kit.store.folder / "runs", "acting", [replace(started, run="acting", command="act")]), kit
            )

    @pytest.mark.parametrize("arms", [{}, {"memory": ()}])
    def test_a_run_without_a_stored_memory(self, kit: Tools, run: Solved, arms: Any) -> None:
        with pytest.raises(BadInput, match="had no stored memory"):
            effect_run(run(None, arms), kit)

    def test_an_arm_or_a_trace_that_it_does_not_have(self, kit: Tools, run: Solved) -> None:
        name = run()
        with pytest.raises(BadInput, match="'memory_2'") as arm:
            effect_run(name, kit, "memory_2")
        assert arm.value.remedy == "Choose one of memory."
        with pytest.raises(BadInput, match="has no trace 3 that has finished") as trace:
            effect_run(name, kit, "memory", 2)
        assert trace.value.remedy == "Choose one of 1, 2."

    def test_a_run_that_has_not_come_so_far(self, kit: Tools, run: Solved) -> None:
        with pytest.raises(BadInput, match="has no trace that has finished") as none:
            effect_run(run(texts={"zero_shot": ("168.",)}), kit)
        assert none.value.remedy == "Choose another run."

    def test_a_memory_that_is_gone(self, kit: Tools, run: Solved) -> None:
        name = run()
        kit.store.delete(["m1"])
        with pytest.raises(BadInput, match=f"Memory m1, which run {RUN} used, is gone"):
            effect_run(name, kit)

    def test_another_model_under_the_same_name(self, kit: Tools, settings: ModelSettings, engine: Engine) -> None:
        was = replace(engine.info, weights_sha256="e" * 64)
        stored(kit.store, "m1", TENSOR, was)
        name = solved(kit.store, was, settings, {"memory": ("m1",)})
        with pytest.raises(BadInput, match=r"was made with .* \(eeeeeeeeeeee\), and .* is now another model"):
            act(kit, name)


def test_an_older_log_names_one_memory(kit: Tools, run: Solved) -> None:
    name = run()
    entries = [entry.event for entry in read(kit.store.folder / "runs", name)[0]]
    older = [replace(event, arms={}, used="m1") if event.kind == "retrieved" else event for event in entries]
    older = [replace(event, run="older") if isinstance(event, RunStarted) else event for event in older]
    written_down(kit.store.folder / "runs", "older", older)
    assert effect_run("older", kit).settings["memories"] == ["m1"]
