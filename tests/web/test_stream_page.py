"""A stream in a browser, over scripted runs: a file is uploaded, watched, paused, resumed, its results taken away."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from browser import Site, Window
from playwright.sync_api import Page, expect

from elm_app.core.events import RunStarted
from elm_app.runs.event_log import read

pytestmark = pytest.mark.browser
EGGS = "A farmer packs 7 crates with 24 eggs each. How many eggs does the farmer pack in crates {n}?"
ROWS = ".elm-stream tbody tr"


def lines(count: int, answer: str | None = "26") -> bytes:
    rows = [
        {"id": f"p{n}", "problem": EGGS.format(n=n)} | ({"answer": answer} if answer else {})
        for n in range(1, count + 1)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def opened(window: Window, path: str = "/", **how: int) -> Page:
    page = window(path, **how)
    page.click("#elm-stream-button")
    page.wait_for_selector(".elm-stream")
    page.wait_for_function(
        "document.querySelector('.elm-stream [data-part=setup]:not([hidden]), .elm-stream[data-run]')"
    )
    if page.locator('.elm-stream [data-act="new"]').is_visible():
        page.click('.elm-stream [data-act="new"]')
    return page


def choose(page: Page, name: str, data: bytes) -> None:
    page.set_input_files(".elm-stream input[type=file]", {"name": name, "mimeType": "text/plain", "buffer": data})


def start(page: Page, **fields: str) -> str:
    for name, value in {"steps": "1", "samples": "4", **fields}.items():
        page.fill(f'.elm-stream [name="{name}"]', value)
    old = page.locator(".elm-stream").get_attribute("data-run") or ""
    page.click(".elm-stream button[type=submit]")
    page.wait_for_selector(f'.elm-stream[data-run]:not([data-run="{old}"])')
    return page.locator(".elm-stream").get_attribute("data-run") or ""


def status(page: Page) -> str:
    return page.locator(".elm-stream .status").inner_text()


def taken(page: Page, kind: str) -> str:
    with page.expect_download() as waiting:
        page.click(f'.elm-stream [data-act="{kind}"]')
    assert waiting.value.suggested_filename.endswith(f"results.{kind}")
    return Path(waiting.value.path()).read_text()


def test_a_file_is_streamed_paused_resumed_and_its_results_taken_away(window: Window, site: Site) -> None:
    page = opened(window)
    choose(page, "eggs.jsonl", lines(3))
    expect(page.locator('.elm-stream [data-part="file"]')).to_have_text(
        "eggs.jsonl: 3 problems, each with its right answer."
    )
    first = start(page)
    expect(page.locator('.elm-stream [data-part="now"] .problem')).to_have_text(EGGS.format(n=1))
    expect(page.locator(ROWS)).to_have_count(1, timeout=60_000)
    expect(page.locator(".elm-stream .clock")).to_have_text(re.compile(r"\d+ s gone, about \d+ s left"))
    expect(page.locator(f"{ROWS}:first-child td").nth(4)).to_have_text("26 ✓ right")
    page.reload()
    expect(page.locator(ROWS)).not_to_have_count(0)
    other = window(f"/?stream={first}")
    expect(other.locator(ROWS)).not_to_have_count(0)
    page.click('.elm-stream [data-act="pause"]')
    for each in (page, other):
        each.wait_for_selector('.elm-stream[data-state="stopped"]')
        done = each.locator(ROWS).count()
        assert status(each) == f"Paused after {done} of 3"
    assert site.runner.live() == []
    page.click('.elm-stream [data-act="resume"]')
    page.wait_for_selector(f'.elm-stream:not([data-run="{first}"])')
    for each in (page, other):  # who only watches goes on too
        each.wait_for_selector('.elm-stream[data-state="done"]', timeout=60_000)
        expect(each.locator(ROWS)).to_have_count(3)
        assert status(each) == "All 3 problems are done"
    numbers = page.locator(f"{ROWS} td:first-child").all_inner_texts()
    assert numbers == ["1", "2", "3"]
    rows = [json.loads(line) for line in taken(page, "jsonl").splitlines()]
    assert [row["id"] for row in rows] == ["p1", "p2", "p3"]
    assert [row["id"] for row in csv.DictReader(taken(page, "csv").splitlines())] == ["p1", "p2", "p3"]
    expect(page.locator(".race .wide path")).to_have_count(2)
    used = page.locator(f"{ROWS} a[data-explain-run]")
    assert used.count() >= 1
    used.first.click()
    expect(page.locator(".elm-explain .problem").first).to_be_visible()
    page.goto(f"{site.url}/?stream={first}")  # as it was
    expect(page.locator(".elm-stream .elsewhere a")).to_have_text("This stream went on: show the whole")
    page.wait_for_timeout(3000)  # it is asked for again meanwhile, and stays as it was
    assert status(page).startswith("Paused after")
    page.click(".elm-stream .elsewhere a")
    expect(page.locator(ROWS)).to_have_count(3)


def test_without_right_answers_agreement_is_shown_and_said_so(window: Window) -> None:
    page = opened(window)
    choose(page, "open.csv", b"problem\nHow many boxes?\n")
    expect(page.locator('.elm-stream [data-part="file"]')).to_contain_text("agreement is shown instead of accuracy")
    start(page)
    page.wait_for_selector('.elm-stream[data-state="done"]', timeout=60_000)
    expect(page.locator(".elm-stream .verdict")).to_contain_text("The file has no right answers")
    expect(page.locator(".race figcaption")).to_have_text("Agreement so far, by problem")
    expect(page.locator(".elm-stream .mark")).to_have_count(0)
    expect(page.locator(".elm-stream .numbers dt").first).to_have_text("Agreement")


def test_a_bad_file_is_a_sentence_at_the_field(window: Window, site: Site) -> None:
    page = opened(window)
    told = page.locator('.elm-stream [data-part="file"] .error')
    page.click(".elm-stream button[type=submit]")
    expect(told).to_have_text("No file was chosen. Choose one, or take the example.")
    for name, data, said in (
        ("empty.jsonl", b"", "empty.jsonl is empty."),
        ("binary.csv", b"\x89PNG\r\n\xff\x00", "binary.csv is not text in UTF-8"),
        ("other.csv", b"frage,answer\n1,2\n", "other.csv has no column named problem"),
    ):
        choose(page, name, data)
        expect(told).to_contain_text(said)
    choose(page, "mixed.jsonl", lines(1) + b'{"answer": 3}\n[]\n')
    expect(page.locator(".elm-stream .bad")).to_contain_text("2 rows cannot be used:")
    expect(page.locator(".elm-stream .bad li").first).to_have_text('line 2: no "problem"')
    page.click(".elm-stream button[type=submit]")
    expect(page.locator('.elm-stream [data-part="refused"]')).to_contain_text("Some rows cannot be used.")
    page.click('.elm-stream [data-act="skip"]')
    expect(page.locator(".elm-stream .bad")).to_be_hidden()
    page.fill('.elm-stream [name="steps"]', "0")
    page.click(".elm-stream button[type=submit]")
    expect(page.locator('.elm-stream [data-part="refused"] .error')).to_contain_text("Steps is 0.")
    assert site.runner.live() == []
    start(page)
    page.wait_for_selector('.elm-stream[data-state="done"]', timeout=60_000)
    expect(page.locator(ROWS)).to_have_count(1)


def test_a_recipe_is_chosen_with_what_is_usual_in_it(window: Window, site: Site) -> None:
    page = opened(window)
    choose(page, "one.jsonl", lines(1))
    page.click(".elm-stream details.more summary")
    field = lambda name: page.locator(f'.elm-stream [name="{name}"]')  # noqa: E731
    expect(field("recipe")).to_have_value("paper")
    expect(field("variants")).to_be_hidden()
    page.fill('.elm-stream [name="virtual_tokens"]', "8")
    page.select_option('.elm-stream [name="recipe"]', "distil")
    expect(field("rollouts")).to_be_hidden()
    expect(field("variants")).to_be_visible()
    expect(field("steps")).to_have_value("16")
    expect(field("learning_rate")).to_have_value("0.005")
    expect(field("virtual_tokens")).to_have_value("8")
    run = start(page, steps="2")
    page.wait_for_selector('.elm-stream[data-state="done"]', timeout=60_000)
    started = read(site.runner.folder, run)[0][0].event
    assert isinstance(started, RunStarted)
    learning = started.settings["learning"]
    assert {name: learning[name] for name in ("recipe", "form", "steps", "virtual_tokens")} == {
        "recipe": "distil", "form": "prefix", "steps": 2, "virtual_tokens": 8
    }  # fmt: skip


def test_what_was_assumed_is_said_and_can_be_said_otherwise(window: Window) -> None:
    page = opened(window)
    told = page.locator('.elm-stream [data-part="file"]')
    choose(page, "open.txt", b"How many boxes?\nHow many lids?\n")
    expect(told.locator(".assumed").first).to_contain_text("Read as: a problem a line.")
    choose(page, "eier.csv", b"Frage;Wert\r\nHow many boxes?;26\r\n")
    expect(told.locator(".error")).to_contain_text("eier.csv has no column named problem")
    page.click(".elm-stream summary")
    page.fill('.elm-stream [name="columns"]', "problem=Frage,answer=Wert")
    page.press('.elm-stream [name="columns"]', "Tab")
    expect(told).to_contain_text("eier.csv: 1 problem, with its right answer.")
    expect(told.locator(".assumed")).to_contain_text("Read as: CSV with semicolons.")
    start(page)
    page.wait_for_selector('.elm-stream[data-state="done"]', timeout=60_000)
    expect(page.locator(ROWS)).to_have_count(1)


def test_a_live_stream_leaves_the_solve_page_alone_and_is_found_from_there(window: Window) -> None:
    page = opened(window)
    page.click('.elm-stream [data-act="example"]')
    expect(page.locator('.elm-stream [data-part="file"]')).to_contain_text("6 problems")
    run = start(page)
    other = window()
    expect(other.locator(".elm-run .elsewhere a")).to_be_visible()
    expect(other.locator(".elm-run")).to_have_attribute("data-state", "none")
    other.click(".elm-run .elsewhere a")
    other.wait_for_selector(f'.elm-stream[data-run="{run}"]')
    expect(other.locator("#elm-stream-button")).to_have_attribute("aria-selected", "true")
    other.click('.elm-stream [data-part="now"] .doing a')
    expect(other.locator(".elm-run .card").first).to_be_visible()
    expect(other.locator("#elm-stop")).to_have_attribute("aria-disabled", "true")
    page.click('.elm-stream [data-act="pause"]')
    page.wait_for_selector('.elm-stream[data-state="stopped"]')


# Goes elsewhere in the very moment in which the tab that a link opens is open.
LEAVE = """async () => {
  const opening = document.querySelector("#elm-stream-button");
  document.querySelector(".elm-run .elsewhere a").click();
  while (opening.getAttribute("aria-selected") !== "true") await new Promise(requestAnimationFrame);
  document.querySelector('.elm-stream [data-part="now"] .doing a').click();
}"""


def test_who_leaves_a_tab_that_a_link_just_opened_is_not_taken_back(window: Window) -> None:
    page = opened(window)
    page.click('.elm-stream [data-act="example"]')
    expect(page.locator('.elm-stream [data-part="file"]')).to_contain_text("6 problems")
    start(page)
    expect(page.locator('.elm-stream [data-part="now"] .doing a')).to_have_count(1)
    page.click("#elm-solve-button")
    expect(page.locator(".elm-run .elsewhere a")).to_be_visible()
    page.evaluate(LEAVE)
    expect(page.locator("#elm-solve-button")).to_have_attribute("aria-selected", "true")
    page.wait_for_timeout(400)  # as long as a second click could come
    expect(page.locator("#elm-solve-button")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".elm-run .card").first).to_be_visible()
    page.click("#elm-stream-button")
    page.click('.elm-stream [data-act="pause"]')
    page.wait_for_selector('.elm-stream[data-state="stopped"]')


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_a_stream_fits(window: Window, width: int, height: int) -> None:
    page = opened(window, width=width, height=height)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
    choose(page, "one.jsonl", lines(1))
    expect(page.locator('.elm-stream [data-part="file"]')).to_contain_text("1 problem")
    start(page)
    page.wait_for_selector('.elm-stream [data-part="now"] .side li')
    assert page.evaluate(wide) <= 0
    page.wait_for_selector('.elm-stream[data-state="done"]', timeout=60_000)
    assert page.evaluate(wide) <= 0
