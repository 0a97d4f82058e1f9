"""The Explain tab: what its script (`pages/explain/explain.js`) may ask for, and the component that holds it."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from elm_app.core.events import Progress
from elm_app.pipelines.token_effect import COMMAND
from elm_app.runs import related
from elm_app.runs.state import RunView
from elm_app.web.components import found_memories
from elm_app.web.components.guard import Answering, Begun, Nothing, OfRun, guarded
from elm_app.web.components.memory_map import Atlas
from elm_app.web.components.search_vector import Meaning
from elm_app.web.files import scripts
from elm_app.web.pages.explain import effect_view, sections
from elm_app.web.pages.explain.answers import ExplainedRun, ScoreTokens, SwitchMemory
from elm_app.web.run import story
from elm_app.web.run.answers import SolveAgain
from elm_app.web.run.buttons import Asks

SCRIPTS = ("pages/explain/explain.js",)
DOTS = 1500
"""Memories drawn on the small map, taken evenly if there are more."""


def panel(asks: Asks, meaning: Meaning, atlas: Atlas) -> gr.HTML:
    """What the tab holds."""
    return gr.HTML(
        html_template='<div class="elm-explain" data-state="none"><div data-part="asked" role="alert"></div>'
        '<div data-part="body"></div></div>',
        js_on_load=scripts(*SCRIPTS),
        apply_default_css=False,
        server_functions=Explain(asks, meaning, atlas).functions(),
        elem_id="elm-explanation",
    )


class Explain:
    """Answers the questions of the pages."""

    def __init__(self, asks: Asks, meaning: Meaning, atlas: Atlas) -> None:
        self.asks, self.meaning, self.atlas = asks, meaning, atlas
        self.store, self.folder = asks.actions.store, asks.tail.runner.folder

    def functions(self) -> list[Answering]:
        """What the page's script may call, each by the name that it has here."""
        answers: tuple[Answering, ...] = (
            self.explain, self.explain_again, self.explain_switch, self.explain_act, self.explain_stop
        )  # fmt: skip
        return [guarded(each) for each in answers]

    def explain(self, ask: OfRun) -> ExplainedRun:
        """The page of a run, or of the newest that found memories, or else of a recorded one. A run that scores the
        tokens of another, `solved`, has the page of that one."""
        own = related.recalling(self.folder, but=story.recorded)
        run = str(ask.get("run") or "") or own or story.explained() or ""
        if not run:
            return {"run": "", "html": sections.EMPTY, "again": False}
        view, acting = self._views(run)
        plane, waiting = self._plane(view)
        live = self.asks.tail.runner.live()
        acts = effect_view.section(view, self.store, acting, live.index(run) if run in live else 0)
        soon = waiting or not view.ended or (acting is not None and not acting.ended)
        told = sections.EXAMPLE if story.recorded(view.run) else ""
        return {
            "run": run,
            "solved": view.run,
            "html": told + sections.page(view, self.store, plane, acts),
            "again": soon,
        }

    def explain_again(self, ask: SolveAgain) -> Begun:
        """Solve the problem of a run again, with its seed and settings, but for `memory` or `verifier`."""
        return self.asks.again({**ask, "run": self._solved(ask)})

    def explain_act(self, ask: ScoreTokens) -> Begun:
        """Score the tokens of a trace of a run, without its memory and with it."""
        arm, _, index = str(ask.get("trace") or "memory").partition(" ")
        return {"run": self.asks.actions.act(self._solved(ask), arm, int(index) if index.isdecimal() else None)}

    def explain_stop(self, ask: OfRun) -> Nothing:
        """Stop scoring."""
        run = str(ask.get("run") or "")
        if self.asks.tail.command(run) == COMMAND:
            self.asks.tail.runner.stop(run)
        return {}

    def explain_switch(self, ask: SwitchMemory) -> Nothing:
        """Offer a memory (`on`), or do not."""
        on = ask.get("on") is True
        reason = {} if on else {"disabled_reason": "Switched off on the Explain page."}
        self.store.change(str(ask.get("memory") or ""), enabled=on, **reason)
        return {}

    def _views(self, run: str) -> tuple[RunView, RunView | None]:
        """The run that solved a problem, and the one that scores its tokens, if `run` is such a one."""
        view = self.asks.tail.view(run)
        if view.command != COMMAND:
            return view, None
        return self.asks.tail.view(str(view.settings.get("source_run") or "")), view

    def _solved(self, ask: OfRun) -> str:
        return self._views(str(ask.get("run") or ""))[0].run

    def _plane(self, view: RunView) -> tuple[str, bool]:
        """The map's SVG, and whether the problem's place on it is still to come."""
        if view.retrieved is None or not view.retrieved.matches or not self.store.count():
            return "", False
        found, drawn = self.atlas.columns(match.id for match in view.retrieved.matches), self.atlas.columns()
        places = dict(zip(found["ids"], zip(found["x"], found["y"], strict=True), strict=True))
        key = self.meaning.key(view.problem)
        query = None if isinstance(key, Progress) else self.atlas.place(np.asarray(key)[None])[0]
        some = list(zip(drawn["x"], drawn["y"], strict=True))[:: -(-len(drawn["x"]) // DOTS)]
        used = found_memories.used(view.retrieved)
        matches = [
            (_unit(places[match.id]), match.score, match.id in used)
            for match in view.retrieved.matches
            if match.id in places
        ]
        own = None if query is None else _unit(query)
        dots = [_unit(place) for place in some]
        return sections.plane_svg(dots, matches, own, drawn["total"]), query is None


def _unit(place: Any) -> sections.Point:
    return float(place[0]) / 1000, float(place[1]) / 1000
