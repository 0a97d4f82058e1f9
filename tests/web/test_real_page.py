"""The program itself with a real model: `python app.py`, a browser, and nothing scripted."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.model]

ROOT = Path(__file__).resolve().parents[2]
LOAD_MS = 300_000  # the model may have to be fetched first
SOLVE_MS = 240_000


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("real")
    environment = {
        **os.environ,
        "ELM_MODEL": "tiny",
        "ELM_MEMORIES": str(folder / "memories"),
        "GRADIO_SERVER_PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }
    url = f"http://127.0.0.1:{port}"
    with (folder / "output").open("wb") as output:
        program = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            until = time.monotonic() + 30
            while True:
                try:
                    urllib.request.urlopen(url, timeout=2).close()
                    break
                except OSError:
                    said = (folder / "output").read_text()
                    assert program.poll() is None, said
                    assert time.monotonic() < until, said
                    time.sleep(0.1)
            yield url
        finally:
            program.terminate()
            program.wait(30)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1440, "height": 900})
    opened.set_default_timeout(30_000)
    hosts: set[str] = set()
    opened.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or "none"))
    opened.goto(address)
    opened.wait_for_selector("#elm-problem textarea")
    opened.wait_for_function("window.elm !== undefined")
    yield opened
    opened.close()
    assert hosts <= {"127.0.0.1", "none"}


def ask(page: Page, problem: str, samples: int, tokens: int) -> None:
    if not page.locator("#elm-samples input").is_visible():
        page.click("#elm-settings-button")
    page.fill("#elm-samples input", str(samples))
    page.fill("#elm-tokens input", str(tokens))
    page.fill("#elm-problem textarea", problem)
    page.press("#elm-problem textarea", "Enter")


def state(page: Page, wanted: str, timeout: int) -> None:
    page.wait_for_selector(f'.elm-run:is([data-state="{wanted}"], [data-state="failed"])', timeout=timeout)
    failure = page.locator('[data-part="failure"]').inner_text()
    assert page.locator(".elm-run").get_attribute("data-state") == wanted, failure


def test_a_real_problem_is_solved(page: Page) -> None:
    ask(page, "Anna has 3 apples and buys 4 more. How many apples does she have?", samples=4, tokens=96)
    state(page, "sampling", LOAD_MS)
    page.wait_for_function("document.querySelector('.card .text').innerText.length > 10", timeout=SOLVE_MS)
    state(page, "done", SOLVE_MS)
    assert page.locator(".card.finished, .card.cut").count() == 4
    expect(page.locator("#elm-model-chip")).to_contain_text("135M")
    assert "tokens/s" in page.locator(".meta").inner_text()
    assert page.locator('[data-part="status"]').inner_text()


def test_a_real_run_survives_a_reload_and_can_be_stopped(page: Page) -> None:
    ask(page, "Write down the first 200 prime numbers and add them up.", samples=4, tokens=1500)
    state(page, "sampling", LOAD_MS)
    page.wait_for_function("document.querySelector('.card .text').innerText.length > 10", timeout=SOLVE_MS)
    run = page.evaluate("new URLSearchParams(location.search).get('run')")
    page.reload()
    page.wait_for_selector(".card.writing", timeout=SOLVE_MS)
    assert page.evaluate("new URLSearchParams(location.search).get('run')") == run
    page.wait_for_selector("body.elm-busy")
    page.keyboard.press("Escape")
    state(page, "stopped", 30_000)
    assert page.locator(".card .text").first.inner_text()


def test_a_problem_that_does_not_fit_is_a_sentence(page: Page) -> None:
    ask(page, "one and one and " * 6000, samples=2, tokens=64)
    page.wait_for_selector('.elm-run[data-state="failed"]', timeout=LOAD_MS)
    assert len(page.locator('[data-part="failure"] .error').inner_text()) > 20
    ask(page, "What is 2 + 2?", samples=2, tokens=64)
    page.wait_for_selector('.elm-run[data-state="done"]', timeout=SOLVE_MS)


def test_a_real_stream_is_paused_in_a_problem_and_goes_on_there(page: Page) -> None:
    page.click("#elm-stream-button")
    page.click('.elm-stream [data-act="example"]')
    expect(page.locator('.elm-stream [data-part="file"]')).to_contain_text("6 problems")
    page.click(".elm-stream summary")
    for name, value in {"limit": "2", "steps": "1", "samples": "2", "max_new_tokens": "64", "rollouts": "2"}.items():
        page.fill(f'.elm-stream [name="{name}"]', value)
    page.click(".elm-stream button[type=submit]")
    page.wait_for_selector('.elm-stream [data-part="now"] .side li', timeout=LOAD_MS)
    page.click('.elm-stream [data-act="pause"]')
    page.wait_for_selector('.elm-stream[data-state="stopped"]', timeout=60_000)
    done = page.locator(".elm-stream tbody tr").count()
    assert page.locator(".elm-stream .status").inner_text() == f"Paused after {done} of 2"
    page.click('.elm-stream [data-act="resume"]')
    page.wait_for_selector('.elm-stream:is([data-state="done"], [data-state="failed"])', timeout=SOLVE_MS)
    assert page.locator(".elm-stream .status").inner_text() == "All 2 problems are done"
    expect(page.locator(".elm-stream tbody tr")).to_have_count(2)
    with page.expect_download() as waiting:
        page.click('.elm-stream [data-act="csv"]')
    assert len(Path(waiting.value.path()).read_text().splitlines()) == 3
    page.click("#elm-runs-button")
    expect(page.locator("table.runs .parts summary").first).to_have_text("its 2 problems")
