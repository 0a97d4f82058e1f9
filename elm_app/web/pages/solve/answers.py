"""What the Solve tab's script about the model (`model.js`) asks, and what it is answered."""

from __future__ import annotations

from typing import NotRequired, TypedDict


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
