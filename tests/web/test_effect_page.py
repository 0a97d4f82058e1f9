"""Where a memory acts, in a browser: asked for on Explain, over scripted runs and a real store."""

from __future__ import annotations

import re

import pytest
from browser import Site, Window
from playwright.sync_api import Page, expect
from test_explain_page import PROBLEM, _memory, explained, solved  # noqa: F401

pytestmark = pytest.mark.browser
ASK = "text=Where does the memory act?"


def address(page: Page) -> str:
    return str(page.evaluate("new URLSearchParams(location.search).get('explain')"))


def test_the_tokens_are_tinted_when_it_is_asked_for(window: Window, site: Site) -> None:
    page = window()
    run = solved(page)
    explained(page)
    acts = page.locator(".elm-explain .acts")
    expect(acts.locator("select")).to_be_visible()
    assert acts.locator(".token").count() == 0

    page.click(ASK)
    expect(acts.locator(".scored")).to_have_count(2)
    expect(acts.locator(".scored .token.up").first).to_have_attribute("title", re.compile(r"% → .*%, \+\d\.\d\d nats"))
    expect(acts.locator(".scored .token.down").first).to_have_attribute("title", re.compile(r"−\d\.\d\d nats"))
    expect(acts.locator(".scored mark.parting")).to_have_count(2)
    expect(acts.locator(".strongest tbody tr")).to_have_count(20)
    assert acts.locator(".pair h4").all_inner_texts() == [
        "Without a memory, trace 1: 26",
        "With the memory, trace 1: 28",
    ]
    acts.locator("summary").click()
    expect(acts.locator(".tokens li")).to_have_count(20)
    acting = address(page)
    assert acting != run
    page.reload()
    expect(acts.locator(".scored")).to_have_count(2)

    acts.locator("select").select_option("memory 6")
    page.click(ASK)
    expect(acts.locator(".pair h4").last).to_contain_text("trace 7")
    assert acts.locator("select").input_value() == "memory 6"
    page.click("#elm-runs-button")
    listed = page.locator("table.runs tr", has_text="where a memory acts")
    expect(listed).to_have_count(2)
    listed.last.locator("a").first.click()
    expect(acts.locator(".pair h4").last).to_contain_text("trace 1")
    assert address(page) == acting

    page.click("text=Run again without it")
    page.wait_for_selector(f'.elm-run[data-state=done]:not([data-run="{run}"])')
    assert page.locator(".arm").count() == 1
    assert site.runner.live() == []


def test_it_can_be_stopped_and_says_in_its_place_what_is_wrong(window: Window, site: Site) -> None:
    page = window()
    solved(page, f"{PROBLEM} patiently")
    explained(page)
    acts = page.locator(".elm-explain .acts")
    page.click(ASK)
    expect(acts.locator('[role="status"]')).to_contain_text("of 64 tokens")
    acts.locator("text=Stop").click()
    expect(acts.locator('[role="status"]')).to_have_text("Stopped.")
    assert site.runner.live() == []

    memory = site.actions.store.get("near")
    tensor, key = site.actions.store.soft_prompt("near"), site.actions.store.keys("near")["input"]
    site.actions.store.delete(["near"])
    page.click(ASK)
    expect(acts.locator('[data-part="acted"]')).to_contain_text("Memory near, which run")
    site.actions.store.add(memory, tensor, key)


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(window: Window, width: int) -> None:
    page = window(width=width, height=800)
    solved(page)
    explained(page)
    page.click(ASK)
    expect(page.locator(".strongest tbody tr")).to_have_count(20)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
