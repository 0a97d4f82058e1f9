"""What the page says about the model itself: which one it is here and why, whether its weights are here, how they come,
and what can be done meanwhile (`pages/solve/model.js`)."""

from __future__ import annotations

import html

from elm_app.core import environment
from elm_app.core.config import ModelSettings
from elm_app.core.errors import ElmError
from elm_app.core.text import beginning, memories
from elm_app.evaluation.report_schema import folders
from elm_app.runs.catalog import Index
from elm_app.runs.event_log import runs
from elm_app.runs.summaries import Summaries
from elm_app.web import starters
from elm_app.web.commands import Actions
from elm_app.web.components import alerts, labels
from elm_app.web.components.guard import Answering, Nothing, OfRun, guarded
from elm_app.web.components.links import replay_link
from elm_app.web.components.settings.form import model_settings
from elm_app.web.pages.solve.answers import Meanwhile, ModelFields, ModelHere
from elm_app.web.run.feed import Tail
from elm_app.weights.presets import PRESETS

LOOKED_AT = 30
"""Runs, newest first, among which one to replay is looked for."""
_OTHER = {
    "base": ("small", "use the 0.5B: faster, mostly wrong on word problems"),
    "small": ("base", "use the 1.5B: slower, mostly right"),
}
"""For each of the two, the other. Measured on GSM8K problems, traces and majorities of 8 that are right: 17% and 32%
with the 0.5B, 57% and 70% with the 1.5B."""
_LEADS = {
    "solve": "This problem is solved as soon as the model is here.",
    "learn": "Learning begins as soon as the model is here.",
}
_RIGHT = {"small": "32%", "base": "70%"}


class Machine:
    """Answers the pages' questions about the model."""

    def __init__(self, actions: Actions, tail: Tail, summaries: Summaries, index: Index) -> None:
        self.actions, self.tail, self.summaries, self.index = actions, tail, summaries, index

    def functions(self) -> list[Answering]:
        """What the page's script may call, each by the name that it has here."""
        return [guarded(answer) for answer in (self.machine, self.fetch, self.unfetch, self.meanwhile)]

    def machine(self, ask: ModelFields) -> ModelHere:
        """The model of these fields."""
        settings = _settings(ask)
        choice = self.actions.fetching.weights.choice()
        preset = choice.preset if settings.model == "auto" else settings.model
        lacking, button = self._lacking(settings, preset)
        size = labels.model_size(preset)
        return {
            "auto": choice.preset,
            "reason": choice.reason if settings.model == "auto" else "",
            "chip": f"{size} · not fetched yet" if lacking else size,
            "line": _line(choice.reason if settings.model == "auto" else "", preset),
            "other": _OTHER[preset][0] if preset in _OTHER else "",
            "lacking": lacking,
            "fetch": button,
        }

    def fetch(self, ask: ModelFields) -> Nothing:
        """Begin to fetch that model, or go on."""
        self.actions.fetching.start(_settings(ask))
        return {}

    def unfetch(self, _: Nothing) -> Nothing:
        """Stop fetching, and the run that waits for it."""
        self.actions.fetching.stop()
        run = self.tail.waiting()
        if run is not None:
            self.tail.runner.stop(run)
        return {}

    def meanwhile(self, ask: OfRun) -> Meanwhile:
        """What can be done without the model, as links; `run` is the one that waits for it, if any."""
        run = ask.get("run")
        command = self.tail.command(run) if isinstance(run, str) and run else ""
        lead = f'<p class="lead">{_LEADS[command]}</p>' if command in _LEADS else ""
        items = "".join(f"<li>{item}</li>" for item in self._usable())
        return {"html": f"{lead}<p>What needs no model:</p><ul>{items}</ul>"}

    def _lacking(self, settings: ModelSettings, preset: str) -> tuple[str, str]:
        """What is to be said if a preset's weights are not here; nothing if they are, or nobody knows."""
        known, fetching = PRESETS.get(preset), self.actions.fetching
        try:
            if known is None or known.weights is None or fetching.weights.here(settings):
                return "", ""
        except ElmError as error:
            return alerts.error(error), "Try again"
        left = fetching.left(settings)
        if isinstance(left, ElmError):
            return alerts.error(left), "Try again"
        if left is not None:
            how_far = labels.amount(left.done, left.total, left.unit)
            return f"<p>Stopped{' at ' * bool(how_far)}{how_far}. What came is kept.</p>", "Go on fetching the model"
        size = labels.size(known.bytes)
        told = f"The model, {known.title}, is not on this machine yet: {size}, once. Solving a problem fetches it too."
        return f"<p>{html.escape(told)}</p>", f"Fetch the model ({size})"

    def _usable(self) -> list[str]:
        items = []
        count, starter = self.actions.store.count(), starters.missing(self.actions.store)
        if count or starter:
            told = f"{memories(count)}, with their map and cards" if count else f"load the {starter} starter memories"
            items.append(f'<a href="?memories" data-tab="memories">Memories</a>: {told}')
        known = runs(self.tail.runner.folder)
        for run in known[:LOOKED_AT]:
            view = self.summaries.of(run)
            if view is not None and view.command in ("solve", "learn") and view.ended and view.traces:
                told = html.escape(beginning(view.problem, 60))
                items.append(f"{replay_link(run, 'Replay')}: “{told}”, as it was written")
                break
        done = len(known) - len(self.tail.runner.live())
        if done > 0:
            items.append(f'<a href="?" data-tab="runs">Runs</a>: {labels.count(done, "earlier run")}')
        if benches := folders(self.actions.store.folder, self.index):
            told = labels.count(len(benches), "benchmark")
            items.append(f'<a href="?compare" data-tab="compare">Compare</a>: {told}')
        return [*items, "A vote over traces made elsewhere: <code>python -m elm_app vote traces.jsonl</code>"]


def _settings(ask: ModelFields) -> ModelSettings:
    return model_settings(str(ask.get("model") or environment.default_model()), ask.get("numbers") or "auto")


def _line(reason: str, preset: str) -> str:
    """Why it is this model, how good it is, and a button for the other of the two; "" for a model of one's own."""
    if preset not in _OTHER:
        return html.escape(reason)
    name = f"The {labels.model_size(preset)}, as you chose."
    told = f"{reason or name} On GSM8K problems {_RIGHT[preset]} of its majorities are right."
    return f'{html.escape(told)} <button type="button" data-do="other">{html.escape(_OTHER[preset][1])}</button>'
