"""Links to runs: their addresses work in a new window, a plain click is heard by `run/run.js` and `run/replay.js`;
and what fetches a run as a file (`export/save.js`)."""

from __future__ import annotations

import html


def run_link(run: str, text: str) -> str:
    """
    >>> run_link("r1", "2 < 3?")
    '<a href="?run=r1" data-run="r1">2 &lt; 3?</a>'
    """
    name = html.escape(run)
    return f'<a href="?run={name}" data-run="{name}">{html.escape(text)}</a>'


def replay_link(run: str, text: str = "replay") -> str:
    """Plays a run once more.

    >>> replay_link("r1")
    '<a href="?replay=r1" data-replay="r1">replay</a>'
    """
    name = html.escape(run)
    return f'<a href="?replay={name}" data-replay="{name}">{html.escape(text)}</a>'


def save_link(run: str) -> str:
    """Makes one file of a run that has ended.

    >>> save_link("r1")
    '<a href="?run=r1" data-save="r1" title="An HTML file that plays this run anywhere, offline">save as one file</a>'
    """
    name = html.escape(run)
    told = "An HTML file that plays this run anywhere, offline"
    return f'<a href="?run={name}" data-save="{name}" title="{told}">save as one file</a>'
