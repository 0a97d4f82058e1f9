r"""Which column is what, and a row to a problem.

The first of these that has a value anywhere in the file is taken, whatever its capitals, spaces and underscores ("Final
Answer" is final_answer); a dot goes into a value that has columns of its own:

    problem    problem · question · prompt · input · messages; of a list of chat messages the last turn of the user
    answer     answer · final_answer · expected_answer · ground_truth · target · reward_model.ground_truth;
               in a row without one the box or #### at the end of solution
    id         id · unique_id · extra_info.index; in a row without one its number: line-12
    source     source · data_source

An answer with #### or \boxed in it is a whole solution, and its end the answer; 27.0 is 27, and a list of one value is
that value. What the user says (`problem=Aufgabe,answer=result.value`) goes before; `answer=` with nothing behind it
means that the file has none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from elm_app.answers.extract import extract
from elm_app.answers.imported_traces import printable
from elm_app.core.errors import BadInput
from elm_app.core.types import Problem
from elm_app.pipelines.problem_files.table import Table, parsed

KNOWN: dict[str, tuple[str, ...]] = {
    "problem": ("problem", "question", "prompt", "input", "messages"),
    "answer": (
        "answer", "final_answer", "expected_answer", "ground_truth", "target", "reward_model.ground_truth",
    ),
    "id": ("id", "unique_id", "extra_info.index"),
    "source": ("source", "data_source"),
}  # fmt: skip
_WHOLE = re.compile(r"(-?\d+)\.0+")
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,(?:\d{1,2}|\d{4,})")  # 1,250 may be 1250
_REMEDY = "Name it in the file, or say which it is: problem=NAME,answer=NAME in --columns, on the page under More."


def parse_columns(text: str) -> dict[str, str]:
    """What the user says of the columns.

    >>> parse_columns("problem=Aufgabe, answer=reward.value")
    {'problem': 'Aufgabe', 'answer': 'reward.value'}
    """
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        role, equals, name = (each.strip() for each in part.partition("="))
        if not equals or role not in KNOWN or role in found or (role == "problem" and not name):
            roles = ", ".join(KNOWN)
            raise BadInput(f"columns is {text!r}.", f"It must be such as problem=Question,answer=Result; of {roles}.")
        found[role] = name
    return found


class Columns:
    """Turns rows into problems, and keeps what it took them from."""

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        self.given = dict(given or {})
        self._names = {
            role: ((self.given[role],) if self.given[role] else ()) if role in self.given else names
            for role, names in KNOWN.items()
        }
        self._chosen = dict.fromkeys(KNOWN, "")
        self._passed: dict[str, list[str]] = {}
        self._spelled: dict[str, str] = {}
        self._notes: dict[str, None] = {}
        self.decimal_comma = False

    def holds(self, header: Sequence[str]) -> bool:
        """Whether the problem is among columns of these names."""
        return any(_among(header, name) for name in self._names["problem"])

    def missing(self, name: str, columns: Sequence[str], role: str = "problem", told: str = "") -> BadInput:
        """The error for a file without a column that it must have."""
        wanted = self.given.get(role, role)
        shown = ", ".join(column.strip()[:30] for column in columns[:12]) or "none"
        return BadInput(f"{name} has no column named {wanted}; {told or 'its columns are'}: {shown}.", _REMEDY)

    def check_once(self, name: str, header: Sequence[str]) -> None:
        """Raises `BadInput` if a column that counts is there twice."""
        folded = [_fold(column) for column in header]
        for wanted in (each for names in self._names.values() for each in names):
            named = wanted in self.given.values() and header.count(wanted) == 1
            if folded.count(_fold(wanted)) > 1 and not named:
                raise BadInput(f"{name} has more than one column named {wanted}.", "Rename or remove one of them.")

    def choose(self, name: str, table: Table) -> None:
        """Choose the columns; raises `BadInput` if the problem, or one that the user named, is in no row."""
        rows = [row for _, row in table.rows if isinstance(row, dict)]
        for role, names in self._names.items():
            possible = [each for each in names if _among(table.columns, each)]
            there = [each for each in possible if any(_at(row, each)[0] for row in rows)]
            filled = [each for each in there if any(not _blank(_at(row, each)[1]) for row in rows)]
            if rows and not there and (role == "problem" or self.given.get(role)):
                raise self.missing(name, table.columns, role)
            self._chosen[role], *self._passed[role] = filled or there or [""]

    def problem(self, row: dict[str, Any], number: int, unit: str) -> Problem:
        """One row; raises ValueError with what is wrong with it."""
        column, value = self._take(row, "problem")
        if not column:
            raise ValueError(f'no "{self._chosen["problem"]}"')
        text, name = self._text(value, column), self._short(row, "id") or f"{unit}-{number}"
        return Problem(text, name, self._answer(row), self._short(row, "source"))

    def assumed(self) -> tuple[str, ...]:
        """What was taken for what, in words, where the names do not say it."""
        said = []
        for role in KNOWN:
            if not (name := self._spelled.get(role, "")):
                continue
            passed = [f'"{each}"' for each in self._passed[role]]
            if role not in self.given and (passed or _fold(name) != role):
                said.append(f'{role} from "{name}"' + (f", not {' or '.join(passed)}" if passed else ""))
        return (*said, *self._notes)

    def _take(self, row: dict[str, Any], role: str) -> tuple[str, Any]:
        """The column as the row spells it, and what is in it; ("", None) if the row has none."""
        name, value = _at(row, self._chosen[role]) if self._chosen[role] else ("", None)
        if not _blank(value):
            self._spelled.setdefault(role, name)
        return name, value

    def _text(self, value: Any, column: str) -> str:
        while (chat := _chat(value)) is not None:
            asked = [turn.get("content") for turn in chat if turn.get("role") == "user"]
            if not asked:
                raise ValueError(f'no turn of the user in "{column}"')
            value = asked[-1]
            self._notes[f'the last turn of the user in "{column}"'] = None
        if value is not None and not isinstance(value, str):
            raise ValueError(f'"{column}" is not a string')
        if not (text := printable(value or "").strip()):
            raise ValueError("the problem is empty")
        return text

    def _answer(self, row: dict[str, Any]) -> str | None:
        column, value = self._take(row, "answer")
        if (text := _plain(_only(value, column), column)) is None:
            return self._solved(row)
        if self.decimal_comma and _DECIMAL_COMMA.fullmatch(text):
            text = text.replace(",", ".")
            self._notes["decimal commas in answers"] = None
        while (shorter := _shorter(text, column)) != text:
            if "####" in text or "\\boxed" in text:
                self._notes[f'the end of the solutions in "{column}"'] = None
            text = shorter
        return text

    def _solved(self, row: dict[str, Any]) -> str | None:
        """The answer of a row that has none but a solution."""
        column, solution = _at(row, "solution") if "answer" not in self.given else ("", None)
        if not isinstance(solution, str) or (text := _end(solution)) is None:
            return None
        self._notes[f'answer from the end of "{column}"'] = None
        while (shorter := _shorter(text, column)) != text:
            text = shorter
        return text

    def _short(self, row: dict[str, Any], role: str) -> str | None:
        column, value = self._take(row, role)
        return _plain(value, column)


def _shorter(text: str, column: str) -> str:
    """One step towards the bare answer: out of a list of one, the end of a solution, without ".0"."""
    if text.startswith('["') and isinstance(inside := parsed(text), list) and all(isinstance(x, str) for x in inside):
        return _plain(_only(inside, column), column) or text
    if "####" in text or "\\boxed" in text:
        return _end(text) or text
    return whole[1] if (whole := _WHOLE.fullmatch(text)) else text


def _end(solution: str) -> str | None:
    """The answer that a whole solution ends with, marked as GSM8K and MATH do it."""
    if "####" not in solution and "\\boxed" not in solution and "\\fbox" not in solution:
        return None
    return extract(solution) or (solution.rpartition("####")[2].strip() or None if "####" in solution else None)


def _only(value: Any, column: str) -> Any:
    """The value that a list holds."""
    if not isinstance(value, list | tuple):
        return value
    different = list(dict.fromkeys(str(each) for each in value if not _blank(each)))
    if len(different) > 1:
        raise ValueError(f'"{column}" is a list of {len(different)} different values')
    return next((each for each in value if not _blank(each)), None)


def _plain(value: Any, column: str) -> str | None:
    if _blank(value):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError(f'"{column}" is neither a string nor a number')
    if isinstance(value, float | Decimal) and math.isinf(value):
        raise ValueError(f'"{column}" is too large a number')
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return printable(str(value)).strip() or None


def _blank(value: Any) -> bool:
    """Whether there is nothing: null, "" or spaces, NaN, an empty list."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value in ([], {}) or (isinstance(value, float | Decimal) and math.isnan(value))


def _chat(value: Any) -> list[dict[str, Any]] | None:
    """Chat messages, as a list or as the JSON of one; None if it is something else."""
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        value = parsed(value)
    if isinstance(value, list) and value and all(isinstance(turn, dict) and "role" in turn for turn in value):
        return value
    return None


def _among(columns: Sequence[str], path: str) -> bool:
    """Whether columns of these names can hold what is there."""
    row = dict.fromkeys(columns)
    return bool(_at(row, path)[0] or _at(row, path.partition(".")[0])[0])


def _at(row: Mapping[str, Any], path: str) -> tuple[str, Any]:
    """The name as the row spells it, and the value; ("", None) if the row has no such column."""
    if path in row:
        return path, row[path]
    wanted = _fold(path)
    for name in row:
        if wanted and _fold(name) == wanted:
            return name, row[name]
    first, dot, rest = path.partition(".")
    if not dot:
        return "", None
    name, inside = _at(row, first)
    if isinstance(inside, str) and inside.lstrip()[:1] == "{":
        inside = parsed(inside)
    deeper, value = _at(inside, rest) if isinstance(inside, dict) else ("", None)
    return (f"{name}.{deeper}", value) if deeper else ("", None)


@lru_cache(maxsize=4096)
def _fold(name: str) -> str:
    """
    >>> _fold("Final Answer") == _fold("final_answer")
    True
    """
    return "".join(letter for letter in name.casefold() if letter.isalnum())
