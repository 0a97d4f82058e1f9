"""Learning and memories in use, in a browser, over scripted runs and a real store."""

from __future__ import annotations

import re

import pytest
from browser import EGGS, Site, Window, another, answered, ask, run_of, state, status
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
POINTS = '[data-part="charts"] .chart[data-key="reward"] .point'
BAR = ".whole"


def solved(page: Page, problem: str = EGGS) -> str:
    return answered(page, problem)


def learn(page: Page, **fields: str) -> str:
    """Start learning by the paper's recipe, with these fields of the drawer; returns the run."""
    solve = run_of(page)
    if page.locator("#elm-learn-drawer").is_hidden():
        page.click('[data-ask="drawer"]')
    page.select_option('#elm-learn-drawer [name="recipe"]', "paper")
    for name, value in fields.items():
        page.fill(f'#elm-learn-drawer [name="{name}"]', value)
    page.click('[data-ask="learn"]')
    page.wait_for_selector(".elm-run.learns")
    page.wait_for_function("old => new URLSearchParams(location.search).get('run') !== old", arg=solve)
    return run_of(page)


def share(page: Page) -> int:
    return int(page.locator(BAR).get_attribute("aria-valuenow") or 0)


def test_learning_is_watched_through_a_reload_and_its_memory_is_used(window: Window, site: Site) -> None:
    page = window()
    solve = solved(page)
    expect(page.locator('[data-part="estimate"]')).to_have_text(re.compile(r"about \d+ (s|min) on this machine"))
    run = learn(page, steps="2")
    page.wait_for_selector(POINTS, state="attached")
    expect(page.locator('[data-part="title"]')).to_have_text("Learning from this problem")
    first = share(page)
    assert 20 < first < 95
    expect(page.locator('[data-part="clock"]')).to_have_text(re.compile(r"\d+ s gone, about \d+ s left"))
    page.reload()
    page.wait_for_selector(POINTS, state="attached")
    assert run_of(page) == run
    expect(page.locator("#elm-problem textarea")).to_have_value(EGGS)
    other = window(f"/?run={run}")
    page.wait_for_function(f"Number(document.querySelector('{BAR}').getAttribute('aria-valuenow')) > {first}")
    for each in (page, other):
        state(each, "done")
        assert status(each) == "Agreement rose from 6 of 16 to 14 of 16"
        assert each.locator(POINTS).count() == 2
        assert share(each) == 100
    expect(page.locator('[data-part="stored"]')).to_contain_text(f"Kept as memory {run}.")
    assert page.locator(f'[data-memory="{run}"]').get_attribute("href") == f"?memory={run}"
    assert site.actions.store.get(run).problem == EGGS
    page.click(".stored >> text=Solve with it")
    page.wait_for_selector(".elm-run:not(.learns)")
    state(page, "done")
    expect(page.locator('[data-part="memory"]')).to_have_text(re.compile("“A farmer packs.*similarity 1.00, used"))
    assert status(page) == "Both agree on 26: 7 of 8 with the memory, 5 of 8 without."
    page.click(".recalled summary")
    with_it = run_of(page)
    page.click("text=Solve without a memory")
    another(page, with_it)
    assert page.locator('[data-part="memory"]').inner_text() == ""
    assert status(page).startswith("5 of 8 agree")
    page.goto(f"{site.url}/?run={run}")
    page.click("text=the run that solved it")
    page.wait_for_function("id => new URLSearchParams(location.search).get('run') === id", arg=solve)
    state(page, "done")
    page.click(f'.offer a[data-run="{run}"]')
    page.wait_for_selector(".elm-run.learns")

    page.click("#elm-memories-chip")
    page.fill("[data-seek=text]", "crates with eggs")
    page.click(".rows > li:first-child a")
    expect(page.locator(".specimen")).to_contain_text("Agreement rose from 6 of 16 to 14 of 16")
    page.click(".specimen >> text=explain the last use")
    expect(page.locator(".elm-explain header")).to_contain_text(with_it)
    assert page.url.endswith(f"?explain={with_it}")
    page.click(f'.elm-explain .pair [data-memory="{run}"]')
    page.click("[data-act=disable]")
    expect(page.locator(".specimen .offer")).to_have_text("not offered: Disabled by hand.")
    page.click("#elm-solve-button")
    solved(page, EGGS + " ")
    assert page.locator(".arm").count() == 1  # it is not retrieved any more
    page.goto(f"{site.url}/?memory={run}")
    page.click(".specimen [data-act=ask]")
    page.click(".specimen [data-act=delete]")
    expect(page.locator(".specimen")).to_have_count(0)
    assert run not in site.actions.store.vectors()[0]


def test_stop_keeps_the_best(window: Window, site: Site) -> None:
    page = window()
    solved(page)
    run = learn(page)
    page.wait_for_selector(POINTS, state="attached")
    page.click("text=Stop, keep the best")
    state(page, "stopped")
    assert re.fullmatch(r"Stopped after \d of 10 steps", status(page))
    expect(page.locator('[data-part="stored"]')).to_contain_text(f"Stored as memory {run}, but disabled:")
    page.click("text=Keep it anyway")
    expect(page.locator('[data-part="stored"]')).to_contain_text(f"Kept as memory {run}.")
    assert site.actions.store.get(run).enabled
    page.reload()
    expect(page.locator('[data-part="stored"]')).to_contain_text(f"Kept as memory {run}.")
    site.actions.store.delete([run])
    expect(page.locator('[data-part="stored"]')).to_contain_text("has been deleted since")


def test_a_double_click_learns_once(window: Window, site: Site) -> None:
    page = window()
    solved(page)
    page.evaluate(
        """() => { const learn = document.querySelector('[data-ask="learn"]'); learn.click(); learn.click(); }"""
    )
    page.wait_for_selector(".elm-run.learns")
    assert site.runner.live() == [run_of(page)]


def test_a_run_that_broke_off_goes_on_with_one_click(window: Window, site: Site) -> None:
    page = window()
    solved(page, "this breaks")
    first = learn(page, steps="3")
    state(page, "failed")
    expect(page.locator('[data-part="failure"]')).to_contain_text("Memory ran out.")
    page.click("text=Go on from step 3")
    page.wait_for_function("old => new URLSearchParams(location.search).get('run') !== old", arg=first)
    state(page, "done")
    assert page.locator(POINTS).count() == 3
    page.click("text=Step by step")
    assert page.locator("table.steps tbody tr").count() == 3
    expect(page.locator('[data-key="before"]')).to_contain_text("6 of 16 agree")
    site.actions.store.delete([run_of(page)])


def test_the_drawer_says_what_it_cannot_use(window: Window, site: Site) -> None:
    page = window()
    run = solved(page)
    page.click('[data-ask="drawer"]')
    expect(page.locator('#elm-learn-drawer [name="recipe"]')).to_be_focused()
    usual = page.locator('[data-part="estimate"]').inner_text()
    page.fill('[name="steps"]', "100")
    expect(page.locator('[data-part="estimate"]')).not_to_have_text(usual)
    page.fill('[name="steps"]', "0")
    expect(page.locator('[data-part="asked"]')).to_have_text("Steps is 0. It must be a whole number from 1 to 1000.")
    page.press('[name="steps"]', "Enter")
    page.wait_for_timeout(300)
    expect(page.locator('[data-part="asked"]')).to_contain_text("Steps is 0.")
    assert run_of(page) == run
    assert site.runner.live() == []
    page.press('[name="steps"]', "Escape")
    expect(page.locator("#elm-learn-drawer")).to_be_hidden()
    expect(page.locator('[data-ask="drawer"]')).to_be_focused()
    page.click('[data-ask="learn"]')  # what was typed still counts
    expect(page.locator("#elm-learn-drawer")).to_be_visible()
    expect(page.locator('[data-part="asked"]')).to_contain_text("Steps is 0.")
    page.fill('[name="steps"]', "16")
    expect(page.locator('[data-part="asked"]')).to_have_text("")
    expect(page.locator('[data-part="estimate"]')).to_have_text(usual)


def test_a_recipe_has_its_own_fields_and_distilling_a_falling_curve(window: Window, site: Site) -> None:
    page = window()
    solved(page)
    page.click('[data-ask="drawer"]')
    drawer = page.locator("#elm-learn-drawer")
    expect(drawer.locator('[name="variants"]')).to_be_visible()
    expect(drawer.locator('[name="rollouts"]')).to_be_hidden()
    page.fill('#elm-learn-drawer [name="learning_rate"]', "0.004")
    page.select_option('#elm-learn-drawer [name="recipe"]', "paper")
    expect(drawer.locator('[name="variants"]')).to_be_hidden()
    expect(drawer.locator('[name="rollouts"]')).to_be_visible()
    expect(drawer.locator('[name="steps"]')).to_have_value("10")
    expect(drawer.locator('[name="max_new_tokens"]')).to_have_value("320")
    expect(drawer.locator('[name="learning_rate"]')).to_have_value("0.004")  # somebody's own
    expect(drawer.locator('[name="init"]')).to_have_value("text")
    page.select_option('#elm-learn-drawer [name="recipe"]', "distil")
    expect(drawer.locator('[name="steps"]')).to_have_value("16")
    page.fill('#elm-learn-drawer [name="steps"]', "3")
    page.click('[data-ask="learn"]')
    page.wait_for_selector(".elm-run.learns")
    page.wait_for_selector('.chart[data-key="loss"] .point', state="attached")
    expect(page.locator('[data-part="traces"]')).to_have_text("12 worked examples of 12 variants")
    assert page.locator(".card").count() == 12
    run = run_of(page)
    state(page, "done")
    assert site.actions.store.get(run).settings["recipe"] == "distil"
    page.click(".history summary")
    assert page.locator(".worked li").count() == 12
    assert page.locator(".worked b").count() == 0


def test_a_rollout_opens_its_card_and_keeps_the_focus(window: Window) -> None:
    page = window()
    solved(page)
    learn(page)
    page.wait_for_selector('.rollouts a[data-card="memory-7"]')
    page.focus('.rollouts a[data-card="memory-3"]')
    high = "document.querySelector('.rollouts a[data-card=memory-3] .stick').getAttribute('height')"
    before = page.evaluate(high)
    page.wait_for_function(f"old => {high} !== old", arg=before)
    assert page.evaluate("document.activeElement.dataset.card") == "memory-3"
    page.keyboard.press("Enter")
    expect(page.locator('.card[data-key="memory-3"] .text')).to_be_focused()
    page.keyboard.press("Escape")
    state(page, "stopped")


def test_the_memory_setting(window: Window, site: Site) -> None:
    page = window()
    solved(page)
    run = learn(page, steps="1")
    state(page, "done")
    page.click("#elm-settings-button")
    page.click("#elm-memory input")
    page.click(f"ul[role=listbox] >> text={run}")
    solved(page, "nothing like it")
    expect(page.locator('[data-part="memory"]')).to_have_text(re.compile("“A farmer packs.*used"))
    page.fill("#elm-memory input", "off")
    page.press("#elm-memory input", "Enter")
    solved(page)
    expect(page.locator(".recalled")).to_be_hidden()
    page.fill("#elm-memory input", "no such memory")
    page.press("#elm-memory input", "Enter")
    ask(page, EGGS)
    expect(page.locator("#elm-settings-notice .error")).to_contain_text("There is no memory 'no such memory'")
    site.actions.store.delete([run])


def test_hostile_rollouts_are_shown_and_never_run(window: Window, site: Site) -> None:
    page = window()
    solved(page, "hostile <img src=x onerror=window.hacked=1>")
    run = learn(page, steps="1")
    state(page, "done")
    page.click("text=Step by step")
    page.click("text=All attempts")
    for key in ("step-1-0", "step-1-1"):
        page.click(f'[data-attempt="{key}"]')
    page.wait_for_selector(".versus")
    solved(page, "hostile <img src=x onerror=window.hacked=1> again")
    page.click(".recalled summary")
    page.click("#elm-runs-button")
    page.wait_for_selector("table.runs")
    assert page.evaluate("window.hacked") is None
    assert page.locator(".elm-run script, .elm-run img, .elm-run [onload], .elm-run .card style").count() == 0
    site.actions.store.delete([run])


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_learning_fits_every_width(window: Window, site: Site, width: int, height: int, scheme: str) -> None:
    page = window("/", width, height, color_scheme=scheme)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    solved(page)
    page.click('[data-ask="drawer"]')
    page.click("#elm-learn-drawer summary")
    assert page.evaluate(wide) <= 0
    run = learn(page)
    page.wait_for_selector(POINTS, state="attached")
    assert page.evaluate(wide) <= 0
    heights = "[...document.querySelectorAll('.headline, .charts, .traces-head')].map(e => Math.round(e.offsetTop))"
    tops = page.evaluate(heights)
    page.wait_for_function(f"document.querySelectorAll('{POINTS}').length > 1")
    assert page.evaluate(heights) == tops
    page.keyboard.press("Escape")
    state(page, "stopped")
    assert page.evaluate(wide) <= 0
    page.click("text=Step by step")
    assert page.evaluate(wide) <= 0
    if site.actions.store.count():
        site.actions.store.delete([run])


def test_contrast_of_the_new_texts_is_at_least_4_5(window: Window, site: Site) -> None:
    contrast = """([front, back]) => {
      const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map((v) => {
        v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05); }"""
    page = window("/", color_scheme="light")
    solved(page)
    run = learn(page, steps="2")
    state(page, "done")
    page.click("text=Step by step")
    page.click("text=All attempts")
    selectors = (".title", ".clock", ".standing .name", ".chart .tick", ".chart .name.line", ".chart .axis",
                 "table.steps th", ".stored a", ".history summary",
                 ".attempts .turned", ".attempts .legend", ".attempts .readout", ".attempts .turn")  # fmt: skip
    for scheme in ("light", "dark"):
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", scheme == "dark")
        for selector in selectors:
            pair = page.locator(selector).first.evaluate(
                """element => { const own = getComputedStyle(element), page = getComputedStyle(document.body);
                return [element.closest('svg') ? own.fill : own.color, page.backgroundColor]; }"""
            )
            assert page.evaluate(contrast, pair) >= 4.5, (scheme, selector, pair)
    site.actions.store.delete([run])
