"""Traces made elsewhere: JSON lines, one object a line with `text` and, if the extractor is not to look, `answer`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from elm_app.answers.extract import extract
from elm_app.answers.vote import Classes, vote
from elm_app.core.errors import BadInput
from elm_app.core.text import count
from elm_app.core.types import to_json

_SHOWN = 5  # bad rows named in an error
_FIX = 'Each line must be a JSON object such as {"text": "… \\\\boxed{72}"}'


@dataclass(frozen=True)
class GivenTrace:
    """The text of a trace and its answer: the one given with it, else the extracted one, else None."""

    text: str
    answer: str | None


@dataclass(frozen=True)
class BadRow:
    """A line that is no trace: its number, from 1 and blank lines counted, and what is wrong with it."""

    number: int
    reason: str


@dataclass(frozen=True)
class TracesFile:
    """The good rows and the bad ones, each in the order of the file."""

    traces: tuple[GivenTrace, ...]
    bad: tuple[BadRow, ...] = ()


def read_traces(lines: Iterable[str], skip_bad: bool = False) -> TracesFile:
    """Read JSON lines, such as an open text file.

    Raises:
        BadInput: a row is bad and `skip_bad` is False, or no row is good.
    """
    traces: list[GivenTrace] = []
    bad: list[BadRow] = []
    number = 0
    try:
        for number, line in enumerate(lines, start=1):
            if row := line.removeprefix("\N{BYTE ORDER MARK}" if number == 1 else "").strip():
                try:
                    traces.append(_trace(row))
                except ValueError as error:
                    bad.append(BadRow(number, str(error)))
    except UnicodeDecodeError as error:
        raise BadInput(f"What follows line {number} is not UTF-8 text.", _FIX + ", in UTF-8.") from error
    if bad and (not skip_bad or not traces):
        shown = "; ".join(f"row {row.number}: {row.reason}" for row in bad[:_SHOWN])
        more = f"; and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        remedy = f"{_FIX}; the {len(traces)} good ones can go on if bad rows are skipped." if traces else f"{_FIX}."
        raise BadInput(f"{count(len(bad), 'bad row')}: {shown}{more}.", remedy)
    if not traces:
        raise BadInput("There is no trace in it.", f"{_FIX}.")
    return TracesFile(tuple(traces), tuple(bad))


def vote_traces(file: TracesFile, classes: Classes | None = None) -> dict[str, Any]:
    """The vote over traces as plain JSON values: `vote`, `traces` (`index`, `answer` of each good row), `bad_rows`."""
    answers = [trace.answer for trace in file.traces]
    return {
        "vote": to_json(vote(answers, classes)),
        "traces": [{"index": index, "answer": answer} for index, answer in enumerate(answers)],
        "bad_rows": [to_json(row) for row in file.bad],
    }


def _trace(row: str) -> GivenTrace:
    """One row; raises ValueError with what is wrong with it."""
    try:
        value = json.loads(row, parse_constant=refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    if "text" not in value:
        raise ValueError('no "text"')
    text, answer = value["text"], value.get("answer")
    if not isinstance(text, str):
        raise ValueError('"text" is not a string')
    text = printable(text)
    if answer is None:
        return GivenTrace(text, extract(text))
    if isinstance(answer, bool) or not isinstance(answer, (str, int, float)):
        raise ValueError('"answer" is neither a string nor a number')
    return GivenTrace(text, printable(str(answer)).strip() or None)


def refuse(constant: str) -> None:
    """For `json.loads`: NaN and Infinity are no JSON."""
    raise ValueError(f"there is no {constant} in it")


def printable(text: str) -> str:
    r"""With half characters, which JSON can spell ("\ud800") and no file can hold, replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
