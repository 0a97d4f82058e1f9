"""How a stream stands, and an answer of it, in words: for its page and for the list of runs."""

from __future__ import annotations

from elm_app.runs.state import RunView
from elm_app.runs.stream_state import StreamView
from elm_app.web.components import labels
from elm_app.web.components.markdown import inline_html


def of(view: RunView) -> StreamView:
    """The stream of a run, an empty one if it has not begun."""
    stream = view.stream or StreamView()
    if not stream.total and isinstance(view.settings.get("problems"), int):
        stream.total = view.settings["problems"]
    return stream


def heading(view: RunView, ahead: int = 0) -> str:
    """What is happening, in one line, as text."""
    stream = of(view)
    done, total = len(stream.rows), stream.total
    match view.status:
        case "done":
            return f"All {total} problems are done" if total != 1 else "The problem is done"
        case "stopped":
            return f"Paused after {done} of {total}"
        case "failed":
            return f"Broke off after {done} of {total}"
        case "queued":
            return labels.waiting(ahead)
    if stream.current is not None:
        return f"Problem {stream.current.number} of {total}"
    if done:
        return f"{done} of {labels.count(total, 'problem')} done"
    return view.progress.message if view.progress and view.progress.message else "Starting"


def mark(right: bool | None) -> str:
    """Right or wrong, in words and with a sign; nothing where it is not known.

    >>> mark(True), mark(None)
    ('<span class="mark right">✓ right</span>', '')
    """
    if right is None:
        return ""
    return f'<span class="mark {"right" if right else "wrong"}">{"✓ right" if right else "✗ wrong"}</span>'


def answer(given: str | None, alone: bool = False) -> str:
    """An answer, or that there is none.

    Args:
        alone: no two attempts agree on it; it is only what is graded.
    """
    if given is None:
        return '<span class="quiet">no answer</span>'
    if alone:
        told = "The earliest attempt's answer: it is what is graded."
        return f'<span class="quiet" title="{told}">no two agree ({inline_html(given)})</span>'
    return f"<b>{inline_html(given)}</b>"
