"""Files of problems: JSON lines, a JSON array, CSV, text or parquet, as people have them (`problem_files`)."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from elm_app.answers.imported_traces import BadRow
from elm_app.answers.reading import key
from elm_app.core.errors import BadInput
from elm_app.core.text import count
from elm_app.core.types import Problem
from elm_app.pipelines.problem_files.columns import Columns
from elm_app.pipelines.problem_files.decode import decode, unpack
from elm_app.pipelines.problem_files.parquet import is_parquet, read_parquet
from elm_app.pipelines.problem_files.rows import read_rows
from elm_app.pipelines.problem_files.table import FIX, Table

Order = Literal["file", "shuffled"]
_SHOWN = 5  # bad rows, or warnings, named
_SAME_ID = "its id"


@dataclass(frozen=True)
class ProblemsFile:
    """The good rows and the bad ones, each in the order of the file.

    Attributes:
        assumed: what was guessed to read it, in words that go on from "read as"; empty if nothing had to be.
        warnings: sentences about what may not be meant.
        unit: what the number of a bad row counts, lines of the file or rows.
    """

    problems: tuple[Problem, ...]
    bad: tuple[BadRow, ...] = ()
    assumed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unit: Literal["line", "row"] = "line"


def read_problems(
    data: bytes, name: str, skip_bad: bool = False, columns: Mapping[str, str] | None = None
) -> ProblemsFile:
    """Read the bytes of a file called `name`.

    A row's number is that of its line in the file, blank lines counted; in a JSON array or parquet, where lines mean
    nothing, that of the row. An id that is not given is `line-N` or `row-N`.

    Args:
        columns: the names of the columns for `problem`, `answer`, `id` and `source`, where they are not to be found
            (`problem_files.columns`).

    Raises:
        BadInput: it cannot be read, it has no problems, or a row is bad and `skip_bad` is False.
    """
    data, suffix, assumed = unpack(data, name)
    chosen = Columns(columns)
    if is_parquet(data):
        table = read_parquet(data, name)
    else:
        if suffix == ".parquet":
            raise BadInput(f"{name} is not parquet, or not the whole file.", "Download or write it again.")
        text, encoding = decode(data, name)
        table, assumed = read_rows(text, name, suffix, chosen), (*assumed, *encoding)
    chosen.choose(name, table)
    chosen.decimal_comma = table.decimal_comma
    problems: list[Problem] = []
    numbers: dict[str, int] = {}
    bad: list[BadRow] = []
    for number, row in table.rows:
        if isinstance(row, str):
            bad.append(BadRow(number, row))
            continue
        try:
            problem = chosen.problem(row, number, table.unit)
            if problem.id in numbers:
                raise ValueError(f"{_SAME_ID} {problem.id!r} is that of {table.unit} {numbers[problem.id]}")
        except ValueError as error:
            bad.append(BadRow(number, str(error)))
            continue
        numbers[str(problem.id)] = number
        problems.append(problem)
    _check(problems, bad, name, skip_bad, table)
    warnings = (*_unanswered(problems), *_contradictions(zip(numbers.values(), problems, strict=True), table.unit))
    said = (*assumed, *table.assumed, *chosen.assumed())
    return ProblemsFile(tuple(problems), tuple(bad), said, warnings, table.unit)


def arranged(problems: Sequence[Problem], order: Order, seed: int, limit: int | None = None) -> tuple[Problem, ...]:
    """The problems in the order in which they are asked, at most `limit` of them; the seed fixes a shuffled order."""
    found = list(problems)
    if order == "shuffled":
        random.Random(seed).shuffle(found)
    return tuple(found[:limit])


def to_lines(problems: Sequence[Problem]) -> str:
    """The problems as JSON lines, which `read_problems` reads back."""
    rows = ({name: value for name, value in vars(problem).items() if value is not None} for problem in problems)
    return "".join(
        json.dumps({("problem" if k == "text" else k): v for k, v in row.items()}, ensure_ascii=False) + "\n"
        for row in rows
    )


def _check(problems: list[Problem], bad: list[BadRow], name: str, skip_bad: bool, table: Table) -> None:
    if bad and (not skip_bad or not problems):
        shown = "; ".join(f"{table.unit} {row.number}: {row.reason}" for row in bad[:_SHOWN])
        more = f"; and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        rest = f"; or leave bad rows out (--skip-bad), {len(problems)} are good" if problems else ""
        if any(row.reason.startswith(_SAME_ID) for row in bad):
            rest += "; or number the rows instead (--columns id=)"
        raise BadInput(f"{name} has {count(len(bad), 'bad row')}: {shown}{more}.", f"{FIX}{rest}.")
    if not problems:
        raise BadInput(f"There are no problems in {name}.", f"{FIX}.")


def _unanswered(problems: Sequence[Problem]) -> tuple[str, ...]:
    if any(problem.answer is not None for problem in problems):
        return ()
    return ("No right answers were found, so nothing can be graded: agreement is shown instead of accuracy.",)


def _contradictions(numbered: Iterable[tuple[int, Problem]], unit: str) -> tuple[str, ...]:
    """A sentence for each text that is there more than once, with answers that differ."""
    same: dict[str, dict[str, str]] = {}
    for number, problem in numbered:
        if problem.answer is not None:
            told = f"{problem.answer[:40]} ({unit} {number})"
            same.setdefault(" ".join(problem.text.split()), {}).setdefault(key(problem.answer), told)
    found = [
        f'The same problem has different answers: {", ".join(list(answers.values())[:_SHOWN])}, "{text[:60]}".'
        for text, answers in same.items()
        if len(answers) > 1
    ]
    more = (f"{len(found) - _SHOWN} more problems have different answers.",) if len(found) > _SHOWN else ()
    return (*found[:_SHOWN], *more)
