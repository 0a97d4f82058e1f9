"""What the Stream tab's script (`stream.js`) asks, and what it is answered."""

from __future__ import annotations

from typing import Literal, TypedDict

from elm_app.web.components.guard import OfRun


class StreamSince(OfRun):
    """A stream as it stands, the live or the newest one without a run: `rows` are known already, `stamp` is of the last
    answer; with `follow` a run that went on in another one gives that one."""

    stamp: str
    rows: int
    follow: bool


class NoStream(TypedDict):
    """There is no stream yet."""

    run: Literal[""]
    stamp: str
    earlier: str


class SameStream(TypedDict):
    """Nothing has changed since the answer with the same stamp."""

    run: str
    same: Literal[True]


class StreamStanding(TypedDict):
    """A stream as it stands but for its rows; `parts` are HTML by the name of their place, `earlier` lists others."""

    run: str
    state: str
    ended: bool
    live: bool
    resume: bool
    done: int
    total: int
    parts: dict[str, str]
    chip: str
    earlier: str


# The functional form, for a name that is a word of Python.
_Rows = TypedDict("_Rows", {"stamp": str, "from": int, "rows": list[str]})


class ShownStream(StreamStanding, _Rows):
    """A stream with its rows as HTML, but for the first ones, which are known (`from`)."""


class StreamResults(OfRun):
    """The results of a stream as text."""

    kind: Literal["jsonl", "csv"]


class ResultsFile(TypedDict):
    """The results so far, to be saved by the browser under a name."""

    name: str
    text: str
