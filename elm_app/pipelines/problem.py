"""What counts as a problem."""

from __future__ import annotations

from elm_app.core.errors import BadInput


def checked(problem: str) -> str:
    """The problem without the space around it.

    Raises:
        BadInput: it is empty, or no text.
    """
    text = problem.strip()
    if not text:
        raise BadInput("The problem is empty.", "Type a problem in words.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"Character {error.start + 1} of the problem is no character.", "Type it again.") from error
    return text
