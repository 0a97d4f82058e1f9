"""On stage: keys alone are enough, the last row can read it, and nothing moves while text is written."""

from __future__ import annotations

import pytest
from browser import EGGS, Window, answered, ask, run_of, state
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
ENDED = ".card:is(.finished, .cut)"
WATCH = """() => {
  const run = document.querySelector('.elm-run');
  const boxes = new Map();
  Object.assign(window, { moved: [], shifts: [], looks: 0, began: Infinity, ended: Infinity });
  const look = () => {
    if (run.dataset.state === 'sampling' && run.querySelector('.card.writing')) {
      window.looks += 1;
      window.began = Math.min(window.began, performance.now());
      for (const each of run.querySelectorAll('.headline, .answer, .said, .track, .traces-head, .card')) {
        const { x, y, width, height } = each.getBoundingClientRect();
        const name = each.dataset.key || each.className;
        const now = [x, y + scrollY, width, height].map(Math.round).join(' ');
        if (boxes.has(name) && boxes.get(name) !== now) window.moved.push([name, boxes.get(name), now]);
        boxes.set(name, now);
      }
    }
    requestAnimationFrame(look);
  };
  look();
  new MutationObserver(() => {
    if (run.dataset.state === 'done') window.ended = performance.now();
  }).observe(run, { attributeFilter: ['data-state'] });
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) for (const { node } of each.sources) {
      const at = node?.nodeType === 1 ? node : node?.parentElement;
      if (at && !at.closest('.bar')) window.shifts.push([each.startTime, at.className || at.tagName]);
    }
  }).observe({ type: 'layout-shift' });
}"""


def on_stage(page: Page) -> None:
    page.click('[data-do="stage"]')
    expect(page.locator("body.stage")).to_be_attached()


def test_keys_alone_are_enough(window: Window) -> None:
    page = window(width=1280, height=720)
    run = answered(page, EGGS)
    on_stage(page)
    page.keyboard.press(" ")  # opens the replay, at its beginning
    page.wait_for_selector('[data-part="replay"]:not([hidden])')
    expect(page.locator(ENDED)).to_have_count(0)
    for seen in range(2):
        page.keyboard.press(" ")
        page.wait_for_function("n => document.querySelectorAll('.card:is(.finished, .cut)').length > n", arg=seen)
    assert page.evaluate("new URLSearchParams(location.search).get('replay')") == run
    for number, name in enumerate(("solve", "explain", "memories", "stream", "compare", "runs"), 1):
        page.keyboard.press(str(number))
        expect(page.locator(f"#elm-{name}-button")).to_have_attribute("aria-selected", "true")
    ended = page.locator(ENDED).count()
    page.keyboard.press("ArrowRight")  # elsewhere the replay stands still
    page.keyboard.press("1")
    expect(page.locator("#elm-solve-button")).to_have_attribute("aria-selected", "true")
    expect(page.locator(ENDED)).to_have_count(ended)
    keys = page.locator("#elm-keys")
    page.keyboard.press("?")
    expect(keys).to_be_visible()
    box = keys.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280
    assert box["y"] + box["height"] <= 720
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement !== null")
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement === null")
    page.keyboard.press("Escape")
    expect(page.locator("body.stage")).not_to_be_attached()
    page.keyboard.press("2")
    expect(page.locator("#elm-solve-button")).to_have_attribute("aria-selected", "true")


def test_what_is_typed_stays_text(window: Window) -> None:
    page = window(width=1280, height=720)
    on_stage(page)
    field = page.locator("#elm-problem textarea")
    field.fill("")
    field.press_sequentially("2 f ? 3")
    assert field.input_value() == "2 f ? 3"
    expect(page.locator("#elm-keys")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(field).not_to_be_focused()
    expect(page.locator("body.stage")).to_be_attached()
    page.keyboard.press("Escape")
    expect(page.locator("body.stage")).not_to_be_attached()


def test_escape_does_not_stop_a_run(window: Window) -> None:
    page = window(width=1280, height=720)
    on_stage(page)
    ask(page, EGGS)
    state(page, "sampling")
    page.keyboard.press("Escape")
    expect(page.locator("body.stage")).not_to_be_attached()
    state(page, "done")


@pytest.mark.parametrize("problem", [EGGS, f"scattered: {EGGS}"])
def test_nothing_moves_while_text_is_written(window: Window, problem: str) -> None:
    page = window(width=1280, height=720)
    on_stage(page)
    page.evaluate(WATCH)
    ask(page, problem)
    state(page, "done")
    assert run_of(page)
    assert page.evaluate("window.looks") > 2
    assert page.evaluate("window.moved") == []
    assert page.evaluate("window.shifts.filter(([at]) => at > window.began && at < window.ended)") == []


def test_the_last_row_can_read_it(window: Window) -> None:
    page = window(width=1280, height=720)
    on_stage(page)
    answered(page, EGGS)
    sizes = page.evaluate(
        """() => Object.fromEntries(['.status', '.answer .value', '.card .text', '.card header .value', '.segment']
        .map(name => [name, parseFloat(getComputedStyle(document.querySelector('.elm-run ' + name)).fontSize)]))"""
    )
    least = {".status": 32, ".answer .value": 96, ".card .text": 20, ".card header .value": 24, ".segment": 24}
    assert {name: size for name, size in sizes.items() if size < least[name]} == {}
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
