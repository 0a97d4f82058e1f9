"""The runner: one run at a time, in order, each with an ending whatever its work does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from elm_app.core.errors import BadInput, OutOfMemory, RunError
from elm_app.core.events import Event, Failed, Queued, RunFinished, RunStarted, RunStopped, TraceChunk
from elm_app.runs.event_log import LogWriter, follow, read, recover, runs
from elm_app.runs.runner import WAITING, WAITING_EACH, Runner, Work

from .scripted import SECONDS, TIMING, Held, events, on_small_disk, soon, story, tells

END = RunFinished(TIMING)


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    runner = Runner(tmp_path)
    yield runner
    closing = threading.Thread(target=runner.close, daemon=True)
    closing.start()
    closing.join(SECONDS)
    assert not closing.is_alive()


def submit(runner: Runner, work: Work, problem: str = "1?") -> str:
    return runner.submit("solve", problem, {"samples": 2, "seed": 7}, work)


def log(runner: Runner, run: str) -> list[Event]:
    """The events of a run once it has ended."""
    assert runner.wait(run, SECONDS)
    return events(read(runner.folder, run)[0])


class TestRoom:
    def test_one_caller_cannot_fill_the_queue(self, tmp_path: Path) -> None:
        asks = ["first"]
        with closing(Runner(tmp_path, caller=lambda: asks[0])) as runner:
            with held(runner) as held_run:
                mine = [submit(runner, tells(END)) for _ in range(WAITING_EACH)]
                with pytest.raises(RunError, match=r"^4 of your runs are waiting already\. Wait until one begins"):
                    submit(runner, tells(END))
                assert sorted(runs(tmp_path)) == [held_run, *mine]  # what was refused left no log
                asks[0] = "second"
                other = submit(runner, tells(END))
            assert [log(runner, run)[-1] for run in (*mine, other)] == [END] * (WAITING_EACH + 1)
            asks[0] = "first"
            assert log(runner, submit(runner, tells(END)))[-1] == END  # there is room again

    def test_many_callers_cannot_fill_it_without_end(self, tmp_path: Path) -> None:
        asks = [0]
        with closing(Runner(tmp_path, caller=lambda: str(asks[0]))) as runner, held(runner):
            for number in range(1, WAITING + 1):
                asks[0] = number
                submit(runner, tells(END))
            asks[0] += 1
            with pytest.raises(RunError, match=r"^16 runs are waiting already\. Try again"):
                submit(runner, tells(END))

    def test_nobody_in_particular_may_queue_what_they_like(self, runner: Runner) -> None:
        with held(runner):
            assert len({submit(runner, tells(END)) for _ in range(WAITING + 5)}) == WAITING + 5


@contextmanager
def held(runner: Runner) -> Iterator[str]:
    """A run that goes on as long as the block does."""
    go = threading.Event()

    def work(_stopped: Callable[[], bool]) -> Iterator[Event]:
        assert go.wait(SECONDS)
        yield END

    try:
        yield submit(runner, work)
    finally:
        go.set()


class TestOrder:
    def test_a_run_is_its_settings_and_what_its_work_says(self, runner: Runner) -> None:
        run = submit(runner, tells(*story()), "Wie viele Äpfel?")
        first, *rest = log(runner, run)
        assert isinstance(first, RunStarted)
        assert (first.run, first.command, first.problem) == (run, "solve", "Wie viele Äpfel?")
        assert first.settings == {"samples": 2, "seed": 7}
        assert first.created.endswith("+00:00")
        assert rest == story()

    def test_runs_happen_one_at_a_time_in_the_order_they_came(self, runner: Runner) -> None:
        order: list[int] = []
        busy = threading.Lock()

        def work(number: int) -> Work:
            def steps(_stopped: Callable[[], bool]) -> Iterator[Event]:
                assert busy.acquire(blocking=False)
                order.append(number)
                yield TraceChunk("zero_shot", 0, "x", 1)
                time.sleep(0.002)
                busy.release()
                yield END

            return steps

        ids = [submit(runner, work(number)) for number in range(8)]
        assert all(isinstance(log(runner, run)[-1], RunFinished) for run in ids)
        assert order == list(range(8))
        assert runs(runner.folder) == ids[::-1]

    def test_a_queued_run_says_how_many_are_ahead(self, runner: Runner) -> None:
        held = Held()
        ids = [submit(runner, held), submit(runner, tells(END)), submit(runner, tells(END))]
        assert runner.live() == ids
        assert events(read(runner.folder, ids[2])[0])[1:] == [Queued(2)]
        held.go.set()
        assert log(runner, ids[0])[1:] == [TraceChunk("zero_shot", 0, "so far", 2), END]
        assert log(runner, ids[1])[1:] == [Queued(1), END]
        assert log(runner, ids[2])[1:] == [Queued(2), END]
        assert runner.live() == []

    def test_many_quick_submits_from_threads(self, runner: Runner) -> None:
        ids: list[str] = []
        together = threading.Barrier(8)

        def many() -> None:
            together.wait()
            for _ in range(40):
                ids.append(submit(runner, tells(END)))

        threads = [threading.Thread(target=many) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        assert len(ids) == len(set(ids)) == 320
        assert all(log(runner, run)[-1] == END for run in ids)
        assert sorted(path.suffix for path in runner.folder.iterdir()) == [".jsonl"] * 320

    def test_wait(self, runner: Runner) -> None:
        held = Held()
        run = submit(runner, held)
        assert not runner.wait(run, 0.01)
        held.go.set()
        assert runner.wait(run, SECONDS)
        assert runner.wait(run)
        assert runner.wait("never heard of")


class TestStopping:
    def test_a_running_run(self, runner: Runner) -> None:
        held = Held()
        run = submit(runner, held)
        assert held.started.wait(SECONDS)
        assert runner.stop(run)
        assert log(runner, run)[1:] == [TraceChunk("zero_shot", 0, "so far", 2), RunStopped(TIMING)]
        assert not runner.stop(run)

    def test_a_queued_run_stops_when_its_turn_comes_and_the_running_one_goes_on(self, runner: Runner) -> None:
        first, second = Held(), Held()
        ids = [submit(runner, first), submit(runner, second)]
        assert runner.stop(ids[1])
        first.go.set()
        assert log(runner, ids[0])[-1] == END
        assert log(runner, ids[1])[-1] == RunStopped(TIMING)

    def test_an_unknown_run(self, runner: Runner) -> None:
        assert not runner.stop("never heard of")

    def test_close_ends_the_running_and_the_queued_runs(self, tmp_path: Path) -> None:
        runner = Runner(tmp_path)
        held = Held()
        ids = [submit(runner, held), submit(runner, Held()), submit(runner, Held())]
        assert held.started.wait(SECONDS)
        runner.close()
        for run in ids:
            assert events(read(tmp_path, run)[0])[-1] == RunStopped(TIMING)
        assert runner.live() == []
        assert list(tmp_path.glob("*.lock")) == []
        runner.close()

    def test_nothing_is_taken_after_close(self, tmp_path: Path) -> None:
        runner = Runner(tmp_path)
        runner.close()
        with pytest.raises(RunError, match="takes no more runs"):
            submit(runner, tells(END))
        assert list(tmp_path.iterdir()) == []


class TestFailing:
    def test_an_error_keeps_its_two_sentences(self, runner: Runner) -> None:
        def work(_stopped: Callable[[], bool]) -> Iterator[Event]:
            yield TraceChunk("zero_shot", 0, "x", 1)
            raise OutOfMemory("Memory ran out.", "Lower the samples.")

        failed = log(runner, submit(runner, work))[-1]
        assert failed == Failed("OutOfMemory", "Memory ran out.", "Lower the samples.")

    def test_work_that_fails_before_it_is_a_generator(self, runner: Runner) -> None:
        def work(_stopped: Callable[[], bool]) -> Iterator[Event]:
            raise BadInput("Nothing to do.", "Say something.")

        assert log(runner, submit(runner, work))[-1] == Failed("BadInput", "Nothing to do.", "Say something.")

    @pytest.mark.parametrize(
        ("error", "message"),
        [
            (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
            (MemoryError(), "MemoryError: no further detail"),
            (
                type("PanicException", (BaseException,), {})("index out of bounds"),
                "PanicException: index out of bounds",
            ),
            (SystemExit(3), "SystemExit: 3"),
        ],
    )
    def test_a_defect_is_named_and_the_next_run_goes_on(
        self, runner: Runner, error: BaseException, message: str
    ) -> None:
        def work(_stopped: Callable[[], bool]) -> Iterator[Event]:
            yield TraceChunk("zero_shot", 0, "x", 1)
            raise error

        first, second = submit(runner, work), submit(runner, tells(END))
        failed = log(runner, first)[-1]
        assert isinstance(failed, Failed)
        assert (failed.error, failed.message) == (type(error).__name__, message)
        assert "defect" in failed.remedy
        assert log(runner, second)[-1] == END

    def test_work_that_ends_without_an_ending(self, runner: Runner) -> None:
        failed = log(runner, submit(runner, tells(TraceChunk("zero_shot", 0, "x", 1))))[-1]
        assert isinstance(failed, Failed)
        assert "without saying so" in failed.message

    def test_nothing_follows_an_ending(self, runner: Runner) -> None:
        assert log(runner, submit(runner, tells(END, TraceChunk("zero_shot", 0, "x", 1))))[1:] == [END]

    def test_an_event_that_is_no_json_fails_the_run_alone(self, runner: Runner) -> None:
        bad = TraceChunk("zero_shot", 0, "\ud800", 1)
        first, second = submit(runner, tells(bad, END)), submit(runner, tells(END))
        assert isinstance(log(runner, first)[-1], Failed)
        assert log(runner, second)[-1] == END

    def test_settings_that_are_no_json_leave_nothing_behind(self, runner: Runner) -> None:
        with pytest.raises(TypeError):
            runner.submit("solve", "1?", {"folder": Path("x")}, tells(END))
        assert list(runner.folder.iterdir()) == []
        assert runner.live() == []

    @pytest.mark.parametrize("debug", [True, False])
    def test_a_defect_has_a_traceback_only_when_asked_for(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, debug: bool
    ) -> None:
        def work(_stopped: Callable[[], bool]) -> Iterator[Event]:
            raise ZeroDivisionError("by design")

        runner = Runner(tmp_path, debug=debug)
        with caplog.at_level(logging.DEBUG, "elm_app"):
            log(runner, submit(runner, work))
        runner.close()
        assert [record.exc_info is not None for record in caplog.records] == [True] * debug

    def test_debug_may_come_from_the_environment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ELM_DEBUG", "1")
        runner = Runner(tmp_path)
        runner.close()
        assert runner.debug


class TestFullDisk:
    @pytest.fixture
    def room(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """Bytes of room for what follows the first line of the logs of the coming runs; then there is plenty."""
        rooms: list[int] = []

        class Small(LogWriter):
            def append(self, event: Event) -> Any:
                entry = super().append(event)
                if isinstance(event, RunStarted) and rooms:
                    on_small_disk(self, self.path.stat().st_size + rooms.pop(0))
                return entry

        monkeypatch.setattr("elm_app.runs.runner.LogWriter", Small)
        return rooms

    LONG = TraceChunk("zero_shot", 0, "word " * 200, 200)

    def test_the_run_fails_alone(self, runner: Runner, room: list[int]) -> None:
        room.append(600)
        first, second = submit(runner, tells(self.LONG, END)), submit(runner, tells(self.LONG, END))
        started, failed = log(runner, first)
        assert isinstance(started, RunStarted)
        assert isinstance(failed, Failed)
        assert failed.error == "RunError"
        assert "No space left" in failed.message
        assert log(runner, second)[-1] == END

    def test_without_room_for_an_ending_nobody_waits_for_it(
        self, runner: Runner, room: list[int], caplog: pytest.LogCaptureFixture
    ) -> None:
        room.append(10)
        held = Held()
        first, second = submit(runner, held), submit(runner, tells(END))
        came = follow(runner.folder, first, poll_seconds=0.001)
        assert isinstance(next(came).event, RunStarted)
        with pytest.raises(RunError, match="the disk is full"):
            soon(lambda: next(came))
        assert log(runner, second)[-1] == END
        assert runner.live() == []
        assert "No space left" in caplog.text
        assert (runner.folder / f"{first}.jsonl").read_bytes().endswith(b"\n")
        assert recover(runner.folder) == [first]
        assert [event.kind for event in log(runner, first)] == ["run_started", "failed"]

    def test_a_run_that_cannot_even_start_is_refused(self, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
        class Full(LogWriter):
            def __init__(self, folder: Path, run: str) -> None:
                super().__init__(folder, run)
                on_small_disk(self, 20)

        with monkeypatch.context() as patch:
            patch.setattr("elm_app.runs.runner.LogWriter", Full)
            with pytest.raises(RunError, match="No space left"):
                submit(runner, tells(END))
        assert list(runner.folder.iterdir()) == []
        assert log(runner, submit(runner, tells(END)))[-1] == END


def test_a_new_runner_closes_what_the_last_one_left(tmp_path: Path) -> None:
    with LogWriter(tmp_path, "r") as writer:
        writer.append(RunStarted("r", "solve", "1?", {}, "2026-11-22T18:16:39+00:00"))
    runner = Runner(tmp_path)
    runner.close()
    assert runner.recovered == ["r"]


def test_a_folder_that_is_not_there_is_made_by_the_first_run(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "deep" / "runs")
    assert runner.recovered == []
    assert log(runner, submit(runner, tells(END)))[-1] == END
    runner.close()
