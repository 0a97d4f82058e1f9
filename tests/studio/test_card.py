"""A memory's card and the curves on it; and that nothing of a stranger's card is markup."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from shelves import EVIL, evil, memory

from elm_app.studio.card import card
from elm_app.studio.curves import curve
from elm_app.types import Credit, Measured, Vote

SPEAKS = re.compile(
    "article|div|span|button|p|strong|h2|h3|label|input|textarea|section|table|thead|tbody|tr|th|td|figure|figcaption"
    "|svg|line|text|path|circle|rect|dl|dt|dd|a|details|summary|ol|li|code|i|b|header|caption|h4|mark"
)


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def harmless(text: str) -> None:
    found = Elements(text)
    assert not [tag for tag in found.tags if not SPEAKS.fullmatch(tag)]
    assert not [name for name, _ in found.attributes if name.startswith("on") or name == "src"]
    assert all((value or "").startswith("?") for name, value in found.attributes if name == "href")


# curves


def test_a_curve_has_its_points_axes_and_last_values() -> None:
    series: Any = [("reward", [0.5, None, 0.75]), ("agreement", [0.25, 0.5, 1.0])]
    drawn = curve(series, low=0, high=1, unit="", title="A & B")
    picture = ElementTree.fromstring(drawn)
    assert len(picture.findall(".//circle[@class='mark s0']")) == 2
    assert len(picture.findall(".//rect[@class='mark s1']")) == 3
    assert picture.find(".//path[@class='line s0']").get("d").count("M") == 2  # type: ignore[union-attr]
    ticks = [each.text for each in picture.findall(".//text[@class='tick']")]
    assert ticks == ["0", "0.5", "1", "step 1", "2", "3"]
    assert picture.find(".//text[@class='last s0']").text == "0.75"  # type: ignore[union-attr]
    label = str(picture.find(".//svg").get("aria-label"))  # type: ignore[union-attr]
    assert label == "A & B: reward 0.5 at step 1, 0.75 at step 3; agreement 0.25 at step 1, 1 at step 3"


def test_a_curve_widens_for_what_lies_beyond_and_marks_what_goes_on() -> None:
    drawn = curve([("length", [90.0, 232.0])], low=0, high=100, unit="tokens", title="Length", live=True)
    picture = ElementTree.fromstring(drawn)
    assert [each.text for each in picture.findall(".//text[@class='tick']")][:3] == ["0", "120", "240"]
    assert len(picture.findall(".//circle[@class='ring s0']")) == 1
    for mark in picture.findall(".//circle"):
        assert 0 <= float(str(mark.get("cy"))) <= 172


@pytest.mark.parametrize(
    "series",
    [
        [],
        [("x", [])],
        [("x", [None, None])],
        [("x", [3.0])],
        [("x", [float("nan"), 1.0])],
        [("x", [1.0] * 1000)],
        [("<b>&", [-2.0, 5e9])],
    ],
)
def test_any_series_is_a_picture(series: Any) -> None:
    drawn = curve(series, low=0, high=1, unit="%", title=EVIL)
    ElementTree.fromstring(drawn)
    harmless(drawn)
    assert "nan" not in drawn


def test_two_last_values_do_not_lie_on_each_other() -> None:
    drawn = ElementTree.fromstring(curve([("a", [0.5]), ("b", [0.5])], low=0, high=1, unit="", title="t"))
    first, second = [float(str(each.get("y"))) for each in drawn.findall(".//text")[-2:]]
    assert abs(first - second) >= 12


# card


def test_a_card_says_everything() -> None:
    credit = (Credit("<b>prm", won=3, lost=1),)
    made = memory(46, label="the coat", note="two\nlines", retrieved=4, helped=3, hurt=1, credit=credit, bytes=71_760)
    said = html.unescape(re.sub(r"<[^>]+>", " ", card(made, True)))
    for part in (made.problem, made.verdict, "11 of 16 agree", "15 of 16 agree", "214 tokens a trace", "10,953 tokens",
                 "20 virtual tokens × 896 float32 numbers, 71.8 KB",
                 "used 4 times, helped 3, hurt 1: 3 won and 1 lost (<b>prm)",
                 made.run,
                 "int8, cpu, weights 1d9614638d18", "It helped its own problem.", "in 10 steps", "learning rate",
                 "therefore", "All tries had the same reward.", "offered", "two\nlines"):  # fmt: skip
        assert part in said, part
    assert 'value="the coat"' in card(made, True)
    assert card(made, True).count('class="curve"') == 4


def test_a_card_without_its_run_a_measure_or_steps() -> None:
    said = card(memory(1, after=None, improved=False, steps=(), answer=None, words=(), settings={}), False)
    assert "not on this machine" in said
    assert "data-run" not in said
    assert "Not measured after learning" in said
    assert "no answer" in said
    assert "curve" not in said


def test_a_hostile_card_is_text() -> None:
    made = evil()
    for text in (card(made, True), card(made, False)):
        harmless(text)
        assert "&lt;script&gt;" in text
    wild = Measured(Vote("1", 5.0, (replace(made.before.vote.counts[0], answer="1", count=-3),), 10**9), 0, 7.0, 1e300)
    harmless(card(replace(made, before=wild), False))
