"""The file of a run, opened from the disk in a browser that reaches nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import EGGS, Window, answered, state, status
from playwright.sync_api import Browser, BrowserContext, Page, expect
from scripted import WEAK, WIDE
from test_export import BREAKS_OUT, rewritten
from test_fragments import finished_run, runner  # noqa: F401
from test_replay import stretched

from elm_app.runs.runner import Runner
from elm_app.web.export.one_file import file_name, one_file

pytestmark = pytest.mark.browser
VOTE = "2 of 8 agree · 4 other answers · 2 without an answer"


@pytest.fixture
def opened(browser: Browser, runner: Runner, tmp_path: Path) -> Iterator[Callable[..., Page]]:  # noqa: F811
    """Opens the file of a run with a hostile problem; the test fails on any request or error."""
    run = stretched(runner.folder, finished_run(runner, [WIDE, *WEAK[1:]]))
    rewritten(runner.folder, run, problem=BREAKS_OUT)
    path = tmp_path / file_name(run)
    path.write_text(one_file(runner.folder, run), encoding="utf-8")
    contexts: list[BrowserContext] = []
    asked, errors = [], []

    def open(**how: object) -> Page:
        context = browser.new_context(**how)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto(path.as_uri())
        return page

    yield open
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert errors == []


def control(name: str) -> str:
    return f'[data-replay-do="{name}"]'


def test_it_plays_to_its_end_and_steps_back(opened: Callable[..., Page]) -> None:
    page = opened(color_scheme="dark", viewport={"width": 390, "height": 844})
    assert page.evaluate("document.body.classList.contains('dark')")
    page.select_option(control("speed"), "20")
    state(page, "done")
    assert status(page) == VOTE
    expect(page.locator(".answer .value")).to_have_text("26")
    expect(page.locator(control("toggle"))).to_have_text("Play again")
    expect(page.locator(".card.finished")).to_have_count(6)
    whole = page.locator(".arms").inner_text()
    page.click(control("back"))
    page.click(control("back"))
    assert re.match(r"8 traces, \d finished", status(page))
    page.locator("body").click(position={"x": 4, "y": 4})
    page.keyboard.press("ArrowRight")
    page.click(control("end"))
    assert page.locator(".arms").inner_text() == whole
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert not page.evaluate("window.hacked")
    expect(page.locator(".problem")).to_have_text(BREAKS_OUT)


def test_on_paper_it_has_ended(opened: Callable[..., Page]) -> None:
    page = opened(color_scheme="dark", viewport={"width": 700, "height": 900})
    page.click(control("toggle"))
    page.locator(control("seek")).fill("0")
    expect(page.locator(".elm-run")).not_to_have_attribute("data-state", "done")
    expect(page.locator(".note")).to_be_empty()  # what stands there in the end is gone
    page.emulate_media(media="print")
    state(page, "done")
    assert status(page) == VOTE
    expect(page.locator(control("toggle"))).to_be_hidden()
    cut = (
        "[...document.querySelectorAll('.card .text')].filter(text => text.scrollHeight > text.clientHeight + 1).length"
    )
    assert page.evaluate(cut) == 0
    page.emulate_media(media="screen")
    expect(page.locator(".elm-run")).not_to_have_attribute("data-state", "done")


def test_without_scripts_it_can_be_read(opened: Callable[..., Page]) -> None:
    page = opened(java_script_enabled=False)
    assert status(page) == VOTE
    assert page.locator(".card").count() == 8
    expect(page.locator(".scriptless")).to_be_visible()
    expect(page.locator(control("toggle"))).to_be_hidden()


def test_the_page_saves_it(window: Window) -> None:
    page = window()
    run = answered(page, EGGS)
    with page.expect_download() as started:
        page.click(".meta a[data-save]")
    assert started.value.suggested_filename == file_name(run)
    assert "default-src 'none'" in started.value.path().read_text("utf-8")
    page.click("#elm-runs-button")
    with page.expect_download():
        page.click(f'table.runs a[data-save="{run}"]')
