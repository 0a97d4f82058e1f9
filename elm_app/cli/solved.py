"""A solved problem on a terminal: its answer, or that there is none, and what would help."""

from __future__ import annotations

from collections.abc import Iterator

from elm_app.answers import vote_words
from elm_app.cli.lines import one_line
from elm_app.core.types import Vote
from elm_app.runs import trust
from elm_app.runs.standing import decisive, reason
from elm_app.runs.state import RunView

_OPTIONS = {"samples": "--samples", "tokens": "--max-new-tokens", "model": "--model", "memory": "--memory"}


def answer(view: RunView) -> str:
    """The answer of a run that has decided, those of a tie, or that there is none, in one line."""
    vote, decision = decisive(view), view.decision
    if decision is None or decision.answer is None:
        return "no answer"
    if vote is None:
        return one_line(decision.answer)
    told = of_vote(vote, view.samples)
    return one_line(decision.answer) if len(vote_words.leaders(vote)) == 1 else told


def of_vote(vote: Vote, asked: int) -> str:
    """What a vote gives, in one line; `asked` is k, the attempts that there were to be."""
    words = vote_words.headline(vote, asked)
    return words[:1].lower() + words[1:] if words else one_line(vote_words.either(vote_words.leaders(vote)))


def beside(view: RunView) -> str:
    """How the vote went, or who decided and why, in a sentence."""
    vote, decision = decisive(view), view.decision
    if decision is None:
        return "Stopped."
    if vote is None or len(view.votes) > 1:
        return one_line(reason(view))
    return f"{vote_words.capital(', '.join(vote_words.beside(vote, view.samples)))}."


def advice(view: RunView, larger: str | None) -> Iterator[str]:
    """How far the answer can be trusted, and what would help where there is none, a line each."""
    if told := trust.note(view):
        yield one_line(told)
    for one in trust.helps(view, larger):
        yield f"{one.said} {_OPTIONS[one.kind]} {one.value}" if one.value else one.said
