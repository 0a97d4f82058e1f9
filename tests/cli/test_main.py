"""The command line: exit codes, what goes to stdout, and sentences instead of tracebacks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Elm, sentence
from remembering import WordEmbedders, answers_by_length

from elm_app.answers.vote import vote
from elm_app.cli.main import main
from elm_app.core.errors import OutOfMemory
from elm_app.core.events import (
    Decided,
    Event,
    Failed,
    ModelReady,
    PromptRead,
    RunFinished,
    RunStarted,
    RunStopped,
    TraceFinished,
    VoteChanged,
)
from elm_app.core.types import Decision, ModelInfo, Timing, Trace
from elm_app.engine.loader import Models
from elm_app.runs.event_log import LogWriter, read, runs
from elm_app.weights.choice import Choice

ROOT = Path(__file__).parents[2]
TIMING = Timing(0.5, 0.25, 2.0, 40, 20.0)
SMALL = ["--samples", "3", "--max-new-tokens", "12", "--seed", "7", "--device", "cpu", "--quantization", "none"]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in ("ELM_MODEL", "ELM_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ELM_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let `solve` run these events, and raise the errors among them, instead of a model."""

    def script(*told: Event | BaseException, **settings: Any) -> None:
        def work(_stopped: Callable[[], bool]) -> Iterator[Event]:
            for event in told:
                if isinstance(event, BaseException):
                    raise event
                yield event

        settled = {"samples": 2, "seed": 7, **settings}
        monkeypatch.setattr("elm_app.pipelines.solve.solve_run", lambda *_: (settled, work))

    return script


def trace(index: int, answer: str | None) -> TraceFinished:
    return TraceFinished(Trace("zero_shot", index, index, "text", answer, 20, index != 1, -0.5))


SOLVED = [
    PromptRead("zero_shot", 17, 0.25),
    trace(0, "72"),
    trace(1, None),
    Decided(Decision("72", "zero_shot", "1 of 2 agree.")),
    RunFinished(TIMING),
]


def voted(*answers: str | None) -> list[Any]:
    """Traces with these answers, their vote, and what it decides."""
    whole = vote(answers, classes=lambda given: [given.index(one) for one in given])
    traces = [trace(index, answer) for index, answer in enumerate(answers)]
    decided = Decided(Decision(whole.answer, "zero_shot", "Because."))
    return [*traces, VoteChanged("zero_shot", whole, len(answers), len(answers)), decided, RunFinished(TIMING)]


class TestSolveWithAModel:
    def test_json_is_one_document_and_nothing_else(self, elm: Elm, random_model: Path, tmp_path: Path) -> None:
        outcome = elm("solve", "6 · 12?", "--model", random_model, *SMALL, "--json", "--memories", tmp_path / "mine")
        assert outcome.code == 0
        document = json.loads(outcome.out)
        assert document["problem"] == "6 · 12?"
        assert document["status"] == "done"
        assert [found["index"] for found in document["traces"]] == [0, 1, 2]
        assert document["settings"]["seed"] == 7
        assert document["model"]["quantization"] == "none"
        assert runs(tmp_path / "mine" / "runs") == [document["run"]]
        assert "sampling 3 traces (seed 7)" in outcome.err

    def test_the_same_seed_prints_the_same_traces(self, elm: Elm, random_model: Path) -> None:
        arguments = ["solve", "1?", "--model", random_model, *SMALL, "--json", "--quiet"]
        first, second = elm(*arguments), elm(*arguments)
        assert (first.code, first.err) == (0, "")
        a, b = json.loads(first.out), json.loads(second.out)
        assert a["traces"] == b["traces"]
        assert a["run"] != b["run"]

    def test_a_problem_longer_than_the_context(self, elm: Elm, random_model: Path) -> None:
        outcome = elm("solve", "1 + " * 600, "--model", random_model, *SMALL, "--quiet", "--json")
        assert outcome.code == 2
        assert "does not fit the model's context of 2048" in sentence(outcome)


class TestLearnWithAModel:
    """A memory is learned, found, and used, each by a command of its own."""

    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        answers_by_length(monkeypatch)
        monkeypatch.setattr("elm_app.retrieval.embedder.Embedders", WordEmbedders)

    def learned(self, elm: Elm, random_model: Path, *more: object) -> dict[str, Any]:
        small = ("--steps", "3", "--rollouts", "5", "--max-new-tokens", "10", "--measure-samples", "9", "--seed", "3")
        model = ("--model", random_model, "--quantization", "none", "--device", "cpu", "--virtual-tokens", "5")
        outcome = elm("learn", "How many eggs are in 7 crates?", "--json", "--keep", *small, *model, *more)
        assert outcome.code == 0, outcome.err
        document: dict[str, Any] = json.loads(outcome.out)
        return document

    def test_it_is_stored_listed_shown_and_found(self, elm: Elm, random_model: Path) -> None:
        document = self.learned(elm, random_model, "--lr", "0.01")
        memory = document["memory"]
        assert memory == document["run"]
        assert document["kept"]
        assert document["settings"]["learning_rate"] == 0.01
        assert any(step["grad_norm"] for step in document["steps"])
        assert memory in elm("memories", "list").out
        assert "How many eggs" in elm("memories", "show", memory).out
        found = json.loads(elm("memories", "search", "How many eggs in 7 crates?", "--json").out)
        assert memory in json.dumps(found)

    def test_solve_retrieves_and_uses_it(self, elm: Elm, random_model: Path) -> None:
        memory = self.learned(elm, random_model)["memory"]
        ask = ("solve", "How many eggs are in 8 crates?", "--json", "--samples", "2", "--max-new-tokens", "8")
        model = ("--model", random_model, "--quantization", "none", "--device", "cpu", "--seed", "1")
        by_itself = json.loads(elm(*ask, *model).out)
        assert by_itself["memory"] == memory
        assert by_itself["matches"][0]["id"] == memory
        assert [trace["arm"] for trace in by_itself["traces"]] == ["zero_shot", "zero_shot", "memory", "memory"]
        assert all(by_itself["votes"][arm] for arm in ("zero_shot", "memory"))
        assert by_itself["retrieved"]["arms"] == {"memory": [memory]}
        assert [credited["memory"] for credited in by_itself["credited"]] == [memory]
        given = json.loads(elm(*ask, *model, "--memory", memory).out)
        assert given["traces"] == by_itself["traces"]
        off = json.loads(elm(*ask, *model, "--memory", "off").out)
        assert (off["memory"], off["matches"], off["votes"]["memory"]) == (None, [], None)
        assert elm(*ask, *model, "--memory", "nowhere").code == 2

    def test_distilling_is_the_default_unless_something_of_the_papers_recipe_is_asked_for(
        self, elm: Elm, random_model: Path
    ) -> None:
        model = ("--model", random_model, "--quantization", "none", "--device", "cpu", "--json", "--seed", "3")
        short = ("--steps", "1", "--max-new-tokens", "6", "--measure-samples", "9")
        learn = ("learn", "How many eggs?", *model, *short)
        told = [json.loads(elm(*learn, *more).out) for more in ((), ("--reward", "vote"), ("--recipe", "paper"))]
        assert [one["settings"]["recipe"] for one in told] == ["distil", "paper", "paper"]
        assert [one["settings"]["form"] for one in told] == ["prefix", "soft", "soft"]

    def test_progress_is_told(self, elm: Elm, random_model: Path) -> None:
        small = ("--steps", "1", "--rollouts", "3", "--max-new-tokens", "6", "--measure-samples", "9", "--seed", "3")
        model = ("--model", random_model, "--quantization", "none", "--device", "cpu")
        told = elm("learn", "How many eggs?", *small, *model)
        assert told.code == 0
        for said in ("measuring without a memory", "step 1 of 1", "before: ", "reward "):
            assert said in told.err

    @pytest.mark.parametrize(
        "arguments",
        [("learn",), ("learn", "1?", "--resume", "r"), ("learn", "--resume", "r"), ("learn", "1?", "--init", "x")],
    )
    def test_bad_input(self, elm: Elm, arguments: tuple[str, ...]) -> None:
        assert elm(*arguments).code == 2


class TestSolveScripted:
    def test_the_answer_goes_to_stdout_and_the_rest_to_stderr(self, elm: Elm, scripted: Callable[..., None]) -> None:
        scripted(*SOLVED)
        outcome = elm("solve", "1?")
        assert (outcome.code, outcome.out) == (0, "72\n")
        assert "trace 1 of 2: 72 (20 tokens)" in outcome.err
        assert "trace 2 of 2: no answer (20 tokens, cut off)" in outcome.err
        assert "1 of 2 agree." in outcome.err
        assert "20 tokens/s" in outcome.err

    def test_quiet(self, elm: Elm, scripted: Callable[..., None]) -> None:
        scripted(*SOLVED)
        outcome = elm("solve", "1?", "--quiet")
        assert (outcome.code, outcome.out, outcome.err) == (0, "72\n", "")

    def test_which_model_auto_is_and_why(
        self, elm: Elm, scripted: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("elm_app.weights.choice.here", lambda device: Choice("small", f"The 0.5B on {device}."))
        scripted(*SOLVED, model="auto", device="cpu")
        assert elm("solve", "1?").err.startswith("The 0.5B on cpu.\n")
        assert elm("solve", "1?", "--json").err.startswith("The 0.5B on cpu.\n")
        assert elm("solve", "1?", "--quiet").err == ""
        scripted(*SOLVED, model="small", device="cpu")
        assert "The 0.5B" not in elm("solve", "1?").err

    def test_no_answer_is_said(self, elm: Elm, scripted: Callable[..., None]) -> None:
        scripted(Decided(Decision(None, "zero_shot", "None of the 2 traces has an answer.")), RunFinished(TIMING))
        outcome = elm("solve", "1?")
        assert (outcome.code, outcome.out) == (0, "no answer\n")

    def test_an_answer_cannot_steer_the_terminal(self, elm: Elm, scripted: Callable[..., None]) -> None:
        answer = "7\x1b[2J\n2\x9b"
        scripted(trace(0, answer), Decided(Decision(answer, "zero_shot", "1 of 2 agree.")), RunFinished(TIMING))
        outcome = elm("solve", "1?")
        assert outcome.out == "7 [2J 2 \n"
        assert "\x1b" not in outcome.err
        assert json.loads(elm("solve", "1?", "--json").out)["decision"]["answer"] == answer

    def test_no_majority_is_no_answer(self, elm: Elm, scripted: Callable[..., None]) -> None:
        scripted(*voted("7", "8", "9", None), samples=4)
        outcome = elm("solve", "1?")
        assert (outcome.code, outcome.out) == (0, "no two of 4 attempts agree\n")
        assert "3 different answers, 1 without an answer. 20 tokens/s" in outcome.err
        assert "Of more attempts two may agree. --samples 8\n" in outcome.err
        assert "A memory of a similar problem may help.\n" in outcome.err
        document = json.loads(elm("solve", "1?", "--json").out)
        assert document["decision"]["answer"] == "7"
        assert elm("solve", "1?", "--quiet").err == ""

    def test_a_tie_has_two_answers(self, elm: Elm, scripted: Callable[..., None]) -> None:
        scripted(*voted("7", "8\x1b[2J", "7", "8\x1b[2J", "9"), samples=5)
        outcome = elm("solve", "1?")
        assert outcome.out == "7 or 8 [2J\n"
        assert "A tie, 2 of 5 each, 1 other answer. 20 tokens/s" in outcome.err
        assert "the earlier, 7, is taken." in outcome.err
        assert "More attempts may break the tie. --samples 10\n" in outcome.err

    @pytest.mark.parametrize(("model", "offered"), [("small", True), ("base", False)])
    def test_a_larger_model_is_offered_where_there_is_one(
        self, elm: Elm, scripted: Callable[..., None], monkeypatch: pytest.MonkeyPatch, model: str, offered: bool
    ) -> None:
        monkeypatch.setattr("elm_app.weights.choice.here", lambda _: Choice("base", "", "base"))
        scripted(
            ModelReady(ModelInfo(model, "4-bit", "cpu", "0" * 64), 1.0), *voted("7", "8", "9"), device="cpu", samples=3
        )
        told = "The larger model, the 1.5B, is slower and more often right. --model base\n"
        assert (told in elm("solve", "1?").err) is offered

    def test_a_stopped_run(self, elm: Elm, scripted: Callable[..., None]) -> None:
        scripted(trace(0, "72"), RunStopped(TIMING))
        outcome = elm("solve", "1?")
        assert (outcome.code, outcome.out) == (130, "")
        assert "Stopped." in outcome.err
        document = json.loads(elm("solve", "1?", "--json").out)
        assert (document["status"], len(document["traces"]), document["decision"]) == ("stopped", 1, None)

    def test_ctrl_c_while_the_run_goes_on(self, elm: Elm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """The run is asked to stop, and its whole log is read once more."""

        def work(stopped: Callable[[], bool]) -> Iterator[Event]:
            yield trace(0, "72")
            while not stopped():
                pass
            yield trace(1, "144")
            yield RunStopped(TIMING)

        def interrupted(_self: object, _view: object, event: Event) -> None:
            if isinstance(event, TraceFinished):
                raise KeyboardInterrupt

        monkeypatch.setattr("elm_app.pipelines.solve.solve_run", lambda *_: ({"samples": 2, "seed": 7}, work))
        monkeypatch.setattr("elm_app.cli.progress.Reporter.show", interrupted)
        outcome = elm("solve", "1?", "--json", "--memories", tmp_path)
        assert outcome.code == 130
        assert [found["answer"] for found in json.loads(outcome.out)["traces"]] == ["72", "144"]
        assert list((tmp_path / "runs").glob("*.lock")) == []

    @pytest.mark.parametrize(
        ("error", "code", "said"),
        [
            (OutOfMemory("Memory ran out.", "Lower the samples."), 1, "elm: Memory ran out. Lower the samples."),
            (ZeroDivisionError("by design"), 1, "elm: ZeroDivisionError: by design"),
            (Failed("BadInput", "Too long.", "Shorten it."), 2, "elm: Too long. Shorten it."),
            (Failed("Odd", "No remedy.", ""), 1, "elm: No remedy."),
        ],
    )
    def test_a_run_that_fails(self, elm: Elm, scripted: Callable[..., None], error: Any, code: int, said: str) -> None:
        scripted(trace(0, "72"), error)
        outcome = elm("solve", "1?", "--json", "--quiet")
        assert outcome.code == code
        assert sentence(outcome).startswith(said)
        assert "Traceback" not in outcome.err

    def test_a_full_disk_ends_the_command(
        self, elm: Elm, scripted: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Full(LogWriter):
            def append(self, event: Event) -> Any:
                if not isinstance(event, RunStarted):
                    raise self._refused(OSError(28, "No space left on device"))
                return super().append(event)

        monkeypatch.setattr("elm_app.runs.runner.LogWriter", Full)
        scripted(*SOLVED)
        outcome = elm("solve", "1?", "--json")
        assert (outcome.code, outcome.out) == (1, "")
        assert "the disk is full" in outcome.err

    def test_what_an_earlier_program_left_is_closed_and_said(
        self, elm: Elm, scripted: Callable[..., None], tmp_path: Path
    ) -> None:
        with LogWriter(tmp_path / "runs", "old") as writer:
            writer.append(RunStarted("old", "solve", "1?", {}, "2026-11-22T18:16:39+00:00"))
        scripted(*SOLVED)
        outcome = elm("solve", "1?", "--memories", tmp_path)
        assert outcome.code == 0
        assert "closed after an interruption: run old\n" in outcome.err
        assert read(tmp_path / "runs", "old")[0][-1].event.kind == "failed"

    def test_the_problem_from_stdin(
        self, elm: Elm, stdin: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[str] = []

        def solve_run(problem: str, *_: object) -> Any:
            seen.append(problem)
            return {"samples": 2, "seed": 7}, lambda _stopped: iter(SOLVED)

        monkeypatch.setattr("elm_app.pipelines.solve.solve_run", solve_run)
        stdin("\ufeff Wie viele Äpfel?\n".encode())
        outcome = elm("solve", "-", "--json")
        assert seen == ["Wie viele Äpfel?"]
        assert json.loads(outcome.out)["problem"] == "Wie viele Äpfel?"

    def test_memories_come_from_the_environment_unless_named(
        self, elm: Elm, scripted: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ELM_MEMORIES", str(tmp_path / "a"))
        scripted(*SOLVED)
        elm("solve", "1?")
        elm("solve", "1?", "--memories", tmp_path / "b")
        assert len(runs(tmp_path / "a" / "runs")) == len(runs(tmp_path / "b" / "runs")) == 1


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ([], "COMMAND"),
            (["dance"], "'dance'"),
            (["solve"], "problem"),
            (["solve", ""], "The problem is empty."),
            (["solve", " \n\t"], "The problem is empty."),
            (["solve", "1+\udcff"], "Character 3 of the problem"),
            (["solve", "1?", "--samples", "0"], "samples is 0. It must be a whole number from 1 to 256."),
            (["solve", "1?", "--samples", "257"], "samples is 257."),
            (["solve", "1?", "--samples", "2.5"], "'2.5'"),
            (["solve", "1?", "--samples", "many"], "'many'"),
            (["solve", "1?", "--samples"], "--samples"),
            (["solve", "1?", "--max-new-tokens", "0"], "max_new_tokens is 0."),
            (["solve", "1?", "--temperature", "-0.1"], "temperature is -0.1."),
            (["solve", "1?", "--temperature", "nan"], "temperature is nan. It must be from 0 (greedy) to 5."),
            (["solve", "1?", "--temperature", "inf"], "temperature is inf."),
            (["solve", "1?", "--temperature", "warm"], "'warm'"),
            (["solve", "1?", "--top-k", "-1"], "top_k is -1."),
            (["solve", "1?", "--seed", "-1"], "seed is -1."),
            (["solve", "1?", "--seed", str(2**63)], "seed is 9223372036854775808."),
            (["solve", "1?", "--device", "tpu"], "device is 'tpu'. It must be one of auto, cpu, cuda."),
            (["solve", "1?", "--quantization", "int3"], "quantization is 'int3'."),
            (["solve", "1?", "--model", ""], "model is ''."),
            (["solve", "1?", "--colour", "red"], "--colour"),
            (["solve", "1?", "2?"], "2?"),
            (["vote"], "file"),
            (["vote", "no/such/file"], "no/such/file cannot be read: No such file or directory."),
            (["vote", "."], ". cannot be read: Is a directory."),
        ],
    )
    def test_it_is_one_sentence_and_exit_code_2(self, elm: Elm, arguments: list[str], said: str) -> None:
        outcome = elm(*arguments)
        assert outcome.code == 2
        assert said in sentence(outcome)

    def test_nothing_runs(self, elm: Elm, tmp_path: Path) -> None:
        elm("solve", " ", "--memories", tmp_path / "mine")
        elm("solve", "1?", "--samples", "0", "--memories", tmp_path / "mine")
        assert not (tmp_path / "mine").exists()

    def test_an_empty_stdin(self, elm: Elm, stdin: Callable[[bytes], None]) -> None:
        stdin(b"\n")
        outcome = elm("solve", "-")
        assert outcome.code == 2
        assert "empty" in sentence(outcome)

    def test_stdin_that_is_not_utf8(self, elm: Elm, stdin: Callable[[bytes], None]) -> None:
        stdin(b"1 + 1 \xff")
        outcome = elm("solve", "-")
        assert outcome.code == 2
        assert "not text in UTF-8 (byte 6)" in sentence(outcome)

    def test_an_unknown_model_suggests_a_known_one(self, elm: Elm) -> None:
        outcome = elm("solve", "1?", "--model", "smal", "--device", "cpu", "--quiet")
        assert outcome.code == 2
        assert "did you mean 'small'?" in sentence(outcome)

    def test_a_folder_that_is_no_model(self, elm: Elm, tmp_path: Path) -> None:
        outcome = elm("solve", "1?", "--model", tmp_path, "--device", "cpu", "--quiet")
        assert outcome.code == 2
        assert "config.json" in sentence(outcome)

    def test_memories_that_are_a_file(self, elm: Elm, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        outcome = elm("solve", "1?", "--memories", tmp_path / "file")
        assert outcome.code == 1
        assert "cannot be used: Not a directory" in sentence(outcome)


class TestTracebacks:
    @pytest.mark.parametrize("by", ["option", "environment"])
    def test_debug_shows_one_and_keeps_the_exit_code(self, elm: Elm, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
        if by == "environment":
            monkeypatch.setenv("ELM_DEBUG", "1")
        outcome = elm("solve", " ", *["--debug"] * (by == "option"))
        assert outcome.code == 2
        assert outcome.err.startswith("Traceback")
        assert "BadInput" in outcome.err
        assert outcome.err.splitlines()[-1] == "elm: The problem is empty. Type a problem in words."

    def test_debug_in_the_environment_covers_the_options_themselves(
        self, elm: Elm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ELM_DEBUG", "1")
        assert elm("dance").err.startswith("Traceback")

    @pytest.mark.parametrize("debug", [True, False])
    def test_a_defect_of_ours_is_a_sentence_too(self, elm: Elm, monkeypatch: pytest.MonkeyPatch, debug: bool) -> None:
        def broken(*_: object) -> None:
            raise KeyError("by design")

        monkeypatch.setattr("elm_app.pipelines.solve.solve_run", broken)
        outcome = elm("solve", "1?", *["--debug"] * debug)
        assert outcome.code == 1
        assert ("Traceback" in outcome.err) is debug
        assert "elm: KeyError: 'by design'. This is a defect; --debug shows where." in outcome.err

    @pytest.mark.parametrize("debug", [True, False])
    def test_a_defect_inside_a_run(
        self, elm: Elm, scripted: Callable[..., None], caplog: pytest.LogCaptureFixture, debug: bool
    ) -> None:
        scripted(ZeroDivisionError("by design"))
        elm("solve", "1?", *["--debug"] * debug)
        assert any(record.exc_info for record in caplog.records) is debug


def jsonl(path: Path, *rows: str, newline: str = "\n") -> Path:
    path.write_bytes(newline.join(rows).encode())
    return path


def boxed(answer: str) -> str:
    return json.dumps({"text": f"So \\boxed{{{answer}}}"}, ensure_ascii=False)


class TestVote:
    def test_the_majority(self, elm: Elm, tmp_path: Path) -> None:
        rows = [boxed("72"), boxed("5"), '{"text": "I do not know"}', boxed("72"), '{"text": "", "answer": 72}']
        outcome = elm("vote", jsonl(tmp_path / "t.jsonl", *rows))
        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.splitlines() == ["72", "     3 of 5  72", "     1 of 5  5", "     1 of 5  without an answer"]

    def test_json(self, elm: Elm, tmp_path: Path) -> None:
        outcome = elm("vote", jsonl(tmp_path / "t.jsonl", boxed("72"), "", boxed("5"), boxed("72")), "--json")
        document = json.loads(outcome.out)
        assert (outcome.code, outcome.err) == (0, "")
        assert set(document) == {"vote", "traces", "bad_rows"}
        assert document["vote"]["answer"] == "72"
        assert document["vote"]["agreement"] == pytest.approx(2 / 3)
        assert document["traces"] == [{"index": n, "answer": answer} for n, answer in enumerate(["72", "5", "72"])]

    def test_no_two_agree(self, elm: Elm, tmp_path: Path) -> None:
        outcome = elm("vote", jsonl(tmp_path / "t.jsonl", boxed("72"), boxed("5"), boxed("6")))
        assert outcome.out.splitlines()[:2] == ["no two of 3 attempts agree", "     1 of 3  72"]
        tie = elm("vote", jsonl(tmp_path / "t.jsonl", boxed("72"), boxed("5"), boxed("5"), boxed("72")))
        assert tie.out.splitlines()[0] == "72 or 5"

    def test_no_answer_at_all(self, elm: Elm, tmp_path: Path) -> None:
        outcome = elm("vote", jsonl(tmp_path / "t.jsonl", '{"text": "hm"}'))
        assert (outcome.code, outcome.out.splitlines()[0]) == (0, "no answer")

    def test_bad_rows_are_named_by_number(self, elm: Elm, tmp_path: Path) -> None:
        path = jsonl(tmp_path / "t.jsonl", boxed("72"), "garbage", "", '{"answer": "7"}', boxed("72"))
        outcome = elm("vote", path, "--json")
        assert outcome.code == 2
        said = sentence(outcome)
        assert "2 bad rows: row 2: not JSON" in said
        assert 'row 4: no "text"' in said

    def test_bad_rows_can_be_left_out(self, elm: Elm, tmp_path: Path) -> None:
        path = jsonl(tmp_path / "t.jsonl", boxed("72"), "garbage", boxed("72"))
        outcome = elm("vote", path, "--skip-bad")
        assert (outcome.code, outcome.out) == (0, "72\n     2 of 2  72\n")
        assert outcome.err.startswith("elm: row 2 left out: not JSON")
        assert [row["number"] for row in json.loads(elm("vote", path, "--skip-bad", "--json").out)["bad_rows"]] == [2]

    @pytest.mark.parametrize("rows", [[], ["", "  "], ["garbage"]])
    def test_a_file_without_a_good_row(self, elm: Elm, tmp_path: Path, rows: list[str]) -> None:
        assert elm("vote", jsonl(tmp_path / "t.jsonl", *rows), "--skip-bad").code == 2

    def test_from_stdin(self, elm: Elm, stdin: Callable[[bytes], None]) -> None:
        stdin(f"{boxed('½')}\n".encode("utf-8-sig"))
        outcome = elm("vote", "-", "--json")
        assert json.loads(outcome.out)["vote"]["answer"] == "½"
        assert "½" in outcome.out  # not \u00bd

    def test_a_file_that_is_not_utf8(self, elm: Elm, tmp_path: Path) -> None:
        (tmp_path / "t.jsonl").write_bytes(boxed("72").encode("utf-16"))
        outcome = elm("vote", tmp_path / "t.jsonl")
        assert outcome.code == 2
        assert "not text in UTF-8 (byte 0)" in sentence(outcome)

    @pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
    def test_a_row_goes_to_the_end_of_its_line(self, elm: Elm, tmp_path: Path, separator: str) -> None:
        """JSON allows these characters in a string as they are, and they do not end a line of a file."""
        row = json.dumps({"text": f"First.{separator}Then \\boxed{{72}}"}, ensure_ascii=False)
        assert separator in row
        outcome = elm("vote", jsonl(tmp_path / "t.jsonl", row, row, newline="\r\n"), "--quiet")
        assert outcome.out.splitlines() == ["72", "     2 of 2  72"]

    def test_a_foreign_answer_cannot_steer_the_terminal(self, elm: Elm, tmp_path: Path) -> None:
        outcome = elm("vote", jsonl(tmp_path / "t.jsonl", json.dumps({"text": "", "answer": "7\x1b[2J"})))
        assert outcome.out.splitlines() == ["7 [2J", "     1 of 1  7 [2J"]


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "solve" in printed
    assert "vote" in printed


@pytest.mark.parametrize("command", ["app", "solve", "memories"])
def test_help_says_where_memories_are_in_a_checkout_and_elsewhere(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command, *(["list"] if command == "memories" else []), "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "memories/ beside app.py in a checkout, elsewhere elm/memories in the user's data folder" in told


def test_the_default_model_comes_from_the_environment(
    elm: Elm, monkeypatch: pytest.MonkeyPatch, scripted: Callable[..., None]
) -> None:
    scripted(*SOLVED)
    monkeypatch.setenv("ELM_MODEL", " ")
    assert "model is ' '." in sentence(elm("solve", "1?"))


def _hear_ctrl_c() -> None:
    """Whoever started the tests in the background has made them, and their children, deaf to it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class TestProcess:
    """The command as a process of its own."""

    def start(self, *arguments: object, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "elm_app", *map(str, arguments)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        environment |= options.pop("environment", {})
        return subprocess.Popen(
            command,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
            text=True,
            encoding="utf-8",
            cwd=ROOT,
            env=environment,
            preexec_fn=_hear_ctrl_c,
        )

    def test_ctrl_c_prints_what_there_is(self, random_model: Path, tmp_path: Path) -> None:
        settings = ["--samples", 256, "--max-new-tokens", 1900, "--device", "cpu", "--quantization", "none"]
        process = self.start("solve", "1?", "--model", random_model, *settings, "--json", "--memories", tmp_path)
        assert process.stderr
        assert any(line.startswith("trace ") for line in process.stderr)  # the first that has finished
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 130
        assert "Traceback" not in err
        document = json.loads(out)
        assert document["status"] == "stopped"
        assert 1 <= len(document["traces"]) < 256
        assert document["timing"]["new_tokens"] > document["traces"][0]["tokens"]
        assert [path.name for path in (tmp_path / "runs").iterdir()] == [f"{document['run']}.jsonl"]

    def test_bad_input(self) -> None:
        process = self.start("solve", os.fsdecode(b"1 + \xff"), "--json")
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out) == (2, "")
        assert err == "elm: Character 5 of the problem is no character. Type it again.\n"

    def test_json_is_utf8_whatever_the_system_prefers(self, tmp_path: Path) -> None:
        path = jsonl(tmp_path / "t.jsonl", *[boxed("½")] * 2)
        process = self.start("vote", path, "--json", environment={"PYTHONIOENCODING": "ascii"})
        out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, "")
        assert json.loads(out)["vote"]["answer"] == "½"

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
    def test_output_that_cannot_be_written_is_a_sentence(self, tmp_path: Path) -> None:
        path = jsonl(tmp_path / "t.jsonl", *[boxed("72")] * 2)
        with Path("/dev/full").open("wb") as full:
            process = self.start("vote", path, stdout=full)
            _, err = process.communicate(timeout=120)
        assert process.returncode == 1
        assert err.startswith("elm: [Errno 28] No space left on device")
        assert "Traceback" not in err

    def test_a_reader_that_has_gone_is_no_error(self, tmp_path: Path) -> None:
        path = jsonl(tmp_path / "t.jsonl", *[boxed("72")] * 2)
        gone, mine = os.pipe()
        os.close(gone)
        process = self.start("vote", path, "--json", stdout=mine)
        os.close(mine)
        _, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, "")


def test_a_run_goes_through_the_real_loader_once_a_command(
    elm: Elm, random_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    get = Models.get

    def counted(self: Models, settings: Any, *rest: Any) -> Any:
        asked.append(settings.model)
        return get(self, settings, *rest)

    monkeypatch.setattr(Models, "get", counted)
    monkeypatch.setenv("ELM_MODEL", str(random_model))
    assert elm("solve", "1?", *SMALL, "--quiet").code == 0
    assert asked == [str(random_model)]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("learn", "gradient steps at most (default: 16, paper 10)"),
        ("learn", "majority trace in view; paper: rewarded by the vote (default: distil)"),
        ("learn", "where a rollout is cut off (default: 512, paper 320)"),
        ("learn", "random rows of the vocabulary (default: example, paper text)"),
        ("learn", "of these (default: 0.7)"),
        ("stream", "gradient steps at most (default: 10, distil 16)"),
        ("stream", "rewarded by the vote (default: paper)"),
    ],
)
def test_help_says_what_a_recipe_does_by_default(
    elm: Elm, capsys: pytest.CaptureFixture[str], command: str, said: str
) -> None:
    with pytest.raises(SystemExit):
        elm(command, "--help")
    assert said in " ".join(capsys.readouterr().out.split())
