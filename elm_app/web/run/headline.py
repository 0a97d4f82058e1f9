"""The headline of a run: its answer, or in words that there is none, what stands under it, and what would help."""

from __future__ import annotations

import html

from elm_app.answers import vote_words
from elm_app.core.types import Vote
from elm_app.runs import trust
from elm_app.runs.standing import decisive, reason
from elm_app.runs.state import RunView
from elm_app.runs.trust import Help
from elm_app.web.components import labels
from elm_app.web.components.answer_colors import classes
from elm_app.web.components.markdown import inline_html
from elm_app.web.run import learning_view

_LONG = 14
"""Characters from which on an answer is set smaller."""


def answer(view: RunView) -> str:
    """The answer, large, the leading one while traces are being written; where no two attempts agree, words."""
    if view.command == "learn":
        return ""
    vote = decisive(view)
    given = () if vote is None or vote_words.headline(vote, view.samples) else vote_words.leaders(vote)
    if view.decision is not None and (vote is None or len(given) == 1):
        given = (view.decision.answer,) if view.decision.answer is not None else ()
    if not given and (view.status == "failed" or (view.status == "stopped" and view.model is None)):
        return ""
    words = _words(view, vote, bool(given))
    if words:
        return f'<span class="value words">{html.escape(words)}</span>'
    if not given:
        return '<span class="value none">–</span>'
    sure = "" if view.ended else " leading"
    if len(given) == 1:
        size = " long" if len(given[0]) > _LONG else ""
        return _value(given[0], f"value{size}{sure} {_colour(view, given[0])}")
    each = [_value(one, f"one {_colour(view, one)}") for one in given]
    return f'<span class="value tie{sure}">{vote_words.either(each)}</span>'


def in_a_line(view: RunView, before: str = "") -> str:
    """The headline of a run that has ended, small; `before` stands in front of an answer."""
    vote = decisive(view)
    if vote is None or (view.decision is not None and view.decision.answer is None):
        return "No answer"
    words = html.escape(vote_words.headline(vote, view.samples))
    return words or before + vote_words.either([inline_html(one) for one in vote_words.leaders(vote)])


def _words(view: RunView, vote: Vote | None, given: bool) -> str:
    """What stands in place of an answer; "" where one stands, and while there may yet be one."""
    if vote is None or (view.decision is not None and view.decision.answer is None):
        return "No answer" if view.ended and not given else ""
    return vote_words.headline(vote, view.samples) if view.ended else ""


def _value(given: str, kind: str) -> str:
    return f'<span class="{kind}" title="{html.escape(given)}">{inline_html(given)}</span>'


def _colour(view: RunView, given: str) -> str:
    arms = labels.arms(view)
    found = (each for one in [arms[0], *arms] for each in classes(view, one))
    return next((each.colour for each in found if each.answer == given), "kx")


def beside(view: RunView) -> str:
    """What is said of a run that is done beside its headline, as text: how the vote went, or who decided and why."""
    if len(labels.arms(view)) > 1 and view.decision is not None:
        return reason(view)
    vote = decisive(view)
    told = vote_words.beside(vote, view.samples) if vote is not None else []
    return vote_words.capital(labels.DOT.join(told))


def note(view: RunView) -> str:
    """What else there is to say: how far the answer can be trusted, or what was kept of a run that was stopped."""
    if view.learn is not None:
        return learning_view.note(view)
    if view.status == "stopped" and view.model is None:
        return "What was fetched of the model is kept. To go on from there, ask again."
    return html.escape(trust.note(view))


def helps(view: RunView, larger: str | None) -> str:
    """What would help where there is no majority: a sentence each, and a button where something can be done."""
    items = "".join(f"<li>{html.escape(one.said)}{_button(one)}</li>" for one in trust.helps(view, larger))
    return f"<ul>{items}</ul>" if items else ""


def _button(one: Help) -> str:
    value = html.escape(one.value)
    match one.kind:
        case "samples":
            return f' <button type="button" data-ask="more" data-samples="{value}">Solve again with {value}</button>'
        case "tokens":
            told = f"Solve again with {int(one.value):,} tokens"
            return f' <button type="button" data-ask="more" data-max_new_tokens="{value}">{told}</button>'
        case "model":
            return ' <button type="button" data-do="model">Choose the model</button>'
        case "memory" if one.value:
            return f' <button type="button" data-ask="again" data-with="{value}">Use the nearest</button>'
    return ""
