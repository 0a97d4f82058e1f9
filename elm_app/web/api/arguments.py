"""What programs send, checked, and errors as they are told to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
from pydantic import ValidationError

from elm_app.core.errors import BadInput, ElmError
from elm_app.core.types import from_json


@contextmanager
def told() -> Iterator[None]:
    """Errors that a user can mend reach the caller as one sentence with its remedy."""
    try:
        yield
    except ElmError as error:
        raise gr.Error(str(error), print_exception=False) from error
    except OSError as error:
        sentence = f"The disk refuses: {error.strerror or error}. Free some room on the server."
        raise gr.Error(sentence, print_exception=False) from error


def settings(kind: type[Any], **given: Any) -> Any:
    """Settings out of what a program has sent, None where it has not. Raises `BadInput` with the name of the field."""
    try:
        return from_json(kind, {name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "a setting"
        raise BadInput(f"{name} is {given.get(name)!r}.", f"{first['msg'].rstrip('.')}.") from error


def text(value: Any, name: str) -> str:
    """A text. Raises `BadInput` with its name."""
    if not isinstance(value, str):
        raise BadInput(f"{name} is {value!r}.", "It must be a text.")
    return value


def whole(value: Any, name: str, least: int, most: int) -> int:
    """A whole number. Raises `BadInput` with its name."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadInput(f"{name} is {value!r}.", f"It must be a whole number from {least} to {most}.")
    return value
