"""Files of problems: JSON lines or CSV with a column `problem` and, if they are known, `answer`, `id` and `source`."""

from __future__ import annotations

import csv
import io
import json
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from elm_app.answers.extract import extract
from elm_app.answers.traces import BadRow, printable, refuse
from elm_app.errors import BadInput
from elm_app.plural import count
from elm_app.types import Problem

Order = Literal["file", "shuffled"]
_COLUMNS = ("problem", "answer", "id", "source")
_SHOWN = 5  # bad rows named in an error
_FIX = 'Give JSON lines such as {"problem": "…", "answer": "72"}, or CSV with a column named problem'


@dataclass(frozen=True)
class ProblemsFile:
    """The good rows and the bad ones, each in the order of the file."""

    problems: tuple[Problem, ...]
    bad: tuple[BadRow, ...] = ()


def read_problems(data: bytes, name: str, skip_bad: bool = False) -> ProblemsFile:
    """Read the bytes of a file called `name`.

    A row's number is that of its line in the file, blank lines counted. An id that is not given is `line-N`.

    Raises:
        BadInput: it is no text, it has no problems, or a row is bad and `skip_bad` is False.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is not text in UTF-8 (byte {error.start}).", f"{_FIX}, in UTF-8.") from error
    if "\0" in text:
        raise BadInput(f"{name} is not text: it has zero bytes in it.", f"{_FIX}.")
    if not text.strip():
        raise BadInput(f"{name} is empty.", f"{_FIX}.")
    rows = _json_rows(text) if _is_json(text, name) else _csv_rows(text, name)
    problems: list[Problem] = []
    bad: list[BadRow] = []
    seen: dict[str, int] = {}
    for number, row in rows:
        if isinstance(row, str):
            bad.append(BadRow(number, row))
            continue
        try:
            problem = _problem(row, number)
            if problem.id in seen:
                raise ValueError(f"its id {problem.id!r} is that of line {seen[problem.id]}")
        except ValueError as error:
            bad.append(BadRow(number, str(error)))
            continue
        seen[str(problem.id)] = number
        problems.append(problem)
    return _checked(problems, bad, name, skip_bad)


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


def _checked(problems: list[Problem], bad: list[BadRow], name: str, skip_bad: bool) -> ProblemsFile:
    if bad and (not skip_bad or not problems):
        shown = "; ".join(f"line {row.number}: {row.reason}" for row in bad[:_SHOWN])
        more = f"; and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        rest = f"; or leave bad rows out (--skip-bad), {len(problems)} are good" if problems else ""
        raise BadInput(f"{name} has {count(len(bad), 'bad row')}: {shown}{more}.", f"{_FIX}{rest}.")
    if not problems:
        raise BadInput(f"There are no problems in {name}.", f"{_FIX}.")
    return ProblemsFile(tuple(problems), tuple(bad))


def _is_json(text: str, name: str) -> bool:
    suffix = PurePath(name).suffix.lower()
    if suffix in (".jsonl", ".ndjson", ".json"):
        return True
    return suffix not in (".csv", ".tsv") and text.lstrip().startswith("{")


def _json_rows(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Each row with its line's number, or what is wrong with it."""
    for number, line in enumerate(text.split("\n"), 1):  # splitlines() would also cut at a U+2028 inside a string
        if not line.strip():
            continue
        try:
            value = json.loads(line, parse_constant=refuse)
        except RecursionError:
            yield number, "nested too deeply"
        except json.JSONDecodeError as error:  # its own text says "line 1", the row's
            yield number, f"not JSON: {error.msg} at character {error.colno}"
        except ValueError as error:
            yield number, f"not JSON: {error}"
        else:
            yield number, value if isinstance(value, dict) else "not a JSON object"


def _csv_rows(text: str, name: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    delimiter = "\t" if name.lower().endswith(".tsv") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, f"not CSV from here on: {error}"
            return
        if not any(cell.strip() for cell in row):
            continue
        if header is None:
            header = [cell.strip().lower() for cell in row]
            if "problem" not in header:
                columns = ", ".join(cell.strip()[:30] for cell in row[:8])
                raise BadInput(f"{name} has no column named problem; its first line reads: {columns}.", f"{_FIX}.")
            twice = next((column for column in _COLUMNS if header.count(column) > 1), None)
            if twice:
                raise BadInput(f"{name} has more than one column named {twice}.", "Rename or remove one of them.")
        elif len(row) != len(header):
            yield number, f"{len(row)} fields instead of {len(header)}"
        else:
            yield number, dict(zip(header, row, strict=True))


def _problem(row: dict[str, Any], number: int) -> Problem:
    """One row; raises ValueError with what is wrong with it."""
    if "problem" not in row:
        raise ValueError('no "problem"')
    text = row["problem"]
    if not isinstance(text, str):
        raise ValueError('"problem" is not a string')
    if not (text := printable(text).strip()):
        raise ValueError("the problem is empty")
    answer = _short(row, "answer")
    if answer is not None and ("####" in answer or "\\boxed" in answer):  # a whole solution, as GSM8K and MATH have it
        answer = extract(answer) or answer
    return Problem(text, _short(row, "id") or f"line-{number}", answer, _short(row, "source"))


def _short(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f'"{name}" is neither a string nor a number')
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f'"{name}" is too large a number')
    return printable(str(value)).strip() or None
