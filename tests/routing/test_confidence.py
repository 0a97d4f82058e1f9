"""Tail confidence against numbers worked out by hand."""

from __future__ import annotations

import pytest

from elm_app.answers.vote import vote
from elm_app.routing.confidence import SHOWN, Confidence, lowest, trace_score, windows
from elm_app.routing.verifier import Side

from .sides import make_sample, make_side


def weigh(*sides: Side) -> list[float]:
    return [score.score for score in Confidence().weigh("p", sides, lambda _: None, lambda: False)]


def test_a_short_trace_is_one_window() -> None:
    found = trace_score(make_sample("zero_shot", 3, "1", [-1.0, -2.0, -6.0]))
    assert found.score == -3.0
    assert [(s.start, s.end, s.score) for s in found.steps] == [(0, 3, -3.0)]
    assert (found.arm, found.index) == ("zero_shot", 3)


def test_windows_overlap_and_reach_the_end() -> None:
    # 70 tokens: windows of 32 from 0, 16, 32 and 38 (the last one)
    assert [(start, end) for start, end, _ in windows([0.0] * 70)] == [(0, 32), (16, 48), (32, 64), (38, 70)]
    assert [(start, end) for start, end, _ in windows([0.0] * 64)] == [(0, 32), (16, 48), (32, 64)]
    assert len(windows([0.0] * 32)) == 1
    logprobs = [0.0] * 38 + [-1.0] * 32  # the last 32 tokens are unsure
    assert [mean for _, _, mean in windows(logprobs)] == [0.0, -10 / 32, -26 / 32, -1.0]
    assert trace_score(make_sample("memory", 0, "1", logprobs)).score == -1.0, "one of four windows: the lowest"


def test_the_lowest_tenth_is_averaged() -> None:
    assert lowest([-float(n) for n in range(20)]) == -18.5
    assert lowest([-float(n) for n in range(19)]) == -18.0
    assert lowest([-4.0]) == -4.0


def test_one_shaky_stretch_counts_where_the_mean_would_hide_it() -> None:
    shaky = [-0.1] * 100 + [-2.0] * 32 + [-0.1] * 268
    even = [-0.4] * 400
    assert sum(shaky) / 400 > sum(even) / 400
    zero_shot = Side("zero_shot", (make_sample("zero_shot", 0, "1", shaky),), vote(["1"]))
    memory = Side("memory", (make_sample("memory", 0, "2", even),), vote(["2"]))
    assert weigh(zero_shot, memory)[0] < weigh(zero_shot, memory)[1] == pytest.approx(-0.4)


def test_only_those_who_gave_the_answer_count() -> None:
    answers = ["7", "8", "7", None]
    samples = tuple(
        make_sample("memory", place, answer, [logprob] * 5)
        for place, (answer, logprob) in enumerate(zip(answers, (-1.0, -9.0, -2.0, -9.0), strict=True))
    )
    found = Confidence().weigh("p", [Side("memory", samples, vote(answers))], lambda _: None, lambda: False)[0]
    assert (found.side, found.answer, found.score) == ("memory", "7", -1.5)
    assert [(trace.index, trace.score) for trace in found.traces] == [(0, -1.0), (2, -2.0)]


def test_the_sides_come_back_in_the_order_given() -> None:
    sides = make_side("memory", ["1"], -1.0), make_side("zero_shot", ["2"], -2.0)
    assert weigh(*sides) == [-1.0, -2.0]
    assert weigh(*reversed(sides)) == [-2.0, -1.0]


def test_spans_are_in_characters() -> None:
    sample = make_sample("memory", 0, "1", [-1.0, -1.0, -1.0], text="één woord")
    assert [(s.start, s.end) for s in trace_score(sample).steps] == [(0, len("één woord"))]
    logprobs = [-1.0] * 40
    words = make_sample("memory", 0, "1", logprobs, text="x" * 100)  # the last token has 61 characters
    assert [(s.start, s.end) for s in trace_score(words).steps] == [(0, 32), (8, 100)]


def test_a_long_trace_keeps_its_lowest_windows_only() -> None:
    logprobs = [-float(place) / 1000 for place in range(2000)]
    found = trace_score(make_sample("memory", 0, "1", logprobs))
    every = windows(logprobs)
    assert len(every) == 124
    assert len(found.steps) == SHOWN
    assert [step.start for step in found.steps] == [start for start, _, _ in every[-SHOWN:]], "in the order of the text"
    assert found.score == pytest.approx(sum(mean for _, _, mean in every[-12:]) / 12)
