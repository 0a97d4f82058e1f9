"""A file of problems as the browser sends it, in base64: what is in it, in words."""

from __future__ import annotations

import base64
import binascii
import html
from pathlib import PurePath
from typing import Literal, TypedDict

from elm_app.core.errors import BadInput, ElmError
from elm_app.pipelines.problem_files.columns import parse_columns
from elm_app.pipelines.problems import ProblemsFile, read_problems
from elm_app.web.components import alerts, labels
from elm_app.web.components.guard import Fields
from elm_app.web.files import ASSETS

EXAMPLE = ASSETS / "stream-example.jsonl"
MOST_BYTES = 8_000_000
"""Of a file that the browser sends."""
_BAD_SHOWN = 8


class SentFile(TypedDict):
    """A file as the browser sends it: `data` is in base64."""

    name: str
    data: str


class FileToRead(SentFile):
    """A file that is to be looked at; `columns` as somebody named them."""

    columns: str


class FileToUse(SentFile):
    """A file that is to be used: `skip` leaves its bad rows out, `fields` are those of the form."""

    skip: bool
    fields: Fields


class FileContents(TypedDict):
    """What is in a file: `told` in a sentence, with what was assumed, and `bad` if some rows cannot be used, as HTML;
    `count` problems."""

    told: str
    bad: str
    count: int


class FileRefused(TypedDict):
    """Why a file cannot be used, to be said where it was chosen."""

    error: str
    field: Literal["file"]


def read(ask: SentFile, columns: object) -> tuple[str, ProblemsFile]:
    """The file's name and what is in it; `columns` as somebody named them. Raises `BadInput` if it cannot be used."""
    name = PurePath(str(ask.get("name") or "problems.jsonl").replace("\\", "/")).name
    data = ask.get("data")
    if not isinstance(data, str):
        raise BadInput("No file was chosen.", "Choose one, or take the example.")
    if len(data) > MOST_BYTES * 4 // 3 + 4:
        raise BadInput(f"{name} is larger than {MOST_BYTES // 1_000_000} MB.", "Cut it, or use the command line.")
    try:
        named = parse_columns(str(columns or ""))
        return name, read_problems(base64.b64decode(data, validate=True), name, skip_bad=True, columns=named)
    except binascii.Error as error:
        raise BadInput(f"{name} did not arrive.", "Choose it again.") from error


def whole(ask: FileToUse) -> tuple[str, ProblemsFile]:
    """As `read`, for a run.

    Raises:
        BadInput: also if some rows are bad and nobody said to leave them out.
    """
    fields = ask.get("fields")
    name, found = read(ask, fields.get("columns") if isinstance(fields, dict) else "")
    if found.bad and ask.get("skip") is not True:
        raise BadInput("Some rows cannot be used.", "Go on without them, or choose another file.")
    return name, found


def checked(ask: FileToRead) -> FileContents:
    """What is in a file."""
    name, found = read(ask, ask.get("columns"))
    return {"told": _told(name, found) + _assumed(found), "bad": _bad(found), "count": len(found.problems)}


def refused(error: ElmError) -> FileRefused:
    """Why a file cannot be used."""
    return {"error": alerts.error(error), "field": "file"}


def example() -> SentFile:
    """The example that comes with the program, as the browser would send it."""
    return {"name": EXAMPLE.name, "data": base64.b64encode(EXAMPLE.read_bytes()).decode()}


def _told(name: str, found: ProblemsFile) -> str:
    known, total = sum(problem.answer is not None for problem in found.problems), len(found.problems)
    if known == total:
        answers = "with its right answer" if total == 1 else "each with its right answer"
    elif known:
        answers = f"{known} of them with a right answer"
    else:
        answers = "none with a right answer"
    return html.escape(f"{name}: {labels.count(total, 'problem')}, {answers}.")


def _assumed(found: ProblemsFile) -> str:
    """What was guessed to read it, with where to say otherwise, and what may not be meant."""
    told = []
    if found.assumed:
        told.append(f"Read as: {'; '.join(found.assumed)}. If that is wrong, say which column is which under More.")
    return "".join(f'<p class="assumed">{html.escape(each)}</p>' for each in (*told, *found.warnings))


def _bad(found: ProblemsFile) -> str:
    if not found.bad:
        return ""
    rows = "".join(f"<li>{found.unit} {row.number}: {html.escape(row.reason)}</li>" for row in found.bad[:_BAD_SHOWN])
    more = f"<li>and {len(found.bad) - _BAD_SHOWN} more</li>" if len(found.bad) > _BAD_SHOWN else ""
    return f"<p><strong>{labels.count(len(found.bad), 'row')} cannot be used:</strong></p><ul>{rows}{more}</ul>"
