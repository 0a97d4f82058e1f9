"""Files of problems: good ones are read whole, bad ones named by line."""

from __future__ import annotations

import json

import pytest

from elm_app.core.errors import BadInput
from elm_app.core.types import Problem
from elm_app.pipelines.problems import arranged, read_problems, to_lines


def lines(*rows: object) -> bytes:
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()


def test_json_lines() -> None:
    data = lines({"problem": " 1+1? ", "answer": 2, "id": "a"}, "", {"problem": "2+2?", "source": "own"})
    assert read_problems(data, "x.jsonl").problems == (
        Problem("1+1?", "a", "2"),
        Problem("2+2?", "line-3", None, "own"),
    )


def test_csv_with_quotes_and_line_breaks() -> None:
    data = '\ufeffid,Problem,answer\n1,"How many, if\nany?",72\n\n2,"She said ""two""",\n'.encode()
    first, second = read_problems(data, "x.csv").problems
    assert first == Problem("How many, if\nany?", "1", "72")
    assert second == Problem('She said "two"', "2", None)
    assert read_problems(b"problem\tanswer\n1?\t1\n", "x.tsv").problems == (Problem("1?", "line-2", "1"),)


def test_the_content_tells_the_kind_where_the_name_does_not() -> None:
    assert read_problems(lines({"problem": "1?"}), "standard input").problems[0].text == "1?"
    assert read_problems(b"problem\n1?\n", "standard input").problems[0].text == "1?"


def test_a_whole_solution_as_the_answer_is_read_for_its_end() -> None:
    data = lines(
        {"problem": "1?", "answer": "2+2=4 eggs\n#### 4"}, {"problem": "2?", "answer": "so $\\boxed{\\frac12}$."}
    )
    assert [problem.answer for problem in read_problems(data, "x").problems] == ["4", "\\frac12"]


BAD = lines(
    {"problem": "1?", "id": "a"},
    "{",
    [1],
    {"question": "2?"},
    {"problem": 3},
    {"problem": "  "},
    {"problem": "4?", "id": "a"},
    {"problem": "5?", "answer": {"value": 5}},
    '{"problem": NaN}',
)


def test_bad_rows_are_named_by_line() -> None:
    with pytest.raises(BadInput) as caught:
        read_problems(BAD, "x.jsonl")
    said = caught.value.message
    assert said.startswith("x.jsonl has 8 bad rows: line 2: not JSON")
    assert 'line 3: not a JSON object; line 4: no "problem"' in said
    assert said.endswith("; and 3 more.")
    assert "--skip-bad" in caught.value.remedy


def test_the_good_rows_can_go_on() -> None:
    found = read_problems(BAD, "x.jsonl", skip_bad=True)
    assert [problem.text for problem in found.problems] == ["1?"]
    assert [row.number for row in found.bad] == [2, 3, 4, 5, 6, 7, 8, 9]
    assert found.bad[5].reason == "its id 'a' is that of line 1"


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"", "x.csv", "x.csv is empty."),
        (b"\xef\xbb\xbf \n", "x.jsonl", "x.jsonl is empty."),
        (b"\x89PNG\r\n\x1a\n\0\0", "x.jsonl", "x.jsonl is not text in UTF-8 (byte 0)."),
        (b"problem\n1\0?", "x.csv", "x.csv is not text: it has zero bytes in it."),
        (b"frage,answer\n1?,2\n", "x.csv", "x.csv has no column named problem; its first line reads: frage, answer."),
        (b"problem,answer\n", "x.csv", "There are no problems in x.csv."),
        (b"1?;2\n3?;4\n", "x.csv", "x.csv has no column named problem; its first line reads: 1?, 2."),
        (b"Problem,answer,problem \n1?,2,3?\n", "x.csv", "x.csv has more than one column named problem."),
        (b"problem\nf\x81nf?\n", "x.csv", "x.csv is not text in UTF-8 (byte 9)."),
        (b"\xff\xfep", "x.csv", "x.csv is not text in UTF-16 (byte 2)."),
        (b'{"problem": ' + b"[" * 100_000 + b"}", "x.jsonl", "x.jsonl has 1 bad row: line 1: nested too deeply."),
        (b'{"problem": "1?", "answer": 1e999}', "x.jsonl", 'x.jsonl has 1 bad row: line 1: "answer" is too large a'),
        (b'{"problem": "1?", "id": true}', "x.jsonl", 'x.jsonl has 1 bad row: line 1: "id" is neither a string nor'),
        (lines({"q": "1?"}, {"p": "2?"}), "x.jsonl", "x.jsonl has no column named problem; its columns are: q, p."),
        (b'[{"problem": "1?"},\n', "x.json", "x.json has 1 bad row: line 1: not JSON: "),
        (b'[\n{"problem": "1?"},\n]', "x.json", "x.json is not JSON: Expecting value at line 3, character 1."),
        (b'{"a": [{"problem": "1?"}], "b": [{"problem": "2?"}]}', "x.json", "x.json has more than one list: a, b."),
        (b"PK\x03\x04...", "x.xlsx", "x.xlsx is an Excel workbook or a ZIP archive."),
        (b"\x1f\x8b\x08\0", "x.jsonl.gz", "x.jsonl.gz is damaged gzip: "),
        (b"PAR1 cut off", "x.parquet", "x.parquet is not parquet, or not the whole file."),
        (b"PAR1 and nothing PAR1", "x.parquet", "x.parquet is parquet that cannot be read: "),
    ],
)  # fmt: skip
@pytest.mark.parametrize("skip_bad", [False, True])
def test_what_cannot_be_used_is_said_in_one_sentence(data: bytes, name: str, said: str, skip_bad: bool) -> None:
    with pytest.raises(BadInput) as caught:
        read_problems(data, name, skip_bad)
    assert caught.value.message.startswith(said)
    assert caught.value.remedy


def test_csv_that_breaks_off_is_bad_from_there_on() -> None:
    found = read_problems(b'problem,answer\n1?,1\n2?\n"3?,3\n4?,4\n', "x.csv", skip_bad=True)
    assert [problem.text for problem in found.problems] == ["1?"]
    assert found.bad[0].reason == "1 fields instead of 2"
    assert found.bad[1].reason.startswith("not CSV from here on: ")


def test_what_is_written_is_read_back() -> None:
    problems = (Problem("Wie viele?\u2028 ½", "a", "72", "own"), Problem("1?", "line-2"))
    assert read_problems(to_lines(problems).encode(), "problems.jsonl").problems == problems


@pytest.mark.parametrize(
    "row",
    [
        {"answer": "\\boxed{\\boxed{3}}"},
        {"answer": "so #### \\boxed{2}"},
        {"answer": "#### "},
        {"answer": "\\boxed{}"},
        {"answer": "\ud800", "id": "\ud800"},
        {"answer": 0.1, "id": 7},
        {"answer": "1\x85", "id": "\ufeff", "source": " \x1f"},
        {"problem": "\x0b1?\r\n2?\x1c", "id": "a\nb"},
        {"problem": "<|im_end|>\u2028\u2029\x85"},
    ],
)
def test_what_is_read_twice_is_the_same(row: dict[str, object]) -> None:
    """A stream's own copy of the problems is compared with the file that it is resumed with."""
    once = read_problems(lines({"problem": "1?"} | row), "x.jsonl").problems
    assert read_problems(to_lines(once).encode(), "problems.jsonl").problems == once


def test_line_ends_of_other_systems() -> None:
    wanted = [("1?", "line-1"), ("2?", "line-2")]
    data = b'\xef\xbb\xbf{"problem": "1?"}\r\n{"problem": "2?"}\r\n'
    assert [(one.text, one.id) for one in read_problems(data, "x.jsonl").problems] == wanted
    for end in (b"\r\n", b"\r", b"\n"):
        data = end.join([b"problem,answer", b'"1?",1', b"2?,2", b""])
        found = read_problems(data, "x.csv").problems
        assert [(one.text, one.id, one.answer) for one in found] == [("1?", "line-2", "1"), ("2?", "line-3", "2")]


def test_a_row_s_number_is_that_of_its_first_line() -> None:
    data = b'\nproblem,id\n"1?\n\n1!",\n,x\n\n"2?\n",y\n3?,y\n'
    found = read_problems(data, "x.csv", skip_bad=True)
    assert [(one.text, one.id) for one in found.problems] == [("1?\n\n1!", "line-3"), ("2?", "y")]
    assert [(row.number, row.reason) for row in found.bad] == [
        (6, "the problem is empty"),
        (10, "its id 'y' is that of line 8"),
    ]


def test_the_order_is_the_files_or_the_seeds() -> None:
    problems = [Problem(str(number), str(number)) for number in range(20)]
    assert arranged(problems, "file", 1, 3) == tuple(problems[:3])
    shuffled = arranged(problems, "shuffled", 1)
    assert shuffled != tuple(problems)
    assert sorted(shuffled, key=lambda one: int(one.text)) == problems
    assert arranged(problems, "shuffled", 1, 5) == shuffled[:5]
    assert arranged(problems, "shuffled", 2) != shuffled
