"""A page over scripted runs, and a Chromium to look at it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from browser import Site, chromium, chromium_path
from cabinets import bare, empty, full, shelf  # noqa: F401
from playwright.sync_api import Browser, BrowserContext, Page, expect

from elm_app.runs.runner import Runner


@dataclass
class Seen:
    """What a browser window did that a test may not like."""

    hosts: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if chromium_path() is None:
        assert not os.environ.get("CI"), "the browser tests need Chromium"
        pytest.skip("no Chromium here")
    expect.set_options(timeout=15_000)
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    from scripted_learn import actions
    from served import served

    folder: Path = tmp_path_factory.mktemp("memories")
    runner = Runner(folder / "runs")
    with served(runner, actions(runner, folder, pace=0.05)) as page:
        yield page


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def window(browser: Browser, site: Site, seen: Seen) -> Iterator[Callable[..., Page]]:
    """Opens windows that remember the hosts they asked and the errors they met; the test fails on either."""
    contexts: list[BrowserContext] = []

    def opened(path: str = "/", width: int = 1440, height: int = 900, **how: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **how)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: seen.hosts.add(urlsplit(request.url).hostname or "none"))
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.set_default_timeout(15_000)
        page.goto(site.url + path)
        page.wait_for_selector("#elm-problem textarea", state="attached")  # another tab may be open
        page.wait_for_function("window.elm !== undefined")
        return page

    yield opened
    for run in site.runner.live():
        site.runner.stop(run)
    for run in site.runner.live():
        site.runner.wait(run, 20)
    for context in contexts:
        context.close()
    assert seen.hosts <= {"127.0.0.1", "none"}
    assert seen.errors == []
