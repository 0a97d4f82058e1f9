"""All attempts of a learning run, in a browser: watched while they are written, opened by mouse and keyboard, compared,
on a phone, and in a replay."""

from __future__ import annotations

import pytest
from browser import EGGS, Site, Window, state
from playwright.sync_api import Page, expect

from elm_app.core.config import LearnSettings, ModelSettings

pytestmark = pytest.mark.browser
WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
FOCUSED = "document.activeElement.dataset.attempt"


def learning(site: Site) -> str:
    return site.actions.learn(EGGS, ModelSettings(model="small"), LearnSettings(steps=2, seed=7), None)


@pytest.fixture(scope="module")
def learned(site: Site) -> str:
    """A learning run that is done."""
    run = learning(site)
    assert site.runner.wait(run, 60)
    return run


def cell(key: str) -> str:
    return f'.attempts [data-attempt="{key}"]'


def unfold(page: Page) -> None:
    page.click("details.attempts > summary")
    page.wait_for_selector(f"{cell('before-0')}:not([data-writes])")


def test_attempts_are_opened_and_compared_while_others_are_written(window: Window, site: Site) -> None:
    page = window(f"/?run={learning(site)}")
    unfold(page)
    tops = "[...document.querySelectorAll('.attempts, .attempts .legend, .readout')].map(e => Math.round(e.offsetTop))"
    stood = page.evaluate(tops)
    opened = page.locator('[data-part="opened"]')
    page.wait_for_selector(f"{cell('before-3')}:not([data-writes])")
    page.click(cell("before-3"))
    expect(opened.locator("article")).to_contain_text("Before, attempt 4")
    expect(page.locator(".readout")).to_contain_text("Before, attempt 4: 26, 128 tokens")
    page.wait_for_selector(cell("step-1-0"))
    assert page.evaluate(tops) == stood
    page.keyboard.press("ArrowRight")
    assert page.evaluate(FOCUSED) == "before-4"
    page.wait_for_selector(f"{cell('step-1-7')}:not([data-writes])")
    assert page.evaluate(tops) == stood
    assert page.evaluate(FOCUSED) == "before-4"  # what was drawn meanwhile has not taken it
    page.keyboard.press("Enter")
    expect(opened.locator(".versus .heads")).to_contain_text("2 · Before, attempt 5")
    assert page.locator('.attempts [aria-pressed="true"]').count() == 2
    page.keyboard.press("Escape")
    expect(opened.locator("article")).to_have_count(0)
    assert page.evaluate(FOCUSED) == "before-3"
    page.click(cell("step-1-1"))
    expect(opened.locator(".facts")).to_contain_text("reward 0 · advantage −0.38")  # as soon as its step is done
    state(page, "done")  # Escape did not stop it
    expect(page.locator('[data-part="turned"]')).to_have_text(
        "Of 16 attempts, 8 turned to the majority’s answer, none away from it"
    )
    page.get_by_role("button", name="Attempt 3 turned to the majority’s answer: compare before and after").click()
    expect(opened.locator(".versus .heads")).to_contain_text("1 · Before, attempt 3")
    expect(opened.locator(".versus .heads")).to_contain_text("2 · After, attempt 3")
    expect(opened.locator(".about")).to_contain_text("4 lines differ")
    page.click("text=Close")
    expect(opened.locator("article")).to_have_count(0)


def test_one_tab_stop_leads_to_each_grid_and_arrows_through_it(window: Window, learned: str) -> None:
    page = window(f"/?run={learned}")
    unfold(page)
    expect(page.locator('.attempts .cells button[tabindex="0"]')).to_have_count(2)
    page.focus("details.attempts > summary")
    walked = []
    for key in ("Tab", "End", "ArrowDown", "Tab", "ArrowDown", "ArrowRight", "Home"):
        page.keyboard.press(key)
        walked.append(page.evaluate(FOCUSED))
    assert walked == ["before-0", "before-15", "after-15", "step-1-0", "step-1-1", "step-2-1", "step-1-1"]
    expect(page.locator(".readout")).to_contain_text("Step 1, rollout 2")


def test_on_a_phone_two_attempts_stand_below_each_other(window: Window, learned: str) -> None:
    page = window(f"/?run={learned}", 390, 844, color_scheme="dark")
    unfold(page)
    assert page.evaluate(WIDE) <= 0
    page.click(cell("before-2"))
    page.click(cell("step-2-1"))
    page.wait_for_selector(".versus .other")
    assert page.evaluate(WIDE) <= 0
    row = page.locator(".versus .other").first
    one, two = (row.locator(side).bounding_box() for side in (".one", ".two"))
    assert one
    assert two
    assert one["y"] + one["height"] <= two["y"] + 1
    assert one["width"] > 300


def test_in_a_replay_they_are_those_that_there_were_then(window: Window, learned: str) -> None:
    page = window(f"/?replay={learned}")
    page.wait_for_selector(".replay:not([hidden])")
    step_on = page.locator('[data-replay-do="next"]')
    step_on.click()  # before has been measured
    unfold(page)
    expect(page.locator('[data-part="turned"]')).to_have_text("16 attempts before")
    step_on.click()
    page.wait_for_selector(cell("step-1-7"))
    page.click(cell("step-1-0"))
    expect(page.locator('[data-part="opened"] article')).to_contain_text("Step 1, rollout 1")
    page.click('[data-replay-do="back"]')
    expect(page.locator(cell("step-1-0"))).to_have_count(0)
    expect(page.locator('[data-part="opened"] article')).to_have_count(0)
