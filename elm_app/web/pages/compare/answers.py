"""What the Compare tab's scripts (`compare.js`, `setup.js`) ask, and what they are answered."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from elm_app.web.components.guard import Fields
from elm_app.web.components.problem_file.upload import FileToUse


class WhichComparison(TypedDict):
    """The comparison in a folder, or that of a run (`what`), the newest without either; `stamp` is of the last
    answer."""

    what: str
    stamp: str


class SameComparison(TypedDict):
    """Nothing has changed since the answer with the same stamp."""

    what: str
    same: Literal[True]


class ComparisonStanding(TypedDict):
    """How a comparison of which the plan is there stands; `share` of its answers, from 0 to 1, are in. `parts` are HTML
    by the name of their place."""

    run: str
    live: bool
    resume: bool
    share: float
    parts: dict[str, str]
    chip: str


class ComparisonInFolder(TypedDict):
    """What a folder holds, and, where its plan is there, what a `ComparisonStanding` says."""

    what: str
    folder: str
    parts: dict[str, str]
    run: NotRequired[str]
    live: NotRequired[bool]
    resume: NotRequired[bool]
    share: NotRequired[float]
    chip: NotRequired[str]


class ShownComparison(ComparisonInFolder):
    """A comparison, or why there is none to show (`error`); `folder` is "" then. `known` are those to choose from, as
    pairs of what one is asked for by and its name."""

    known: list[tuple[str, str]]
    stamp: str
    error: NotRequired[str]


class OfFolder(TypedDict):
    """A question about the comparison in a folder."""

    folder: str


class Pausing(TypedDict):
    """Whether there was something to pause."""

    pausing: bool


class PlanComparison(TypedDict):
    """What `methods` would take on the `count` problems of a file of that name; see `FileToUse` for the others."""

    methods: list[str]
    fields: Fields
    count: int
    name: str
    skip: bool


class ComparisonPlan(TypedDict):
    """About how long it will take: the `costs` of each method, the `estimate` of those that are chosen, as HTML; and
    the `command` that does the same."""

    costs: dict[str, str]
    estimate: str
    command: str


class StartComparison(FileToUse):
    """Start a comparison of methods on a file."""

    methods: list[str]
