"""The fields of the Settings drawer; `form.py` makes settings of what they hold."""

from __future__ import annotations

from typing import Any

import gradio as gr

from elm_app.core import environment
from elm_app.core.config import PRM, RouteSettings, SamplingSettings
from elm_app.store.store import Store
from elm_app.web.components.settings import memory_field
from elm_app.web.components.settings.form import COMPOSES, MODELS, NUMBERS, RANKS, RETRIEVALS, VERIFIERS

Fields = list[gr.components.Component]


def model_and_sampling() -> Fields:
    """Those of `ModelSettings`, then those of `SamplingSettings`."""
    defaults = SamplingSettings(seed=0)
    model = environment.default_model()
    with gr.Row():
        fields: Fields = [
            gr.Dropdown(
                MODELS,
                value=model,
                label="Model",
                info="from the list, or a hub id, or a local folder",
                allow_custom_value=True,
                elem_id="elm-model",
                scale=3,
                min_width=260,
            ),
            gr.Dropdown(NUMBERS, value="auto", label="Numbers", info="how weights are held", scale=2, min_width=200),
        ]
    _machine(*fields)
    with gr.Row():
        fields += [
            gr.Number(
                defaults.samples, label="Samples", info="traces per problem", min_width=120, elem_id="elm-samples"
            ),
            gr.Number(defaults.temperature, label="Temperature", info="0 is greedy", min_width=120, step=0.1),
            gr.Number(
                defaults.max_new_tokens,
                label="New tokens",
                info="where a trace is cut off",
                min_width=120,
                step=64,
                elem_id="elm-tokens",
            ),
            gr.Textbox(
                label="Seed", info="the same seed, the same traces", placeholder="random", min_width=120, max_lines=1
            ),
        ]
    return fields


def _machine(model: gr.components.Component, numbers: gr.components.Component) -> None:
    """The line that says why it is this model, which `pages/solve/model.js` fills, and what its button presses."""
    quiet: dict[str, Any] = {"api_visibility": "private"}
    gr.HTML('<p data-machine role="status"></p>', apply_default_css=False, js_on_load=None, elem_id="elm-machine")
    other = gr.Button("Use the other model", elem_id="elm-other", elem_classes="elm-hidden")
    other.click(None, None, model, js="() => window.elm.other()", **quiet)
    gr.on(
        [model.change, numbers.change], None, [model, numbers], None,
        js="(model, numbers) => { window.elm.model(model, numbers); }", **quiet,
    )  # fmt: skip


def routing(store: Store, drawer: gr.Button) -> Fields:
    """Those of `RouteSettings`, in its order."""
    usual = RouteSettings()
    with gr.Row():
        memory = memory_field.field(store, drawer)
        verifier = gr.Dropdown(
            VERIFIERS, value=usual.verifier, label="Verifier", info="decides if the answers differ", min_width=220,
            elem_id="elm-verifier",
        )  # fmt: skip
        prm = gr.Textbox(
            label="Reward model",
            info="hub id or folder, for that verifier",
            placeholder=PRM,
            min_width=220,
            max_lines=1,
        )
    with gr.Row():
        retrieval = gr.Dropdown(
            RETRIEVALS, value=usual.retrieval, label="Found by", info="what makes a memory near", min_width=200,
            elem_id="elm-retrieval",
        )  # fmt: skip
        rank = gr.Dropdown(RANKS, value=usual.rank, label="Ranked by", info="what comes first", min_width=180)
        top_n = gr.Number(
            usual.top_n, label="Memories", info="at most; above 1 experimental", min_width=140, elem_id="elm-top-n"
        )
        compose = gr.Dropdown(COMPOSES, value=usual.compose, label="More than one", info="experimental", min_width=160)
    return [memory, retrieval, rank, top_n, compose, verifier, prm]
