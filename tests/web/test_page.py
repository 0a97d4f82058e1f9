"""The page in a browser, over scripted runs: what it does."""

from __future__ import annotations

import re

import pytest
from browser import EGGS, Site, Window, answered, ask, run_of, state, status
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_problem_is_solved_in_front_of_the_reader(window: Window) -> None:
    page = window()
    expect(page.locator(".elm-run .empty")).to_be_visible()
    ask(page, EGGS)
    state(page, "sampling")
    assert page.locator(".card").count() == 8
    tops = page.evaluate("[...document.querySelectorAll('.card')].map(c => [c.offsetTop, c.offsetHeight])")
    page.wait_for_function("document.querySelectorAll('.card.writing .text').length > 2")
    early = page.locator(".card .text").first.inner_text()
    widths = "[...document.querySelectorAll('.segment')].map(s => s.getBoundingClientRect().width)"
    page.wait_for_selector(".segment.k0:not(.zero)")
    before = page.evaluate(widths)
    page.wait_for_function("old => document.querySelector('.card .text').innerText.length > old", arg=len(early))
    state(page, "done")
    page.wait_for_timeout(700)
    assert page.evaluate(widths) != before
    assert page.locator('[data-part="answer"]').inner_text() == "26"
    assert status(page) == "5 of 8 agree · 2 other answers · 1 without an answer"
    assert re.search(r"[\d.]+ tokens/s · [\d.]+ s · seed \d+ · run [\d-]+", page.locator(".meta").inner_text())
    assert page.locator("#elm-model-chip").inner_text() == "0.5B · 4-bit · CPU"
    assert page.locator(".card math mfrac").count() > 0
    assert page.evaluate("[...document.querySelectorAll('.card')].map(c => [c.offsetTop, c.offsetHeight])") == tops
    assert run_of(page)


def test_a_card_follows_the_text_only_if_its_reader_does(window: Window) -> None:
    page = window()
    ask(page, "a long one")
    state(page, "sampling")
    far = "n => { const t = document.querySelectorAll('.card .text')[n]; return t.scrollHeight - t.clientHeight; }"
    page.wait_for_function(f"({far})(0) > 120")
    page.evaluate("document.querySelectorAll('.card .text')[0].scrollTop = 40")
    long_before = page.evaluate(f"({far})(0)")
    page.wait_for_function(f"({far})(0) > {long_before + 40}")
    assert page.evaluate("document.querySelectorAll('.card .text')[0].scrollTop") == 40
    at_end = "t => t.scrollHeight - t.scrollTop - t.clientHeight"
    assert page.locator(".card .text").nth(2).evaluate(at_end) < 30
    page.keyboard.press("Escape")
    state(page, "stopped")


def test_stop_and_escape_end_a_run_and_keep_what_there_is(window: Window) -> None:
    page = window()
    ask(page, EGGS)
    state(page, "sampling")
    page.wait_for_selector(".card.writing")
    page.click("#elm-stop")
    state(page, "stopped")
    assert status(page).startswith("Stopped · 8 traces, ")
    assert page.locator(".card.stopped").count() > 0
    ask(page, EGGS + " again")
    state(page, "sampling")
    page.keyboard.press("Escape")
    state(page, "stopped")
    expect(page.locator("#elm-stop")).to_have_attribute("aria-disabled", "true")


def test_a_reload_and_a_second_window_lose_nothing(window: Window) -> None:
    first, problem = window(), EGGS + " Take it slow."
    ask(first, problem)
    state(first, "sampling")
    run = run_of(first)
    first.reload()
    second = window()  # without an address: the run that is live
    for page in (first, second):
        page.wait_for_selector(".card.writing")
        assert run_of(page) == run
        expect(page.locator("#elm-problem textarea")).to_have_value(problem)
    for page in (first, second):
        state(page, "done")
        assert page.locator('[data-part="answer"]').inner_text() == "26"
    texts = "[...document.querySelectorAll('.card')].map(c => c.innerText)"
    assert first.evaluate(texts) == second.evaluate(texts)


def test_the_problem_comes_back_if_gradio_makes_the_box_late_and_not_if_somebody_clears_it(window: Window) -> None:
    page = window()
    answered(page, EGGS)
    page.reload()
    box = page.locator("#elm-problem textarea")
    expect(box).to_have_value(EGGS)
    box.evaluate("box => { box.value = ''; }")
    expect(box).to_have_value(EGGS)
    box.fill("")
    page.wait_for_timeout(3 * 2500)  # longer than a page that shows a finished run waits before it asks again
    expect(box).to_have_value("")


def test_any_window_can_stop(window: Window) -> None:
    first = window()
    ask(first, EGGS + " Take it slow.")
    state(first, "sampling")
    second = window(f"/?run={run_of(first)}")
    second.wait_for_selector("body.elm-busy")
    second.click("#elm-stop")
    state(first, "stopped")
    state(second, "stopped")


def test_a_second_problem_waits_and_says_so(window: Window, site: Site) -> None:
    page, other = window(), window()
    ask(page, EGGS + " Take it slow.")
    state(page, "sampling")
    first = run_of(page)
    ask(page, "a fraction")
    state(page, "queued")
    assert status(page) == "Waiting: 1 run ahead"
    assert run_of(page) != first
    assert site.runner.live() == [first, run_of(page)]
    site.runner.stop(first)
    page.click(".elsewhere a") if page.locator(".elsewhere").is_visible() else None
    state(page, "sampling")
    state(page, "done")
    other.goto(f"{site.url}/?run={first}")
    state(other, "stopped")


def test_what_is_typed_while_a_problem_is_sent_stays(window: Window) -> None:
    page = window()
    answered(page, EGGS)
    page.fill("#elm-problem textarea", "the next one")
    page.evaluate("([run, text]) => window.elm.told({ run, text })", [run_of(page), EGGS])
    state(page, "done")
    expect(page.locator('[data-part="problem"]')).to_have_text(EGGS)
    assert page.locator("#elm-problem textarea").input_value() == "the next one"


def test_hostile_text_is_shown_and_never_run(window: Window) -> None:
    page = window()
    ask(page, "hostile <img src=x onerror=window.hacked=1>")
    state(page, "done")
    page.click("#elm-runs-button")
    page.wait_for_selector("table.runs")
    page.click("table.runs a")
    page.wait_for_timeout(500)
    assert page.evaluate("window.hacked") is None
    assert "<script>window.hacked = 1</script>" in page.locator(".card .text").first.inner_text()
    assert page.locator(".elm-run script, .elm-run img, .elm-run svg, .elm-run style, .card a").count() == 0


def test_bad_input_is_a_sentence_at_its_field_and_nothing_runs(window: Window, site: Site) -> None:
    page = window()
    ask(page, "   ")
    expect(page.locator("#elm-problem-notice .error")).to_contain_text("There is no problem to solve.")
    expect(page.locator("#elm-problem textarea")).to_be_focused()
    expect(page.locator("#elm-problem textarea")).to_have_attribute("aria-invalid", "true")
    page.click("#elm-settings-button")
    for field, value, told in (
        ("#elm-samples input", "0", "Samples is 0. It must be a whole number from 1 to 256."),
        ("#elm-samples input", "", "Samples is empty."),
        ("#elm-samples input", "2.5", "Samples is 2.5."),
    ):
        page.fill(field, value)
        ask(page, "x")
        expect(page.locator("#elm-settings-notice .error")).to_contain_text(told)
    expect(page.locator("#elm-problem-notice .error")).to_have_count(0)
    assert site.runner.live() == []
    page.fill("#elm-samples input", "3")
    ask(page, EGGS)
    state(page, "done")
    expect(page.locator("#elm-settings-notice .error")).to_have_count(0)
    assert page.locator(".card").count() == 3


def test_a_failed_run_says_why_and_the_page_goes_on(window: Window) -> None:
    page = window()
    ask(page, "this fails")
    state(page, "failed")
    expect(page.locator('[data-part="failure"] .error')).to_have_text(
        "Memory ran out with 64 samples. Lower the samples or the new tokens."
    )
    ask(page, EGGS)
    state(page, "done")
    expect(page.locator('[data-part="failure"] .error')).to_have_count(0)


def test_the_wait_for_the_model_has_a_bar_and_an_end(window: Window) -> None:
    page = window()
    ask(page, "fetch first")
    page.wait_for_function(
        "/Fetching the model · \\d+ of 491 MB · \\d+ MB\\/s · \\d+ s left/"
        ".test(document.querySelector('[data-part=coming]').innerText)"
    )
    bar = page.locator('.coming .wait[role="progressbar"]')
    first = int(bar.get_attribute("aria-valuenow") or 0)
    page.wait_for_function(f"Number(document.querySelector('.wait').getAttribute('aria-valuenow')) > {first}")
    page.keyboard.press("Escape")
    state(page, "stopped")


def test_earlier_runs_can_be_opened_from_the_list_and_by_address(window: Window, site: Site) -> None:
    page = window()
    ask(page, EGGS)
    state(page, "done")
    run = run_of(page)
    ask(page, "a fraction")
    state(page, "sampling")
    page.keyboard.press("Escape")
    state(page, "stopped")
    page.click("#elm-runs-button")
    page.click(f'table.runs a[data-run="{run}"]')
    state(page, "done")
    assert run_of(page) == run
    assert page.locator('[data-part="answer"]').inner_text() == "26"
    expect(page.locator("#elm-problem textarea")).to_be_visible()
    (site.runner.folder / "damaged.jsonl").write_text("no event\n")
    other = window("/?run=damaged")
    expect(other.locator('[data-part="error"] .error')).to_contain_text("has a line that is no event")
    (site.runner.folder / "damaged.jsonl").unlink()
    missing = window("/?run=nothing")
    expect(missing.locator('[data-part="error"] .error')).to_contain_text("There is no run")
    ask(missing, "x")
    state(missing, "done")


def test_the_three_views_of_the_traces(window: Window) -> None:
    page = window()
    ask(page, EGGS)
    state(page, "done")
    numbers = (
        "[...document.querySelectorAll('.card')].filter(c => c.offsetParent)"
        ".sort((a, b) => a.offsetTop - b.offsetTop || a.offsetLeft - b.offsetLeft)"
        ".map(c => c.querySelector('.number').innerText).join(' ')"
    )
    assert page.evaluate(numbers) == "1 2 3 4 5 6 7 8"
    page.click("text=by answer")
    assert page.evaluate(numbers).startswith("1 2 4 5 8 ")
    page.click("text=only the majority")
    assert page.evaluate(numbers) == "1 2 4 5 8"


def test_the_empty_page_starts_with_one_button(window: Window) -> None:
    page = window()
    page.click("text=Solve “crates and eggs”")
    state(page, "done")
    assert page.locator('[data-part="answer"]').inner_text() == "26"


def test_the_page_says_when_the_program_is_gone(window: Window) -> None:
    page = window()
    ask(page, EGGS)
    state(page, "sampling")
    page.route("**/component_server/**", lambda route: route.abort())
    expect(page.locator('[data-part="status"]')).to_have_text("The program does not answer; trying again")
    page.unroute("**/component_server/**")
    state(page, "done")
