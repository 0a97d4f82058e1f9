"""The Solve tab: the fields are Gradio's, the run under them is one `gr.HTML` that asks `tail` for what changed.

Gradio's events only hand a run's id over, so nothing is lost when they end.
"""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from elm_app.core.errors import ElmError
from elm_app.runs.runner import Runner
from elm_app.web.commands import Actions
from elm_app.web.components import alerts
from elm_app.web.components.guard import Answering
from elm_app.web.components.settings import drawer as drawers
from elm_app.web.components.settings import memory_field
from elm_app.web.components.settings.form import model_settings, route_settings, sampling_settings
from elm_app.web.export.saving import Saving
from elm_app.web.files import ASSETS, scripts
from elm_app.web.pages.solve.answers import Submitted
from elm_app.web.pages.solve.model_line import Machine
from elm_app.web.run.buttons import Asks
from elm_app.web.run.feed import Tail
from elm_app.web.run.template import LIVE

SCRIPTS = (
    "run/run.js",
    "pages/solve/model.js",
    "run/learn.js",
    "run/attempts.js",
    "run/replay.js",
    "run/story.js",
    "shell/stage.js",
    "export/save.js",
)
_QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


def panel(runner: Runner, actions: Actions, tail: Tail, asks: Asks, machine: Machine) -> None:
    """The fields, and the run under them."""
    with gr.Row(elem_id="elm-ask", equal_height=False):
        problem = gr.Textbox(
            label="Problem",
            show_label=False,
            placeholder="A maths problem in words …",
            lines=1,
            max_lines=8,
            container=False,
            elem_id="elm-problem",
            scale=8,
            html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=False, enterkeyhint="go"),
        )
        go = gr.Button("Solve", variant="primary", elem_id="elm-go", scale=0, min_width=96)
        stop = gr.Button("Stop", variant="secondary", elem_id="elm-stop", scale=0, min_width=80)
    problem_notice = _notice("elm-problem-notice")
    with gr.Row(elem_id="elm-examples"):
        for place, example in enumerate(json.loads((ASSETS / "examples.json").read_text(encoding="utf-8"))):
            chip = gr.Button(example["title"], size="sm", elem_id=f"elm-example-{place}", elem_classes="elm-chip")
            chip.click(None, None, problem, js=f"() => {json.dumps(example['text'])}", api_visibility="private")
            chip.click(None, None, None, js="() => window.elm.chosen()", api_visibility="private")
    # Not an accordion: Gradio makes the fields of a closed one late, and what was typed meanwhile is lost.
    drawer = gr.Button("Settings", size="sm", elem_id="elm-settings-button")
    drawer.click(None, None, None, js="() => window.elm.settings()", api_visibility="private")
    with gr.Column(elem_id="elm-settings"):
        fields = [*drawers.model_and_sampling(), *drawers.routing(actions.store, drawer)]
        settings_notice = _notice("elm-settings-notice")
    told = gr.JSON(visible=False)
    _live([*tail.functions(), *asks.functions(), *machine.functions(), *Saving(runner.folder).functions()])

    def submit(*values: Any) -> tuple[str, str, Submitted]:
        text, model, quantization, samples, temperature, tokens, seed, memory, *way = values
        try:
            chosen = model_settings(model, quantization)
            sampling = sampling_settings(samples, tokens, temperature, seed)
            routing = route_settings(memory_field.wanted(actions.store, memory), *way)
        except ElmError as error:
            return "", alerts.error(error), {"field": "settings"}
        try:
            return "", "", {"run": actions.solve(text or "", chosen, sampling, routing), "text": text}
        except ElmError as error:
            return alerts.error(error), "", {"field": "problem"}

    gr.on(
        [problem.submit, go.click],
        submit,
        [problem, *fields],
        [problem_notice, settings_notice, told],
        trigger_mode="multiple",
        **_QUIET,
    ).then(None, told, None, js="(told) => window.elm.told(told)", api_visibility="private")
    stop.click(None, None, None, js="() => window.elm.stop()", api_visibility="private")


def _notice(elem_id: str) -> gr.HTML:
    return gr.HTML(apply_default_css=False, js_on_load=None, elem_id=elem_id, elem_classes="elm-notice")


def _live(answers: list[Answering]) -> None:
    gr.HTML(
        html_template=LIVE,
        js_on_load=scripts(*SCRIPTS),
        apply_default_css=False,
        server_functions=answers,
        elem_id="elm-live",
    )
