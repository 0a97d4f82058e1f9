"""What went wrong, as a sentence with its remedy."""

from __future__ import annotations

import html

from elm_app.core.errors import ElmError


def error(problem: ElmError) -> str:
    """An error as a sentence with its remedy."""
    return sentence(problem.message, problem.remedy)


def sentence(message: str, remedy: str) -> str:
    """
    >>> sentence("It broke.", "Mend it.")
    '<p class="error"><strong>It broke.</strong> Mend it.</p>'
    """
    return f'<p class="error"><strong>{html.escape(message)}</strong> {html.escape(remedy)}</p>'.replace(
        " </p>", "</p>"
    )
