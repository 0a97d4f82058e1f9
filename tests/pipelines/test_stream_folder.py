"""A stream's files: what an interruption, a spreadsheet or a second process can do to them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from elm_app.core.errors import BadInput, RunError
from elm_app.core.results import ArmResult, StreamRow
from elm_app.core.types import Problem
from elm_app.pipelines.stream.folder import COLUMNS, Current, Plan, StreamFolder, to_csv

PLAN = Plan("run-1", "eggs.jsonl", (Problem("1?\u2028½", "a", "1"), Problem("2?", "b")), {"samples": 4})


def row(number: int, **changes: Any) -> StreamRow:
    arm = ArmResult("7", True, 0.75, 40)
    made = StreamRow(
        number=number,
        id=f"p{number}",
        problem="1?",
        gold="7",
        answer="7",
        right=True,
        source="zero_shot",
        zero_shot=arm,
        memory=None,
        retrieved=None,
        score=None,
        learned=None,
        enabled=False,
        reason="All agree.",
        label_accuracy=None,
        tokens=40,
        learn_tokens=0,
        seconds=1.5,
        solve=f"s{number}",
        learn=None,
    )
    return replace(made, **changes)


@pytest.fixture
def folder(tmp_path: Path) -> StreamFolder:
    made = StreamFolder(tmp_path / "deep" / "out")
    made.create(PLAN)
    return made


def lines_of(folder: StreamFolder) -> list[bytes]:
    return (folder.path / "results.jsonl").read_bytes().splitlines(keepends=True)


def test_the_plan_is_read_back(folder: StreamFolder) -> None:
    assert folder.plan() == PLAN
    assert (folder.rows(), folder.current()) == ([], None)


def test_a_row_that_was_cut_off_is_not_there_and_goes_at_the_next_start(folder: StreamFolder) -> None:
    rows = [row(1, answer="½ \u2028 \n"), row(2, memory=ArmResult(None, False, 0.0, 9), score=0.5)]
    with folder.claimed():
        for one in rows:
            folder.append(one)
    whole = b"".join(lines_of(folder))
    second = lines_of(folder)[1]
    for length in (0, 1, len(second) // 2, second.index("½".encode()) + 1 if "½".encode() in second else 7):
        (folder.path / "results.jsonl").write_bytes(whole[: -len(second)] + second[:length])
        assert folder.rows() == rows[:1]
        with folder.claimed():
            folder.append(rows[1])
        assert b"".join(lines_of(folder)) == whole
        table = list(csv.DictReader(io.StringIO((folder.path / "results.csv").read_text(encoding="utf-8"))))
        assert [line["number"] for line in table] == ["1", "2"]


def test_a_line_without_its_end_is_cut_off_wherever_that_is(folder: StreamFolder) -> None:
    with folder.claimed():
        folder.append(row(1, answer="½"))
    whole = lines_of(folder)[0]
    for length in range(len(whole)):
        (folder.path / "results.jsonl").write_bytes(whole[:length])
        assert folder.rows() == []


@pytest.mark.parametrize(
    ("numbers", "said"), [([2], "lines missing, or twice"), ([1, 3], "lines missing"), ([1, 1], "twice")]
)
def test_lines_that_are_missing_or_there_twice(folder: StreamFolder, numbers: list[int], said: str) -> None:
    for number in numbers:
        folder.append(row(number))
    with pytest.raises(BadInput, match=said):
        folder.rows()
    with pytest.raises(BadInput, match=said), folder.claimed():
        pass
    with pytest.raises(BadInput, match=said):  # and the lock is free again
        folder.rows()


@pytest.mark.parametrize(
    "damage", [b"\xff\xfe\n", b"[]\n", b'{"number": 1}\n', b"null\n", b"\0\0\0\n", b'{"number": "1"'.ljust(99) + b"\n"]
)
def test_a_line_that_is_no_row_is_said(folder: StreamFolder, damage: bytes) -> None:
    (folder.path / "results.jsonl").write_bytes(damage)
    with pytest.raises(BadInput, match=r"results\.jsonl cannot be read"):
        folder.rows()


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("stream.json", b"{"),
        ("stream.json", b"[]"),
        ("stream.json", b"\xff"),
        ("stream.json", b'{"id": "x", "name": "y", "settings": {}}'),
        ("stream.json", b'{"id": "x", "name": "y", "settings": 7, "ids": ["a", "b"]}'),
        ("problems.jsonl", b""),
        ("problems.jsonl", b'{"problem": "1?", "id": "a"}\n'),
        ("problems.jsonl", b"\x89PNG\xff"),
    ],
)
def test_a_plan_that_is_damaged_is_said(folder: StreamFolder, file: str, data: bytes) -> None:
    (folder.path / file).write_bytes(data)
    with pytest.raises(BadInput) as caught:
        folder.plan()
    assert caught.value.remedy


def test_a_spreadsheet_finds_no_formulas() -> None:
    def told(text: str) -> dict[str, str]:
        table = to_csv([row(1, problem=text, answer=text, id=text, gold=text)])
        (line,) = csv.DictReader(io.StringIO(table, newline=""))
        return line

    hostile = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=", "-"]
    for text in hostile:
        line = told(text)
        assert {line[name] for name in ("problem", "answer", "id", "gold")} == {"'" + text}
    for plain in ("-5", "+2.5", "7", "a=b", "x - y", ""):
        assert told(plain)["answer"] == plain


def test_a_table_has_a_line_a_row_whatever_stands_in_it() -> None:
    rows = [
        row(1, problem='She said "two",\nand\r\nleft;', reason="a\rb"),
        row(2, answer=None, zero_shot=ArmResult(None, None, 0.0, 3)),
    ]
    first, second = csv.DictReader(io.StringIO(to_csv(rows), newline=""))
    assert list(first) == COLUMNS
    assert (first["problem"], first["reason"]) == (rows[0].problem, "a\rb")
    assert (second["answer"], second["zero_shot_answer"], second["memory_answer"]) == ("", "", "")


def test_one_at_a_time(folder: StreamFolder) -> None:
    other = StreamFolder(folder.path)
    with folder.claimed():
        for attempt in (lambda: other.claimed().__enter__(), lambda: other.create(replace(PLAN, id="run-2"))):
            with pytest.raises(BadInput, match="goes on elsewhere"):
                attempt()
        assert other.plan() == PLAN  # a second stream has not taken the place of one at its first problem
    with other.claimed():
        pass


def test_a_stream_of_which_nothing_is_done_may_be_begun_anew(folder: StreamFolder) -> None:
    folder.begin(Current(1, "s", "l"))
    (folder.path / "results.jsonl").write_bytes(b'{"number": 1')
    again = Plan("run-2", "x", PLAN.problems[:1], {})
    folder.create(again)
    assert (folder.plan(), folder.current()) == (again, None)
    folder.append(row(1))  # stands behind the half line: `claimed` comes first
    with pytest.raises(BadInput):
        folder.rows()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b'{"number": 1}', b'{"number": "x", "solve": 1}'])
def test_a_note_of_the_runs_that_cannot_be_read_is_none(folder: StreamFolder, data: bytes) -> None:
    (folder.path / "current.json").write_bytes(data)
    assert folder.current() is None
    folder.begin(Current(2, "s", "l", ("e",)))
    assert folder.current() == Current(2, "s", "l", ("e",))


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match="cannot be written"):
        StreamFolder(tmp_path / "file" / "out").create(PLAN)


def test_a_row_is_a_line_of_json(folder: StreamFolder) -> None:
    folder.append(row(1))
    told = json.loads(lines_of(folder)[0])
    assert told["zero_shot"] == {"answer": "7", "right": True, "agreement": 0.75, "tokens": 40}
    assert (told["memory"], told["number"]) == (None, 1)
