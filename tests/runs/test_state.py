"""The view: a run's state is what its events add up to, and its JSON is the document in the design."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, get_args

import pytest

from elm_app.core.events import (
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
    RunFinished,
    RunStarted,
    RunStopped,
    TraceChunk,
    TraceFinished,
    Verified,
    VoteChanged,
)
from elm_app.core.learning_events import LessonsTaken, MemoryStored, PhaseStarted, VariantsMade
from elm_app.core.results import ArmResult, StreamRow
from elm_app.core.scores import SideScore
from elm_app.core.token_effect import TraceEffect
from elm_app.core.types import Decision, Vote, to_json
from elm_app.runs.event_log import Entry
from elm_app.runs.run_json import learn_json, solve_json
from elm_app.runs.state import RunView, TraceView, view_of
from elm_app.runs.stream_state import stream_json

from .scripted import MODEL, TIMING, VOTE, learning, story, trace

SETTINGS = {"model": "tiny", "samples": 2, "seed": 7}
STARTED = RunStarted("r", "solve", "1?", SETTINGS, "2026-11-22T18:16:39+00:00")


def entries(*told: Event) -> list[Entry]:
    return [Entry(seq, seq / 2, event) for seq, event in enumerate(told)]


VERIFIED = Verified("prm", (SideScore("zero_shot", "1", 0.25), SideScore("memory", "2", 0.75)), 1.5)


def after(*told: Event) -> RunView:
    return view_of(entries(*told))


class TestFolding:
    def test_a_new_view_knows_nothing(self) -> None:
        view = RunView()
        assert (view.status, view.ended, view.samples, view.tokens(), view.last) == ("queued", False, 0, 0, -1)

    def test_run_started(self) -> None:
        view = after(STARTED)
        assert (view.run, view.command, view.problem) == ("r", "solve", "1?")
        assert (view.settings, view.samples, view.created) == (SETTINGS, 2, STARTED.created)
        assert view.status == "queued"

    def test_queued(self) -> None:
        assert after(STARTED, Queued(3)).ahead == 3

    @pytest.mark.parametrize(
        ("stage", "status"),
        [
            ("download", "loading"),
            ("verify", "loading"),
            ("convert", "loading"),
            ("load", "loading"),
            ("prefill", "reading"),
            ("weigh", "weighing"),
        ],
    )
    def test_progress(self, stage: Any, status: str) -> None:
        event = Progress(stage, "Waiting", 1, 2, "B")
        view = after(STARTED, event)
        assert (view.progress, view.status) == (event, status)

    def test_model_ready(self) -> None:
        view = after(STARTED, Progress("load", "Loading", 1, 2), ModelReady(MODEL, 1.5))
        assert (view.model, view.load_seconds, view.progress, view.status) == (MODEL, 1.5, None, "reading")

    def test_prompt_read(self) -> None:
        bare, behind = PromptRead("zero_shot", 17, 0.25), PromptRead("memory", 37, 0.5)
        view = after(STARTED, bare, behind)
        assert view.prompts == {"zero_shot": bare, "memory": behind}
        assert view.status == "sampling"
        assert view.sampling_since == 0.5  # the first of the two

    def test_chunks_are_put_together_trace_by_trace(self) -> None:
        view = after(
            STARTED,
            TraceChunk("zero_shot", 1, "b", 1),
            TraceChunk("zero_shot", 0, "a", 1),
            TraceChunk("zero_shot", 1, "bb", 3),
            TraceChunk("memory", 1, "c", 2),
        )
        assert view.traces == {
            ("zero_shot", 1): TraceView("zero_shot", 1, "bbb", 3, None, 3),
            ("zero_shot", 0): TraceView("zero_shot", 0, "a", 1, None, 2),
            ("memory", 1): TraceView("memory", 1, "c", 2, None, 4),
        }
        assert view.tokens() == 6

    def test_a_finished_trace_replaces_its_chunks(self) -> None:
        view = after(STARTED, TraceChunk("zero_shot", 0, "so f", 2), TraceFinished(trace(0)))
        assert view.traces == {("zero_shot", 0): TraceView("zero_shot", 0, trace(0).text, 20, trace(0), 2)}

    def test_the_last_vote_of_an_arm_counts(self) -> None:
        early = VoteChanged("zero_shot", Vote(None, 0.0, (), 1), 1, 2)
        late, other = VoteChanged("zero_shot", VOTE, 2, 2), VoteChanged("memory", VOTE, 2, 2)
        assert after(STARTED, early, other, late).votes == {"zero_shot": late, "memory": other}

    def test_decided(self) -> None:
        decision = Decision("72", "zero_shot", "1 of 2 agree.")
        view = after(STARTED, Decided(decision))
        assert view.decision == decision
        assert not view.ended

    def test_verified_and_credited(self) -> None:
        view = after(STARTED, VERIFIED, Credited("m1", "won", "prm"), Credited("m2", "lost", None))
        assert view.verified == VERIFIED
        assert [(one.memory, one.outcome) for one in view.credited] == [("m1", "won"), ("m2", "lost")]

    @pytest.mark.parametrize(
        ("ending", "status"),
        [(RunFinished(TIMING), "done"), (RunStopped(TIMING), "stopped"), (Failed("BadInput", "No.", "Yes."), "failed")],
    )
    def test_endings(self, ending: Any, status: str) -> None:
        view = after(STARTED, Progress("load", "Loading", 1, 2), ending)
        assert (view.status, view.ended, view.progress) == (status, True, None)
        assert view.failure == (ending if status == "failed" else None)
        assert view.timing == (None if status == "failed" else TIMING)

    def test_the_clock_and_the_place_follow_the_log(self) -> None:
        view = after(STARTED, *story())
        assert (view.last, view.seconds) == (13, 6.5)

    def test_every_kind_of_event_changes_the_view(self) -> None:
        endings = {
            RunStopped: RunStopped(TIMING),
            Failed: Failed("E", "No.", ""),
            Queued: Queued(1),
            RunStarted: STARTED,
            Verified: VERIFIED,
            Credited: Credited("m1", "won", "prm"),
            EffectMeasured: EffectMeasured(TraceEffect("memory", 0, ())),
            ProblemStarted: ProblemStarted(1, 6, "line-1", "1?", None, "r1", "r2"),
            ProblemFinished: ProblemFinished(row(1)),
            MethodStarted: MethodStarted("icl", 0, 1, 2, 0, 4),
            VariantsMade: VariantsMade("So it is 72.", ("2?",), 2),
            LessonsTaken: LessonsTaken((0,), "1 of 2 worked examples ended with an answer and are learned."),
            ProblemAnswered: ProblemAnswered("icl", 0, 1, 4, "line-1", None, None, 9, 1.0),
        }
        samples = {type(event): event for event in [*story(), *learning()]} | endings
        assert set(samples) == set(get_args(Event))
        for event in samples.values():
            view, bare = RunView(), RunView()
            view.apply(Entry(0, 0.0, event))
            bare.seconds, bare.last = 0.0, 0
            assert view != bare, event

    def test_taking_entries_in_by_parts_is_the_same(self) -> None:
        told = entries(STARTED, *story())
        for cut in range(len(told)):
            view = view_of(told[:cut])
            for entry in told[cut:]:
                view.apply(entry)
            assert view == view_of(told)


def row(number: int, bare: bool | None = None, ours: bool | None = None, memory: bool = False) -> StreamRow:
    """A row of a stream; 100 tokens and `number` seconds."""
    arm, odd = ArmResult("1", bare, 0.5, 60), number % 2 == 1
    return StreamRow(
        number=number, id=f"line-{number}", problem="1?", gold=None if ours is None else "1", answer="1", right=ours,
        source="zero_shot", zero_shot=arm, memory=ArmResult("2", ours, 1.0, 60) if memory else None, retrieved=None,
        score=None, reason="", label_accuracy=None, tokens=100, learn_tokens=40, seconds=float(number), solve="s",
        learn=None, learned=f"m{number}" if odd else None, enabled=odd,
    )  # fmt: skip


class TestStreams:
    def test_accuracy_runs_over_the_judged_rows_only(self) -> None:
        rows = [row(1, False, True), row(2), row(3, True, True), row(4, False, False, memory=True)]
        view = after(STARTED, ProblemStarted(1, 6, "line-1", "1?", None, "r1", "r2"), *map(ProblemFinished, rows))
        assert view.stream is not None
        assert view.stream.accuracy() == [(1, 0.0, 1.0), (3, 0.5, 1.0), (4, 1 / 3, 2 / 3)]
        assert view.stream.agreement == (0.5, 0.625)
        assert (view.stream.kept, view.stream.hits, view.stream.tokens, view.stream.seconds) == (2, 1, 400, 10.0)
        assert view.stream.seconds_left == 3.0 * 2
        assert view.stream.current is None
        document = stream_json(view.stream)
        assert document["accuracy"] == {"zero_shot": 1 / 3, "elm": 2 / 3, "judged": 3}
        assert (document["problems"], document["done"]) == (6, 4)

    def test_without_right_answers_there_is_no_accuracy(self) -> None:
        view = after(STARTED, ProblemFinished(row(1)))
        assert view.stream is not None
        assert view.stream.accuracy() == []
        assert stream_json(view.stream)["accuracy"] == {"zero_shot": None, "elm": None, "judged": 0}
        assert stream_json(None)["done"] == 0


class TestLearning:
    def test_the_traces_are_those_of_the_phase(self) -> None:
        before = PhaseStarted("before", 0, 10, 2)
        view = after(STARTED, before, *story()[3:11], PhaseStarted("step", 1, 10, 8))
        assert view.learn is not None
        assert (view.learn.phase, view.learn.step, view.learn.steps, view.samples) == ("step", 1, 10, 8)
        assert (view.traces, view.votes, view.prompts) == ({}, {}, {})
        assert after(STARTED, before, *story()[3:11]).samples == 2

    def test_it_is_folded_to_its_end(self) -> None:
        view = after(STARTED, *learning(), RunFinished(TIMING))
        assert view.learn is not None
        assert [step.step for step in view.learn.finished] == [1]
        assert view.learn.before == view.learn.after is not None
        assert view.learn.stored == MemoryStored("m1", True, "It helps.")
        document = learn_json(view)
        assert (document["memory"], document["kept"], document["reason"]) == ("m1", True, "It helps.")
        assert document["vote_before"] == to_json(VOTE)
        assert document["steps"][0]["reward_mean"] == 0.5

    def test_a_run_that_failed_early_has_a_document_too(self) -> None:
        document = learn_json(after(STARTED, Failed("E", "No.", "")))
        assert (document["memory"], document["kept"], document["steps"]) == (None, False, [])


class TestDocument:
    def document(self, told: Sequence[Event]) -> dict[str, Any]:
        """What a reader of the printed JSON gets."""
        document: dict[str, Any] = json.loads(json.dumps(solve_json(after(STARTED, *told))))
        return document

    def test_it_has_the_shape_in_the_design(self) -> None:
        document = self.document(story())
        assert set(document) == {
            "problem", "status", "settings", "traces", "votes", "matches", "memory", "retrieved", "verified",
            "decision", "credited", "timing", "model", "run",
        }  # fmt: skip
        assert [set(found) for found in document["traces"]] == [
            {"arm", "index", "seed", "text", "answer", "tokens", "finished", "mean_logprob"}
        ] * 2
        assert set(document["votes"]) == {"zero_shot", "memory"}
        assert set(document["votes"]["zero_shot"]) == {"answer", "agreement", "counts", "abstained", "tied"}
        assert document["votes"]["zero_shot"]["counts"] == [{"answer": "72", "count": 1, "traces": [0]}]
        assert document["votes"]["memory"] is None
        assert set(document["decision"]) == {"answer", "source", "reason", "verifier"}
        assert set(document["timing"]) == {
            "load_seconds", "prefill_seconds", "decode_seconds", "new_tokens", "tokens_per_second",
        }  # fmt: skip
        assert set(document["model"]) == {"id", "quantization", "device", "weights_sha256"}

    def test_its_values_are_those_of_the_run(self) -> None:
        document = self.document(story())
        assert (document["problem"], document["status"], document["run"]) == ("1?", "done", "r")
        assert document["settings"] == SETTINGS
        assert [found["answer"] for found in document["traces"]] == ["72", None]
        assert document["decision"]["answer"] == "72"
        assert document["matches"] == []

    def test_traces_come_by_arm_and_index_whatever_the_order_they_finished_in(self) -> None:
        told = [TraceFinished(trace(index)) for index in (2, 0, 10, 1)]
        assert [found["index"] for found in self.document(told)["traces"]] == [0, 1, 2, 10]

    def test_a_run_stopped_midway_shows_what_it_had_finished(self) -> None:
        told = story()[:9]  # one trace finished, one half said
        document = self.document([*told, RunStopped(TIMING)])
        assert document["status"] == "stopped"
        assert [found["index"] for found in document["traces"]] == [0]
        assert document["votes"]["zero_shot"]["agreement"] == 1.0
        assert document["decision"] is None
        assert document["timing"]["new_tokens"] == 40

    def test_a_run_stopped_before_it_loaded(self) -> None:
        document = self.document([RunStopped(TIMING)])
        assert (document["traces"], document["model"]) == ([], None)
        assert document["votes"] == {"zero_shot": None, "memory": None}
