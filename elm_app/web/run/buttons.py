"""What the buttons of a run ask the server for."""

from __future__ import annotations

from dataclasses import replace

from elm_app.core.config import ModelSettings, RouteSettings, SamplingSettings, settings_from
from elm_app.core.errors import BadInput
from elm_app.runs import related
from elm_app.runs.learning_progress import estimate
from elm_app.runs.state import RunView
from elm_app.web.commands import Actions
from elm_app.web.components.guard import Answering, Begun, Fields, Nothing, OfRun, guarded
from elm_app.web.components.settings.form import learn_settings
from elm_app.web.run.answers import (
    LearnFrom,
    LearningTime,
    OpenedAttempts,
    PickedAttempts,
    SolveAgain,
    SolveMore,
)
from elm_app.web.run.feed import Tail, moment
from elm_app.web.run.learning_view import about


class Asks:
    """The server functions of the run on the page (`run/learn.js`)."""

    def __init__(self, actions: Actions, tail: Tail) -> None:
        self.actions, self.tail = actions, tail

    def functions(self) -> list[Answering]:
        """All of them, by the names that they have here."""
        asks: tuple[Answering, ...] = (
            self.learn, self.again, self.more, self.keep, self.resume, self.duration, self.attempts
        )  # fmt: skip
        return [guarded(each) for each in asks]

    def learn(self, ask: LearnFrom) -> Begun:
        """Learn from the problem of a run; `fields` are those of the drawer."""
        view = self._view(ask)
        folder = self.tail.runner.folder
        asked_from = view.run if view.command == "solve" else related.source(folder, view)
        learning = learn_settings(_fields(ask))
        return {
            "run": self.actions.learn(view.problem, settings_from(ModelSettings, view.settings), learning, asked_from)
        }

    def again(self, ask: SolveAgain) -> Begun:
        """Solve a run's problem again, with its settings and seed, but for `memory` (`off`: none) or `verifier`."""
        view = self._view(ask)
        named = {"memory": ask.get("memory"), "verifier": ask.get("verifier")}
        given = {name: value for name, value in named.items() if value and isinstance(value, str)}
        if not given:
            raise BadInput("No memory was chosen.", "Choose one from the list.")
        routing = replace(settings_from(RouteSettings, view.settings), **given)
        return {
            "run": self.actions.solve(
                view.problem, settings_from(ModelSettings, view.settings), _sampling(view), routing
            )
        }

    def more(self, ask: SolveMore) -> Begun:
        """Solve a run's problem again with its settings and seed, but for `samples` or `max_new_tokens`: the first
        attempts are the same ones, and go on."""
        view = self._view(ask)
        named = {"samples": ask.get("samples"), "max_new_tokens": ask.get("max_new_tokens")}
        given = {name: _whole(name, value) for name, value in named.items() if value is not None}
        if not given:
            raise BadInput("Nothing was asked for.", "Choose more samples, or more new tokens.")
        model, routing = settings_from(ModelSettings, view.settings), settings_from(RouteSettings, view.settings)
        return {"run": self.actions.solve(view.problem, model, replace(_sampling(view), **given), routing)}

    def keep(self, ask: OfRun) -> Nothing:
        """Enable the memory of a learning run that was stored disabled."""
        view = self._view(ask)
        if view.learn is None or view.learn.stored is None or view.learn.stored.memory is None:
            raise BadInput("This run stored no memory.", "Learn from its problem again.")
        self.actions.store.change(view.learn.stored.memory, enabled=True, disabled_reason="")
        return {}

    def resume(self, ask: OfRun) -> Begun:
        """Go on with a learning run that broke off."""
        return {"run": self.actions.resume(self._view(ask).run)}

    def duration(self, ask: LearnFrom) -> LearningTime:
        """How long learning would take with the drawer's fields as they are."""
        seconds = estimate(self._view(ask), learn_settings(_fields(ask)))
        return {"text": f"{about(seconds)} on this machine" if seconds else ""}

    def attempts(self, ask: PickedAttempts) -> OpenedAttempts:
        """Attempts of a learning run opened, side by side if they are two; `picked` are their cells' keys."""
        run, picked = ask.get("run"), ask.get("picked")
        keys = [key for key in picked if isinstance(key, str)] if isinstance(picked, list) else []
        return {"opened": self.tail.opened(run if isinstance(run, str) else "", keys, *moment(ask))}

    def _view(self, ask: OfRun) -> RunView:
        run = ask.get("run")
        if not isinstance(run, str) or not run:
            raise BadInput("There is no run to go on from.", "Solve a problem first.")
        return self.tail.view(run)


def _whole(name: str, value: object) -> int:
    try:
        return int(str(value))
    except ValueError as error:
        raise BadInput(f"{name} is {value!r}.", "It must be a whole number.") from error


def _fields(ask: LearnFrom) -> Fields:
    fields = ask.get("fields")
    return fields if isinstance(fields, dict) else {}


def _sampling(view: RunView) -> SamplingSettings:
    """A solving run's own settings; a learning run has none, its problem is solved with the usual ones."""
    if view.command != "solve":
        return SamplingSettings()
    sampling: SamplingSettings = settings_from(SamplingSettings, view.settings)
    return sampling
