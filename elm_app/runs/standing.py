"""On what a run's answer rests: the vote that it comes from, without memories or with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from elm_app.answers.reading import key
from elm_app.answers.vote_words import attempts, standing
from elm_app.core.results import ArmResult, StreamRow
from elm_app.core.types import AnswerCount, Arm, Vote
from elm_app.runs.state import RunView


def decisive(view: RunView) -> Vote | None:
    """The vote that the answer of a solving run comes from: that of the side which was believed, of all traces where
    both sides say the same, and while nothing is decided that without a memory. None before the first one."""
    arms: dict[Arm, Vote] = {arm: changed.vote for arm, changed in view.votes.items()}
    bare = arms.pop("zero_shot", None)
    decision = view.decision
    if decision is None or not arms or decision.source == "zero_shot":
        return bare
    behind = joined(list(arms.values()))
    if decision.source == "memory" or bare is None:
        return behind
    return _both(bare, behind)


def reason(view: RunView) -> str:
    """Who decided between the answers without and with memories, and why, as a sentence; "" before it is decided."""
    if view.decision is None:
        return ""
    standings = {standing(changed.vote) for changed in view.votes.values()}
    if len(view.votes) > 1 and standings == {"scattered"} and view.decision.source != "agreement":
        with_it = "memories" if len(view.votes) > 2 else "the memory"
        return f"Neither with {with_it} nor without."
    return view.decision.reason


def joined(votes: Sequence[Vote]) -> Vote:
    """The vote over the traces of several arms together, from their own votes; a class has no trace indices then."""
    if len(votes) == 1:
        return votes[0]
    found: dict[str, AnswerCount] = {}
    for each in (each for vote in votes for each in vote.counts):
        before = found.get(key(each.answer), AnswerCount(each.answer, 0))
        found[key(each.answer)] = AnswerCount(before.answer, before.count + each.count)
    return _vote(sorted(found.values(), key=lambda each: -each.count), sum(vote.abstained for vote in votes))


def _both(bare: Vote, behind: Vote) -> Vote:
    """Both sides' votes, whose winners mean the same, however they are spelled."""
    first = AnswerCount(bare.counts[0].answer, bare.counts[0].count + behind.counts[0].count)
    rest = joined([_without_winner(bare), _without_winner(behind)])
    return _vote([first, *rest.counts], rest.abstained)


def _without_winner(vote: Vote) -> Vote:
    return Vote(None, 0.0, vote.counts[1:], vote.abstained)


def _vote(counts: Sequence[AnswerCount], abstained: int) -> Vote:
    if not counts:
        return Vote(None, 0.0, (), abstained)
    made = Vote(
        counts[0].answer, 0.0, tuple(counts), abstained, counts[1:2] != [] and counts[0].count == counts[1].count
    )
    return Vote(made.answer, counts[0].count / attempts(made), made.counts, made.abstained, made.tied)


def no_two_agree(row: StreamRow, settings: Mapping[str, Any]) -> bool:
    """Whether no two attempts of a stream's problem agree on its answer.

    Args:
        settings: those of the stream.
    """
    if row.source == "agreement":
        return False
    return alone(row.memory if row.source == "memory" else row.zero_shot, settings, row.source == "memory")


def alone(arm: ArmResult | None, settings: Mapping[str, Any], memory: bool = False) -> bool:
    """Whether an arm's answer is that of one attempt of several; False where the settings do not say how many there
    were, as with several memories (`memory`: it is the arm with one)."""
    samples = settings.get("samples")
    if arm is None or arm.answer is None or not isinstance(samples, int) or samples < 2:
        return False
    if memory and settings.get("top_n", 1) != 1:
        return False
    return round(arm.agreement * samples) <= 1
