"""The components of the page and how they are wired: a header, a tab for each page."""

from __future__ import annotations

import gradio as gr

from elm_app.runs.catalog import Index
from elm_app.runs.runner import Runner
from elm_app.runs.summaries import Summaries
from elm_app.web.api.endpoints import endpoints
from elm_app.web.commands import Actions
from elm_app.web.pages.compare.panel import Compares
from elm_app.web.pages.compare.panel import panel as compare
from elm_app.web.pages.explain.panel import panel as explain
from elm_app.web.pages.memories.panel import Memories
from elm_app.web.pages.memories.panel import panel as memories
from elm_app.web.pages.runs.history import History
from elm_app.web.pages.solve.model_line import Machine
from elm_app.web.pages.solve.panel import panel as solve
from elm_app.web.pages.stream.panel import Streams
from elm_app.web.pages.stream.panel import panel as stream
from elm_app.web.readonly import NOTICE
from elm_app.web.run.buttons import Asks
from elm_app.web.run.feed import Tail
from elm_app.web.run.template import HEADER

ASKED_AT_ONCE = 64
"""Calls of programs that wait for their turn at most; what the page itself asks does not wait."""


def build(runner: Runner, actions: Actions) -> gr.Blocks:
    """The page over one runner. `actions` queue runs; everything shown is read from their logs and from the store."""
    index, summaries = Index(runner.folder), Summaries(runner.folder)
    history = History(summaries, index)
    tail = Tail(runner, actions)
    asks, desk = Asks(actions, tail), Memories(actions.store, actions.embedders, runner.folder)
    with gr.Blocks(title="ELM", analytics_enabled=False, fill_width=True) as page:
        if actions.readonly:
            gr.HTML(f"<p>{NOTICE}</p>", apply_default_css=False, js_on_load=None, elem_id="elm-readonly")
        gr.HTML(html_template=HEADER, js_on_load=None, apply_default_css=False, elem_id="elm-header")
        with gr.Tabs(selected="solve", elem_id="elm-tabs"):
            with gr.Tab("Solve", id="solve", elem_id="elm-solve"):
                solve(runner, actions, tail, asks, Machine(actions, tail, summaries, index))
            with gr.Tab("Explain", id="explain", elem_id="elm-explain"):
                explain(asks, desk.meaning, desk.atlas)
            gr.Tab("Memories", id="memories", elem_id="elm-memories")
            if actions.streams is not None:
                with gr.Tab("Stream", id="stream", elem_id="elm-stream"):
                    stream(Streams(actions.streams, tail, summaries, index, actions.readonly))
            with gr.Tab("Compare", id="compare", elem_id="elm-compare"):
                compare(Compares(actions, tail, summaries, index))
            with gr.Tab("Runs", id="runs", elem_id="elm-runs") as runs_tab:
                table = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="elm-history")
        memories(desk)
        endpoints(runner, actions)
        runs_tab.select(history.table, None, table, queue=False, show_progress="hidden", api_visibility="private")
    page.queue(max_size=ASKED_AT_ONCE, api_open=False)
    return page
