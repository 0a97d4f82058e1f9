"""Kinds of files: each is read as its owner means it, and what was guessed is said."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from elm_app.core.errors import BadInput
from elm_app.pipelines.problems import ProblemsFile, read_problems

ROWS = [
    {"problem": "Wie viele Äpfel?", "answer": "8"},
    {"problem": "Wie viele Birnen, wenn 2,5 fehlen?", "answer": "9"},
]
READ = [(row["problem"], row["answer"]) for row in ROWS]


def read(found: ProblemsFile) -> list[tuple[str, str | None]]:
    return [(problem.text, problem.answer) for problem in found.problems]


def delimited(by: str, end: str = "\r\n") -> str:
    cells = [["problem", "answer"], *([row["problem"], row["answer"]] for row in ROWS)]
    return end.join(by.join(f'"{cell}"' if by in cell else cell for cell in line) for line in cells) + end


def parquet(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), out)
    return out.getvalue()


LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
WINDOWS = "Windows-1252, not being UTF-8 (byte {}; if letters look wrong, save it as UTF-8)"


@pytest.mark.parametrize(
    ("name", "data", "assumed"),
    [
        ("x.jsonl", LINES.encode(), ()),
        ("x.jsonl", LINES.replace("\n", "\r").encode("utf-8-sig"), ()),
        ("x.csv", delimited(",").encode(), ()),
        ("x.csv", delimited(",", "\r").encode("utf-8-sig"), ()),
        ("x.csv", delimited(";").encode(), ("CSV with semicolons",)),
        ("x.csv", ("sep=;\r\n" + delimited(";")).encode("utf-8-sig"), ()),
        ("x.csv", ("SEP=\t\r\n" + delimited("\t")).encode(), ()),
        ("x.csv", ('"sep=|"\n' + delimited("|", "\n")).encode(), ()),
        ("x.csv", delimited("\t").encode("utf-16"), ("UTF-16", "CSV with tabs")),
        ("x.csv", b"\xfe\xff" + delimited(";").encode("utf-16-be"), ("UTF-16", "CSV with semicolons")),
        ("x.csv", delimited(",").encode("cp1252"), (WINDOWS.format(26),)),
        ("x.tsv", delimited("\t").encode(), ()),
        ("x.txt", delimited("\t").encode(), ("CSV with tabs",)),
        ("x.txt", delimited(",").encode(), ("CSV with commas",)),
        ("x.txt", LINES.encode(), ()),
        ("x.json", json.dumps(ROWS, indent=2).encode(), ()),
        ("x", json.dumps(ROWS).encode(), ()),
        ("x.json", json.dumps({"version": "1", "data": ROWS}, indent=1).encode(), ()),
        ("x.jsonl", json.dumps({"tags": [{"a": 1}], "problems": ROWS}).encode(), ()),
        ("x.jsonl.gz", gzip.compress(LINES.encode()), ("gzip",)),
        ("x.json.gz", gzip.compress(json.dumps(ROWS).encode()), ("gzip",)),
        ("x.csv", gzip.compress(delimited(";").encode("utf-16")), ("gzip", "UTF-16", "CSV with semicolons")),
        ("x.parquet", parquet(ROWS), ()),
        ("x.bin", gzip.compress(parquet(ROWS)), ("gzip",)),
    ],
)
def test_every_kind_holds_the_same_problems(name: str, data: bytes, assumed: tuple[str, ...]) -> None:
    found = read_problems(data, name)
    assert read(found) == READ
    assert found.assumed == assumed
    assert found.warnings == ()


def test_a_problem_a_line() -> None:
    data = "1. What is 2+2, if any?\r\n\r\n2. What\tis 3+3?\u2028Say it.\r\n[4] + [4]?".encode()
    found = read_problems(data, "homework.txt")
    assert [(one.text, one.id) for one in found.problems] == [
        ("1. What is 2+2, if any?", "line-1"),
        ("2. What\tis 3+3?\u2028Say it.", "line-3"),
        ("[4] + [4]?", "line-4"),
    ]
    assert found.assumed == ("a problem a line",)
    assert found.warnings[0].startswith("No right answers were found")


def test_sentences_with_commas_are_no_table() -> None:
    data = b"Question, is 4 even?\nOr, to say it in other words, odd?\n"
    assert read_problems(data, "x.txt").assumed == ("a problem a line",)
    with pytest.raises(BadInput, match="its first line reads: Aufgabe, Wert"):
        read_problems(b"Aufgabe\tWert\n1?\t2\n", "x.txt")


def test_rows_are_counted_where_lines_mean_nothing() -> None:
    rows = [{"problem": "1?", "answer": 2.0}, {"problem": None, "answer": 3.0}, {"problem": "4?", "answer": None}]
    for name, data in (("x.json", json.dumps(rows, indent=1).encode()), ("x.parquet", parquet(rows))):
        with pytest.raises(BadInput, match="has 1 bad row: row 2: the problem is empty"):
            read_problems(data, name)
        found = read_problems(data, name, skip_bad=True)
        assert [(one.id, one.answer) for one in found.problems] == [("row-1", "2"), ("row-3", None)]
        assert found.unit == "row"
    with pytest.raises(BadInput, match="row 2: not a JSON object"):
        read_problems(b'[{"problem": "1?"},\n"2?"]', "x.json")


def test_dicts_and_lists_in_parquet() -> None:
    rows = [
        {
            "prompt": [{"role": "system", "content": "Think."}, {"role": "user", "content": "8+9?"}],
            "reward_model": {"ground_truth": ["17"], "style": "rule"},
            "extra_info": {"index": "train-4"},
        },
        {
            "prompt": [{"role": "user", "content": "8-9?"}],
            "reward_model": {"ground_truth": [], "style": None},
            "extra_info": None,
        },
    ]
    first, second = read_problems(parquet(rows), "x.parquet").problems
    assert (first.text, first.answer, first.id) == ("8+9?", "17", "train-4")
    assert (second.text, second.answer, second.id) == ("8-9?", None, "row-2")


def test_a_cell_may_be_long() -> None:
    long = "x" * 150_000
    assert read_problems(f"problem,answer\n{long},1\n".encode(), "x.csv").problems[0].text == long
    assert read_problems(f"{long}\n".encode(), "x.txt").problems[0].text == long


def test_a_pretty_object_is_one_row() -> None:
    data = json.dumps({"prompt": [{"role": "user", "content": "1?"}]}, indent=2).encode()
    found = read_problems(b"\n" + data, "x.json")
    assert [(one.text, one.id) for one in found.problems] == [("1?", "line-2")]


def test_a_byte_order_mark_within_quotes() -> None:
    data = '"\ufeffproblem","answer"\n"1,5?",2\n'.encode()
    assert read(read_problems(data, "x.csv")) == [("1,5?", "2")]
    assert read(read_problems(b"\xef\xbb\xbf" + data, "x.csv")) == [("1,5?", "2")]
