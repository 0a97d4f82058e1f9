"""A vote in words: what stands as its answer, and on how many it rests."""

from __future__ import annotations

import pytest

from elm_app.answers.vote import vote
from elm_app.answers.vote_words import agree_on, beside, either, headline, leaders, standing, verdict
from elm_app.core.types import Vote


def of(*answers: str | None) -> Vote:
    return vote(answers, classes=lambda given: [sorted(set(given)).index(one) for one in given])


NONE = (None,) * 8
SCATTERED = ("1", "2", "3", "4", "5", None, None, None)
FOUR = ("1", "1", "2", "2", "3", "3", "4", "4")
TIE = ("7", "9", "7", "9", "1", None, None, None)


@pytest.mark.parametrize(
    ("answers", "kind", "words", "shown"),
    [
        (NONE, "none", "No answer", ()),
        (SCATTERED, "scattered", "No two of 8 attempts agree", ()),
        (("1", *[None] * 7), "scattered", "No two of 8 attempts agree", ()),
        (("1", "2"), "scattered", "The two attempts do not agree", ()),
        (TIE, "tied", "", ("7", "9")),
        (FOUR, "tied", "A tie of 4 answers", ("1", "2", "3", "4")),
        (("7", "7", "1", "2", "3", None, None, None), "weak", "", ("7",)),
        (("7", "7", "7", "1", "2", "3", None, None), "weak", "", ("7",)),
        (("7", "7", "1", "2"), "clear", "", ("7",)),
        (("7", "7", "7", "7", "1", "2", "3", None, None), "clear", "", ("7",)),
        (("7",) * 8, "clear", "", ("7",)),
    ],
)
def test_what_stands_as_the_answer(
    answers: tuple[str | None, ...], kind: str, words: str, shown: tuple[str, ...]
) -> None:
    given = of(*answers)
    assert (standing(given), headline(given, len(answers)), leaders(given)) == (kind, words, shown)


def test_one_attempt_is_an_answer_only_if_one_was_asked_for() -> None:
    assert (headline(of("7"), 1), leaders(of("7"))) == ("", ("7",))
    assert headline(of("7"), 8) == "No vote"
    assert verdict(of("7")) == ["1 attempt, no vote"]
    assert verdict(of(None)) == ["1 trace, no answer"]


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (NONE, ["none of the 8 traces has an answer"]),
        (SCATTERED, ["no two of 8 agree", "5 different answers", "3 without an answer"]),
        (("1", None, None), ["no two of 3 agree", "1 answer", "2 without an answer"]),
        (TIE, ["a tie, 2 of 8 each", "1 other answer", "3 without an answer"]),
        (("1", "1", "2", "2", "3", "3"), ["a tie of 3 answers, 2 of 6 each"]),
        (("7",) * 6 + ("1", None), ["6 of 8 agree", "1 other answer", "1 without an answer"]),
    ],
)
def test_how_it_went(answers: tuple[str | None, ...], told: list[str]) -> None:
    assert verdict(of(*answers)) == told


@pytest.mark.parametrize("answers", [SCATTERED, TIE, ("7",) * 6 + ("1", "2"), ("1", "2"), ("1", "1", "2", "2"), FOUR])
def test_the_line_under_the_headline_does_not_say_it_again(answers: tuple[str | None, ...]) -> None:
    given = of(*answers)
    over = headline(given, len(answers)).lower() or either(leaders(given))
    for part in beside(given, len(answers)):
        assert part not in over
        assert "no two" not in part
        assert not ("tie" in part and "tie" in over)
    assert beside(given, len(answers)), "something is left to say"


def test_how_many_agree_on_what() -> None:
    assert agree_on(of("7", "7", "1")) == "2 of 3 agree on 7"
    assert agree_on(of(*SCATTERED)) == "no two of 8 agree, the first says 1"
    assert agree_on(of(*TIE)) == "2 of 8 agree on 7, as many on another answer"
    assert agree_on(of("7")) == "1 attempt, which says 7"
