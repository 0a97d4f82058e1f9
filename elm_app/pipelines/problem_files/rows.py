"""Text to a table: JSON lines, one JSON array, CSV with comma, semicolon or tab, or a problem a line."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from elm_app.answers.imported_traces import refuse
from elm_app.core.errors import BadInput
from elm_app.pipelines.problem_files.columns import Columns
from elm_app.pipelines.problem_files.table import FIX, Row, Table, parsed

_JSON, _CSV = (".jsonl", ".ndjson", ".json"), (".csv", ".tsv", ".tab")
_LISTS = ("data", "problems", "questions", "rows", "examples")
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs"}
_SEP = re.compile(r'"?sep=([^\r\n"])"?[ \t]*(?:\r\n?|\n)', re.IGNORECASE)
_LINE_END = re.compile(r"\r\n?|\n")  # splitlines() would also cut at a U+2028 inside a string


def read_rows(text: str, name: str, suffix: str, columns: Columns) -> Table:
    """The table in a text: what it is, `suffix` says, and where that says little, its beginning. A `.txt` that is no
    table has a problem on each line, unless `columns` are given."""
    if suffix in _JSON or _looks_json(text, suffix):
        return _json(text, name, columns)
    delimiter, declared = _delimiter(text, suffix, columns)
    if suffix == ".txt" and not columns.given and not declared and not _is_table(text, delimiter, columns):
        lines = enumerate(_LINE_END.split(text), 1)
        asked: Iterator[Row] = ((number, {"problem": line}) for number, line in lines if line.strip())
        return Table(tuple(asked), ("problem",), assumed=("a problem a line",))
    header, rows = _csv(text, name, delimiter, columns, skip_first=declared)
    usual = "\t" if suffix in (".tsv", ".tab") else ","
    said = () if declared or (delimiter == usual and suffix != ".txt") else (f"CSV with {_NAMES[delimiter]}",)
    return Table(rows, header, assumed=said, decimal_comma=delimiter == ";")


def _looks_json(text: str, suffix: str) -> bool:
    beginning = text.lstrip()[:1]
    if beginning == "{" and suffix not in (*_CSV, ".txt"):
        return True
    if beginning not in ("{", "["):
        return False
    first = _LINE_END.split(text.strip(), maxsplit=1)[0]
    return isinstance(parsed(first), dict | list) or isinstance(parsed(text), dict | list)


def _json(text: str, name: str, columns: Columns) -> Table:
    whole = parsed(text)
    if isinstance(whole, dict) and not columns.holds(tuple(whole)):
        whole = _list_in(whole, name)
    if isinstance(whole, list):
        rows: Iterator[Row] = (
            (number, row if isinstance(row, dict) else "not a JSON object") for number, row in enumerate(whole, 1)
        )
        return _named(tuple(rows), "row")
    lines = _LINE_END.split(text)
    first = next(number for number, line in enumerate(lines, 1) if line.strip())
    if isinstance(whole, dict):  # one row, on a line or on many; a value that JSON does not know is refused below
        return _named(tuple(_json_lines([""] * (first - 1) + [" ".join(lines[first - 1 :])])))
    if lines[first - 1].strip() in ("[", "{", "[{"):
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            where = f"{error.msg} at line {error.lineno}, character {error.colno}"
            raise BadInput(
                f"{name} is not JSON: {where}.", "Mend it there, or write each problem on one line."
            ) from error
        except RecursionError as error:
            raise BadInput(f"{name} is nested too deeply.", f"{FIX}.") from error
    return _named(tuple(_json_lines(lines)))


def _list_in(whole: dict[str, Any], name: str) -> Any:
    """The list of rows in an object around it; the object itself if there is none."""
    found = [key for key, value in whole.items() if isinstance(value, list) and value and isinstance(value[0], dict)]
    usual = [key for key in found if key.lower() in _LISTS]
    if len(found) > 1 and len(usual) != 1:
        raise BadInput(f"{name} has more than one list: {', '.join(found[:8])}.", "Give one of them as a file.")
    return whole[(usual or found)[0]] if found else whole


def _json_lines(lines: Sequence[str]) -> Iterator[Row]:
    """Each row with its line's number, or what is wrong with it."""
    for number, line in enumerate(lines, 1):
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


def _named(rows: tuple[Row, ...], unit: Any = "line") -> Table:
    columns = dict.fromkeys(name for _, row in rows if isinstance(row, dict) for name in row)
    return Table(rows, tuple(columns), unit)


def _delimiter(text: str, suffix: str, columns: Columns) -> tuple[str, bool]:
    """What stands between two cells, and whether the file says so itself: in Excel's first line `sep=;`."""
    if declared := _SEP.match(text):
        return declared[1], True
    order = "\t,;" if suffix in (".tsv", ".tab") else ",;\t"
    headers = {each: _records(text, each, 1)[0] for each in order}
    return next(
        (each for each in order if columns.holds(headers[each])), max(order, key=lambda one: len(headers[one]))
    ), False


def _records(text: str, delimiter: str, most: int) -> list[list[str]]:
    """The first records that are not blank, none of them missing."""
    found: list[list[str]] = []
    _allow(text)
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if any(cell.strip() for cell in cells):
                found.append(cells)
                if len(found) == most:
                    break
    except csv.Error:
        pass
    return found + [[]] * (most - len(found))


def _is_table(text: str, delimiter: str, columns: Columns) -> bool:
    """Whether a `.txt` is CSV: what stands between tabs, or under a header of names as long as its rows."""
    header, row = _records(text, delimiter, 2)
    if delimiter == "\t":
        return len(header) > 1
    return columns.holds(header) and len(header) in (len(row), 1)


def _csv(
    text: str, name: str, delimiter: str, columns: Columns, skip_first: bool
) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """The header and the rows, each with the number of its first line, or what is wrong with it."""
    _allow(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    if skip_first:
        next(reader)
    header: tuple[str, ...] = ()
    rows: list[Row] = []
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return header, tuple(rows)
        except csv.Error as error:
            rows.append((number, f"not CSV from here on: {error}"))
            return header, tuple(rows)
        if not any(cell.strip() for cell in cells):
            continue
        if not header:
            header = tuple(cell.strip('\N{BYTE ORDER MARK}" \t') for cell in cells)
            if not columns.holds(header):
                raise columns.missing(name, header, told="its first line reads")
            columns.check_once(name, header)
        elif len(cells) != len(header):
            rows.append((number, f"{len(cells)} fields instead of {len(header)}"))
        else:
            rows.append((number, dict(zip(header, cells, strict=True))))


def _allow(text: str) -> None:
    """A cell may be as long as its file: csv's own limit is 131,072 characters."""
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
