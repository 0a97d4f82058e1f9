"""Chromium as the tests use it: the system's own, and nothing of it talks to anyone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, sync_playwright

from elm_app.runs.runner import Runner
from elm_app.web.commands import Actions

QUIET = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str | None:
    """Where Chromium is, if it is installed."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            return found
    return None


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Site:
    """A served page: its address, its runner and what its buttons do."""

    url: str
    runner: Runner
    actions: Actions


EGGS = "A farmer packs 7 crates with 24 eggs each. 12 break, the rest is sold in boxes of 6. How many boxes?"
Window = Callable[..., Page]


def ask(page: Page, problem: str) -> None:
    """Type a problem and press Enter."""
    page.fill("#elm-problem textarea", problem)
    page.press("#elm-problem textarea", "Enter")


def state(page: Page, wanted: str) -> None:
    """Wait until the run on the page is in that state."""
    page.wait_for_selector(f'.elm-run[data-state="{wanted}"]', timeout=60_000)


def shown(page: Page) -> str:
    """The run that is drawn on the page, or ""; the address names a new one before it is drawn."""
    return page.locator(".elm-run").get_attribute("data-run") or ""


def another(page: Page, old: str) -> str:
    """Wait until a run other than `old` is drawn and done."""
    page.wait_for_selector(f'.elm-run[data-run]:not([data-run="{old}"])')
    state(page, "done")
    return shown(page)


def answered(page: Page, problem: str) -> str:
    """Solve a problem, and wait until its run is drawn and done."""
    old = shown(page)
    ask(page, problem)
    return another(page, old)


def status(page: Page) -> str:
    """The status line."""
    return page.locator('[data-part="status"]').inner_text()


def run_of(page: Page) -> str:
    """The run in the page's address."""
    page.wait_for_function("new URLSearchParams(location.search).has('run')")
    return str(page.evaluate("new URLSearchParams(location.search).get('run')"))
