"""Solving with the real engine on a random model: the order of events, the vote, stopping, seeds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from remembering import tools
from runs.scripted import SECONDS

from elm_app.answers.vote import vote
from elm_app.core.config import ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput, Stopped
from elm_app.core.events import (
    Decided,
    Event,
    Failed,
    ModelReady,
    Progress,
    PromptRead,
    RunFinished,
    RunStopped,
    TraceChunk,
    TraceFinished,
    VoteChanged,
)
from elm_app.core.types import Trace
from elm_app.engine.loader import Models
from elm_app.pipelines.resources import Tools
from elm_app.pipelines.solve import solve, solve_run
from elm_app.rollouts import collect as module
from elm_app.runs.event_log import read
from elm_app.runs.runner import Runner

PROBLEM = "What is 6 · 12? 🍎"
SHORT = SamplingSettings(samples=4, max_new_tokens=24, seed=5)
BARE = RouteSettings(memory="off")


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> object:
    """No hash of a test's model goes into the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def models() -> Models:
    return Models()


@pytest.fixture(scope="module")
def kit(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Tools:
    return tools(tmp_path_factory.mktemp("memories"), models)


@pytest.fixture(scope="module")
def model(random_model: Path) -> ModelSettings:
    return ModelSettings(str(random_model), "none", "cpu")


Solve = Callable[..., list[Event]]


@pytest.fixture(scope="module")
def solved(kit: Tools, model: ModelSettings) -> Solve:
    def run(sampling: SamplingSettings = SHORT, problem: str = PROBLEM) -> list[Event]:
        return list(solve(problem, model, sampling, BARE, kit))

    return run


@pytest.fixture
def every_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text is said at every token."""
    monkeypatch.setattr(module, "CHUNK_SECONDS", 0)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str | None]:
    """Random traces hold no answers: read one from their length."""

    def extract(text: str) -> str | None:
        return [None, "72", "144"][len(text) % 3]

    monkeypatch.setattr(module, "extract", extract)
    return extract


def traces(events: list[Event]) -> list[Trace]:
    found = [event.trace for event in events if isinstance(event, TraceFinished)]
    return sorted(found, key=lambda trace: trace.index)


def kinds(events: list[Event]) -> list[str]:
    """Kinds in order, without the text, repetitions taken together."""
    said = [event.kind for event in events if not isinstance(event, TraceChunk)]
    return [kind for place, kind in enumerate(said) if place == 0 or kind != said[place - 1]]


class TestEvents:
    def test_their_order(self, model: ModelSettings, tmp_path: Path) -> None:
        sampling = SamplingSettings(samples=1, max_new_tokens=8, seed=5)
        events = list(solve(PROBLEM, model, sampling, BARE, tools(tmp_path, Models())))
        assert kinds(events) == [
            "progress", "model_ready", "progress", "prompt_read", "trace_finished", "vote_changed", "decided",
            "run_finished",
        ]  # fmt: skip
        stages = [event.stage for event in events if isinstance(event, Progress)]
        assert stages[-2:] == ["load", "prefill"]
        ready = next(event for event in events if isinstance(event, ModelReady))
        assert (ready.model.quantization, ready.model.device) == ("none", "cpu")
        assert len(ready.model.weights_sha256) == 64
        assert ready.load_seconds > 0

    def test_k_traces_each_with_its_own_index_and_seed(self, solved: Solve) -> None:
        found = traces(solved())
        assert [trace.index for trace in found] == [0, 1, 2, 3]
        assert len({trace.seed for trace in found}) == 4
        assert all(1 <= trace.tokens <= 24 for trace in found)
        assert all(trace.finished or trace.tokens == 24 for trace in found)
        assert all(trace.mean_logprob < 0 for trace in found)

    def test_the_prompts_length_and_the_tokens_are_counted(
        self, solved: Solve, models: Models, model: ModelSettings
    ) -> None:
        events = solved()
        read = next(event for event in events if isinstance(event, PromptRead))
        assert read.prompt_tokens == len(models.get(model, lambda _: None).encode(PROBLEM))
        ending = events[-1]
        assert isinstance(ending, RunFinished)
        assert ending.timing.new_tokens == sum(trace.tokens for trace in traces(events))
        assert ending.timing.tokens_per_second > 0

    @pytest.mark.usefixtures("every_token")
    def test_the_chunks_of_a_trace_are_the_beginning_of_its_text(self, solved: Solve) -> None:
        text, tokens, whole = dict.fromkeys(range(4), ""), dict.fromkeys(range(4), 0), 0
        for event in solved(SamplingSettings(samples=4, max_new_tokens=60, seed=5)):
            if isinstance(event, TraceChunk):
                assert event.tokens > tokens[event.index]
                text[event.index], tokens[event.index] = text[event.index] + event.text, event.tokens
            elif isinstance(event, TraceFinished):
                trace = event.trace
                assert trace.text.startswith(text[trace.index])
                assert len(trace.text) - len(text[trace.index]) < 8
                assert trace.tokens - tokens[trace.index] <= 1
                whole += bool(text[trace.index])
        assert whole == 4

    def test_the_text_of_a_finished_trace_is_not_said_again(
        self, solved: Solve, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "CHUNK_SECONDS", SECONDS)  # no trace lasts so long
        assert not any(isinstance(event, TraceChunk) for event in solved())


class TestVoting:
    def test_each_vote_is_that_of_the_traces_so_far(self, solved: Solve, answers: Callable[[str], str | None]) -> None:
        events = solved(SamplingSettings(samples=9, max_new_tokens=20, seed=5))
        so_far: dict[int, str | None] = {}
        counted = 0
        for place, event in enumerate(events):
            if isinstance(event, TraceFinished):
                assert event.trace.answer == answers(event.trace.text)
                so_far[event.trace.index] = event.trace.answer
                changed = events[place + 1]
                assert isinstance(changed, VoteChanged)
                assert (changed.finished, changed.samples) == (len(so_far), 9)
                indices = sorted(so_far)
                assert changed.vote == vote([so_far[index] for index in indices], indices=indices)
                counted += 1
        assert counted == 9
        assert len(set(so_far.values())) == 3

    @pytest.mark.usefixtures("answers")
    def test_the_decision_is_the_last_vote(self, solved: Solve) -> None:
        events = solved(SamplingSettings(samples=9, max_new_tokens=20, seed=5))
        last = [event for event in events if isinstance(event, VoteChanged)][-1].vote
        decision = next(event for event in events if isinstance(event, Decided)).decision
        assert decision.answer == last.answer
        assert decision.source == "zero_shot"
        assert f"{last.counts[0].count} of 9" in decision.reason

    def test_a_tie_is_said_and_goes_to_the_earliest_trace(self, solved: Solve, monkeypatch: pytest.MonkeyPatch) -> None:
        given = iter(["144", "72"])
        monkeypatch.setattr(module, "extract", lambda _: next(given))
        events = solved(SamplingSettings(samples=2, max_new_tokens=5, seed=5))
        decision = next(event for event in events if isinstance(event, Decided)).decision
        assert decision.answer == traces(events)[0].answer
        assert decision.reason == "The two do not agree."

    def test_without_an_answer_the_decision_is_none(self, solved: Solve, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "extract", lambda _: None)
        events = solved()
        decision = next(event for event in events if isinstance(event, Decided)).decision
        assert decision.answer is None
        assert decision.reason == "None of the 4 traces has an answer."
        last = [event for event in events if isinstance(event, VoteChanged)][-1].vote
        assert (last.answer, last.agreement, last.abstained) == (None, 0.0, 4)


class TestSeeds:
    def test_the_same_seed_gives_the_same_traces(self, solved: Solve) -> None:
        assert traces(solved()) == traces(solved())

    def test_another_seed_gives_others(self, solved: Solve) -> None:
        other = SamplingSettings(samples=4, max_new_tokens=24, seed=6)
        pairs = zip(traces(solved()), traces(solved(other)), strict=True)
        assert all(a.text != b.text and a.seed != b.seed for a, b in pairs)

    def test_more_samples_keep_the_first_ones(self, solved: Solve) -> None:
        more = traces(solved(SamplingSettings(samples=6, max_new_tokens=24, seed=5)))
        assert [trace.text for trace in more[:4]] == [trace.text for trace in traces(solved())]

    def test_greedy_traces_are_all_alike_and_need_no_seed(self, solved: Solve) -> None:
        found = [
            traces(solved(SamplingSettings(samples=3, max_new_tokens=24, temperature=0, seed=seed))) for seed in (1, 2)
        ]
        assert len({trace.text for some in found for trace in some}) == 1


class TestStopping:
    def test_midway_the_text_so_far_is_said_and_the_run_ends(
        self, kit: Tools, model: ModelSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "CHUNK_SECONDS", SECONDS)  # only the end says it
        asked = iter(range(10**6))
        sampling = SamplingSettings(samples=2, max_new_tokens=1000, seed=5)
        events = list(solve(PROBLEM, model, sampling, BARE, kit, lambda: next(asked) > 12))
        chunks = [event for event in events if isinstance(event, TraceChunk)]
        assert [chunk.index for chunk in chunks] == [0, 1]
        assert all(chunk.text and 3 < chunk.tokens < 14 for chunk in chunks)
        ending = events[-1]
        assert isinstance(ending, RunStopped)
        assert ending.timing.new_tokens == sum(chunk.tokens for chunk in chunks)
        assert not any(isinstance(event, Decided) for event in events)
        whole = traces(list(solve(PROBLEM, model, SamplingSettings(samples=2, max_new_tokens=20, seed=5), BARE, kit)))
        assert all(trace.text.startswith(chunk.text) for chunk, trace in zip(chunks, whole, strict=True))

    def test_finished_traces_stay_and_have_been_voted_on(
        self, kit: Tools, model: ModelSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "extract", lambda _: "72")
        done, events = threading.Event(), []
        for event in solve(PROBLEM, model, SamplingSettings(32, 1500, seed=5), BARE, kit, done.is_set):
            events.append(event)
            if isinstance(event, VoteChanged):
                done.set()
        assert 1 <= len(traces(events)) < 32
        last = [event for event in events if isinstance(event, VoteChanged)][-1]
        assert (last.vote.answer, last.vote.agreement) == ("72", 1.0)
        assert isinstance(events[-1], RunStopped)

    def test_before_the_model_is_loaded_nothing_is_loaded(self, model: ModelSettings, tmp_path: Path) -> None:
        fresh = Models()
        events = list(solve(PROBLEM, model, SHORT, BARE, tools(tmp_path, fresh), lambda: True))
        assert [type(event) for event in events] == [RunStopped]
        assert fresh._engine is None

    def test_while_the_model_is_loading(self, tmp_path: Path) -> None:
        """Whatever loads hears of it with its next report."""
        stop, heard = threading.Event(), []

        class Slow(Models):
            def get(self, _settings: object, report: Callable[[Progress], None], *_: object) -> Any:
                try:
                    while True:
                        report(Progress("load", "Loading", 1, 2))
                except Stopped:
                    heard.append("stopped")
                    raise

        events: list[Event] = []
        for event in solve(PROBLEM, ModelSettings("tiny"), SHORT, BARE, tools(tmp_path, Slow()), stop.is_set):
            events.append(event)
            stop.set()
        assert heard == ["stopped"]
        assert isinstance(events[0], Progress)
        assert isinstance(events[-1], RunStopped)
        assert events[-1].timing.new_tokens == 0

    def test_between_loading_and_sampling(self, kit: Tools, models: Models, model: ModelSettings) -> None:
        models.get(model, lambda _: None)
        events = list(solve(PROBLEM, model, SHORT, BARE, kit, lambda: True))
        assert kinds(events) == ["model_ready", "progress", "run_stopped"]


class TestRefusing:
    @pytest.mark.parametrize("problem", ["", "   ", "\n\t \u2003"])
    def test_an_empty_problem(self, kit: Tools, problem: str) -> None:
        with pytest.raises(BadInput, match="empty"):
            solve_run(problem, ModelSettings("tiny"), SHORT, BARE, kit)

    def test_a_problem_that_is_no_text(self, kit: Tools) -> None:
        with pytest.raises(BadInput, match="Character 3 "):
            solve_run(" 1+\udcff", ModelSettings("tiny"), SHORT, BARE, kit)

    def test_a_problem_longer_than_the_context(self, tmp_path: Path, kit: Tools, model: ModelSettings) -> None:
        runner = Runner(tmp_path)
        settings, work = solve_run("1 + " * 600 + "1", model, SHORT, BARE, kit)
        run = runner.submit("solve", "long", settings, work)
        assert runner.wait(run, SECONDS)
        runner.close()
        failed = read(tmp_path, run)[0][-1].event
        assert isinstance(failed, Failed)
        assert failed.error == "BadInput"
        assert "2048" in failed.message
        assert "Shorten it to 2024 tokens" in failed.remedy

    def test_a_model_that_does_not_exist(self, kit: Tools) -> None:
        with pytest.raises(BadInput, match="did you mean 'small'"):
            list(solve(PROBLEM, ModelSettings("smal", device="cpu"), SHORT, BARE, kit))

    def test_the_settings_of_the_log_are_all_that_is_needed_to_run_it_again(
        self, kit: Tools, model: ModelSettings
    ) -> None:
        settings, _ = solve_run(PROBLEM, model, SHORT, BARE, kit)
        names = {"model", "quantization", "device"}
        assert ModelSettings(**{name: settings.pop(name) for name in names}) == model
        routing = {field.name: settings.pop(field.name) for field in fields(RouteSettings)}
        assert RouteSettings(**routing) == BARE
        assert SamplingSettings(**settings) == SHORT
