"""Variants: numbers change by rule, everything else stays."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from elm_app.learning.variants import variants

EGGS = "A farmer packs 7 crates with 24 eggs each, 12 break, the rest is sold in boxes of 6. How many boxes?"


def numbers(text: str) -> list[Fraction]:
    return [Fraction(found.replace(",", "")) for found in re.findall(r"\d[\d,]*\.?\d*(?<![,.])", text)]


def test_the_same_seed_gives_the_same_variants() -> None:
    assert variants(EGGS, 8, 3) == variants(EGGS, 8, 3)
    assert variants(EGGS, 8, 3) != variants(EGGS, 8, 4)
    assert variants(EGGS, 8, 3)[:5] == variants(EGGS, 5, 3)


def test_they_differ_from_the_problem_and_from_one_another() -> None:
    made = variants(EGGS, 8, 0)
    assert len({*made, EGGS}) == 9
    words = {re.sub(r"\d+", "N", text) for text in (*made, EGGS)}
    assert len(words) == 1


def test_relations_are_kept() -> None:
    """6 divides 12 and 24, 12 divides 24, and 7 crates are more than a box of 6 holds."""
    for text in variants(EGGS, 8, 1):
        crates, eggs, broken, box = numbers(text)
        assert (eggs % box, broken % box) == (0, 0)
        assert box < crates
        assert broken < eggs


@pytest.mark.parametrize(
    "problem",
    [
        "In 1987 a tree was planted.",
        "She has 3/4 of a cake and \\frac{2}{5} of another.",
        "Find x1 of A4 in Figure 2 and No. 7 of #5.",
        "x^2 + y^{3}",
        "The 3rd of the 22nd",
        "Meet at 3 pm, or at 8 a.m.",
        "How many 3-digit numbers are there?",
        "1. First\n2) Second\n(3) Third",
        "All of it, 100%, of 1 and 0 and 0.5",
        "Twelve men and half a dozen women",
        "Version 1.2.3 of 14/3/2020",
    ],
)
def test_what_stays(problem: str) -> None:
    assert variants(problem, 8, 0) == [problem]


def test_the_same_number_changes_the_same_way() -> None:
    for text in variants("5 boys have 5 balls and 9 girls 9 balls; 5 + 9 balls are red.", 8, 0):
        five, again, nine, once_more, *sum_ = numbers(text)
        assert (five, nine) == (again, once_more)
        assert sum_ == [five, nine]
        assert five < nine


def test_money_percentages_and_thousands_keep_their_look() -> None:
    for text in variants("It costs $1,250.00, less 20%, plus $4.50 for each of 1,500 km in 2010.", 8, 0):
        assert re.fullmatch(r"It costs \$[\d,]+\.00, less \d+%, plus \$\d+\.\d0 for each of [\d,]+ km in 2010\.", text)
        assert numbers(text)[1] % 5 == 0
        assert numbers(text)[3] % 250 == 0


def test_percentages_stay_below_100_in_all() -> None:
    for text in variants("45% are red, 40% are blue, and the rest is green.", 8, 0):
        assert sum(numbers(text)) <= 100


def test_a_time_keeps_its_hour_and_its_order() -> None:
    for text in variants("The bus leaves at 9:15 and arrives at 09:45, not at 9:50.", 8, 0):
        first, second, third = (int(minute) for minute in re.findall(r"0?9:(\d\d)", text))
        assert first < second < third < 60


def test_what_a_fraction_divides_fits_it() -> None:
    for text in variants("3/4 of 48 pupils and a third of 30 teachers", 8, 0):
        pupils, teachers = numbers(text)[2:]
        assert pupils % 12 == 0
        assert teachers % 3 == 0


def test_fewer_where_there_are_not_so_many() -> None:
    made = variants("What is 2 + 2?", 8, 0)
    assert made
    assert len(made) < 8


def test_no_number_is_the_problem_itself() -> None:
    assert variants("Is every even number the sum of two primes?", 8, 0) == [
        "Is every even number the sum of two primes?"
    ]
