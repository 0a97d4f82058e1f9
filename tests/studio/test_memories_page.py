"""The Memories tab in a browser, over a real store with a thousand made-up memories."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from browser import EGGS, Site, Window, ask, state
from playwright.sync_api import Page, expect
from scripted_learn import actions
from shelves import fill, memory
from test_memories import evil

from elm_app.memory import archive
from elm_app.memory.store import Store
from elm_app.runs.runner import Runner
from elm_app.studio import memories as tab
from elm_app.studio.page import build
from elm_app.studio.theme import launch_options

pytestmark = pytest.mark.browser

COUNT = 1000
OFFERED = {"enabled": True, "disabled_reason": ""}


@contextmanager
def served(folder: Path) -> Iterator[tuple[Site, Store]]:
    runner = Runner(folder / "runs")
    made = actions(runner, folder, pace=0.02)
    store, page = made.store, build(runner, made)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    yield Site(url.rstrip("/"), runner, made), store
    runner.close()
    store.close()
    page.close(verbose=False)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Store]]:
    with served(tmp_path_factory.mktemp("full")) as (site, store):
        fill(store, [*(memory(number) for number in range(COUNT - 1)), replace(evil(), id="evil")])
        yield site, store


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Store]]:
    with served(tmp_path_factory.mktemp("bare")) as made:
        yield made


@pytest.fixture
def site(full: tuple[Site, Store]) -> Site:
    return full[0]


@pytest.fixture
def store(full: tuple[Site, Store]) -> Store:
    return full[1]


@pytest.fixture
def empty(window: Window, bare: tuple[Site, Store]) -> Iterator[Callable[[], tuple[Page, Store]]]:
    """Opens the page over a store that is empty, and empties it again."""
    site, store = bare

    def opened() -> tuple[Page, Store]:
        page = window()
        page.goto(f"{site.url}/?memories")
        page.wait_for_selector(".elm-memories [data-part=empty]:not([hidden])")
        return page, store

    yield opened
    store.delete(store.vectors()[0])


def rows(page: Page) -> list[str]:
    return page.evaluate("[...document.querySelectorAll('.rows > li')].map(row => row.dataset.id)")  # type: ignore[no-any-return]


def told(page: Page, text: str) -> None:
    expect(page.locator('[data-part="told"]')).to_have_text(text)


def notice(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.locator('.elm-memories [data-part="notice"]')).to_have_text(text)


def outcome(page: Page, text: str) -> None:
    expect(page.locator('[data-part="outcome"]')).to_have_text(text)


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


def test_filters_and_sorting(window: Window, store: Store) -> None:
    page = window("/?memories")
    told(page, "1–50 of 1,000 memories")
    page.select_option("[data-seek=enabled]", "no")
    off = store.page(enabled=False).total
    told(page, f"1–50 of {off} memories, 1,000 in all")
    page.select_option("[data-seek=improved]", "yes")
    told(page, f"1–50 of {store.page(enabled=False, improved=True).total} memories, 1,000 in all")
    page.select_option("[data-seek=enabled]", "")
    page.select_option("[data-seek=improved]", "")
    page.select_option("[data-seek=model]", label="tiny")
    tiny = store.page(model=memory(3).model.weights_sha256).total
    told(page, f"1–50 of {tiny} memories, 1,000 in all")
    expect(page.locator("[data-part=export-all]")).to_have_text("Export these")
    page.select_option("[data-seek=model]", "")
    page.select_option("[data-seek=sort]", "gain:desc")
    page.wait_for_function(
        "id => document.querySelector('.rows > li').dataset.id === id", arg=store.page(sort="gain", limit=1).rows[0].id
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
    assert page.locator(".specimen .curve svg").count() == 4
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


def test_label_note_disable_and_enable(window: Window, store: Store) -> None:
    id = memory(800).id
    store.change(id, enabled=True)
    page, other = window(f"/?memory={id}"), window(f"/?memory={id}")
    page.fill("[data-field=label]", "the <b>coat</b>")
    page.press("[data-field=label]", "Enter")
    outcome(page, "Label saved.")
    assert store.get(id).label == "the <b>coat</b>"
    page.fill("[data-field=note]", "one\ntwo")
    page.click("[data-act=disable]")  # leaving the field saves it too
    expect(page.locator(".specimen .offer")).to_have_text("not offered: Disabled by hand.")
    page.wait_for_function("document.querySelector('[data-field=note]').defaultValue === 'one\\ntwo'")
    assert store.get(id).note == "one\ntwo"
    assert not store.get(id).enabled
    expect(other.locator(".specimen .offer")).to_have_text("not offered: Disabled by hand.")
    expect(other.locator("[data-field=label]")).to_have_value("the <b>coat</b>")
    other.click("[data-act=enable]")
    expect(page.locator(".specimen .offer")).to_have_text("offered")
    assert store.get(id).enabled


def test_what_is_being_typed_stays_when_something_else_changes(window: Window, store: Store) -> None:
    id = memory(801).id
    page = window(f"/?memory={id}")
    page.locator("[data-field=note]").press_sequentially("half a senten")
    store.change(id, retrieved=123)
    expect(page.locator(".specimen")).to_contain_text("used 123 times")
    expect(page.locator("[data-field=note]")).to_have_value("half a senten")
    expect(page.locator("[data-field=note]")).to_be_focused()


def test_deleting_asks_once_and_says_what_goes(window: Window, store: Store) -> None:
    id = memory(802).id
    page = window(f"/?memory={id}")
    page.click(".specimen [data-act=ask]")
    expect(page.locator("[data-part=confirm]")).to_contain_text("71.8 KB of learned numbers")
    expect(page.locator("[data-act=keep]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("[data-part=confirm]")).to_be_hidden()
    assert store.get(id)
    page.click(".specimen [data-act=ask]")
    page.click(".specimen [data-act=delete]")
    notice(page, "1 memory deleted.")
    expect(page.locator(".specimen")).to_have_count(0)
    expect(page.locator("#elm-memories-chip")).to_have_text("999 memories")
    assert id not in store.vectors()[0]
    assert "memory=" not in page.url
    fill(store, [memory(802)])
    expect(page.locator("#elm-memories-chip")).to_have_text("1,000 memories")  # by itself, as when a run stores one


def test_several_at_once(window: Window, store: Store) -> None:
    page = window("/?memories")
    told(page, "1–50 of 1,000 memories")
    ids = rows(page)[1:4]
    for id in ids:
        page.check(f'[data-pick="{id}"]')
    expect(page.locator("[data-part=picked-count]")).to_have_text("3 selected")
    page.click("[data-bulk=disable]")
    notice(page, "3 memories: Not offered any more.")
    assert not any(store.get(id).enabled for id in ids)
    page.click("[data-bulk=enable]")
    notice(page, "3 memories: Offered again.")
    page.click("[data-bulk=ask]")
    expect(page.locator("[data-part=confirm-many]")).to_contain_text("Delete 3 memories?")
    page.click("[data-bulk=keep]")
    with page.expect_download() as download:
        page.click("[data-bulk=export]")
    assert download.value.suggested_filename == "memories.elm.zip"
    page.click("[data-bulk=none]")
    expect(page.locator("[data-part=picked]")).to_be_hidden()
    assert store.count() == COUNT


def test_an_empty_store_teaches_and_loads_the_starters_with_one_click(
    empty: Callable[[], tuple[Page, Store]], full: tuple[Site, Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "starter.elm.zip"
    archive.export(full[1], [memory(number).id for number in range(12)], path)
    monkeypatch.setattr(tab, "STARTER", path)
    page, store = empty()
    expect(page.locator("#elm-memories-chip")).to_have_text("no memories")
    expect(page.locator("[data-part=empty]").last).to_contain_text("What was learned is kept here.")
    page.click("text=Load the 12 starter memories")
    notice(page, "12 memories added.")
    told(page, "12 memories")
    expect(page.locator("#elm-memories-chip")).to_have_text("12 memories")
    expect(page.locator("[data-part=starter-more]")).to_be_hidden()
    assert store.count() == 12
    page.wait_for_function("document.querySelector('canvas').dataset.points === '12'")


def test_export_and_import_through_the_browser(
    empty: Callable[[], tuple[Page, Store]], window: Window, store: Store, tmp_path: Path
) -> None:
    id = memory(4).id
    page = window(f"/?memory={id}")
    with page.expect_download() as download:
        page.click(".specimen [data-act=export]")
    assert download.value.suggested_filename == f"{id}.elm.zip"
    path = tmp_path / "one.elm.zip"
    download.value.save_as(path)
    page, other = empty()
    page.set_input_files("[data-part=file]", path)
    expect(page.locator(".specimen")).to_have_attribute("data-id", id)
    notice(page, "1 memory added.")
    assert other.get(id) == store.get(id)
    assert (other.soft_prompt(id) == store.soft_prompt(id)).all()
    page.set_input_files("[data-part=file]", path)
    notice(page, "1 memory was here already.")


def test_a_refused_archive_says_why(empty: Callable[[], tuple[Page, Store]], tmp_path: Path) -> None:
    path = tmp_path / "strange.elm.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("manifest.json", "{}")
        packed.writestr("a/weights.pkl", "x")
    page, store = empty()
    page.set_input_files("[data-part=file]", path)
    expect(page.locator("[data-part=notice] .error")).to_have_text(
        "strange.elm.zip is not imported: its member 'a/weights.pkl' may be a pickle, which can run code when opened. "
        "Nothing was stored; export it again, or get it from whom you trust."
    )
    path.write_text("no zip")
    page.set_input_files("[data-part=file]", path)
    expect(page.locator("[data-part=notice] .error")).to_contain_text("it is no zip file, or a damaged one")
    assert store.count() == 0


def test_the_tab_says_when_the_program_is_gone(window: Window) -> None:
    page = window(f"/?memory={memory(9).id}")
    expect(page.locator(".specimen")).to_be_visible()
    page.route("**/component_server/**", lambda route: route.abort())
    page.click("[data-act=export]")
    expect(page.locator("[data-part=outcome] .error")).to_contain_text("The program does not answer.")
    page.unroute("**/component_server/**")


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
        page.wait_for_selector(".specimen .curve")
        assert page.evaluate(unnamed) == 0
        for selector in (".rows .more .change", ".rows .off .what", ".sieve label", ".specimen .offer", ".specimen dt",
                         ".specimen h3", "button.danger", ".told p", ".more .mark", "#elm-memories-chip",
                         ".curve .unit"):  # fmt: skip
            pair = page.locator(selector).first.evaluate(
                """element => { let back = element, colour = 'rgba(0, 0, 0, 0)';
                while (back && /^rgba\\(.*, 0\\)$|transparent/.test(colour = getComputedStyle(back).backgroundColor))
                  back = back.parentElement;
                return [getComputedStyle(element).color, colour]; }"""
            )
            assert page.evaluate(contrast, pair) >= 4.5, (scheme, selector, pair)
