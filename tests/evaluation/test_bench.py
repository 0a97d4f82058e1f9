"""A benchmark with the real engine on a random model: it goes on where it broke off; variants are what they say."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput
from elm_app.core.events import Event, MethodStarted, ProblemAnswered, RunFinished, RunStopped
from elm_app.core.results import Result
from elm_app.core.types import Problem
from elm_app.evaluation.bench import bench_run, methods
from elm_app.evaluation.folder import BenchFolder
from elm_app.evaluation.report import report_json
from elm_app.pipelines.resources import Tools
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.store.store import Store

pytestmark = pytest.mark.usefixtures("own_cache", "answered_by_length")

PROBLEMS = [
    Problem("A farmer packs 7 crates with 24 eggs each.", "eggs", "0"),
    Problem("A farmer packs 9 crates with 30 eggs each.", "more", "1"),
    Problem("Find the derivative of sine at zero.", "sine", "1"),
]
OTHERS = [replace(problem, text=f"{problem.text} Today.") for problem in PROBLEMS]


@pytest.fixture
def settings(random_model: Path) -> StreamSettings:
    return StreamSettings(
        ModelSettings(str(random_model), "int8", "cpu"),
        SamplingSettings(4, 10, 1.0, seed=0),
        RouteSettings(threshold=-1.0),
        LearnSettings(steps=1, rollouts=4, virtual_tokens=5, learning_rate=0.05, keep=True),
    )


def run(
    kit: Tools,
    settings: StreamSettings,
    out: Path,
    *names: str,
    stopped: Callable[[], bool] = lambda: False,
    **more: Any,
) -> list[Event]:
    given = {"problems": PROBLEMS, "seeds": [0], "again": 0} | more
    problems, seeds = given.pop("problems"), given.pop("seeds")
    return list(bench_run(problems, names, seeds, settings, kit, out, "eggs.jsonl", **given).work(stopped))


def told(result: Result) -> dict[str, Any]:
    """What of a line does not depend on when it was made."""
    detail = {
        name: value for name, value in result.detail.items() if name not in ("retrieved", "learned", "prepare_seconds")
    }
    return vars(replace(result, seconds=0.0, detail=detail))


def test_methods_answer_the_same_problems_with_the_same_seeds(
    kit: Tools, settings: StreamSettings, tmp_path: Path
) -> None:
    out = tmp_path / "b"
    events = run(kit, settings, out, "zero_shot", "elm", seeds=[0, 1])
    assert isinstance(events[-1], RunFinished)
    begun = [
        (event.method, event.seed, event.place, event.places) for event in events if isinstance(event, MethodStarted)
    ]
    assert begun == [("zero_shot", 0, 1, 4), ("zero_shot", 1, 2, 4), ("elm", 0, 3, 4), ("elm", 1, 4, 4)]
    answered = [event for event in events if isinstance(event, ProblemAnswered)]
    assert [event.number for event in answered] == [1, 2, 3] * 4
    folder = BenchFolder(out)
    for seed in (0, 1):
        bare, ours = folder.results("zero_shot", seed), folder.results("elm", seed)
        assert [one.id for one in bare] == [one.id for one in ours] == ["eggs", "more", "sine"]
        for mine, theirs in zip(ours, bare, strict=True):
            if mine.detail["source"] != "memory":
                assert mine.traces == theirs.traces
        assert ours[0].detail["learned"] is not None
        assert ours[1].detail["retrieved"] == ours[0].detail["learned"]
    assert folder.results("zero_shot", 0)[0].traces != folder.results("zero_shot", 1)[0].traces
    assert kit.store.count() == 0  # the user's own memories stay out of it
    report = report_json(out)
    assert [one["method"] for one in report["methods"]] == ["zero_shot", "elm"]
    assert report["methods"][1]["trainable"] == 5 * 64


@pytest.mark.parametrize("name", ["icl", "elm", "elm_prefix", "elm_offline"])
def test_a_stopped_benchmark_goes_on(name: str, kit: Tools, settings: StreamSettings, tmp_path: Path) -> None:
    run(kit, settings, tmp_path / "a", name, again=1)
    straight = BenchFolder(tmp_path / "a").results(name, 0)
    assert [(one.number, one.again) for one in straight] == [(1, False), (2, False), (3, False), (1, True)]
    for answered in (1, 2, 3, 4):
        seen: list[Event] = []
        ready = bench_run(PROBLEMS, [name], [0], settings, kit, tmp_path / "b", "eggs.jsonl", 1)
        for event in ready.work(lambda: sum(isinstance(one, ProblemAnswered) for one in seen) > 0):  # noqa: B023
            seen.append(event)
        ending = RunStopped if answered < 4 else (RunFinished, RunStopped)
        assert isinstance(seen[-1], ending)
        assert len(BenchFolder(tmp_path / "b").results(name, 0)) == answered
    run(kit, settings, tmp_path / "b", name, again=1)
    assert [told(one) for one in BenchFolder(tmp_path / "b").results(name, 0)] == [told(one) for one in straight]


def test_controls_of_retrieval_use_what_elm_learned(kit: Tools, settings: StreamSettings, tmp_path: Path) -> None:
    out = tmp_path / "b"
    run(kit, settings, out, "elm", "elm_random_memory", "elm_farthest_memory", "elm_untrained")
    folder = BenchFolder(out)
    learned = [one.detail["learned"] for one in folder.results("elm", 0)]
    for name in ("elm_random_memory", "elm_farthest_memory"):
        assert [one.detail["learned"] for one in folder.results(name, 0)] == learned
        with (
            closing(Store(folder.of(name, 0) / "memories")) as store,
            closing(Store(folder.of("elm", 0) / "memories")) as other,
        ):
            for id in filter(None, learned):
                assert np.array_equal(store.soft_prompt(id), other.soft_prompt(id))
    third = folder.results("elm_farthest_memory", 0)[2]
    scores = {one.detail["retrieved"]: one.detail["score"] for one in (third, folder.results("elm", 0)[2])}
    assert third.detail["score"] == min(scores.values())
    untrained = folder.results("elm_untrained", 0)
    assert all(one.detail["retrieved"] is None and one.detail["memory_right"] is not None for one in untrained)


def test_memories_made_elsewhere_are_used_and_stay_as_they_are(
    kit: Tools, settings: StreamSettings, tmp_path: Path
) -> None:
    run(kit, settings, tmp_path / "a", "elm", problems=OTHERS)
    source = BenchFolder(tmp_path / "a").of("elm", 0) / "memories"
    with closing(Store(source)) as store:
        cards = {id: store.get(id) for id in store.vectors()[0]}
    run(kit, settings, tmp_path / "b", "elm_frozen", memories=source)
    lines = BenchFolder(tmp_path / "b").results("elm_frozen", 0)
    assert {one.detail["retrieved"] for one in lines} <= set(cards)
    assert all(one.detail["learned"] is None for one in lines)
    assert lines[0].detail["score"] > 0.9
    with closing(Store(source)) as store:
        assert {id: store.get(id) for id in store.vectors()[0]} == cards
    with pytest.raises(BadInput, match="learned from problems that are asked"):
        run(kit, settings, tmp_path / "c", "elm_frozen", problems=[OTHERS[0], PROBLEMS[1]], memories=source)


@pytest.mark.parametrize("reward", ["vote", "gold", "random", "inverted", "certainty", "entropy", "reference"])
def test_every_source_of_reward_runs(reward: str, kit: Tools, settings: StreamSettings, tmp_path: Path) -> None:
    run(kit, settings, tmp_path / "b", f"elm_{reward}_reward", problems=PROBLEMS[:1])
    (line,) = BenchFolder(tmp_path / "b").results(f"elm_{reward}_reward", 0)
    if line.detail["learned"]:
        with closing(Store(BenchFolder(tmp_path / "b").of(f"elm_{reward}_reward", 0) / "memories")) as store:
            assert store.get(line.detail["learned"]).reward == reward
    else:
        assert reward in ("vote", "gold", "inverted", "reference")
        assert line.detail["reason"]


def test_what_cannot_be_compared(kit: Tools, settings: StreamSettings, tmp_path: Path) -> None:
    bare = [Problem("1?", "a")]
    for names, problems, said in (
        (["nothing"], PROBLEMS, "There is no method 'nothing'"),
        (["grpo_gold"], bare, "grpo_gold needs right answers; problem a has none"),
        (["one_shot_rlvr"], bare, "one_shot_rlvr needs right answers; problem a has none"),
        (["elm_gold_reward"], bare, "elm_gold_reward needs right answers"),
        (["elm_frozen"], PROBLEMS, "needs memories made elsewhere"),
    ):
        with pytest.raises(BadInput, match=said):
            run(kit, settings, tmp_path / "b", *names, problems=problems)
    by_chance = replace(settings, learning=replace(settings.learning, reward="random"))
    with pytest.raises(BadInput, match="elm_lora knows the rewards majority and gold, not random"):
        run(kit, by_chance, tmp_path / "b", "elm_lora")
    by_gold = replace(settings, learning=replace(settings.learning, reward="gold"))
    with pytest.raises(BadInput, match="elm_prefix needs right answers; problem a has none"):
        run(kit, by_gold, tmp_path / "b", "zero_shot", "elm_random_reward", "elm_prefix", problems=bare)
    with pytest.raises(BadInput, match="again is 4"):
        run(kit, settings, tmp_path / "b", "zero_shot", again=4)
    assert not (tmp_path / "b").exists()


def test_every_method_says_what_it_is() -> None:
    told = methods()
    wanted = "zero_shot self_consistency icl icl_reflection reasoning_bank dynamic_cheatsheet ace lag elm elm_lora"
    assert {
        *wanted.split(),
        "elm_prefix",
        "elm_offline",
        "grpo_gold",
        "one_shot_rlvr",
        "ttrl",
        "elm_random_memory",
        "elm_random_reward",
    } <= set(told)
    assert all(len(about) > 25 for about in told.values())
