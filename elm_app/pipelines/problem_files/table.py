"""What every kind of file is turned into."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

Row = tuple[int, dict[str, Any] | str]
"""Its number, from 1, and its values by column, or what is wrong with it."""
FIX = 'Give JSON lines such as {"problem": "…", "answer": "72"}, or CSV with a column named problem'


@dataclass(frozen=True)
class Table:
    """The rows of a file.

    Attributes:
        columns: the names of all columns, in the order in which they appear.
        unit: what a row's number counts: lines of the file, or rows where lines mean nothing.
        assumed: what was guessed to read it.
        decimal_comma: a number such as 7,5 is 7.5, as Excel writes it where semicolons separate.
    """

    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    unit: Literal["line", "row"] = "line"
    assumed: tuple[str, ...] = ()
    decimal_comma: bool = False


def parsed(text: str) -> Any:
    """The JSON value, None if the text is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
