from __future__ import annotations

import itertools
import random
import time
from fractions import Fraction

import pytest

from elm_app.answers.normalise import LONGEST
from elm_app.answers.numbers import rational
from elm_app.answers.reading import key

SAME = [
    ["1/2", "0.5", ".5", "0.50", r"\frac12", r"\frac{1}{2}", r"\dfrac{1}{2}", r"$\tfrac 12$", "x = 1/2",
     "2/4", r"\(\frac{2}4\)"],
    ["5", "5.0", "5.", "+5", " 5 ", "$5$", r"\$5", r"\$5.00", "5 dollars", r"5\text{ cm}",
     r"5 \mathrm{cm}^2", "5cm", "x=5", "10/2"],
    ["-1/2", r"-\frac12", r"\frac{-1}{2}", r"\frac{1}{-2}", "−0.5"],
    ["1234", "1,234", r"1,\!234", r"1\,234", "1{,}234", "$1,234", "1,234.0", r"1,234 \text{ clips}"],
    ["11111111100", r"11,\! 111,\! 111,\! 100"],
    ["50%", r"50\%", "50 %", "50 percent", r"50.0\%", r"$50\%$", "50 per cent"],
    ["90", r"90^\circ", r"90^{\circ}", "90°", "90 degrees", r"90\text{ degrees}"],
    ["5/2", r"2\frac{1}{2}", r"2 \frac12", "2 1/2", "2.5"],
    [".0000672", r"6.72\times 10^{-5}", "6.72e-5", "6.72 × 10^-5"],
    ["C", "(C)", r"\text{C}", r"\text{(C)}", r"\textbf{(C)}", "c"],
    ["east", r"\text{east}", "East", r"\text{ east }."],
    [r"(3,\frac{\pi}{2})", r"\left( 3, \frac{\pi}{2} \right)",
     r"(3,\dfrac{\pi}{2})", r"\left(3,\,\frac{\pi}{2}\right)"],
    [r"\sqrt2", r"\sqrt{2}", r"\sqrt 2"],
    ["x^2", "x^{2}", "x ^ 2", "y = x^2", "f(x)=x^2"],
    ["[-2,7]", r"x \in [-2,7]", r"\left[-2, 7\right]"],
    ["52_8", "52_{8}"],
]  # fmt: skip


@pytest.mark.parametrize("spellings", SAME, ids=lambda spellings: spellings[0])
def test_same_key(spellings: list[str]) -> None:
    assert {key(answer) for answer in spellings} == {key(spellings[0])}


def test_groups_have_different_keys() -> None:
    keys = [key(spellings[0]) for spellings in SAME]
    assert len(set(keys)) == len(SAME)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1,234", "1, 234"),
        ("1,234", "(1,234)"),
        ("1,2", "12"),
        ("1 2", "12"),
        ("1,234,5", "12345"),
        ("5", "5 million"),
        ("5", "50%"),
        ("0.5", "50%"),
        ("5", r"5\pi"),
        ("5", "5x"),
        ("2 and 3", "2"),
        ("3 hours and 20 minutes", "3 hours and 20 seconds"),
        ("xy = 1", "1"),
        ("x = 1, y = 2", "2"),
        ("-5", "5"),
        (r"2\frac{1}{2}", r"\frac{21}{2}"),
        (r"\frac{1}{0}", "0"),
        (r"\sqrt{12}", r"\sqrt{1}2"),
        ("52_8", "52_9"),
        ("A", "B"),
        (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 1 & 2 \end{pmatrix}"),
    ],
)
def test_different_key(a: str, b: str) -> None:
    assert key(a) != key(b)


def test_row_breaks_survive() -> None:
    assert key(r"\begin{pmatrix} -2 \\ -14 \end{pmatrix}") == r"\begin{pmatrix}-2\\-14\end{pmatrix}"
    assert key(r"\begin{pmatrix} 1 \\[2pt] 2 \end{pmatrix}").count(r"\\") == 1


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "$", "$ $", r"\$", "\N{BYTE ORDER MARK}"])
def test_blank(blank: str) -> None:
    assert key(blank) == ""


@pytest.mark.parametrize("answer", ["?", r"\text{ }", "...", r"\,", "{}", r"\{\}", "=", "x=", "%"])
def test_not_blank(answer: str) -> None:
    assert key(answer)


def test_every_spelling_of_a_fraction() -> None:
    source = random.Random(0)
    for _ in range(500):
        top, bottom = source.randrange(-99, 100), source.randrange(1, 100)
        number = Fraction(top, bottom)
        spellings = [
            f"{top}/{bottom}",
            rf"\frac{{{top}}}{{{bottom}}}",
            rf"$ \dfrac {{{3 * top}}}{{{3 * bottom}}} $",
            f"x = {number}",
        ]
        if 1 <= top < 10 and bottom < 10:
            spellings.append(rf"\frac{top}{bottom}")
        if number > 1 and number.denominator > 1:
            whole, rest = divmod(number, 1)
            spellings.append(rf"{whole}\frac{{{rest.numerator}}}{{{rest.denominator}}}")
        assert {key(spelling) for spelling in spellings} == {str(number)}
        assert rational(f"{top}/{bottom}") == number


def test_a_key_is_its_own_key() -> None:
    for answer in itertools.chain.from_iterable(SAME):
        assert key(key(answer)) == key(answer)


def test_decimals_are_exact() -> None:
    for cents in range(-1000, 1000, 7):
        assert key(f"{cents / 100:.2f}") == key(rf"\frac{{{cents}}}{{100}}") == str(Fraction(cents, 100))


PIECES = ["9", "{", ",", " ", "$", "a", "a ", "a_", "1,", "1,111", r"\frac", r"\frac1", r"\text{", r"\text{a}", r"\ab",
          r"\,", "m", "cm ", "=", "x=", "^", "%", "(", "1 a", "and ", "percent", "\\", "."]  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_time_is_bounded(piece: str) -> None:
    begun = time.process_time()
    for start, end in itertools.product(["", "1 ", "x ="], ["", " cm", "!"]):
        key((start + piece * (LONGEST // len(piece)))[: LONGEST - 3] + end)
    key(piece * 50_000)
    assert time.process_time() - begun < 5  # measured: hundredths of a second


@pytest.mark.parametrize(
    "answer", ["1e999999999", "1" * 900 + "e999", r"10^{10^{10^{10}}}", "1/" + "9" * 990, ".1e-999"]
)
def test_large_numbers(answer: str) -> None:
    assert len(key(answer)) < 3000


def test_power_of_ten_that_is_too_large_stays_text() -> None:
    assert key(r"10\times10^{99999}") != key(r"10\times10^{99998}")
    assert rational("1e9999") is None
