"""Take the README's pictures of a running page.

    python tests/web/screenshots.py --url http://127.0.0.1:7860 --out docs/images

Solves the first example (or shows `--run ID`) and writes solve-light.png, solve-dark.png, solve-live.png, stage.png,
phone.png, and explain.png if it found memories; where there are memories, also memories-light.png, memories-dark.png
and memories-phone.png (these alone with `--only memories`). With `--learn` it learns from the problem too, and writes
learn-live.png and learn-done.png. With `--stream ID` it pictures that stream (stream-light.png, stream-dark.png,
stream-stage.png, stream-phone.png), with `--compare FOLDER` that benchmark (compare-*.png); these alone with `--only`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from browser import chromium
from playwright.sync_api import Browser, Page

LIVE = '.elm-run[data-state="sampling"]'
ENDED = ".elm-run:is([data-state=done], [data-state=stopped], [data-state=failed])"


def main() -> None:
    parser = argparse.ArgumentParser(description="Take the README's pictures of a running page.")
    parser.add_argument("--url", default="http://127.0.0.1:7860")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--run", default="", help="show this run instead of solving an example")
    parser.add_argument("--example", type=int, default=0, help="which example to solve, from 0")
    parser.add_argument("--answers", type=int, default=3, help="finished traces in the picture of a live run")
    parser.add_argument("--learn", action="store_true", help="learn from the problem too")
    parser.add_argument("--step", type=int, default=5, help="finished steps in the picture of live learning")
    parser.add_argument("--timeout", type=float, default=300, help="seconds to wait for a run")
    parser.add_argument("--only", choices=("solve", "memories", "stream", "compare"), help="only these pictures")
    parser.add_argument("--search", default="", help="what is searched for in the dark picture of the memories")
    parser.add_argument("--memory", default="", help="the memory whose card is shown; else the one of the largest gain")
    parser.add_argument("--stream", default="", help="a run of a stream, to be pictured as it stands")
    parser.add_argument("--compare", default="", help="a benchmark's folder, to be pictured")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        if given.stream:
            page_of(browser, given, "stream", given.stream, ".elm-stream[data-run]")
        if given.compare:
            page_of(browser, given, "compare", given.compare, ".elm-compare[data-state=shown]")
        if given.only in ("stream", "compare"):
            return
        if given.only != "solve":
            memories(browser, given)
        if given.only == "memories":
            return
        run = given.run or solve(browser, given)
        address = f"{given.url.rstrip('/')}/?run={run}"
        for name, width, height, dark, stage, scale in (
            ("solve-light", 1440, 900, False, False, 1),
            ("solve-dark", 1440, 900, True, False, 1),
            ("stage", 1280, 720, True, True, 1),
            ("phone", 390, 844, False, False, 2),
        ):
            page = opened(browser, address, width, height, dark, stage, scale)
            page.wait_for_selector(ENDED)
            page.wait_for_timeout(900)
            page.screenshot(path=given.out / f"{name}.png")
            page.close()
        explain(browser, run, given)
        if given.learn:
            learn(browser, address, given)


def page_of(browser: Browser, given: argparse.Namespace, name: str, what: str, shown: str) -> None:
    """Picture a stream or a benchmark: light, dark, on stage, on a phone."""
    for look, width, height, dark, stage, scale in (
        ("light", 1440, 900, False, False, 1),
        ("dark", 1440, 900, True, False, 1),
        ("stage", 1280, 720, True, True, 1),
        ("phone", 390, 844, False, False, 2),
    ):
        page = opened(browser, f"{given.url.rstrip('/')}/?{urlencode({name: what})}", width, height, dark, stage, scale)
        page.wait_for_selector(shown)
        page.mouse.move(5, height - 5)
        page.wait_for_timeout(900)
        page.screenshot(path=given.out / f"{name}-{look}.png")
        page.close()


def solve(browser: Browser, given: argparse.Namespace) -> str:
    """Solve an example, picture it while traces are written, and return the run's id."""
    page = opened(browser, given.url, 1440, 900)
    page.click(f"#elm-example-{given.example}")
    page.wait_for_timeout(200)
    page.click("#elm-go")
    page.wait_for_selector(LIVE, timeout=given.timeout * 1000)
    page.wait_for_function(
        "n => document.querySelectorAll('.card.finished, .card.cut').length >= n || "
        "!document.querySelector('.elm-run[data-state=sampling]')",
        arg=given.answers,
        timeout=given.timeout * 1000,
    )
    page.wait_for_timeout(600)
    page.screenshot(path=given.out / "solve-live.png")
    page.wait_for_selector(ENDED, timeout=given.timeout * 1000)
    run = page.evaluate("new URLSearchParams(location.search).get('run')")
    page.close()
    return str(run)


def explain(browser: Browser, run: str, given: argparse.Namespace) -> None:
    """Picture why a run's memory was used; nothing if it found none."""
    page = opened(browser, f"{given.url.rstrip('/')}/?explain={run}", 1440, 1180)
    page.wait_for_selector(".elm-explain:not([data-state=none])")
    if page.locator(".elm-explain .matches").count():
        page.wait_for_selector(".elm-explain .plane .query", timeout=given.timeout * 1000)
        page.mouse.move(5, 1170)
        page.wait_for_timeout(900)
        page.screenshot(path=given.out / "explain.png")
    page.close()


def learn(browser: Browser, address: str, given: argparse.Namespace) -> None:
    """Learn from the problem of a solved run, pictured in a step and at the end."""
    page = opened(browser, address, 1440, 900)
    page.click('[data-ask="learn"]')
    page.wait_for_selector(".elm-run.learns", timeout=given.timeout * 1000)
    points = '[data-part="charts"] .chart .point'
    page.wait_for_function(
        "([points, n]) => document.querySelector('.elm-run:is([data-state=done], [data-state=failed])') || "
        "document.querySelectorAll(points).length >= n && document.querySelectorAll('.card.finished').length > 2",
        arg=[points, given.step],
        timeout=given.timeout * 1000,
    )
    page.screenshot(path=given.out / "learn-live.png")
    page.wait_for_selector(ENDED, timeout=given.timeout * 1000)
    page.wait_for_timeout(900)
    page.screenshot(path=given.out / "learn-done.png")
    page.close()


def memories(browser: Browser, given: argparse.Namespace) -> None:
    """Picture the map, the list and a card; nothing if there are no memories."""
    for name, width, height, dark, scale in (
        ("memories-light", 1440, 900, False, 1),
        ("memories-dark", 1440, 900, True, 1),
        ("memories-phone", 390, 844, False, 2),
    ):
        page = opened(browser, f"{given.url.rstrip('/')}/?memories", width, height, dark, scale=scale)
        page.wait_for_selector(".elm-memories:not([data-state=none])")
        if page.locator(".elm-memories[data-state=empty]").count():
            return
        page.select_option("[data-seek=sort]", "gain:desc")
        page.wait_for_timeout(1500)
        if dark:
            page.fill("[data-seek=text]", given.search or page.locator(".rows .what").first.inner_text())
            page.press("[data-seek=text]", "Enter")
            page.wait_for_selector(".rows .score", timeout=given.timeout * 1000)
        if given.memory and not dark:
            page.goto(f"{given.url.rstrip('/')}/?memory={given.memory}")
        else:
            page.click(".rows > li:first-child a")
        page.wait_for_selector(".specimen .chart")
        page.mouse.move(5, height - 5)
        page.wait_for_timeout(1200)
        page.screenshot(path=given.out / f"{name}.png")
        page.close()


def opened(
    browser: Browser,
    address: str,
    width: int,
    height: int,
    dark: bool = False,
    stage: bool = False,
    scale: int = 1,
) -> Page:
    """The page in a fresh window of that size."""
    page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=scale)
    page.add_init_script(
        f"localStorage.setItem('elm-dark', '{int(dark)}'); localStorage.setItem('elm-stage', '{'1' if stage else ''}')"
    )
    page.goto(address)
    page.wait_for_selector("#elm-problem textarea", state="attached")
    page.wait_for_timeout(500)
    return page


if __name__ == "__main__":
    main()
