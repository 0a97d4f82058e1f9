"""What must hold for any text: nothing crashes, time stays linear, and votes do not depend on the order of traces."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elm_app.answers.compare import Comparer
from elm_app.answers.extract import extract
from elm_app.answers.normalise import LONGEST, plain
from elm_app.answers.reading import key, read
from elm_app.answers.reward import match_reward
from elm_app.answers.vote import vote

PIECES = [
    "\\boxed", "{", "}", "(", ")", "[", "]", ",", ";", ":", "=", "<", "\\le ", ">", "%", "$", "^", "_", "'", "/", "+",
    "-", "x", " ", "\n", ".", "…", "7", "40", "0.3", "1,234", "½", "²", "٣", " and ", " or ", "answer is ", "Answer:",
    "答案是", "उत्तर ", "<answer>", "</answer>", "</think>", "```\n", "####", "\\frac", "\\text{", "\\pm ", "\\cup ",
    "\\{", "\\}", "\\overline{", "\\begin{pmatrix}", " hours ", " minutes", " PM", "cm", "seven", "half", "million",
    "not ", "but ", "(B)", "\\ldots",
]  # fmt: skip
texts = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
quick = settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(texts)
def test_no_text_crashes_extraction(text: str) -> None:
    answer = extract(text)
    assert answer is None or answer == answer.strip() != ""


@quick
@given(texts)
def test_no_answer_crashes_the_reading(text: str) -> None:
    assert "\n" not in plain(text)
    assert (read(text) is None) == (key(text) == "")


@pytest.mark.parametrize(
    "piece", ["(", "(1,", "{", "[1,", "\\{1,", "1,", "\\text{a ", "\\pm ", "(1,2)\\cup", "x=", "half "]
)
def test_deep_and_long(piece: str) -> None:
    text = piece * (LONGEST // len(piece))
    closing = text[::-1].translate(str.maketrans("([{", ")]}")) if piece[0] in "([{" else ""
    read(text)
    read((text[: LONGEST // 2] + closing)[:LONGEST])
    read(text * 50)


ANSWERS = [
    "40%", "0.4", "40", "40.0", "\\frac{2}{5}", "40 mph", "40 km/h", "40\\text{ km/h}", "45%", "0.45", "1/3",
    "0.333333", "0.3333333", "\\frac13", "2, 3", "3,2", "(2,3)", "x=2, y=3", "2<x<3", "(B)", "B", "no solution",
    "\\emptyset", "7", "seven",
]  # fmt: skip


def classes_of(asker: Comparer, answers: list[str]) -> set[frozenset[int]]:
    numbers = asker.classes(answers)
    return {frozenset(i for i, one in enumerate(numbers) if one == number) for number in numbers}


def test_a_thousand_votes_in_any_order(asker: Comparer) -> None:
    """All orders of the small ones, and of each larger one some."""
    source = random.Random(0)
    for _ in range(1000):
        answers = source.choices(ANSWERS, k=source.randrange(2, 9))
        wanted = classes_of(asker, answers)
        orders = list(itertools.permutations(range(len(answers)))) if len(answers) <= 4 else [
            source.sample(range(len(answers)), len(answers)) for _ in range(12)
        ]  # fmt: skip
        for order in orders:
            found = classes_of(asker, [answers[place] for place in order])
            assert {frozenset(order[i] for i in members) for members in found} == wanted, answers


def test_a_percentage_stands_as_the_others_say(asker: Comparer) -> None:
    for order in itertools.permutations(["40%", "0.4", "40", "40"]):
        counts = vote(order, asker.classes).counts
        assert [count.count for count in counts] == [3, 1]
        assert counts[1].answer == "0.4"
    assert [count.count for count in vote(["40%", "0.4", "0.4", "40"], asker.classes).counts] == [3, 1]
    assert [count.count for count in vote(["40%", "0.4"], asker.classes).counts] == [2]
    assert [count.count for count in vote(["40%", "40"], asker.classes).counts] == [2]


def test_a_number_without_a_unit_has_the_usual_one(asker: Comparer) -> None:
    for order in itertools.permutations(["40 mph", "40 mph", "40 km/h", "40"]):
        assert [count.count for count in vote(order, asker.classes).counts] == [3, 1]
    assert match_reward(["40 mph", "40 km/h", "40"], "40", asker.classes) == [0.0, 1.0, 1.0]
