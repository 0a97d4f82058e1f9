"""Tokens scored without and with a memory: which moved most, in what context, and where two traces part."""

from __future__ import annotations

import pytest

from elm_app.core.token_effect import TokenScore, TraceEffect, parting


def token(text: str, bare: float = -1.0, behind: float = -1.0, special: bool = False) -> TokenScore:
    return TokenScore(text, tuple(text.encode()), bare, behind, special)


def test_the_strongest_come_first_and_the_unmoved_not_at_all() -> None:
    effect = TraceEffect("memory", 0, (token("a", -2, -1), token("b"), token("c", -1, -4), token("d", -1, -2)))
    assert effect.strongest() == [2, 0, 3]
    assert effect.strongest(1) == [2]
    assert [one.gain for one in effect.tokens] == [1, 0, -3, -1]
    assert TraceEffect("memory", 0, (token("a"), token("b"))).strongest() == []


def test_a_token_is_seen_in_its_context() -> None:
    effect = TraceEffect(
        "memory", 0, (token("So"), token(" it"), token(" is"), token(" 7"), token("<end>", special=True))
    )
    assert effect.around(2) == ("So it", " 7")
    assert effect.around(2, 3) == ("… it", " 7")
    assert effect.around(1, 3) == ("So", " is…")
    assert effect.around(0) == ("", " it is 7")


def test_the_mean_is_over_tokens_not_characters() -> None:
    effect = TraceEffect("memory", 0, (TokenScore("é", (1, 2), -2.0, -1.0), TokenScore("e", (3,), -1.0, -2.0)))
    assert effect.means() == pytest.approx((-1.0, -1.0))


def test_two_traces_part_where_a_token_differs_or_one_ends() -> None:
    def trace(text: str) -> TraceEffect:
        return TraceEffect("memory", 0, tuple(map(token, text)))

    assert parting([trace("abc"), trace("abd")]) == 2
    assert parting([trace("abc"), trace("xbc")]) == 0
    assert parting([trace("ab"), trace("abc")]) == 2
    assert parting([trace("abc"), trace("abc")]) is None
