"""What the Explain tab's script (`explain.js`) asks, and what it is answered."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from elm_app.web.components.guard import OfRun


class ExplainedRun(TypedDict):
    """The page of a run as HTML; `again` if it will be another one soon. `solved` is the run whose problem it is: the
    same, or the one whose tokens it scores. Without a run there is none to explain."""

    run: str
    solved: NotRequired[str]
    html: str
    again: bool


class ScoreTokens(OfRun):
    """Score the tokens of a trace: an arm, and its index behind a space, where it is not the memory's first."""

    trace: str


class SwitchMemory(TypedDict):
    """Offer a memory, or do not."""

    memory: str
    on: bool
