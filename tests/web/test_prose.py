"""A model's text becomes HTML that shows it and never runs it."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest

from elm_app.web.components.markdown import block_html, blocks, inline_html, settled, text_html
from elm_app.web.components.mathml import mathml

HARMLESS = re.compile(
    "p|br|strong|span|code|pre|math|m(row|i|n|o|text|space|frac|sqrt|root|sub|sup|subsup|under|over|underover|table|tr"
    "|td|style|enclose|padded|phantom)"
)


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, str | None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(attrs)


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    r"\(\text{<img src=x onerror=alert(1)>}\)",
    r"\[\text{<b>x</b>}\]",
    r"$$\href{javascript:alert(1)}{x}$$",
    r"\(\style{background:url(https://example.com)}{x}\)",
    r"\(\textcolor{red\" onmouseover=\"alert(1)}{x}\)",
    r"\boxed{<svg onload=alert(1)>}",
    "```html\n<script>alert(1)</script>\n```",
    "`<script>`",
    "**<b onclick=alert(1)>**",
    "# <h1 onclick=alert(1)>",
    "1. <iframe src=//example.com>",
    "\ue0000\ue001 \x00 &lt;script&gt; &#60;script&#62;",
    r"\(&lt;script&gt;\) \(\text{&lt;img onerror=x&gt;}\)",
    "</div></article><style>body{display:none}</style>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_has_only_harmless_elements_and_attributes(text: str) -> None:
    for html in (text_html(text), inline_html(text)):
        found = _Elements()
        found.feed(html)
        assert not [tag for tag in found.tags if not HARMLESS.fullmatch(tag)]
        assert not [name for name in found.attributes if name.startswith("on") or name in ("href", "src", "style")]


def test_hostile_text_is_still_there_to_read() -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text_html("<script>alert(1)</script>")
    assert "&lt;b&gt;" in text_html(r"\(\text{<b>}\)")


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        (r"so \(x < 3\) holds", 1),
        ("\\[\n7 \\times 24 = 168\n\\]", 1),
        ("$$a$$ and $$b$$", 2),
        (r"Thus \boxed{72}, and \boxed{\frac{1}{2}}", 2),
        ("so $x+1=3$ and $72$", 2),
        (r"$\text{number of eggs} = 3$", 1),
        ("\\begin{align*} a &= 1 \\\\ b &= 2 \\end{align*}", 1),
        ("It costs $5 and $10 each.", 0),
        ("She pays $5, and he pays 3$", 0),
        ("between $5-$10", 0),
        ("($5+$3)=$8", 0),
        (r"pay \$5 or \$6", 0),
        ("an odd $ here", 0),
        (r"broken \(\frac{1}{\) here", 0),
        (r"open \[ x = 3", 0),
        ("`$x$` is code", 0),
    ],
)
def test_formulas_are_found_and_prices_are_not(text: str, formulas: int) -> None:
    assert text_html(text).count("<math") == formulas


def test_broken_latex_stands_as_it_was_written() -> None:
    assert text_html(r"a \(\frac{1}{\) b") == r"<p>a \(\frac{1}{\) b</p>"
    assert text_html(r"a \unheardof{3} b") == r"<p>a \unheardof{3} b</p>"
    assert mathml(r"\unheardof{3}") is None


def test_fractions_and_alignment_become_mathml() -> None:
    assert "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>" in str(mathml(r"\dfrac{1}{2}"))
    assert str(mathml(r"\begin{aligned} a &= b \\ &= c \end{aligned}")).count("<mtr>") == 2


def test_a_long_formula_among_words_has_a_box_of_its_own_to_scroll_in() -> None:
    long, short = "1 + " * 12 + "1", "1 + 1"
    assert text_html(rf"so \({long}\) it is").count('<span class="wide"><math') == 1
    assert text_html(rf"so ${long}$ it is").count('<span class="wide"><math') == 1
    for text in (rf"so \({short}\) it is", rf"\[{long}\]", rf"${short}$"):
        assert 'class="wide"' not in text_html(text)


def test_growing_text_changes_its_last_block_only() -> None:
    text = "One **two**\n\n```python\nx = 1\n\ny = 2\n```\nThen \\[ a \\]\n\n1. three\n2. four\n\nend " * 3
    before: list[str] = []
    for end in range(len(text) + 1):
        now = blocks(text[:end])
        assert now[: len(before) - 1] == before[:-1]
        before = now
    assert "".join(re.sub(r"\s", "", block) for block in before) == re.sub(r"\s", "", text)


def test_markdown_of_models() -> None:
    assert block_html("## Step 1") == '<p class="heading">Step 1</p>'
    assert block_html("- one\n12. two").count('class="item"') == 2
    assert block_html("2**3 and 4**2") == "<p>2**3 and 4**2</p>"
    assert block_html("```\na < b\n```") == "<pre><code>a &lt; b</code></pre>"


@pytest.mark.parametrize(
    "piece", ["word ", "\\[", "\\(a ", "$x", "$$ ", "\\boxed{", "**a ", "`", "{", "\\begin{a}", "\n"]
)
def test_fifty_kilobytes_of_anything_take_no_time(piece: str) -> None:
    began = time.perf_counter()
    text_html(piece * (50_000 // len(piece)))
    assert time.perf_counter() - began < 30


def test_a_formula_that_is_being_written_is_held_back_until_it_is_whole() -> None:
    text = r"so \(x = 3\) and \[ \frac{1}{2} \] is \boxed{26}."
    for end in range(len(text) + 1):
        shown = text_html(settled(text[:end]))
        assert "\\" not in shown
        assert "frac{" not in shown
    assert settled(text) == text
    assert settled("open \\( " + "word " * 60) == "open \\( " + "word " * 60
