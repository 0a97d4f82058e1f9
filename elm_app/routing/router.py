"""The router: the answers without and with memories, compared and, where they differ, weighed.

Same answer, done; otherwise a verifier scores both and the higher score wins (ELM, arXiv 2606.17803). An exact tie goes
to the answer without a memory, because nothing speaks for the memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from elm_app.answers.compare import comparer
from elm_app.answers.vote_words import agree_on, agreement, capital, standing
from elm_app.core.events import Progress, Verified
from elm_app.core.scores import SideScore
from elm_app.core.types import Decision, Outcome
from elm_app.routing.verifier import Side, Verifier


@dataclass(frozen=True)
class Routed:
    """What the router made of a run.

    Attributes:
        verified: what the verifier said, None if none was needed.
        outcome: how the use of the memory ended; None without one, and where no side has an answer.
    """

    decision: Decision
    verified: Verified | None = None
    outcome: Outcome | None = None


def route(
    problem: str,
    zero_shot: Side,
    memory: Side | None,
    verifier: Verifier,
    report: Callable[[Progress], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Routed:
    """Choose between the answer without and the one with memories.

    Args:
        zero_shot: the traces without a memory, and their vote.
        memory: those with memories, of all their arms; None if the run has none.
        verifier: asked only if both have an answer and the answers differ.
        report: hears of the verifier's wait.
        stopped: asked while it works.

    Raises:
        Stopped: `stopped()` became true.
        ModelError, WeightsError, BadInput: what the verifier raises.
    """
    if memory is None:
        return Routed(Decision(zero_shot.vote.answer, "zero_shot", alone(zero_shot)))
    ours, theirs = memory.vote.answer, zero_shot.vote.answer
    if ours is None and theirs is None:
        total = len(zero_shot.samples) + len(memory.samples)
        return Routed(
            Decision(None, "zero_shot", f"None of the {total} traces, with the memory and without, has an answer.")
        )
    if theirs is None:
        reason = f"Only the traces with the memory have an answer: {agree_on(memory.vote)}; without it none of "
        return Routed(Decision(ours, "memory", f"{reason}{len(zero_shot.samples)} has one."), None, "won")
    if ours is None:
        reason = f"Only the traces without the memory have an answer: {agree_on(zero_shot.vote)}; with it none of "
        return Routed(Decision(theirs, "zero_shot", f"{reason}{len(memory.samples)} has one."), None, "lost")
    if comparer().equivalent(theirs, ours):
        reason = f"Both agree on {theirs}: {_of(memory)} with the memory, {_of(zero_shot)} without."
        return Routed(Decision(theirs, "agreement", reason), None, "agreed")
    return _weighed(problem, zero_shot, memory, verifier, report, stopped)


def alone(side: Side) -> str:
    """How a side's vote went, in a sentence."""
    return f"{capital(agreement(side.vote))}."


def _weighed(
    problem: str,
    zero_shot: Side,
    memory: Side,
    verifier: Verifier,
    report: Callable[[Progress], None],
    stopped: Callable[[], bool],
) -> Routed:
    began = time.perf_counter()
    sides = (zero_shot, memory)
    scores = verifier.weigh(problem, sides, report, stopped)
    verified = Verified(verifier.name, scores, round(time.perf_counter() - began, 3))
    won = scores[1].score > scores[0].score
    decision = Decision(
        sides[won].vote.answer,
        "memory" if won else "zero_shot",
        _reason(verifier.name, sides, scores),
        verifier.name,
    )
    return Routed(decision, verified, "won" if won else "lost")


def _of(side: Side) -> str:
    return f"{side.vote.counts[0].count} of {len(side.samples)}"


_WEIGHED = {
    "agreement": (": ", "margin"),
    "confidence": (". Judged by how sure the model is of its tokens where each trace is least sure: ", "confidence"),
    "prm": (". Judged by how probably the weakest step of each trace is right: ", "score"),
}
"""What a verifier looks at, and what its score is called."""


def _reason(verifier: str, sides: Sequence[Side], scores: Sequence[SideScore]) -> str:
    zero_shot, memory = sides
    looked_at, noun = _WEIGHED.get(verifier, (": ", "score"))
    left_out = _left_out(sides, scores) if verifier == "prm" else ""
    return f"The answers differ. {_votes(zero_shot, memory)}{looked_at}{_compared(noun, scores)}.{left_out}"


def _votes(zero_shot: Side, memory: Side) -> str:
    if all(standing(side.vote) in ("clear", "weak") for side in (zero_shot, memory)):
        return f"{agree_on(memory.vote)} with the memory, {_of(zero_shot)} on {zero_shot.vote.answer} without"
    return f"With the memory {agree_on(memory.vote)}; without it {agree_on(zero_shot.vote)}"


def _compared(noun: str, scores: Sequence[SideScore]) -> str:
    """Which score won, both as numbers, the winner's first."""
    low, high = sorted(score.score for score in scores)
    if low == high:
        same = "margins are" if noun == "margin" else f"{noun} is"
        return (
            f"the {same} the same ({_number(low, 2)}), so nothing speaks for the memory and the answer without it stays"
        )
    digits = next((d for d in (2, 3, 4, 6) if _number(low, d) != _number(high, d)), 9)  # enough to see the difference
    adjective = "larger" if noun == "margin" else "higher"
    return f"the {adjective} {noun} wins ({_number(high, digits)} against {_number(low, digits)})"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def _left_out(sides: Sequence[Side], scores: Sequence[SideScore]) -> str:
    """Which traces the reward model could not read, in a sentence; empty if it read all."""
    count = sum(len(side.supporters()) - len(score.traces) for side, score in zip(sides, scores, strict=True))
    if count == 0:
        return ""
    empty = [score.answer for score in scores if not score.traces]
    traces = "1 trace is" if count == 1 else f"{count} traces are"
    rest = "".join(f"; none is left for {answer}, which counts as 0" for answer in empty)
    return f" {traces} too long for the reward model and left out{rest}."
