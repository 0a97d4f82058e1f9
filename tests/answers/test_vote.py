from __future__ import annotations

import itertools
import random

import pytest
from classes import by

from elm_app.answers.compare import Comparer
from elm_app.answers.reward import majority_reward, match_reward
from elm_app.answers.vote import vote
from elm_app.core.types import AnswerCount, Vote


def literally(a: str, b: str) -> bool:
    return a == b


def parity(a: str, b: str) -> bool:
    return int(a) % 2 == int(b) % 2


def test_spellings_are_one_class(asker: Comparer) -> None:
    result = vote(["1/2", "2", "0.5", None, r"\frac12", "0.5", "x"], asker.classes)
    assert result == Vote(
        answer="0.5",
        agreement=4 / 7,
        counts=(AnswerCount("0.5", 4, (0, 2, 4, 5)), AnswerCount("2", 1, (1,)), AnswerCount("x", 1, (6,))),
        abstained=1,
    )


def test_algebra_takes_part(asker: Comparer) -> None:
    result = vote([r"\sqrt{8}", "3", r"2\sqrt{2}", "(1,2)", "(2,1)"], asker.classes)
    assert [count.traces for count in result.counts] == [(0, 2), (1,), (3,), (4,)]


def test_the_default_is_the_shared_comparer() -> None:
    assert vote(["0.5", "1/2", "3"]).counts[0].traces == (0, 1)


def test_names() -> None:
    assert vote(["2", "4", "6", "4"], by(parity)).counts[0].answer == "4"  # the most frequent spelling
    assert vote(["2", "4"], by(parity)).counts[0].answer == "2"  # the first seen of equals


@pytest.mark.parametrize(
    ("answers", "winner", "tied"),
    [
        (["a", "b"], "a", True),
        (["b", "a", "a", "b"], "b", True),
        ([None, "c", "a", "a", "c", "b"], "c", True),
        (["b", "a", "a"], "a", False),
        (["a", "b", "b", "c", "c"], "b", True),
        (["a"], "a", False),
    ],
)
def test_ties(answers: list[str | None], winner: str, tied: bool) -> None:
    result = vote(answers, by(literally))
    assert (result.answer, result.tied) == (winner, tied)


@pytest.mark.parametrize("answers", [[], [None], [None] * 5, ["", " ", None, "\n"]])
def test_no_answer(answers: list[str | None]) -> None:
    assert vote(answers, by(literally)) == Vote(answer=None, agreement=0.0, counts=(), abstained=len(answers))
    assert majority_reward(answers, vote(answers, by(literally))) == [None] * len(answers)


def test_blank_answers_never_win() -> None:
    result = vote(["", "", "", "7"], by(literally))
    assert (result.answer, result.agreement, result.abstained) == ("7", 0.25, 3)


def test_abstentions_lower_the_agreement() -> None:
    assert vote(["7", "7", None, None], by(literally)).agreement == 0.5


def test_the_order_of_finishing_changes_nothing() -> None:
    answers = ["1", "2", None, "2", "3", "1"]
    expected = vote(answers, by(literally))
    assert expected.tied
    for order in itertools.permutations(range(len(answers))):
        assert vote([answers[i] for i in order], by(literally), indices=order) == expected


def test_some_traces_so_far() -> None:
    result = vote(["3", "3", "1"], by(literally), indices=[9, 4, 7])
    assert result.counts == (AnswerCount("3", 2, (4, 9)), AnswerCount("1", 1, (7,)))
    assert result.agreement == 2 / 3


def test_a_vote_adds_up() -> None:
    source = random.Random(0)
    for _ in range(300):
        answers = source.choices(["1", "2", "3", "4", "5", None, ""], k=source.randrange(1, 20))
        result = vote(answers, by(parity))
        traces = [index for count in result.counts for index in count.traces]
        assert sorted(traces) == [i for i, answer in enumerate(answers) if answer]
        assert len(traces) + result.abstained == len(answers)
        assert all(count.count == len(count.traces) and count.answer in answers for count in result.counts)
        assert [c.count for c in result.counts] == sorted((c.count for c in result.counts), reverse=True)
        rewards = majority_reward(answers, result)
        if result.answer is None:
            assert set(rewards) == {None}
        else:
            assert sum(reward for reward in rewards if reward) == result.agreement * len(answers)
            assert [i for i, reward in enumerate(rewards) if reward] == list(result.counts[0].traces)


def test_each_spelling_is_compared_once_per_class() -> None:
    asked: list[tuple[str, str]] = []

    def count(a: str, b: str) -> bool:
        asked.append((a, b))
        return a == b

    vote(["1", "2", "1", "2", "1", "3"] * 10, by(count))
    assert len(asked) == 3


def test_majority_reward() -> None:
    answers = ["1", "2", None, "3", "", "5"]
    assert majority_reward(answers, vote(answers, by(parity))) == [1.0, 0.0, 0.0, 1.0, 0.0, 1.0]


def test_a_tie_is_judged() -> None:
    assert majority_reward(["1", "2"], vote(["1", "2"], by(literally))) == [1.0, 0.0]


def test_a_vote_over_other_answers_is_refused() -> None:
    over = vote(["1", "2", None], by(literally))
    for others in (["1", "2"], ["1", None, "2"], ["1", "2", "3"], []):
        with pytest.raises(ValueError, match="not the vote"):
            majority_reward(others, over)


def test_match_reward(asker: Comparer) -> None:
    answers = ["0.5", r"\frac12", "2", None, ""]
    assert match_reward(answers, "1/2", asker.classes) == [1.0, 1.0, 0.0, 0.0, 0.0]
    assert match_reward(answers, None, asker.classes) == [None] * 5
    assert match_reward(answers, " ", asker.classes) == [None] * 5
    assert match_reward([], "1", asker.classes) == []
