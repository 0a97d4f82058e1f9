"""How far a run's answer can be trusted, and what would help where it cannot: sentences for page and command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from elm_app.answers.vote_words import attempts, standing
from elm_app.core.config import MOST_SAMPLES, MOST_TOKENS, SamplingSettings
from elm_app.core.types import Vote
from elm_app.runs.standing import decisive
from elm_app.runs.state import RunView
from elm_app.weights.presets import PRESETS

FEWER = (8, 18)
"""Votes of the default model in which two or more of 8 attempts agreed, but fewer than half: so many were right, of so
many. 52 problems of our own wording, 4-bit weights, the default sampling (docs/TRAINING.md, the first
twelve families; docs/results/ladder/plain.jsonl)."""


@dataclass(frozen=True)
class Help:
    """What may help, in a sentence, and the value to ask for.

    Attributes:
        value: of `samples` and `tokens` a number, of `model` a preset, of `memory` an id or "".
    """

    kind: Literal["samples", "tokens", "model", "memory"]
    said: str
    value: str


def note(view: RunView) -> str:
    """How far the answer of a solved problem can be trusted; "" where there is nothing to say."""
    vote = decisive(view)
    if vote is None or view.decision is None or view.status != "done":
        return ""
    match standing(vote):
        case "tied":
            told = f"The vote cannot tell them apart; where one is needed, the earlier, {vote.answer}, is taken."
        case "weak":
            told = "A weak majority: so few can agree by chance."
        case _:
            return ""
    return f"{told} {measured(view, vote)}".rstrip()


def measured(view: RunView, vote: Vote) -> str:
    """How often votes like this one were right, where that was measured: with this model and this sampling."""
    base, usual = PRESETS["base"].weights, SamplingSettings(seed=0)
    same = all(view.settings.get(name) == getattr(usual, name) for name in ("max_new_tokens", "temperature", "top_k"))
    model = view.model is not None and base is not None and view.model.weights_sha256 == base.sha256
    if not (model and same and attempts(vote) == usual.samples and vote.agreed and vote.agreement < 0.5):
        return ""
    right, of = FEWER
    return (
        f"Measured with this model: {right} of {of} votes with fewer than half agreeing were right (docs/TRAINING.md)."
    )


def helps(view: RunView, larger: str | None) -> list[Help]:
    """What may bring a majority where there is none, the nearest at hand first.

    Args:
        larger: a larger model that this machine can run, by its preset, or None.
    """
    vote = decisive(view)
    if vote is None or view.status != "done" or view.command != "solve":
        return []
    kind = standing(vote)
    if kind not in ("none", "scattered", "tied"):
        return []
    found = [*_more_tokens(view), *_more_samples(view, kind == "tied")]
    if larger is not None:
        size = PRESETS[larger].size
        found.append(Help("model", f"The larger model, the {size}, is slower and more often right.", larger))
    return found + _memory(view) if kind != "tied" else found


def _more_tokens(view: RunView) -> list[Help]:
    """More room, if half of the attempts or more had too little."""
    done = [each.trace for each in view.traces.values() if each.trace is not None]
    cut, limit = sum(not trace.finished for trace in done), view.settings.get("max_new_tokens")
    if not isinstance(limit, int) or not cut or 2 * cut < len(done) or 2 * limit > MOST_TOKENS:
        return []
    return [Help("tokens", f"{cut} of {len(done)} attempts were cut off at {limit} tokens.", str(2 * limit))]


def _more_samples(view: RunView, tied: bool) -> list[Help]:
    more = 2 * view.samples
    if (
        view.samples < 1 or more > MOST_SAMPLES or view.settings.get("temperature") == 0
    ):  # which writes the same each time
        return []
    said = "More attempts may break the tie." if tied else "Of more attempts two may agree."
    return [Help("samples", said, str(more))]


def _memory(view: RunView) -> list[Help]:
    """A memory, unless one was used."""
    found = view.retrieved
    if found is not None and found.used is not None:
        return []
    if found is not None and found.matches:
        return [Help("memory", "A memory may help, though none is as near as it should be.", found.matches[0].id)]
    return [Help("memory", "A memory of a similar problem may help.", "")]
