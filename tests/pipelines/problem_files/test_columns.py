"""Which column is what, and what becomes of its values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from elm_app.core.errors import BadInput
from elm_app.core.types import Problem
from elm_app.pipelines.problem_files.columns import parse_columns
from elm_app.pipelines.problems import ProblemsFile, read_problems, to_lines


def of(*rows: dict[str, Any], **columns: str) -> ProblemsFile:
    return read_problems("\n".join(json.dumps(row) for row in rows).encode(), "x.jsonl", columns=columns)


def chat(*turns: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in turns]


@pytest.mark.parametrize(
    ("row", "problem", "assumed"),
    [
        ({"Problem": "1?", "ANSWER": 10, "ID": "a", "Source": "own"}, Problem("1?", "a", "10", "own"), ()),
        (
            {"Question": "1?", "Final Answer": "9"},
            Problem("1?", "line-1", "9"),
            ('problem from "Question"', 'answer from "Final Answer"'),
        ),
        (
            {"input": "1?", "target": 9, "unique_id": "t/1"},
            Problem("1?", "t/1", "9"),
            ('problem from "input"', 'answer from "target"', 'id from "unique_id"'),
        ),
        (
            {"problem": "1?", "question": "2?", "answer": "9", "ground_truth": "8", "solution": "#### 7"},
            Problem("1?", "line-1", "9"),
            ('problem from "problem", not "question"', 'answer from "answer", not "ground_truth"'),
        ),
        (
            {"problem": "1?", "answer": None, "solution": "so $\\boxed{\\frac{2}{3}}$"},
            Problem("1?", "line-1", "\\frac{2}{3}"),
            ('answer from the end of "solution"',),
        ),
        ({"problem": "1?", "solution": "It is 7."}, Problem("1?", "line-1"), ()),
        (
            {"prompt": chat(("system", "s"), ("user", "0?"), ("assistant", "0"), ("user", " 1? ")), "data_source": "d"},
            Problem("1?", "line-1", None, "d"),
            ('problem from "prompt"', 'source from "data_source"', 'the last turn of the user in "prompt"'),
        ),
        (
            {"problem": "1?", "reward_model": {"ground_truth": '["34"]'}, "extra_info": {"index": 5}},
            Problem("1?", "5", "34"),
            ('answer from "reward_model.ground_truth"', 'id from "extra_info.index"'),
        ),
        (
            {"problem": "1?", "answer": "4 are 3 more.\n#### 7.0"},
            Problem("1?", "line-1", "7"),
            ('the end of the solutions in "answer"',),
        ),
    ],
)
def test_columns_are_found_and_said(row: dict[str, Any], problem: Problem, assumed: tuple[str, ...]) -> None:
    found = of(row)
    assert found.problems == (problem,)
    assert found.assumed == assumed
    assert read_problems(to_lines(found.problems).encode(), "problems.jsonl").problems == found.problems


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (27.0, "27"), ("27.0", "27"), (2.5, "2.5"), (-3.00, "-3"), (10**30, "1" + "0" * 30), (1e20, "1e+20"),
        (["5"], "5"), ([5, 5], "5"), ([], None), ('["5"]', "5"), ("[1, 2]", "[1, 2]"), ("[3]", "[3]"), (" ", None),
        ("so it is 4 #### 4", "4"), ("7,5", "7,5"),
    ],
)  # fmt: skip
def test_what_an_answer_is(answer: Any, read: str | None) -> None:
    found = of({"problem": "1?", "answer": answer}).problems
    assert found[0].answer == read
    assert read_problems(to_lines(found).encode(), "problems.jsonl").problems == found


def test_an_answer_of_several_values_is_a_bad_row() -> None:
    for answer in (["5", "6"], '["5", "6"]'):
        with pytest.raises(BadInput, match='line 1: "answer" is a list of 2 different values'):
            of({"problem": "1?", "answer": answer})


def test_decimal_commas_go_with_semicolons() -> None:
    found = read_problems(b"problem;answer\n1,5?;7,5\n2?;1,250\n", "x.csv")
    assert [(one.text, one.answer) for one in found.problems] == [("1,5?", "7.5"), ("2?", "1,250")]
    assert "decimal commas in answers" in found.assumed


def test_blank_ids_are_none() -> None:
    rows = [{"id": blank, "problem": "1?", "answer": "2"} for blank in ("", " ", None, 0)]
    assert [one.id for one in of(*rows).problems] == ["line-1", "line-2", "line-3", "0"]


def test_ids_that_are_there_twice() -> None:
    rows = [{"id": "a", "problem": "1?", "answer": 1}, {"id": "a", "problem": "2?", "answer": 1}]
    with pytest.raises(BadInput, match="line 2: its id 'a' is that of line 1") as caught:
        of(*rows)
    assert "--columns id=" in caught.value.remedy
    assert [one.id for one in of(*rows, id="").problems] == ["line-1", "line-2"]


def test_the_user_says_which_is_which() -> None:
    row = {"problem": "0?", "Aufgabe": {"text": "1?"}, "answer": "8", "l\u00f6sung": "9", "nr": 4.0, "kurs": "7b"}
    found = of(row, **parse_columns("problem=aufgabe.text, answer=Lösung,id=nr,source=kurs"))
    assert found.problems == (Problem("1?", "4", "9", "7b"),)
    assert found.assumed == ()
    assert of(row, answer="").problems[0].answer is None
    table = b"Aufgabe,x.y\n1?,2\n"
    assert read_problems(table, "x.txt", columns=parse_columns("problem=Aufgabe,answer=x.y")).problems[0].answer == "2"


@pytest.mark.parametrize("text", ["problem", "x=y", "problem=", "id=a,id=b", "problem:a"])
def test_columns_that_cannot_be(text: str) -> None:
    with pytest.raises(BadInput, match="columns is"):
        parse_columns(text)


@pytest.mark.parametrize("role", ["problem", "answer", "id"])
def test_a_named_column_must_be_there(role: str) -> None:
    with pytest.raises(BadInput, match=r"x\.jsonl has no column named Frage; its columns are: problem, answer\."):
        of({"problem": "1?", "answer": "2"}, **{role: "Frage"})
    with pytest.raises(BadInput, match="has no column named Frage"):
        read_problems(b"problem,answer\n1?,2\n", "x.csv", columns={role: "Frage"})


def test_bad_prompts_are_bad_rows() -> None:
    rows = [
        {"prompt": chat(("system", "1?"))},
        {"prompt": [1]},
        {"prompt": {"a": 1}},
        {"prompt": "4?"},
        {"x": 1},
    ]
    data = "\n".join(json.dumps(row) for row in rows).encode()
    assert [row.reason for row in read_problems(data, "x.jsonl", skip_bad=True).bad] == [
        'no turn of the user in "prompt"', '"prompt" is not a string', '"prompt" is not a string', 'no "prompt"',
    ]  # fmt: skip


def test_the_same_problem_with_other_answers_is_a_warning() -> None:
    rows = [("1 + 1?", "2"), ("1 +  1?", "3"), ("1 + 1?", "2.0"), ("2?", "1/2"), ("2?", "0.5"), ("2?", None)]
    found = of(*({"problem": text, "answer": answer} for text, answer in rows))
    assert found.warnings == ('The same problem has different answers: 2 (line 1), 3 (line 2), "1 + 1?".',)
    many = of(*({"problem": f"{n // 2}?", "answer": n} for n in range(16)))
    assert len(many.warnings) == 6
    assert many.warnings[-1] == "3 more problems have different answers."
