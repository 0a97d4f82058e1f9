"""Every page looked through by axe-core (of `npm install`), light and dark, wide and narrow: no serious finding."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import scripted_bench
import shelves
from browser import EGGS, Site, Window, answered, ask, state
from playwright.sync_api import Page
from test_explain_page import put

pytestmark = pytest.mark.browser
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"


def empty(page: Page, site: Site) -> None:  # noqa: ARG001
    page.wait_for_selector(".elm-run .empty")


def solved(page: Page, site: Site) -> None:
    if not site.actions.store.count():
        put(site, "near", EGGS)
    answered(page, f"{EGGS} Think otherwise.")
    page.click("#elm-settings-button")


def no_majority(page: Page, site: Site) -> None:  # noqa: ARG001
    answered(page, "a fraction")


def failed(page: Page, site: Site) -> None:  # noqa: ARG001
    ask(page, "this fails")
    state(page, "failed")


def explained(page: Page, site: Site) -> None:
    solved(page, site)
    page.click(".recalled .explain")
    page.wait_for_selector(".elm-explain[data-state=shown]")
    page.click("text=Where does the memory act?")
    page.wait_for_selector(".elm-explain .scored")


def learned(page: Page, site: Site) -> None:  # noqa: ARG001
    answered(page, EGGS)
    page.click('[data-ask="drawer"]')
    page.select_option('#elm-learn-drawer [name="recipe"]', "paper")
    page.fill('#elm-learn-drawer [name="steps"]', "1")
    page.click('[data-ask="learn"]')
    page.wait_for_selector(".elm-run.learns")
    state(page, "done")
    page.click(".attempts > summary")
    page.locator(".attempts .turn").first.click()
    page.wait_for_selector(".attempts .versus")


def memories(page: Page, site: Site) -> None:
    store = site.actions.store
    if not store.count():
        shelves.fill(store, [shelves.memory(number) for number in range(12)])
    page.click("#elm-memories-chip")
    page.click(".rows > li:first-child a")
    page.wait_for_selector(".specimen .chart")


def no_memories(page: Page, site: Site) -> None:
    store = site.actions.store
    store.delete(store.vectors()[0])
    page.click("#elm-memories-chip")
    page.wait_for_selector(".elm-memories[data-state=empty]")


def stream(page: Page, site: Site) -> None:  # noqa: ARG001
    page.click("#elm-stream-button")
    page.wait_for_selector(".elm-stream [data-part=setup]:not([hidden])")


def streamed(page: Page, site: Site) -> None:
    stream(page, site)
    rows = "".join(json.dumps({"id": str(n), "problem": f"{EGGS} {n}", "answer": "26"}) + "\n" for n in range(2))
    file: Any = {"name": "eggs.jsonl", "mimeType": "text/plain", "buffer": rows.encode()}
    page.set_input_files(".elm-stream input[type=file]", file)
    page.fill('.elm-stream [name="steps"]', "1")
    page.fill('.elm-stream [name="samples"]', "4")
    page.click(".elm-stream button[type=submit]")
    page.wait_for_selector(".elm-stream[data-run][data-state=done]", timeout=60_000)


def nothing_compared(page: Page, site: Site) -> None:  # noqa: ARG001
    page.click("#elm-compare-button")
    page.wait_for_selector(".elm-compare:not([data-state=none])")


def compared(page: Page, site: Site) -> None:
    scripted_bench.write(site.actions.store.folder / "bench" / "first")
    nothing_compared(page, site)
    page.wait_for_selector(".compared .wide circle", state="attached")


def runs(page: Page, site: Site) -> None:  # noqa: ARG001
    answered(page, EGGS)
    page.click("#elm-runs-button")
    page.wait_for_selector("table.runs")


@pytest.fixture
def axe() -> str:
    if not AXE.is_file():
        assert not os.environ.get("CI"), "axe-core is missing: npm install"
        pytest.skip("axe-core is not installed: npm install")
    return AXE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "reached",
    [
        empty, nothing_compared, no_memories, solved, no_majority, failed, explained, learned, memories, stream,
        streamed, compared, runs,
    ],
)  # fmt: skip
def test_axe_finds_nothing_serious(window: Window, site: Site, axe: str, reached: Callable[[Page, Site], None]) -> None:
    page = window(reduced_motion="reduce", color_scheme="light")
    reached(page, site)
    page.evaluate(axe)
    light = serious(page)
    assert not light, "\n".join(light)
    page.set_viewport_size({"width": 390, "height": 844})
    page.click('[data-do="dark"]')
    page.wait_for_function("!document.getAnimations().some((each) => each instanceof CSSTransition)")
    dark = serious(page)
    assert not dark, "\n".join(dark)


def serious(page: Page) -> list[str]:
    """What axe-core finds on the page as it is, a text for each serious finding."""
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    assert found["passes"], "axe-core looked at nothing"
    return [
        f"{one['id']} ({one['impact']}): {one['help']}\n  "
        + "\n  ".join(f"{node['html']}: {node['failureSummary']}" for node in one["nodes"])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
