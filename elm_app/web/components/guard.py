"""What stands between a page's script and the functions that answer it.

A question and its answer are JSON, each a typed dictionary that stands in the `answers.py` of its page, or next to the
function; what the scripts know of them is made from these (`lib/answers.d.ts`). A question's type says what the page's
own scripts ask: nobody else is held to it, so a function looks at each field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from elm_app.core.errors import ElmError
from elm_app.web.components import alerts

Fields = dict[str, Any]
"""The fields of a form by their names, as the browser has them."""
Answer = Mapping[str, object]
"""What a script is answered: one of the typed dictionaries."""
Answering = Callable[[Any], Answer]
"""A function that a script may call."""


class Failed(TypedDict):
    """In place of an answer: `error` is a sentence as HTML."""

    error: str


class Nothing(TypedDict):
    """A question, or an answer, that says no more than its name."""


class OfRun(TypedDict):
    """A question about a run."""

    run: str


class Begun(TypedDict):
    """The run that was begun, to be shown."""

    run: str


class Stopping(TypedDict):
    """Whether there was something to stop."""

    stopping: bool


def guarded(answer: Answering) -> Answering:
    """A function that a script may call under the same name, whatever it sends; errors come back as `Failed`."""

    def call(ask: Any = None) -> Answer:
        try:
            return answer(ask if isinstance(ask, dict) else {})
        except ElmError as error:
            return Failed(error=alerts.error(error))
        except OSError as error:
            told = f"The disk refuses: {error.strerror or error}."
            return Failed(error=alerts.sentence(told, "Free some room, or look at the folder of the memories."))

    call.__name__ = answer.__name__
    return call
