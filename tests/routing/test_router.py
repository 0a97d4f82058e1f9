"""Each branch of the router: who is believed, what is said, how the use of the memory counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from elm_app.answers.vote import vote
from elm_app.core.errors import Stopped
from elm_app.core.events import Progress, event_from_json, event_to_json
from elm_app.core.scores import SideScore, TraceScore
from elm_app.core.types import Decision
from elm_app.routing.agreement import Agreement, margin
from elm_app.routing.router import Routed, route
from elm_app.routing.verifier import Side

from .sides import make_sample, make_side

SEEDS = range(5)


class Scripted:
    """A verifier that gives scores made beforehand, and notes what it was asked."""

    def __init__(self, *scores: float, name: str = "scripted") -> None:
        self.scores, self.name = scores, name
        self.asked: list[tuple[str, tuple[Side, ...]]] = []

    def weigh(
        self, problem: str, sides: Sequence[Side], report: Callable[[Progress], None], stopped: Callable[[], bool]
    ) -> tuple[SideScore, ...]:
        self.asked.append((problem, tuple(sides)))
        report(Progress("weigh", "Weighing", 1, 1))
        if stopped():
            raise Stopped("Stopped.")
        return tuple(SideScore(s.side, s.vote.answer, score) for s, score in zip(sides, self.scores, strict=True))


class Never(Scripted):
    """Must not be asked."""

    def weigh(self, *_: object) -> tuple[SideScore, ...]:  # type: ignore[override]
        raise AssertionError("the verifier was asked")


@pytest.mark.parametrize("seed", SEEDS)
def test_without_a_memory_the_vote_stands(seed: int) -> None:
    zero_shot = make_side("zero_shot", ["72"] * 6 + ["48", None], seed=seed)
    assert route("p", zero_shot, None, Never()) == Routed(Decision("72", "zero_shot", "6 of 8 agree."), None, None)


def test_without_a_memory_a_tie_and_no_answer_are_said() -> None:
    tied = route("p", make_side("zero_shot", ["48", "72", "72", "48"]), None, Never()).decision
    assert tied == Decision("48", "zero_shot", "A tie, 2 of 4 each.")
    nothing = route("p", make_side("zero_shot", [None] * 3), None, Never()).decision
    assert nothing == Decision(None, "zero_shot", "None of the 3 traces has an answer.")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_answer_needs_no_verifier(seed: int) -> None:
    zero_shot = make_side("zero_shot", ["1/2", "1/2", "3", None], seed=seed)
    memory = make_side("memory", ["0.5"] * 3 + ["4"], seed=seed)
    routed = route("p", zero_shot, memory, Never())
    assert routed.decision == Decision("1/2", "agreement", "Both agree on 1/2: 3 of 4 with the memory, 2 of 4 without.")
    assert (routed.verified, routed.outcome) == (None, "agreed")


def test_where_no_side_has_an_answer_there_is_none() -> None:
    routed = route("p", make_side("zero_shot", [None] * 4), make_side("memory", [None] * 8), Never())
    assert routed.decision.answer is None
    assert "None of the 12 traces" in routed.decision.reason
    assert (routed.decision.verifier, routed.verified, routed.outcome) == (None, None, None)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_only_answer_is_taken(seed: int) -> None:
    some, none = ["7", None, "7", "8"], [None] * 4
    won = route("p", make_side("zero_shot", none), make_side("memory", some, seed=seed), Never())
    assert (won.decision.answer, won.decision.source, won.outcome) == ("7", "memory", "won")
    assert won.decision.reason == (
        "Only the traces with the memory have an answer: 2 of 4 agree on 7; without it none of 4 has one."
    )
    lost = route("p", make_side("zero_shot", some, seed=seed), make_side("memory", none), Never())
    assert (lost.decision.answer, lost.decision.source, lost.outcome) == ("7", "zero_shot", "lost")
    assert (won.verified, lost.verified) == (None, None)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("scores", "source", "answer", "outcome"),
    [
        ((0.1, 0.2), "memory", "72", "won"),
        ((0.2, 0.1), "zero_shot", "48", "lost"),
        ((0.1, 0.1), "zero_shot", "48", "lost"),
    ],
)
def test_different_answers_are_weighed(
    scores: tuple[float, float], source: str, answer: str, outcome: str, seed: int
) -> None:
    zero_shot = make_side("zero_shot", ["48"] * 3 + ["1"], seed=seed)
    memory = make_side("memory", ["72"] * 3 + [None], seed=seed)
    verifier, told = Scripted(*scores), list[Progress]()
    routed = route("p", zero_shot, memory, verifier, told.append)
    assert (routed.decision.answer, routed.decision.source, routed.outcome) == (answer, source, outcome)
    assert (routed.decision.verifier, routed.verified and routed.verified.verifier) == ("scripted", "scripted")
    assert verifier.asked == [("p", (zero_shot, memory))], "the side without a memory first"
    assert [event.stage for event in told] == ["weigh"]
    assert routed.verified is not None
    assert [(side.side, side.answer, side.score) for side in routed.verified.sides] == [
        ("zero_shot", "48", scores[0]),
        ("memory", "72", scores[1]),
    ]
    assert event_from_json(event_to_json(routed.verified)) == routed.verified
    assert ("nothing speaks for the memory" in routed.decision.reason) == (scores[0] == scores[1])


def test_the_reason_says_the_margins() -> None:
    zero_shot = make_side("zero_shot", ["48", "48", "48", "1", "1", "2", "3", None])
    memory = make_side("memory", ["72"] * 6 + ["1", "1"])
    assert route("p", zero_shot, memory, Agreement()).decision.reason == (
        "The answers differ. 6 of 8 agree on 72 with the memory, 3 of 8 on 48 without: "
        "the larger margin wins (0.50 against 0.12)."
    )


def test_a_side_without_a_majority_is_said_in_words() -> None:
    zero_shot = make_side("zero_shot", ["48", "1", "2", None])
    memory = make_side("memory", ["72", "72", "72", "1"])
    assert route("p", zero_shot, memory, Agreement()).decision.reason == (
        "The answers differ. With the memory 3 of 4 agree on 72; without it no two of 4 agree, the first says 48: "
        "the larger margin wins (0.50 against 0.00)."
    )
    assert route("p", zero_shot, None, Never()).decision.reason == "No two of 4 agree."


def test_the_reason_says_a_tie() -> None:
    routed = route("p", make_side("zero_shot", ["1", "1", "2"]), make_side("memory", ["3", "3", "4"]), Agreement())
    assert (routed.decision.source, routed.outcome) == ("zero_shot", "lost")
    assert routed.decision.reason == (
        "The answers differ. 2 of 3 agree on 3 with the memory, 2 of 3 on 1 without: "
        "the margins are the same (0.33), so nothing speaks for the memory and the answer "
        "without it stays."
    )


@pytest.mark.parametrize(
    ("name", "scores", "says"),
    [
        ("confidence", (-0.62, -0.41), "the higher confidence wins (−0.41 against −0.62)."),
        ("confidence", (-0.4112, -0.4108), "the higher confidence wins (−0.4108 against −0.4112)."),
        ("prm", (0.4, 0.81), "the higher score wins (0.81 against 0.40)."),
        ("of_another_kind", (3, 2), "the higher score wins (3.00 against 2.00)."),
    ],
)
def test_the_reason_says_what_was_compared(name: str, scores: tuple[float, float], says: str) -> None:
    zero_shot, memory = make_side("zero_shot", ["1"]), make_side("memory", ["2"])
    verifier = Scripted(*scores, name=name)
    verifier.weigh = lambda *_: tuple(  # type: ignore[method-assign]
        SideScore(side.side, side.vote.answer, score, (TraceScore(side.side, 0, score),))
        for side, score in zip((zero_shot, memory), scores, strict=True)
    )
    assert says in route("p", zero_shot, memory, verifier).decision.reason


def test_the_reason_says_which_traces_could_not_be_read() -> None:
    zero_shot, memory = make_side("zero_shot", ["1", "1"]), make_side("memory", ["2", "2"])
    verifier = Scripted(0, 0, name="prm")
    read = (TraceScore("memory", 1, 0.3),)
    verifier.weigh = lambda *_: (SideScore("zero_shot", "1", 0.0), SideScore("memory", "2", 0.3, read))  # type: ignore[method-assign]
    assert route("p", zero_shot, memory, verifier).decision.reason.endswith(
        "(0.30 against 0.00). 3 traces are too long for the reward model and left out; none is left for 1, "
        "which counts as 0."
    )


def test_a_stop_while_weighing_ends_it() -> None:
    with pytest.raises(Stopped):
        route("p", make_side("zero_shot", ["1"]), make_side("memory", ["2"]), Scripted(0, 1), stopped=lambda: True)


def test_the_margin_counts_abstentions_and_all_arms() -> None:
    assert margin(vote(["1", None, None, None]), 4) == 0.25
    assert margin(vote(["1", "2", None, None]), 4) == 0
    assert margin(vote([None, None]), 2) == 0
    two = [("memory", "5"), ("memory", "6"), ("memory_2", "5"), ("memory_2", "5")]
    samples = tuple(make_sample(arm, place % 2, answer, [-1.0]) for place, (arm, answer) in enumerate(two))
    pooled = Side("memory", samples, vote([answer for _, answer in two]))
    assert margin(pooled.vote, len(samples)) == 0.5
    assert [(s.trace.arm, s.trace.index) for s in pooled.supporters()] == [
        ("memory", 0),
        ("memory_2", 0),
        ("memory_2", 1),
    ]
