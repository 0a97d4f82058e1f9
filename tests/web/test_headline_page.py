"""The headline in a browser: no guess in large type, and what would help is one click away."""

from __future__ import annotations

import pytest
from browser import Window, another, answered, ask, shown, state, status
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
GUESSES = ("26", "31", "19", "28", "17", "25")


def large(page: Page, text: str) -> float:
    """The largest type, in px, in which a text stands alone above the traces."""
    return float(
        page.evaluate(
            """text => Math.max(0, ...[...document.querySelectorAll('.headline *')]
                .filter(e => e.textContent.trim() === text).map(e => parseFloat(getComputedStyle(e).fontSize)))""",
            text,
        )
    )


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.parametrize("width", [1280, 390])
def test_no_majority_is_words_and_more_attempts_are_a_click_away(window: Window, width: int) -> None:
    page = window(width=width, height=844)
    first = answered(page, f"a scattered problem, {width}")
    expect(page.locator('[data-part="answer"]')).to_have_text("No two of 8 attempts agree")
    assert status(page) == "6 different answers · 2 without an answer"
    assert [large(page, guess) for guess in GUESSES] == [0] * len(GUESSES)
    assert fits(page)
    page.click('[data-part="helps"] [data-samples="16"]')
    assert another(page, first) != first
    assert page.locator(".card").count() == 16
    page.click('[data-view="major"]')
    assert page.locator(".card:visible").count() > 0, "the first eight were written again, so there are pairs"


def test_the_larger_model_is_chosen_in_the_settings(window: Window) -> None:
    page = window()
    answered(page, "a scattered problem and a model")
    page.click('[data-part="helps"] [data-do="model"]')
    expect(page.locator("#elm-model input")).to_be_focused()


def test_nothing_leads_while_no_two_agree(window: Window) -> None:
    page = window()
    ask(page, "a scattered problem, slow")
    state(page, "sampling")
    page.wait_for_selector(".card.finished")
    assert page.locator('[data-part="answer"]').inner_text() == "–"
    page.keyboard.press("Escape")
    state(page, "stopped")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_tie_shows_its_answers_side_by_side(window: Window, width: int) -> None:
    page = window(width=width, height=844)
    answered(page, f"a tied problem, {width}")
    expect(page.locator('[data-part="answer"]')).to_have_text("26 or 28")
    one, other = (page.locator('[data-part="answer"] .one').nth(n).bounding_box() for n in (0, 1))
    assert one is not None
    assert other is not None
    assert one["y"] == other["y"]
    assert fits(page)
    page.click('[data-view="major"]')
    assert page.locator(".card:visible").count() == 6
    assert shown(page)
