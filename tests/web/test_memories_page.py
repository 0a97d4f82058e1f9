"""The Memories tab in a browser, over a real store with a thousand made-up memories: finding and looking."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browser import EGGS, Site, Window, ask, state
from cabinets import rows, told
from playwright.sync_api import Page, expect
from shelves import fill, memory

from elm_app.store.store import Store
from elm_app.web.components import memory_map
from elm_app.web.components.memory_map import Atlas

pytestmark = pytest.mark.browser


@pytest.fixture
def site(full: tuple[Site, Store]) -> Site:
    return full[0]


def test_the_chip_opens_the_tab(window: Window) -> None:
    page = window()
    expect(page.locator("#elm-memories-chip")).to_have_text("1,000 memories")
    expect(page.locator(".elm-memories")).to_be_hidden()
    page.click("#elm-memories-chip")
    told(page, "1–50 of 1,000 memories")
    page.wait_for_function("document.querySelector('canvas').dataset.points === '1000'")
    page.click("#elm-solve-button")
    expect(page.locator(".elm-memories")).to_be_hidden()


def test_a_thousand_memories_page_by_page(window: Window) -> None:
    page = window("/?memories")
    told(page, "1–50 of 1,000 memories")
    first = rows(page)
    assert len(first) == 50
    page.click("[aria-label='Page after']")
    told(page, "51–100 of 1,000 memories")
    assert not set(first) & set(rows(page))
    page.click("[aria-label='Last page']")
    told(page, "951–1,000 of 1,000 memories")
    expect(page.locator("[aria-label='Page after']")).to_be_disabled()
    page.click("[aria-label='First page']")
    told(page, "1–50 of 1,000 memories")
    assert rows(page) == first


def test_filters_and_sorting(window: Window, shelf: Store) -> None:
    page = window("/?memories")
    told(page, "1–50 of 1,000 memories")
    page.select_option("[data-seek=enabled]", "no")
    off = shelf.page(enabled=False).total
    told(page, f"1–50 of {off} memories, 1,000 in all")
    page.select_option("[data-seek=improved]", "yes")
    told(page, f"1–50 of {shelf.page(enabled=False, improved=True).total} memories, 1,000 in all")
    page.select_option("[data-seek=enabled]", "")
    page.select_option("[data-seek=improved]", "")
    page.select_option("[data-seek=model]", label="tiny")
    tiny = shelf.page(model=memory(3).model.weights_sha256).total
    told(page, f"1–50 of {tiny} memories, 1,000 in all")
    expect(page.locator("[data-part=export-all]")).to_have_text("Export these")
    page.select_option("[data-seek=model]", "")
    page.select_option("[data-seek=sort]", "gain:desc")
    page.wait_for_function(
        "id => document.querySelector('.rows > li').dataset.id === id", arg=shelf.page(sort="gain", limit=1).rows[0].id
    )


def test_a_search_ranks_by_meaning_and_shows_itself_on_the_map(window: Window) -> None:
    page = window("/?memories")
    told(page, "1–50 of 1,000 memories")
    page.fill("[data-seek=text]", memory(10).problem)
    page.press("[data-seek=text]", "Enter")
    told(page, "1–50, the 200 nearest of 1,000 memories")
    assert rows(page)[0] == memory(10).id
    scores = [float(each) for each in page.locator(".rows .score b").all_inner_texts()]
    assert scores[0] == 1
    assert scores == sorted(scores, reverse=True)
    assert page.locator(".rows > li.far").count() < 50
    expect(page.locator("[data-seek=sort]")).to_be_disabled()
    page.fill("[data-seek=text]", "")
    told(page, "1–50 of 1,000 memories")


def test_a_card_opens_from_the_list_by_keyboard_and_has_an_address(window: Window, site: Site) -> None:
    page = window("/?memories")
    told(page, "1–50 of 1,000 memories")
    first, second = rows(page)[:2]
    page.focus(".rows > li:first-child a")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".specimen")).to_have_attribute("data-id", second)
    assert f"memory={second}" in page.url
    expect(page.locator(".rows > li.chosen a")).to_have_attribute("aria-current", "")
    assert page.locator(".specimen .chart svg").count() == 3
    page.click("text=Words nearest to each virtual token")
    assert page.locator(".specimen .tokens li").count() == 20
    page.click(".rows > li:first-child a")
    expect(page.locator(".specimen")).to_have_attribute("data-id", first)
    page.click("#elm-solve-button")
    assert "memory=" not in page.url
    other = window(f"/?memory={memory(500).id}")
    expect(other.locator(".specimen")).to_have_attribute("data-id", memory(500).id)
    gone = window("/?memory=gone")
    expect(gone.locator('[data-part="card"] .error')).to_contain_text("There is no memory gone.")
    gone.goto(f"{site.url}/?memory=<img src=x onerror=window.hacked=1>")
    expect(gone.locator('[data-part="card"] .error')).to_contain_text("There is no memory <img")
    assert gone.evaluate("window.hacked") is None


def test_any_link_to_a_memory_opens_its_card(window: Window) -> None:
    page = window()
    id = memory(77).id
    page.evaluate(
        "id => document.querySelector('.elm-run').insertAdjacentHTML('beforeend', "
        "`<a id=probe href='?memory=${id}' data-memory='${id}'>see</a>`)", id
    )  # fmt: skip
    page.click("#probe")
    expect(page.locator(".specimen")).to_have_attribute("data-id", id)
    expect(page.locator(".specimen")).to_be_visible()
    assert page.url.endswith(f"memory={id}")


def test_the_map_by_mouse_and_by_keyboard(window: Window) -> None:
    page = window(f"/?memory={memory(6).id}")
    page.wait_for_function("document.querySelector('canvas').dataset.points === '1000'")
    page.focus("canvas")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-part=glance]")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_function("id => document.querySelector('.specimen')?.dataset.id !== id", arg=memory(6).id)
    chosen = page.locator(".specimen").get_attribute("data-id")
    assert f"memory={chosen}" in page.url
    for colour in ("gain", "enabled", "model", "age", "improved"):
        page.select_option("[data-part=colour]", colour)
        assert page.locator("[data-part=legend] .entry").count() >= 1
    painted = "document.querySelector('canvas').toDataURL().length"
    before = page.evaluate(painted)
    page.click("[data-zoom='1.6']")
    page.wait_for_function(f"{painted} !== {before}")


def test_a_large_map_is_a_sample_and_has_what_is_selected_and_searched(
    empty: Callable[[], tuple[Page, Store]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_map, "DRAWN", 10)
    page, store = empty()
    fill(store, [memory(number) for number in range(30)])
    expect(page.locator("[data-part=drawn]")).to_have_text("10 of 30 shown")
    points = "document.querySelector('canvas').dataset.points"
    page.wait_for_function(f"{points} === '10'")
    there = set(Atlas(store).columns()["ids"])
    outside = next(id for id in rows(page) if id not in there)
    page.click(f'.rows [data-memory="{outside}"]')
    page.wait_for_function(f"{points} === '11'")
    page.check(f'[data-pick="{outside}"]')
    store.change(next(iter(there)), label="so that the map is asked for again")
    expect(page.locator(".rows")).to_contain_text("so that the map is asked for again")
    page.wait_for_timeout(200)
    expect(page.locator("[data-part=picked-count]")).to_have_text("1 selected")  # though the sample lacks it
    page.fill("[data-seek=text]", store.get(outside).problem)
    page.press("[data-seek=text]", "Enter")
    told(page, "30 memories, the nearest in meaning first")
    page.wait_for_function(f"Number({points}) > 10")


def test_a_hostile_card_is_shown_and_never_run(window: Window) -> None:
    page = window("/?memory=evil")
    expect(page.locator(".specimen .problem")).to_contain_text("<script>window.hacked=1</script>")
    page.evaluate("document.querySelectorAll('.specimen details').forEach(each => each.open = true)")
    page.fill("[data-seek=text]", "evil")
    page.press("[data-seek=text]", "Enter")
    expect(page.locator(".rows > li").first).to_contain_text("<script>")
    assert page.locator("[data-field=note]").input_value().startswith('"><script>')
    page.focus("canvas")
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(300)
    assert page.evaluate("window.hacked") is None
    assert page.locator(".elm-memories script, .elm-memories img, .elm-memories [onload]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_solving_goes_on_beside_it(window: Window) -> None:
    page = window("/?memories")
    told(page, "1–50 of 1,000 memories")
    page.click("#elm-solve-button")
    ask(page, EGGS)
    state(page, "done")
    page.click("#elm-memories-chip")
    told(page, "1–50 of 1,000 memories")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720), (820, 1180), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_width_fits(window: Window, width: int, height: int, scheme: str) -> None:
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    page = window("/?memories", width, height, color_scheme=scheme)
    told(page, "1–50 of 1,000 memories")
    assert page.evaluate(wide) <= 0
    page.click(".rows > li:first-child a")
    expect(page.locator(".specimen")).to_be_in_viewport()
    assert page.evaluate(wide) <= 0
    page.evaluate("document.querySelectorAll('.specimen details').forEach(each => each.open = true)")
    assert page.evaluate(wide) <= 0
    if width < 1000:
        page.click("text=All memories")
        expect(page.locator(".rows > li").first).to_be_visible()


def test_contrast_and_labels(window: Window) -> None:
    contrast = """([front, back]) => {
      const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map((v) => {
        v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05); }"""
    unnamed = """[...document.querySelectorAll('.elm-memories :is(button, input, select, textarea, canvas, a)')].filter(
      each => each.offsetParent && !each.innerText?.trim() && !each.ariaLabel && !each.labels?.length).length"""
    for scheme in ("light", "dark"):
        page = window(f"/?memory={memory(11).id}", color_scheme=scheme)
        page.wait_for_selector(".specimen .chart")
        assert page.evaluate(unnamed) == 0
        for selector in (".rows .more .change", ".rows .off .what", ".sieve label", ".specimen .offer", ".specimen dt",
                         ".specimen h3", "button.danger", ".told p", ".more .mark", "#elm-memories-chip",
                         ".chart figcaption"):  # fmt: skip
            pair = page.locator(selector).first.evaluate(
                """element => { let back = element, colour = 'rgba(0, 0, 0, 0)';
                while (back && /^rgba\\(.*, 0\\)$|transparent/.test(colour = getComputedStyle(back).backgroundColor))
                  back = back.parentElement;
                return [getComputedStyle(element).color, colour]; }"""
            )
            assert page.evaluate(contrast, pair) >= 4.5, (scheme, selector, pair)
