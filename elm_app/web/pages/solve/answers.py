"""What the Solve tab's script about the model (`model.js`) asks, and what it is answered; and what came of its form."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class ModelFields(TypedDict):
    """The drawer's two fields about the model; none of them as long as nobody has changed one."""

    model: NotRequired[str | None]
    numbers: NotRequired[str | None]


class ModelHere(TypedDict):
    """A model on this machine.

    `auto` is the preset that the program would choose, `reason` why, where it did; `chip` says in two words which model
    it is, `line` in a sentence, as HTML; `other` is the preset to change to, "" if there is none; `lacking` is what is
    to be said, as HTML, if its weights are not here, and `fetch` stands on the button that fetches them.
    """

    auto: str
    reason: str
    chip: str
    line: str
    other: str
    lacking: str
    fetch: str


class Meanwhile(TypedDict):
    """What can be done without the model, as HTML."""

    html: str


class Submitted(TypedDict):
    """What came of a problem: the run that solves it and its text, or the part of the form that is wrong."""

    run: NotRequired[str]
    text: NotRequired[str]
    field: NotRequired[Literal["problem", "settings"]]
