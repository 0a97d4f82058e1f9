"""The Memories tab in a browser, over a real store: changing, deleting, taking along."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from browser import Site, Window
from cabinets import COUNT, notice, outcome, rows, told
from playwright.sync_api import Page, expect
from shelves import fill, memory

from elm_app.store import archive
from elm_app.store.store import Store
from elm_app.web import starters

pytestmark = pytest.mark.browser


@pytest.fixture
def site(full: tuple[Site, Store]) -> Site:
    return full[0]


def test_label_note_disable_and_enable(window: Window, shelf: Store) -> None:
    id = memory(800).id
    shelf.change(id, enabled=True)
    page, other = window(f"/?memory={id}"), window(f"/?memory={id}")
    page.fill("[data-field=label]", "the <b>coat</b>")
    page.press("[data-field=label]", "Enter")
    outcome(page, "Label saved.")
    assert shelf.get(id).label == "the <b>coat</b>"
    page.fill("[data-field=note]", "one\ntwo")
    page.click("[data-act=disable]")  # leaving the field saves it too
    expect(page.locator(".specimen .offer")).to_have_text("not offered: Disabled by hand.")
    page.wait_for_function("document.querySelector('[data-field=note]').defaultValue === 'one\\ntwo'")
    assert shelf.get(id).note == "one\ntwo"
    assert not shelf.get(id).enabled
    expect(other.locator(".specimen .offer")).to_have_text("not offered: Disabled by hand.")
    expect(other.locator("[data-field=label]")).to_have_value("the <b>coat</b>")
    other.click("[data-act=enable]")
    expect(page.locator(".specimen .offer")).to_have_text("offered")
    assert shelf.get(id).enabled


def test_what_is_being_typed_stays_when_something_else_changes(window: Window, shelf: Store) -> None:
    id = memory(801).id
    page = window(f"/?memory={id}")
    expect(page.locator("[data-field=note]")).to_be_visible()
    page.locator("[data-field=note]").press_sequentially("half a senten")
    shelf.change(id, retrieved=123)
    expect(page.locator(".specimen")).to_contain_text("used 123 times")
    expect(page.locator("[data-field=note]")).to_have_value("half a senten")
    expect(page.locator("[data-field=note]")).to_be_focused()


def test_deleting_asks_once_and_says_what_goes(window: Window, shelf: Store) -> None:
    id = memory(802).id
    page = window(f"/?memory={id}")
    page.click(".specimen [data-act=ask]")
    expect(page.locator("[data-part=confirm]")).to_contain_text("71.8 KB of learned numbers")
    expect(page.locator("[data-act=keep]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("[data-part=confirm]")).to_be_hidden()
    assert shelf.get(id)
    page.click(".specimen [data-act=ask]")
    page.click(".specimen [data-act=delete]")
    notice(page, "1 memory deleted.")
    expect(page.locator(".specimen")).to_have_count(0)
    expect(page.locator("#elm-memories-chip")).to_have_text("999 memories")
    assert id not in shelf.vectors()[0]
    assert "memory=" not in page.url
    fill(shelf, [memory(802)])
    expect(page.locator("#elm-memories-chip")).to_have_text("1,000 memories")  # by itself, as when a run stores one


def test_several_at_once(window: Window, shelf: Store) -> None:
    page = window("/?memories")
    told(page, "1–50 of 1,000 memories")
    ids = rows(page)[1:4]
    for id in ids:
        page.check(f'[data-pick="{id}"]')
    expect(page.locator("[data-part=picked-count]")).to_have_text("3 selected")
    page.click("[data-bulk=disable]")
    notice(page, "3 memories: Not offered any more.")
    assert not any(shelf.get(id).enabled for id in ids)
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
    assert shelf.count() == COUNT


def test_an_empty_store_teaches_and_loads_the_starters_with_one_click(
    empty: Callable[[], tuple[Page, Store]], full: tuple[Site, Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "starter.elm.zip"
    archive.export(full[1], [memory(number).id for number in range(12)], path)
    monkeypatch.setattr(starters, "STARTER", path)
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
    empty: Callable[[], tuple[Page, Store]], window: Window, shelf: Store, tmp_path: Path
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
    assert other.get(id) == shelf.get(id)
    assert (other.soft_prompt(id) == shelf.soft_prompt(id)).all()
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
