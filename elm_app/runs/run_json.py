"""A run as the document that a command prints with --json."""

from __future__ import annotations

from typing import Any

from elm_app.core.token_effect import parting
from elm_app.core.types import to_json
from elm_app.runs.state import LearnView, RunView


def solve_json(view: RunView) -> dict[str, Any]:
    """The document that `solve --json` prints."""
    finished = [view.traces[key].trace for key in sorted(view.traces, key=lambda key: (key[0] != "zero_shot", key[1]))]
    votes = {arm: to_json(changed.vote) for arm, changed in view.votes.items()}
    return {
        "problem": view.problem,
        "status": view.status,
        "settings": view.settings,
        "traces": [to_json(trace) for trace in finished if trace is not None],
        "votes": {"zero_shot": None, "memory": None, **votes},
        "matches": [to_json(match) for match in view.retrieved.matches] if view.retrieved else [],
        "memory": view.retrieved.used if view.retrieved else None,
        "retrieved": _bare(to_json(view.retrieved)) if view.retrieved else None,
        "verified": _bare(to_json(view.verified)) if view.verified else None,
        "decision": to_json(view.decision) if view.decision else None,
        "credited": [_bare(to_json(credited)) for credited in view.credited],
        "timing": to_json(view.timing) if view.timing else None,
        "model": to_json(view.model) if view.model else None,
        "run": view.run,
    }


def learn_json(view: RunView) -> dict[str, Any]:
    """The document that `learn --json` prints."""
    learn = view.learn or LearnView()
    return {
        "problem": view.problem,
        "status": view.status,
        "settings": view.settings,
        "memory": learn.stored.memory if learn.stored else None,
        "kept": learn.stored.kept if learn.stored else False,
        "reason": learn.stored.reason if learn.stored else learn.ended.reason if learn.ended else "",
        "steps": [to_json(step) for step in learn.finished],
        "steps_asked": learn.steps,
        "worked": _bare(to_json(learn.worked)) if learn.worked else None,
        "taken": _bare(to_json(learn.taken)) if learn.taken else None,
        "ended": to_json(learn.ended) if learn.ended else None,
        "vote_before": to_json(learn.before.vote) if learn.before else None,
        "vote_after": to_json(learn.after.vote) if learn.after else None,
        "before": to_json(learn.before) if learn.before else None,
        "after": to_json(learn.after) if learn.after else None,
        "timing": to_json(view.timing) if view.timing else None,
        "seconds": view.seconds,
        "model": to_json(view.model) if view.model else None,
        "run": view.run,
    }


def effect_json(view: RunView) -> dict[str, Any]:
    """The document that `memories act --json` prints; log-probabilities in nats."""
    return {
        "problem": view.problem,
        "status": view.status,
        "settings": view.settings,
        "traces": [
            {**to_json(effect), "mean_zero_shot": effect.means()[0], "mean_memory": effect.means()[1]}
            for effect in view.effects
        ],
        "part_at": parting(view.effects) if len(view.effects) == 2 else None,
        "strongest": view.effects[0].strongest() if view.effects else [],
        "timing": to_json(view.timing) if view.timing else None,
        "model": to_json(view.model) if view.model else None,
        "run": view.run,
    }


def _bare(value: dict[str, Any]) -> dict[str, Any]:
    """An event's JSON without what only a log needs, and without what stands elsewhere in the document."""
    return {name: part for name, part in value.items() if name not in ("kind", "matches")}
