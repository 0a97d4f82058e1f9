"""The page in a browser, over scripted runs: that everybody can see and reach it."""

from __future__ import annotations

import re

import pytest
from browser import EGGS, Window, ask, state
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_keyboard_alone(window: Window) -> None:
    page = window()
    page.focus("#elm-problem textarea")
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    expect(page.locator("#elm-problem textarea")).to_have_value("one\ntwo")
    page.fill("#elm-problem textarea", "")
    page.keyboard.press("Tab")
    reached = []
    for _ in range(10):
        reached.append(page.evaluate("document.activeElement.innerText || document.activeElement.id"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", reached
        page.keyboard.press("Tab")
    assert reached[0] == "Solve"
    assert "crates and eggs" in reached
    page.focus("#elm-example-0")
    page.keyboard.press("Enter")
    expect(page.locator("#elm-problem textarea")).to_have_value(re.compile("A farmer packs"))
    expect(page.locator("#elm-problem textarea")).to_be_focused()
    page.keyboard.press("Enter")
    state(page, "done")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720), (820, 1180), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_width_fits_in_light_and_dark(window: Window, width: int, height: int, scheme: str) -> None:
    page = window("/", width, height, color_scheme=scheme)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
    ask(page, EGGS)
    state(page, "done")
    page.wait_for_timeout(200)
    assert page.evaluate(wide) <= 0
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    for control in ("#elm-problem textarea", "#elm-go", "#elm-stop", "[data-part=answer]"):
        box = page.locator(control).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    page.click("#elm-runs-button")
    page.wait_for_selector("table.runs")
    assert page.evaluate(wide) <= 0


def test_light_dark_and_stage_are_remembered(window: Window) -> None:
    page = window("/", color_scheme="light")
    size = "parseFloat(getComputedStyle(document.querySelector('[data-part=status]')).fontSize)"
    ask(page, EGGS)
    state(page, "sampling")
    small = page.evaluate(size)
    page.click('[data-do="dark"]')
    page.click('[data-do="stage"]')
    assert page.evaluate(size) >= 1.5 * small
    expect(page.locator("#elm-settings")).to_be_hidden()
    page.reload()
    page.wait_for_selector("body.dark.stage")
    expect(page.locator('[data-do="stage"]')).to_have_attribute("aria-pressed", "true")
    state(page, "done")


def test_motion_stops_where_the_system_says_so(window: Window) -> None:
    page = window("/", reduced_motion="reduce")
    ask(page, EGGS)
    page.wait_for_selector(".segment")
    assert page.evaluate("getComputedStyle(document.querySelector('.segment')).transitionDuration") == "0s"
    state(page, "done")


def test_contrast_of_the_text_is_at_least_4_5(window: Window) -> None:
    contrast = """([front, back]) => {
      const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map((v) => {
        v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05); }"""
    for scheme in ("light", "dark"):
        page = window("/", color_scheme=scheme)
        ask(page, EGGS)
        state(page, "done")
        for selector in (".status", ".meta", ".card .state", ".card header .number", ".segment.k0", ".segment.k1",
                         ".segment.k2", ".elm-chip", "#elm-go", ".views button", ".elm-tool"):  # fmt: skip
            pair = page.locator(selector).first.evaluate(
                """element => { let back = element, colour = 'rgba(0, 0, 0, 0)';
                while (back && /^rgba\\(.*, 0\\)$|transparent/.test(colour = getComputedStyle(back).backgroundColor))
                  back = back.parentElement;
                return [getComputedStyle(element).color, colour]; }"""
            )
            assert page.evaluate(contrast, pair) >= 4.5, (scheme, selector, pair)
