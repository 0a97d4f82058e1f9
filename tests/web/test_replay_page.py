"""A run played once more, in a browser."""

from __future__ import annotations

import re

import pytest
from browser import EGGS, Site, Window, answered, state, status
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
BAR = '[data-part="replay"]'


def control(name: str) -> str:
    return f'{BAR} [data-replay-do="{name}"]'


def replayed(page: Page) -> str:
    """A replay that stands at its beginning."""
    run = answered(page, EGGS)
    page.click(".meta a[data-replay]")
    page.wait_for_selector(f"{BAR}:not([hidden])")
    page.click(control("toggle"))
    expect(page.locator(control("toggle"))).to_have_text(re.compile("Play"))
    back = page.locator(control("back"))
    for _ in range(12):
        if back.is_disabled():
            break
        back.click()
    page.locator(control("seek")).fill("0")
    expect(page.locator('[data-part="status"]')).to_have_text(re.compile("0 finished|Reading the problem"))
    return run


def test_a_run_plays_by_itself_and_ends_as_it_did(window: Window) -> None:
    page = window()
    run = answered(page, EGGS)
    cards = page.locator(".arms").inner_text()
    page.click(".meta a[data-replay]")
    page.wait_for_selector('.elm-run[data-state="sampling"]')
    assert page.evaluate("new URLSearchParams(location.search).get('replay')") == run
    assert not page.evaluate("new URLSearchParams(location.search).has('run')")
    state(page, "done")
    assert status(page) == "5 of 8 agree · 2 other answers · 1 without an answer"
    assert page.locator(".arms").inner_text() == cards
    expect(page.locator(control("toggle"))).to_have_text("Play again")
    page.click(control("close"))
    expect(page.locator(BAR)).to_be_hidden()
    page.wait_for_function("new URLSearchParams(location.search).has('run')")
    state(page, "done")


def test_step_by_step(window: Window) -> None:
    page = window()
    replayed(page)
    ended = page.locator(".card:is(.finished, .cut)")
    seen = [0]
    for _ in range(3):
        page.click(control("next"))
        page.wait_for_function("n => document.querySelectorAll('.card:is(.finished, .cut)').length > n", arg=seen[-1])
        seen.append(ended.count())
    page.click(control("back"))
    expect(ended).to_have_count(seen[2])
    page.wait_for_timeout(1500)  # it does not go on by itself
    expect(ended).to_have_count(seen[2])
    assert status(page).startswith(f"8 traces, {seen[2]} finished")
    page.locator("body").click(position={"x": 4, "y": 4})
    page.keyboard.press("ArrowRight")
    expect(ended).to_have_count(seen[3])
    page.keyboard.press(" ")
    state(page, "done")


def test_the_address_of_a_replay_opens_it_anywhere(window: Window) -> None:
    run = answered(window(), EGGS)
    page = window(f"/?replay={run}")
    page.wait_for_selector(f"{BAR}:not([hidden])")
    state(page, "done")
    page.fill("#elm-problem textarea", "another")  # the problem box takes a space as ever
    page.press("#elm-problem textarea", " ")
    assert page.input_value("#elm-problem textarea") == "another "
    expect(page.locator(control("toggle"))).to_have_text("Play again")


def test_the_list_of_runs_offers_it_and_a_new_problem_ends_it(window: Window, site: Site) -> None:
    page = window()
    run = answered(page, EGGS)
    page.click("#elm-runs-button")
    page.click(f'table.runs a[data-replay="{run}"]')
    page.wait_for_selector(f"{BAR}:not([hidden])")
    assert page.locator("#elm-solve-button").get_attribute("aria-selected") == "true"
    assert not site.runner.live()
    answered(page, EGGS)
    expect(page.locator(BAR)).to_be_hidden()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_the_bar_fits(window: Window, width: int, height: int) -> None:
    page = window(width=width, height=height)
    replayed(page)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    boxes = [one.bounding_box() for one in page.locator(f"{BAR} > :visible").all()]
    assert len(boxes) >= 6
    assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
