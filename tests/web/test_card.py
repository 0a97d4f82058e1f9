"""A memory's card; and that nothing of a stranger's card is markup."""

from __future__ import annotations

import html
import math
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from shelves import EVIL, evil, memory

from elm_app.core.types import Credit, Measured, Vote
from elm_app.web.components.charts.learning_charts import MARKED, WIDTH
from elm_app.web.pages.memories.card import card

SPEAKS = re.compile(
    "article|div|span|button|p|strong|h2|h3|label|input|textarea|section|table|thead|tbody|tr|th|td|figure|figcaption"
    "|svg|line|text|path|circle|rect|dl|dt|dd|a|details|summary|ol|ul|li|select|option|code|i|b|header|caption|h4|mark|title|tspan"
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
    assert card(made, True).count('class="chart"') == 3


def test_a_card_without_its_run_a_measure_or_steps() -> None:
    said = card(memory(1, after=None, improved=False, steps=(), answer=None, words=(), settings={}), False)
    assert "not on this machine" in said
    assert "data-run" not in said
    assert "Not measured after learning" in said
    assert "no answer" in said
    assert "chart" not in said


def test_a_hostile_card_is_text() -> None:
    made = evil()
    for text in (card(made, True), card(made, False)):
        harmless(text)
        assert "&lt;script&gt;" in text
    wild = Measured(Vote("1", 5.0, (replace(made.before.vote.counts[0], answer="1", count=-3),), 10**9), 0, 7.0, 1e300)
    harmless(card(replace(made, before=wild), False))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -2.0, 5e9, 1e300])
@pytest.mark.parametrize("count", [1, 2, 1200])
def test_steps_of_a_stranger_are_a_picture(value: float, count: int) -> None:
    step = replace(memory(46).steps[0], step=10**9, reward_mean=value, agreement=value, answered=value, tokens=value)
    made = replace(memory(46), steps=(replace(step, grad_norm=value),) * count, settings={"max_new_tokens": EVIL})
    drawn = card(made, True).split('<div class="curves">')[1].split("</section>")[0]
    harmless(drawn)
    picture = ElementTree.fromstring('<div class="curves">' + drawn)
    places = [float(each.attrib[name]) for each in picture.iter("circle") for name in ("cx", "cy")]
    assert all(0 <= place <= WIDTH for place in places)
    assert len(places) == (0 if not math.isfinite(value) else 5 * 2 * (1 if count > MARKED else count))
