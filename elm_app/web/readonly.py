"""A page that only shows and solves: for a talk, or where strangers may come. The page leaves out what changes anything
(`shell/readonly.css`); that nothing is changed does not depend on it, because here the functions behind it refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

from elm_app.core import environment
from elm_app.core.config import ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput, StoreError
from elm_app.store.store import Store
from elm_app.web.commands import Actions, BenchActions
from elm_app.web.fetching import Fetching, Weights
from elm_app.weights.presets import PRESETS

NOTICE = "Read-only: problems can be solved; nothing is learned, changed, deleted or uploaded here."
_REMEDY = "Run ELM yourself, without --readonly."


class ReadOnlyStore(Store):
    """A store that nobody writes to: memories cannot be added, changed or deleted, and their uses are not counted.

    Opening it finishes what a killed program left, as opening any does, and Chroma keeps its own books.
    """

    def writing(self) -> NoReturn:
        """Raises `StoreError`: every change begins with this."""
        raise StoreError("The memories are read-only here.", _REMEDY)


def refuse(*_: Any) -> NoReturn:
    """Raises `StoreError`, whatever was to be learned."""
    raise StoreError("Nothing is learned here: the memories are read-only.", _REMEDY)


def refuse_file() -> NoReturn:
    """Raises `StoreError` in place of taking a file in."""
    raise StoreError("No files are taken in here: the page is read-only.", _REMEDY)


def refuse_scoring(*_: Any) -> NoReturn:
    """Raises `StoreError` in place of scoring the tokens of a run, for which its model may have to be fetched."""
    raise StoreError("Where a memory acts is not worked out here: the page is read-only.", _REMEDY)


def refuse_comparison(*_: Any) -> NoReturn:
    """Raises `StoreError` in place of comparing methods."""
    raise StoreError("Nothing is compared here: the page is read-only.", _REMEDY)


def check_model(settings: ModelSettings, weights: Weights) -> None:
    """Raises `BadInput` unless it is the model of this machine, or a preset in 4-bit whose weights are here: a visitor
    neither fills the disk nor finds out what lies on it."""
    usual = settings.model in ("auto", environment.default_model())
    if settings.quantization not in ("auto", "4-bit") or not (
        usual or (settings.model in PRESETS and weights.here(settings))
    ):
        raise BadInput(
            "This page is read-only: it solves with what is on its machine.", "Leave model and numbers at auto."
        )


def readonly(actions: Actions) -> Actions:
    """The same without learning; the store must be a `ReadOnlyStore`, so that solving does not write to it either."""
    weights = actions.fetching.weights

    def solve(problem: str, model: ModelSettings, sampling: SamplingSettings, routing: RouteSettings) -> str:
        check_model(model, weights)
        if routing.verifier == "prm":
            raise BadInput("This page is read-only: it fetches no reward model.", "Choose another verifier.")
        return actions.solve(problem, model, sampling, routing)

    def fetch(model: ModelSettings, *watched: Any) -> None:
        check_model(model, weights)
        weights.fetch(model, *watched)

    if not isinstance(actions.store, ReadOnlyStore):
        raise TypeError("a read-only page needs a ReadOnlyStore")
    streams = actions.streams and replace(actions.streams, start=refuse, resume=refuse, can_resume=lambda _: False)
    benches = actions.benches and BenchActions(refuse_comparison, refuse_comparison, refuse_comparison)
    return replace(
        actions, solve=solve, learn=refuse, resume=refuse, can_resume=lambda _: False, act=refuse_scoring,
        streams=streams, benches=benches, fetching=Fetching(replace(weights, fetch=fetch)), readonly=True,
    )  # fmt: skip
