"""What stands between a page's script and the functions that answer it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from elm_app.core.errors import ElmError
from elm_app.web.components import alerts

Ask = dict[str, Any]
"""What a script asks, and what it is answered: plain JSON."""


def guarded(answer: Callable[[Ask], Ask]) -> Callable[[Any], Ask]:
    """A function that a script may call under the same name, whatever it sends; errors come back as `error`, a sentence
    as HTML."""

    def call(ask: Any = None) -> Ask:
        try:
            return answer(ask if isinstance(ask, dict) else {})
        except ElmError as error:
            return {"error": alerts.error(error)}
        except OSError as error:
            told = f"The disk refuses: {error.strerror or error}."
            return {"error": alerts.sentence(told, "Free some room, or look at the folder of the memories.")}

    call.__name__ = answer.__name__
    return call
