"""Solving with a memory in two columns, and Explain, in a browser, over scripted runs and a real store."""

from __future__ import annotations

import re

import numpy as np
import pytest
import shelves
from browser import Site, Window, another, answered, status
from playwright.sync_api import Page, expect
from remembering import WordEmbedder
from scripted_learn import MODEL

from elm_app.core.types import Credit
from elm_app.runs.event_log import read
from elm_app.runs.state import view_of

pytestmark = pytest.mark.browser
PROBLEM = "A farmer packs 8 crates with 24 eggs each otherwise"
NEAR = "A farmer packs 9 crates with 24 eggs each"
HOSTILE = "<img src=x onerror='window.hacked=1'> </mark><script>window.hacked=1</script> A farmer packs 9 crates"


@pytest.fixture(autouse=True)
def _memory(site: Site) -> object:
    put(site, "near", NEAR)
    yield
    site.actions.store.delete(site.actions.store.vectors()[0])


def put(site: Site, id: str, problem: str) -> None:
    credit = (Credit("agreement", won=2, lost=1), Credit("none", agreed=3))
    memory = shelves.memory(3, id=id, run=id, problem=problem, model=MODEL, enabled=True, credit=credit)
    tensor = np.zeros((20, shelves.HIDDEN), np.float32) + 0.1
    site.actions.store.add(memory, tensor, WordEmbedder().encode([problem])[0])


def solved(page: Page, problem: str = PROBLEM) -> str:
    return answered(page, problem)


def explained(page: Page) -> None:
    page.click(".recalled .explain")
    page.wait_for_selector(".elm-explain[data-state=shown]")


def test_two_columns_explain_rerun_and_switch_off(window: Window, site: Site) -> None:
    page = window()
    run = solved(page)
    assert page.locator(".arm").count() == 2
    assert page.locator(".arm h3").all_inner_texts() == ["Without a memory", "With the memory"]
    for arm in ("zero_shot", "memory"):
        assert page.locator(f'[data-arm="{arm}"] .card').count() == 8
    boxes = [page.locator(f'[data-key="{arm}-0"]').bounding_box() for arm in ("zero_shot", "memory")]
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] < boxes[1]["x"]
    assert page.locator(".bar-row .arm-name").all_inner_texts() == ["Without a memory", "With the memory"]
    assert status(page).startswith("The answers differ. 6 of 8 agree on 28 with the memory, 5 of 8 on 26 without")

    explained(page)
    assert f"explain={run}" in page.url
    body = page.locator(".elm-explain")
    expect(body.locator(".decision")).to_contain_text("28")
    expect(body.locator(".matches tr.used")).to_contain_text("3 won and 1 lost (agreement), 3 agreed")
    expect(body.locator(".plane .query")).to_be_visible()
    expect(body.locator(".pair mark.number").first).to_have_text("24")
    expect(body.locator(".changed")).to_contain_text("grew")
    expect(body.locator(".side.won h4")).to_contain_text("28")
    page.reload()
    page.wait_for_selector(".elm-explain[data-state=shown]")
    expect(body.locator(".decision")).to_contain_text("28")

    page.click("text=Switch this memory off")
    expect(body.locator(".off")).to_have_text("switched off")
    assert not site.actions.store.get("near").enabled
    page.click("text=Switch it on again")
    expect(page.locator("text=Switch this memory off")).to_be_visible()
    assert site.actions.store.get("near").enabled

    page.click("text=Run again without it")
    other = another(page, run)
    assert page.locator(".arm").count() == 1
    assert status(page).startswith("5 of 8 agree")
    page.click("#elm-explain-button")
    expect(body).to_contain_text("This run looked for no memory.")
    page.click("text=Run again with memories")
    again = another(page, other)
    first, *later = (view_of(read(site.runner.folder, each)[0]) for each in (run, other, again))
    for view in later:
        assert {**view.settings, "memory": "auto"} == first.settings
        for index in range(8):  # the very same traces without a memory
            assert view.traces["zero_shot", index].text == first.traces["zero_shot", index].text
    assert page.locator(".arm").count() == 2


def test_another_verifier_shows_its_numbers_inside_the_traces(window: Window) -> None:
    page = window()
    run = solved(page)
    explained(page)
    page.click("text=Run again, judged by confidence")
    another(page, run)
    explained(page)
    traces = page.locator(".elm-explain details.weighed")
    expect(traces).to_have_count(11)  # 6 with the memory, 5 without
    traces.first.locator("summary").click()
    expect(traces.first.locator(".steps .tint").first).to_have_attribute("data-score", re.compile(r"−0\.\d\d"))


def test_memories_side_by_side_each_have_a_column(window: Window, site: Site) -> None:
    put(site, "nearer", PROBLEM)
    page = window()
    page.click("#elm-settings-button")
    page.fill("#elm-top-n input", "2")
    solved(page)
    assert page.locator(".arm h3").all_inner_texts() == ["Without a memory", "With memory 1", "With memory 2"]
    explained(page)
    assert page.locator(".elm-explain .pair").count() == 2


def test_without_a_run_the_newest_is_shown(window: Window, site: Site) -> None:
    page = window()
    run = solved(page)
    page.goto(f"{site.url}/?explain")
    page.wait_for_selector(".elm-explain[data-state=shown]")
    expect(page.locator(".elm-explain header")).to_contain_text(run)


def test_hostile_text_is_shown_as_text(window: Window, site: Site) -> None:
    put(site, "evil", HOSTILE)
    page = window()
    solved(page, HOSTILE + " hostile")
    explained(page)
    expect(page.locator(".elm-explain .problem")).to_contain_text("<script>window.hacked=1</script>")
    expect(page.locator(".elm-explain .pair")).to_contain_text("</mark>")
    assert page.evaluate("window.hacked") is None
    assert page.locator(".elm-explain img, .elm-explain script").count() == 0


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720), (390, 844)])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_the_window(window: Window, width: int, height: int, dark: bool) -> None:
    page = window(width=width, height=height, color_scheme="dark" if dark else "light")
    solved(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    explained(page)
    expect(page.locator(".plane .query")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
