"""The log: one writer, many readers, and what is left when the writer dies or the disk is full."""

from __future__ import annotations

import io
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest

from elm_app.core.errors import RunError
from elm_app.core.events import Failed, RunFinished, RunStarted, TraceChunk
from elm_app.runs.event_log import LogWriter, follow, new_run_id, read, recover, runs

from .scripted import SECONDS, TIMING, SmallDisk, child, events, on_small_disk, soon, story

STARTED = RunStarted(
    "r", "solve", "Wie viele Äpfel? 🍎 \u2028 “½”", {"seed": 7, "samples": 2}, "2026-11-22T18:16:39+00:00"
)
END = RunFinished(TIMING)
PRELUDE = """
import sys
from pathlib import Path
from elm_app.core.events import RunFinished, RunStarted, TraceChunk
from elm_app.runs.event_log import LogWriter
from elm_app.core.types import Timing
writer = LogWriter(Path(sys.argv[1]), "r")
start = lambda: writer.append(RunStarted("r", "solve", "1?", {"seed": 7}, "2026-11-22T18:16:39+00:00"))
def tell():
    print("ready", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[LogWriter]:
    with LogWriter(tmp_path, "r") as writer:
        yield writer


def output(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout
    return process.stdout


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


class TestReading:
    def test_what_is_written_is_read_at_once_and_as_it_was(self, tmp_path: Path, writer: LogWriter) -> None:
        written = [writer.append(event) for event in [STARTED, *story()]]
        entries, cursor = read(tmp_path, "r")
        assert entries == written
        assert [entry.seq for entry in entries] == list(range(14))
        assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
        assert cursor == (tmp_path / "r.jsonl").stat().st_size

    def test_a_reader_goes_on_from_its_cursor_and_two_readers_do_not_meet(
        self, tmp_path: Path, writer: LogWriter
    ) -> None:
        writer.append(STARTED)
        _, early = read(tmp_path, "r")
        writer.append(TraceChunk("zero_shot", 0, "a", 1))
        first, early = read(tmp_path, "r", early)
        writer.append(TraceChunk("zero_shot", 0, "b", 2))
        late, end = read(tmp_path, "r")
        second, early = read(tmp_path, "r", early)
        assert [entry.seq for entry in late] == [0, 1, 2]
        assert first + second == late[1:]
        assert early == end
        assert read(tmp_path, "r", end) == ([], end)

    def test_a_half_written_last_line_waits(self, tmp_path: Path, writer: LogWriter) -> None:
        writer.append(STARTED)
        whole = (tmp_path / "r.jsonl").read_bytes()
        path = tmp_path / "other.jsonl"
        for cut in (0, 1, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:cut])
            assert read(tmp_path, "other") == ([], 0)
        path.write_bytes(whole + whole[:-1])
        entries, cursor = read(tmp_path, "other")
        assert (events(entries), cursor) == ([STARTED], len(whole))

    def test_a_character_cut_in_half_waits_too(self, tmp_path: Path) -> None:
        line = '{"seq": 0, "at": 0.0, "kind": "queued", "ahead": 1, "note": "🍎'.encode()
        (tmp_path / "r.jsonl").write_bytes(line[:-2])
        assert read(tmp_path, "r") == ([], 0)

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"hello",
            b"[1]",
            b"7",
            b"null",
            b"{}",
            b'{"seq": 0, "at": 0.0}',
            b'{"seq": 0, "at": 0.0, "kind": "unheard"}',
            b'{"seq": 0, "at": 0.0, "kind": "queued"}',
            b'{"seq": 0, "at": 0.0, "kind": "queued", "ahead": "many"}',
            b'{"seq": null, "at": 0.0, "kind": "queued", "ahead": 1}',
            b'{"seq": 1e999, "at": 0.0, "kind": "queued", "ahead": 1}',
            b'{"seq": 0, "at": [], "kind": "queued", "ahead": 1}',
            b"\xff\xfe",
            b"[" * 100_000,
        ],
    )
    def test_a_line_that_is_no_event_is_a_sentence(self, tmp_path: Path, line: bytes) -> None:
        (tmp_path / "r.jsonl").write_bytes(line + b"\n")
        with pytest.raises(RunError) as raised:
            read(tmp_path, "r")
        assert raised.value.message == "The log r.jsonl has a line that is no event."
        assert str(tmp_path / "r.jsonl") in raised.value.remedy

    def test_an_event_of_a_newer_version_with_more_fields_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "r.jsonl").write_text('{"seq": 0, "at": 0.5, "kind": "queued", "ahead": 2, "since": 1}\n')
        assert [event.kind for event in events(read(tmp_path, "r")[0])] == ["queued"]

    @pytest.mark.parametrize(
        "run", ["x", "", ".", "..", "../x", "a/../../x", "/etc/passwd", "a\0b", "x" * 5000, "\ud800"]
    )
    def test_an_unknown_run_is_a_sentence(self, tmp_path: Path, run: str) -> None:
        folder = tmp_path / "runs"
        folder.mkdir()
        (tmp_path / "x.jsonl").write_text("outside\n")
        with pytest.raises(RunError) as raised:
            read(folder, run)
        assert repr(run) in raised.value.message
        assert raised.value.remedy.endswith(f"{folder}.")

    def test_runs_are_listed_newest_first(self, tmp_path: Path) -> None:
        assert runs(tmp_path / "none") == []
        ids = []
        for _ in range(5):
            ids.append(new_run_id())
            with LogWriter(tmp_path, ids[-1]) as writer:
                writer.append(STARTED)
        (tmp_path / "notes.txt").touch()
        assert runs(tmp_path) == ids[::-1]
        assert len(set(ids)) == 5


class TestFollowing:
    def test_two_followers_see_everything_from_the_start_to_the_end(self, tmp_path: Path, writer: LogWriter) -> None:
        writer.append(STARTED)
        seen: list[list[int]] = [[], []]

        def watch(into: list[int]) -> None:
            into.extend(entry.seq for entry in follow(tmp_path, "r", poll_seconds=0.001))

        watchers = [threading.Thread(target=watch, args=(into,), daemon=True) for into in seen]
        watchers[0].start()
        for number in range(50):
            writer.append(TraceChunk("zero_shot", 0, "word ", number))
        watchers[1].start()
        writer.append(END)
        for watcher in watchers:
            watcher.join(SECONDS)
        assert seen == [list(range(52))] * 2

    def test_following_a_log_without_a_writer_and_an_ending_ends(self, tmp_path: Path) -> None:
        with LogWriter(tmp_path, "r") as writer:
            writer.append(STARTED)
        came = follow(tmp_path, "r", poll_seconds=0.001)
        assert next(came).event == STARTED
        with pytest.raises(RunError, match="breaks off"):
            soon(lambda: next(came))

    @pytest.mark.parametrize("run", ["r", "../r", "a\0b", "\ud800"])
    def test_following_an_unknown_run(self, tmp_path: Path, run: str) -> None:
        with pytest.raises(RunError, match="There is no run"):
            next(follow(tmp_path / "runs", run))


class TestWriting:
    def test_the_folder_is_made_and_the_lock_is_gone_afterwards(self, tmp_path: Path) -> None:
        folder = tmp_path / "deep" / "runs"
        with LogWriter(folder, "r") as writer:
            writer.append(STARTED)
            assert sorted(path.name for path in folder.iterdir()) == ["r.jsonl", "r.lock"]
            writer.append(END)
        assert [path.name for path in folder.iterdir()] == ["r.jsonl"]

    def test_a_log_without_an_event_is_removed(self, tmp_path: Path) -> None:
        LogWriter(tmp_path, "r").close()
        assert list(tmp_path.iterdir()) == []

    def test_a_run_is_never_written_over(self, tmp_path: Path) -> None:
        with LogWriter(tmp_path, "r") as writer:
            writer.append(STARTED)
            with pytest.raises(RunError, match="cannot be written"):
                LogWriter(tmp_path, "r")
            writer.append(END)
        before = (tmp_path / "r.jsonl").read_bytes()
        with pytest.raises(RunError, match="File exists"):
            LogWriter(tmp_path, "r")
        assert (tmp_path / "r.jsonl").read_bytes() == before
        assert not (tmp_path / "r.lock").exists()

    def test_a_folder_that_cannot_be_is_a_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(RunError) as raised:
            LogWriter(tmp_path / "file" / "runs", "r")
        assert "Not a directory" in raised.value.message
        assert "--memories" in raised.value.remedy

    @pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no list of open files on this system")
    def test_no_file_stays_open_when_another_thread_closes_the_log(self, tmp_path: Path) -> None:
        def held() -> list[Path]:
            found = []
            for fd in Path("/proc/self/fd").iterdir():
                with suppress(OSError):  # the one that lists them is gone by now
                    found.append(fd.readlink())
            return [path for path in found if tmp_path in path.parents]

        writer = LogWriter(tmp_path, "r")
        writer.append(STARTED)
        writer.append(END)
        assert len(held()) == 2
        thread = threading.Thread(target=writer.close)
        thread.start()
        thread.join()
        assert held() == []

    @pytest.mark.parametrize("extra", [0, 1, 60])
    def test_a_full_disk_refuses_an_event_whole(self, tmp_path: Path, writer: LogWriter, extra: int) -> None:
        writer.append(STARTED)
        before = (tmp_path / "r.jsonl").read_bytes()
        on_small_disk(writer, len(before) + extra)
        with pytest.raises(RunError) as raised:
            writer.append(TraceChunk("zero_shot", 0, "word " * 40, 40))
        assert "No space left on device" in raised.value.message
        assert str(tmp_path / "r.jsonl") in raised.value.message
        assert (tmp_path / "r.jsonl").read_bytes() == before

    def test_what_fits_after_a_refusal_follows_on(self, tmp_path: Path, writer: LogWriter) -> None:
        writer.append(STARTED)
        on_small_disk(writer, (tmp_path / "r.jsonl").stat().st_size + 300)
        with pytest.raises(RunError):
            writer.append(TraceChunk("zero_shot", 0, "word " * 100, 100))
        ending = Failed("RunError", "The disk is full.", "")
        writer.append(ending)
        assert [(entry.seq, entry.event) for entry in read(tmp_path, "r")[0]] == [(0, STARTED), (1, ending)]

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
    def test_the_kernels_own_full_disk(self, writer: LogWriter) -> None:
        writer.append(STARTED)
        writer._file.close()
        writer._file = io.FileIO("/dev/full", "r+b")
        with pytest.raises(RunError, match="No space left on device"):
            writer.append(END)

    def test_a_disk_that_takes_a_line_in_pieces(self, tmp_path: Path, writer: LogWriter) -> None:
        class Slow(SmallDisk):
            def write(self, data: bytes) -> int:  # type: ignore[override]
                return super().write(bytes(data)[:7])

        writer.append(STARTED)
        writer._file.close()
        writer._file = Slow(writer.path, 1 << 20)
        writer.append(END)
        assert events(read(tmp_path, "r")[0]) == [STARTED, END]


class TestRecovering:
    @pytest.mark.parametrize("half", ["", '{"seq": 2, "at"', '{"seq": 2, "at": 0.1, "kind": "queued", "ahead": 1}'])
    def test_a_killed_run_is_closed(self, tmp_path: Path, half: str) -> None:
        chunk = "writer.append(TraceChunk('zero_shot', 0, 'Ä', 1))"
        process = child(PRELUDE + f"start(); {chunk}; writer._file.write(sys.argv[2].encode()); tell()", tmp_path, half)
        assert output(process).readline() == "ready\n"
        kill(process)
        assert recover(tmp_path) == ["r"]
        entries, cursor = read(tmp_path, "r")
        assert [entry.seq for entry in entries] == [0, 1, 2]
        assert isinstance(entries[2].event, Failed)
        assert entries[2].event.error == "Interrupted"
        assert entries[2].at == entries[1].at
        assert cursor == (tmp_path / "r.jsonl").stat().st_size
        assert [path.name for path in tmp_path.iterdir()] == ["r.jsonl"]
        assert recover(tmp_path) == []

    def test_a_run_killed_in_its_first_line_leaves_nothing(self, tmp_path: Path) -> None:
        process = child(PRELUDE + "writer._file.write(b'{\"seq\"'); tell()", tmp_path)
        assert output(process).readline() == "ready\n"
        kill(process)
        assert recover(tmp_path) == ["r"]
        assert list(tmp_path.iterdir()) == []

    def test_the_run_of_a_live_process_is_left_alone(self, tmp_path: Path) -> None:
        process = child(
            PRELUDE + "start(); tell(); writer.append(RunFinished(Timing(0, 0, 0, 0, 0))); writer.close()", tmp_path
        )
        assert output(process).readline() == "ready\n"
        before = (tmp_path / "r.jsonl").read_bytes()
        assert recover(tmp_path) == []
        assert (tmp_path / "r.jsonl").read_bytes() == before
        came = follow(tmp_path, "r", poll_seconds=0.001)
        assert next(came).event.kind == "run_started"
        process.communicate("go on\n", timeout=SECONDS)
        assert [entry.event.kind for entry in came] == ["run_finished"]
        assert [path.name for path in tmp_path.iterdir()] == ["r.jsonl"]

    def test_a_follower_in_another_process_hears_of_the_death(self, tmp_path: Path) -> None:
        process = child(PRELUDE + "start(); tell()", tmp_path)
        assert output(process).readline() == "ready\n"
        came = follow(tmp_path, "r", poll_seconds=0.001)
        assert next(came).event.kind == "run_started"
        kill(process)
        with pytest.raises(RunError, match="breaks off"):
            soon(lambda: next(came))

    @pytest.mark.parametrize("lines", [1, 40, 400])
    def test_killed_at_any_moment_the_log_stays_whole(self, tmp_path: Path, lines: int) -> None:
        chunk = "writer.append(TraceChunk('zero_shot', 0, 'ä' * (n % 97), n))"
        process = child(PRELUDE + f"start()\nfor n in range(10**9): {chunk}; print(n, flush=True)", tmp_path)
        for _ in range(lines):
            output(process).readline()
        kill(process)
        assert recover(tmp_path) == ["r"]
        entries, _ = read(tmp_path, "r")
        assert [entry.seq for entry in entries] == list(range(len(entries)))
        assert len(entries) >= lines + 2
        assert entries[-1].event.kind == "failed"

    def test_a_run_with_an_ending_only_loses_its_lock(self, tmp_path: Path) -> None:
        with LogWriter(tmp_path, "r") as writer:
            writer.append(STARTED)
            writer.append(END)
        (tmp_path / "r.lock").touch()
        (tmp_path / "gone.lock").touch()
        before = (tmp_path / "r.jsonl").read_bytes()
        assert recover(tmp_path) == []
        assert (tmp_path / "r.jsonl").read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["r.jsonl"]

    def test_a_damaged_log_does_not_keep_the_others_from_being_closed(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_text("garbage\n")
        (tmp_path / "a.lock").touch()
        with LogWriter(tmp_path, "r") as writer:
            writer.append(STARTED)
        assert recover(tmp_path) == ["r"]
        assert (tmp_path / "a.jsonl").read_text() == "garbage\n"
        assert not (tmp_path / "a.lock").exists()

    @pytest.mark.parametrize(
        "refusal", [PermissionError(13, "Permission denied"), OSError(30, "Read-only file system")]
    )
    def test_a_folder_that_cannot_be_written_is_left_for_later(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: OSError
    ) -> None:
        with LogWriter(tmp_path, "r") as writer:
            writer.append(STARTED)

        def refuse(*_: object) -> None:
            raise refusal

        with monkeypatch.context() as patch:
            patch.setattr("elm_app.runs.event_log.os.truncate", refuse)
            assert recover(tmp_path) == []
        assert recover(tmp_path) == ["r"]
