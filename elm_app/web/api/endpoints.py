"""Which functions programs may call."""

from __future__ import annotations

import gradio as gr

from elm_app.runs.runner import WAITING, Runner
from elm_app.web.api.lookups import Lookups
from elm_app.web.api.runs import Runs
from elm_app.web.commands import Actions

TOLD_AT_ONCE = WAITING + 2
"""Runs that are told to those who called them at the same time; each takes one of the server's 40 threads. It is one
more than are taken, so that the next is refused at once and does not stand in Gradio's own queue."""


def endpoints(runner: Runner, actions: Actions) -> None:
    """Offer them; to be called inside `gr.Blocks`."""
    runs, lookups = Runs(runner, actions), Lookups(actions)
    for run in (runs.solve, runs.learn):
        gr.api(run, api_name=run.__name__, concurrency_limit=TOLD_AT_ONCE, concurrency_id="elm-runs")
    for ask in (lookups.retrieve, lookups.memories, lookups.vote):
        gr.api(ask, api_name=ask.__name__, concurrency_limit=2)
