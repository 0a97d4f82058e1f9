"""The empty Compare page: what was measured, until there is a comparison of one's own."""

from __future__ import annotations

import json
import re

import pytest
from browser import Window
from playwright.sync_api import expect
from test_card import harmless

from elm_app.web.files import ASSETS
from elm_app.web.pages.compare.evidence import evidence


def test_every_family_is_told_in_words_and_in_place() -> None:
    told = evidence()
    harmless(told)
    assert "${" not in told, "Gradio would take it for a template"
    numbers = json.loads((ASSETS / "evidence.json").read_text(encoding="utf-8"))
    rows = re.findall(r"<li class=\"(won|lost)\">.*?</li>", told)
    assert len(rows) == len(numbers["families"])
    assert rows.count("lost") == sum(one["memory"] < one["without"] for one in numbers["families"]) > 0
    assert f"{numbers['gain']:+.1f} points" in told


@pytest.mark.browser
def test_a_stranger_sees_what_was_measured_and_a_way_to_measure(window: Window) -> None:
    page = window("/?compare")
    families = page.locator(".elm-compare .families li")
    expect(families.first).to_be_visible()
    expect(families.first.locator(".shares")).to_have_text(re.compile(r"^\d+% → \d+%$"))
    line, memory = families.first.locator(".line").bounding_box(), families.first.locator(".memory").bounding_box()
    assert line is not None
    assert memory is not None
    share = float(families.first.locator(".shares").inner_text().split("→")[1].strip(" %")) / 100
    assert abs((memory["x"] + memory["width"] / 2 - line["x"]) / line["width"] - share) < 0.01
    page.locator('.elm-compare .empty [data-act="new"]').click()
    expect(families.first).to_be_hidden()
