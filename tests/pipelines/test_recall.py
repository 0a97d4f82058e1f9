"""Solving with memories on a random model: what is retrieved, the arms in one batch, the decision, the credit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_models import make_folder, make_prm
from remembering import WordEmbedder, answers_by_length, tools
from store.made import card

from elm_app.core.config import Form, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput, DamagedMemory, StoreError
from elm_app.core.events import Credited, Decided, Event, Retrieved, RunFinished, RunStopped, TraceFinished, Verified
from elm_app.core.types import Arm, Credit, Trace
from elm_app.engine.loader import Models
from elm_app.engine.sampler import trace_seed
from elm_app.learning.soft_prompt import start
from elm_app.pipelines.resources import Tools
from elm_app.pipelines.solve import solve, solve_run

pytestmark = pytest.mark.usefixtures("own_cache")

PROBLEM = "A farmer packs 7 crates with 24 eggs each how many eggs are that"
NEAR = [f"{PROBLEM} {word}" for word in ("now", "in may", "on a farm", "by the road side")]
FAR = "What is the derivative of x squared?"
SAMPLING = SamplingSettings(samples=3, max_new_tokens=12, seed=5)
P = 3


@pytest.fixture(scope="module", params=["none", "int8"])
def model(request: pytest.FixtureRequest, random_model: Path) -> ModelSettings:
    return ModelSettings(str(random_model), request.param, "cpu")


@pytest.fixture
def kit(models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    answers_by_length(monkeypatch)
    return tools(tmp_path / "memories", models)


def stored(
    kit: Tools, model: ModelSettings, *problems: str, form: Form = "soft", first: int = 0, **changes: Any
) -> list[str]:
    """Memories with random tensors, of this model, in this order of ids."""
    engine = kit.models.get(model, lambda _: None)
    hidden = start(engine, P, "text", 0, form).shape[1]
    ids = [f"m{number}" for number in range(first, first + len(problems))]
    if form == "prefix":
        changes["settings"] = {"form": form, "architecture": engine.architecture}
    for number, (id, problem) in enumerate(zip(ids, problems, strict=True)):
        tensor = np.random.default_rng(number).normal(0, 0.3, (P, hidden)).astype(np.float32)
        memory = card(id, problem=problem, model=engine.info, virtual_tokens=P, hidden_size=hidden, **changes)
        kit.store.add(memory, tensor, WordEmbedder().encode([problem])[0])
    return ids


def solved(kit: Tools, model: ModelSettings, problem: str = PROBLEM, **routing: Any) -> list[Event]:
    return list(solve(problem, model, SAMPLING, RouteSettings(**routing), kit))


def one(told: Sequence[Event], kind: type[Any]) -> Any:
    (event,) = [event for event in told if isinstance(event, kind)]
    return event


def traces(told: Sequence[Event], arm: Arm) -> list[Trace]:
    found = [event.trace for event in told if isinstance(event, TraceFinished) and event.trace.arm == arm]
    return sorted(found, key=lambda trace: trace.index)


def texts(told: Sequence[Event], arm: Arm) -> list[str]:
    return [trace.text for trace in traces(told, arm)]


class TestArms:
    def test_the_nearest_has_an_arm_of_its_own_beside_that_without(self, kit: Tools, model: ModelSettings) -> None:
        stored(kit, model, FAR, NEAR[0])
        told = solved(kit, model)
        found = one(told, Retrieved)
        assert (found.used, found.arms) == ("m1", {"memory": ("m1",)})
        for arm in ("zero_shot", "memory"):
            assert [trace.seed for trace in traces(told, arm)] == [trace_seed(5, index) for index in range(3)]
        assert texts(told, "memory") != texts(told, "zero_shot")
        assert texts(solved(kit, model, memory="off"), "zero_shot") == texts(told, "zero_shot")
        assert isinstance(told[-1], RunFinished)

    def test_four_memories_and_none_in_one_batch_are_as_five_runs(self, kit: Tools, model: ModelSettings) -> None:
        ids = stored(kit, model, *NEAR)
        told = solved(kit, model, top_n=4)
        arms = one(told, Retrieved).arms
        assert sorted(arms) == ["memory", "memory_2", "memory_3", "memory_4"]
        assert sorted(id for (id,) in arms.values()) == ids
        assert texts(told, "zero_shot") == texts(solved(kit, model, memory="off"), "zero_shot")
        alone = {id: texts(solved(kit, model, memory=id), "memory") for id in ids}
        assert {id: texts(told, arm) for arm, (id,) in arms.items()} == alone
        assert len({tuple(each) for each in alone.values()}) == 4

    def test_joined_memories_are_one_longer_soft_prompt(self, kit: Tools, model: ModelSettings) -> None:
        from elm_app.engine.engine import Finished, RolloutRequest

        stored(kit, model, *NEAR[:3])
        told = solved(kit, model, top_n=2, compose="join")
        (ids,) = one(told, Retrieved).arms.values()
        assert len(ids) == 2
        engine = kit.models.get(model, lambda _: None)
        joined = np.concatenate([kit.store.soft_prompt(id) for id in ids])
        assert joined.shape[0] == 2 * P
        request = RolloutRequest(engine.encode(PROBLEM), 3, 5, joined)
        rolled = {
            event.index: event.text for event in engine.rollout([request], SAMPLING) if isinstance(event, Finished)
        }
        assert texts(told, "memory") == [rolled[index] for index in range(3)]

    def test_a_prefix_is_found_and_used_like_a_soft_prompt(self, kit: Tools, model: ModelSettings) -> None:
        from elm_app.engine.engine import Finished, RolloutRequest

        stored(kit, model, FAR, NEAR[0], form="prefix")
        told = solved(kit, model)
        assert one(told, Retrieved).used == "m1"
        engine = kit.models.get(model, lambda _: None)
        request = RolloutRequest(engine.encode(PROBLEM), 3, 5, kit.store.soft_prompt("m1"))
        done = (event for event in engine.rollout([request], SAMPLING) if isinstance(event, Finished))
        assert texts(told, "memory") == [event.text for event in sorted(done, key=lambda event: event.index)]
        assert texts(told, "memory") != texts(told, "zero_shot")
        joined = solved(kit, model, memory="auto", top_n=2, compose="join", threshold=-1)
        assert one(joined, Retrieved).arms["memory"] == ("m1", "m0")
        control = one(solved(kit, model, memory="untrained"), Retrieved)
        assert control.reason == f"Control: an untrained prefix of {P} virtual tokens."

    def test_forms_that_differ_are_not_joined(self, kit: Tools, model: ModelSettings) -> None:
        stored(kit, model, NEAR[0], form="prefix")
        stored(kit, model, NEAR[1], first=1)
        assert len(one(solved(kit, model, top_n=2), Retrieved).arms) == 2
        with pytest.raises(BadInput, match="cannot be joined"):
            solved(kit, model, top_n=2, compose="join")

    def test_those_below_the_threshold_have_none(self, kit: Tools, model: ModelSettings) -> None:
        stored(kit, model, NEAR[0], FAR, NEAR[1])
        told = solved(kit, model, top_n=3)
        assert {id for (id,) in one(told, Retrieved).arms.values()} == {"m0", "m2"}
        assert [match.id for match in one(told, Retrieved).matches][2] == "m1"

    def test_off(self, kit: Tools, model: ModelSettings) -> None:
        stored(kit, model, NEAR[0])
        told = solved(kit, model, memory="off")
        assert not [event for event in told if isinstance(event, Retrieved | Credited)]
        assert one(told, Decided).decision.source == "zero_shot"


class TestDecision:
    def test_the_same_answer_needs_no_verifier(
        self, kit: Tools, model: ModelSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("elm_app.rollouts.collect.extract", lambda _: "7")
        stored(kit, model, NEAR[0])
        told = solved(kit, model)
        decision = one(told, Decided).decision
        assert (decision.answer, decision.source, decision.verifier) == ("7", "agreement", None)
        assert not [event for event in told if isinstance(event, Verified)]
        assert kit.store.get("m0").credit == (Credit("none", agreed=1),)
        assert one(told, Credited) == Credited("m0", "agreed", None)

    @pytest.mark.parametrize(("memory", "outcome"), [("8 8 8", "won"), ("8 9 7", "lost")])
    def test_a_verifier_decides_where_they_differ(
        self, kit: Tools, model: ModelSettings, monkeypatch: pytest.MonkeyPatch, memory: str, outcome: str
    ) -> None:
        self.answers(kit, model, monkeypatch, {"zero_shot": "7 7 9", "memory": memory})
        told = solved(kit, model)
        verified, decided = one(told, Verified), one(told, Decided).decision
        assert verified.verifier == decided.verifier == "agreement"
        assert (decided.answer, decided.source) == (("8", "memory") if outcome == "won" else ("7", "zero_shot"))
        assert told.index(verified) < told.index(one(told, Decided))
        memory_card = kit.store.get("m0")
        assert (memory_card.helped, memory_card.hurt) == ((1, 0) if outcome == "won" else (0, 1))
        assert memory_card.credit == (Credit("agreement", **{outcome: 1}),)
        assert memory_card.retrieved == 1

    @pytest.mark.parametrize("verifier", ["confidence", "prm"])
    def test_other_verifiers_look_into_the_traces(
        self, kit: Tools, model: ModelSettings, monkeypatch: pytest.MonkeyPatch, verifier: str, tmp_path: Path
    ) -> None:
        self.answers(kit, model, monkeypatch, {"zero_shot": "7 7 9", "memory": "8 8 7"})
        told = solved(kit, model, verifier=verifier, prm=str(make_prm(tmp_path / "prm")))
        verified, decision = one(told, Verified), one(told, Decided).decision
        assert verified.verifier == decision.verifier == verifier
        assert [(side.side, side.answer, len(side.traces)) for side in verified.sides] == [
            ("zero_shot", "7", 2), ("memory", "8", 2),
        ]  # fmt: skip
        best = max(verified.sides, key=lambda side: side.score)
        assert (decision.answer, decision.source) == (best.answer, best.side)
        text = {(trace.arm, trace.index): trace.text for arm in ("zero_shot", "memory") for trace in traces(told, arm)}
        for trace in (trace for side in verified.sides for trace in side.traces):
            assert trace.steps
            assert all(0 <= step.start <= step.end <= len(text[trace.arm, trace.index]) for step in trace.steps)
        assert kit.store.get("m0").credit[0].verifier == verifier

    def test_no_answer_anywhere_is_no_credit(
        self, kit: Tools, model: ModelSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stored(kit, model, NEAR[0])
        monkeypatch.setattr("elm_app.rollouts.collect.extract", lambda _: None)
        told = solved(kit, model)
        assert one(told, Decided).decision.answer is None
        assert not [event for event in told if isinstance(event, Credited | Verified)]
        assert kit.store.get("m0").credit == ()

    def test_parallel_arms_are_voted_on_together_and_credited_apart(
        self, kit: Tools, model: ModelSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.answers(kit, model, monkeypatch, {"zero_shot": "7 7 9", "memory": "8 8 8", "memory_2": "8 7 7"}, *NEAR[:2])
        told = solved(kit, model, top_n=2)
        decision = one(told, Decided).decision
        assert decision.answer == "7"  # 4 of 6 with memories say 8, a margin of 1/3; 2 of 3 say 7, also 1/3: a tie
        arms = one(told, Retrieved).arms
        ended = {event.memory: event.outcome for event in told if isinstance(event, Credited)}
        assert ended == {arms["memory"][0]: "lost", arms["memory_2"][0]: "agreed"}

    def answers(
        self,
        kit: Tools,
        model: ModelSettings,
        monkeypatch: pytest.MonkeyPatch,
        wanted: dict[str, str],
        *problems: str,
    ) -> None:
        """Let the traces of these arms have these answers, by their texts, which are known from a first run."""
        stored(kit, model, *(problems or NEAR[:1]))
        told = solved(kit, model, top_n=max(1, len(problems)))
        known = {
            trace.text: answer
            for arm, given in wanted.items()
            for trace, answer in zip(traces(told, arm), given.split(), strict=True)
        }
        assert len(known) == 3 * len(wanted)
        for id in kit.store.vectors()[0]:
            tensor, keys = kit.store.soft_prompt(id), kit.store.keys(id)
            memory = replace(kit.store.get(id), credit=(), retrieved=0, helped=0, hurt=0)
            kit.store.delete([id])
            kit.store.add_many([(memory, tensor, keys)])
        monkeypatch.setattr("elm_app.rollouts.collect.extract", known.__getitem__)


class TestRetrieving:
    def test_an_empty_store(self, kit: Tools, model: ModelSettings) -> None:
        told = solved(kit, model)
        assert one(told, Retrieved).reason == "There are no memories yet."
        assert traces(told, "memory") == []

    def test_what_is_far_is_shown_and_not_used(self, kit: Tools, model: ModelSettings) -> None:
        stored(kit, model, FAR)
        told = solved(kit, model)
        found = one(told, Retrieved)
        assert (found.used, found.arms, [match.id for match in found.matches]) == (None, {}, ["m0"])
        assert traces(told, "memory") == []
        assert kit.store.get("m0").retrieved == 0

    def test_what_is_disabled_is_used_only_when_asked_for(self, kit: Tools, model: ModelSettings) -> None:
        stored(kit, model, NEAR[0], enabled=False)
        assert one(solved(kit, model), Retrieved).used is None
        assert one(solved(kit, model, FAR, memory="m0"), Retrieved).used == "m0"

    def test_a_damaged_one_is_named_and_the_next_one_used(self, kit: Tools, model: ModelSettings) -> None:
        stored(kit, model, NEAR[0], NEAR[3])
        tensor = kit.store.folder / "adapters" / "m0" / "adapter_model.safetensors"
        tensor.write_bytes(tensor.read_bytes()[:-4])
        told = solved(kit, model)
        found = one(told, Retrieved)
        assert (found.used, found.arms) == ("m1", {"memory": ("m1",)})
        assert "m0 is damaged" in found.reason
        with pytest.raises(DamagedMemory, match="m0"):
            solved(kit, model, memory="m0")

    def test_by_kv_those_without_a_key_are_given_one(self, kit: Tools, model: ModelSettings) -> None:
        stored(kit, model, FAR, NEAR[0], NEAR[1])
        (kit.store.adapters / "m2" / "card.json").write_bytes(b"{")
        found = one(solved(kit, model, retrieval="kv"), Retrieved)
        assert (found.used, found.retrieval, {match.id for match in found.matches}) == ("m1", "kv", {"m0", "m1"})
        assert found.matches[0].score == found.matches[0].kv > found.matches[1].kv
        width = kit.store.keys("m0")["kv"].size
        assert kit.store.missing_kv(kit.store.get("m0").model.weights_sha256, width) == ["m2"]

    def test_stopped_while_keys_are_made_what_was_made_stays(self, kit: Tools, model: ModelSettings) -> None:
        stored(kit, model, FAR, *NEAR)
        told: list[Event] = []
        stop: Callable[[], bool] = lambda: told != [] and getattr(told[-1], "done", 0) == 2  # noqa: E731
        for event in solve(PROBLEM, model, SAMPLING, RouteSettings(retrieval="kv"), kit, stop):
            told.append(event)
        assert isinstance(told[-1], RunStopped)
        made = [id for id in ("m0", "m1", "m2", "m3", "m4") if "kv" in kit.store.keys(id)]
        assert 2 <= len(made) < 5

    def test_those_that_cannot_be_given_a_key_are_left_out(
        self, kit: Tools, model: ModelSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stored(kit, model, NEAR[0], NEAR[1])
        solved(kit, model, retrieval="kv")
        kit.store.add(
            replace(kit.store.get("m0"), id="new"), kit.store.soft_prompt("m0"), kit.store.keys("m0")["input"]
        )

        def full(*_: Any) -> None:
            raise StoreError("No space left on device.")

        with monkeypatch.context() as patched:
            patched.setattr(kit.store, "set_keys", full)
            found = one(solved(kit, model, retrieval="kv"), Retrieved)
        assert {match.id for match in found.matches} == {"m0", "m1"}
        assert "lack a KV key are left out" in found.reason
        assert "No space left on device" in found.reason

    def test_no_such_memory(self, kit: Tools, model: ModelSettings) -> None:
        with pytest.raises(BadInput, match="nowhere"):
            solve_run(PROBLEM, model, SAMPLING, RouteSettings(memory="nowhere"), kit)

    def test_another_models_memory_is_not_offered(self, kit: Tools, model: ModelSettings, tmp_path: Path) -> None:
        stored(kit, model, NEAR[0])
        other = ModelSettings(str(make_folder(tmp_path / "other", seed=1)), "none", "cpu")
        assert one(solved(kit, other), Retrieved).matches == ()
        with pytest.raises(BadInput, match="model"):
            solved(kit, other, memory="m0")

    def test_stopped_while_looking(self, kit: Tools, model: ModelSettings) -> None:
        stored(kit, model, NEAR[0])
        told: list[Event] = []
        stop: Callable[[], bool] = lambda: any(isinstance(event, Retrieved) for event in told)  # noqa: E731
        for event in solve(PROBLEM, model, SAMPLING, RouteSettings(), kit, stop):
            told.append(event)
        assert isinstance(told[-1], RunStopped)
        assert not [event for event in told if isinstance(event, TraceFinished)]
