"""What does not fit scrolls and shows that it does, or gives way to something shorter; in a browser."""

from __future__ import annotations

import pytest
from browser import Window, answered
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def edges(page: Page, selector: str) -> tuple[str, str]:
    """How wide the fade is before and behind what is shown of it."""
    style = "e => ['--before', '--behind'].map(name => getComputedStyle(e).getPropertyValue(name))"
    before, behind = page.locator(selector).first.evaluate(style)
    return before, behind


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("kind", [".display", ".wide"])
def test_a_wide_formula_scrolls_in_its_card_and_fades_where_there_is_more(
    window: Window, width: int, kind: str
) -> None:
    page = window(width=width, height=844)
    answered(page, f"a wide problem, {width}{kind}")
    overflow = "e => e.scrollWidth - e.clientWidth"
    assert page.locator(".card .text").evaluate_all(f"all => Math.max(...all.map({overflow}))") == 0
    formula = f'.card[data-key="zero_shot-0"] {kind}'
    assert page.locator(formula).first.evaluate(overflow) > 40
    assert edges(page, formula) == ("0px", "48px")
    page.locator(formula).first.evaluate("e => { e.scrollLeft = (e.scrollWidth - e.clientWidth) / 2; }")
    page.wait_for_timeout(100)
    assert edges(page, formula) == ("48px", "48px")
    page.locator(formula).first.evaluate("e => { e.scrollLeft = e.scrollWidth; }")
    page.wait_for_timeout(100)
    assert edges(page, formula) == ("48px", "0px")
    assert edges(page, '.card[data-key="zero_shot-1"] .display') == ("0px", "0px"), "it is all there"


@pytest.mark.parametrize("stage", [False, True])
def test_a_label_of_the_bar_is_whole_or_shorter_or_not_there(window: Window, stage: bool) -> None:
    page = window()
    answered(page, "a label that fits")
    if stage:
        page.click('[data-do="stage"]')
    told: list[str] = page.evaluate(
        """() => {
            const segment = document.querySelector('.segment[data-key="writing"]');
            segment.classList.remove("zero");
            segment.style.transition = "none";
            segment.querySelector(".count").textContent = "16";
            const told = [];
            for (let px = 4; px < 330; px += 2) {
                segment.style.width = `${px}px`;
                const label = segment.querySelector(".label");
                const text = label.offsetWidth ? label.innerText : "";
                told.push(text && label.scrollWidth > label.clientWidth ? `cut at ${px}` : text);
            }
            return told;
        }"""
    )
    assert [one for one in told if one.startswith("cut")] == []
    shown = list(dict.fromkeys(told))
    assert shown == ["", "writing", "still writing"]


def test_a_label_that_says_or_has_something_before_it(window: Window) -> None:
    page = window("/?compare")
    page.wait_for_selector('.elm-compare[data-state="empty"]')
    expect(page.locator(".elm-compare .path")).to_contain_text("Path of a comparison's folder")
