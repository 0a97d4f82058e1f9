"""The page in a browser on a machine that has no weights yet, which then come slowly."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import scripted_bench
from browser import EGGS, Site, Window, ask, run_of, state, status
from playwright.sync_api import Page, expect
from scripted import REALISTIC, scripted
from scripted_learn import actions
from scripted_weights import BYTES, CHOICE, Mirror, SlowEmbedders
from served import served

from elm_app.core.config import SamplingSettings
from elm_app.runs.runner import Runner
from elm_app.store import archive
from elm_app.web.starters import STARTER

pytestmark = pytest.mark.browser

STARTERS = len(json.loads(zipfile.ZipFile(STARTER).read(archive.MANIFEST))["memories"])
BARN = "A barn holds 12 cows and 30 hens. How many legs is that?"
LINE = r"Fetching Qwen2\.5-Coder 1\.5B from the hub · \d\.\d\d of 1\.12 GB"
PACE = re.compile(LINE + r" · \d+ MB/s · (\d+ min )?\d+ s left")


@dataclass
class Fresh:
    """A page on such a machine."""

    site: Site
    mirror: Mirror
    embedders: SlowEmbedders


@pytest.fixture(scope="module")
def fresh_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fresh]:
    """With one recorded run and one benchmark, as a checkout that was copied here has them."""
    folder: Path = tmp_path_factory.mktemp("fresh")
    runner, mirror, embedders = Runner(folder / "runs"), Mirror(), SlowEmbedders()
    recorded = scripted(REALISTIC, SamplingSettings(seed=1), step_seconds=0.001, load_seconds=0.01)
    assert runner.wait(runner.submit("solve", BARN, {"samples": 8, "seed": 1, "model": "auto"}, recorded), 30)
    scripted_bench.write(folder / "bench" / "first")
    stands_in: Any = embedders
    made = replace(actions(runner, folder, 0.02, mirror), embedders=stands_in)
    with served(runner, made) as page:
        yield Fresh(page, mirror, embedders)
        embedders.held = False


@pytest.fixture
def site(fresh: Fresh) -> Site:
    return fresh.site


@pytest.fixture
def fresh(fresh_site: Fresh) -> Iterator[Fresh]:
    mirror = fresh_site.mirror
    mirror.done, mirror.held, mirror.broken, mirror.asked, mirror.seconds = 0.0, False, "", 0, 60.0
    fresh_site.embedders.held = True
    yield fresh_site
    fresh_site.site.actions.fetching.close()


def line(page: Page, told: str | re.Pattern[str]) -> None:
    expect(page.locator(".coming p")).to_have_text(told)


def test_nothing_is_fetched_before_somebody_asks_and_the_page_says_what_it_would_be(
    window: Window, fresh: Fresh
) -> None:
    page = window()
    expect(page.locator("[data-do=fetch]")).to_have_text("Fetch the model (1.1 GB)")
    expect(page.locator(".lacking")).to_contain_text("Qwen2.5-Coder 1.5B Instruct, is not on this machine yet: 1.1 GB")
    expect(page.locator("#elm-model-chip")).to_have_text("1.5B · not fetched yet")
    expect(page.locator(".coming")).to_be_hidden()
    page.wait_for_timeout(300)
    assert fresh.mirror.asked == 0


def test_the_button_fetches_while_the_page_goes_on_and_then_one_can_solve(window: Window, fresh: Fresh) -> None:
    page = window()
    page.click("[data-do=fetch]")
    line(page, PACE)
    bar = page.locator(".coming [role=progressbar]")
    expect(bar).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]\d*$"))
    expect(page.locator("#elm-model-chip")).to_have_text(re.compile(r"^fetching, \d+%$"))
    expect(page.locator("[data-do=fetch]")).to_be_hidden()
    assert fresh.site.runner.live() == []  # it is no run: nothing waits behind it
    fresh.mirror.seconds = 0.5
    expect(page.locator(".coming")).to_be_hidden()
    expect(page.locator("#elm-model-chip")).to_have_text("1.5B")
    expect(page.locator(".meanwhile")).to_be_hidden()
    ask(page, EGGS)
    state(page, "done")
    assert fresh.mirror.asked == 2


def test_stop_keeps_what_came_and_it_goes_on_from_there(window: Window, fresh: Fresh) -> None:
    page = window()
    page.click("[data-do=fetch]")
    line(page, PACE)
    page.click("#elm-stop")
    expect(page.locator(".coming")).to_be_hidden()
    expect(page.locator(".lacking")).to_have_text(re.compile(r"Stopped at 0\.\d\d of 1\.12 GB\. What came is kept\."))
    kept = fresh.mirror.done
    assert 0 < kept < BYTES
    page.wait_for_timeout(300)
    assert fresh.mirror.done == kept
    fresh.mirror.held = True
    page.click("text=Go on fetching the model")
    line(page, re.compile(re.escape(f"{kept / 1e9:.2f} of 1.12 GB")))
    page.focus("#elm-problem textarea")
    page.keyboard.press("Escape")
    expect(page.locator(".coming")).to_be_hidden()


def test_a_problem_waits_for_the_model_in_one_calm_line(window: Window, fresh: Fresh) -> None:
    page = window()
    ask(page, EGGS)
    line(page, PACE)
    expect(page.locator(".meanwhile .lead")).to_have_text("This problem is solved as soon as the model is here.")
    assert page.locator(".card:visible, .headline:visible, .track:visible").count() == 0
    places = "[...document.querySelectorAll('.coming, .meanwhile')].map(e => e.offsetTop)"
    before = page.evaluate(places)
    page.wait_for_timeout(600)
    assert page.evaluate(places) == before
    page.reload()
    line(page, PACE)
    page.click("#elm-stop")
    state(page, "stopped")
    assert status(page) == "Stopped before the model was here"
    expect(page.locator('[data-part="note"]')).to_contain_text("What was fetched of the model is kept")
    assert fresh.mirror.done > 0
    fresh.mirror.seconds = 0.5
    ask(page, EGGS)
    state(page, "done")
    assert page.locator('[data-part="answer"]').inner_text() == "26"


def test_a_problem_asked_while_the_button_fetches_waits_for_the_same_download(window: Window, fresh: Fresh) -> None:
    page = window()
    page.click("[data-do=fetch]")
    line(page, PACE)
    page.click("text=Solve “crates and eggs”")
    expect(page.locator(".meanwhile .lead")).to_be_visible()
    line(page, PACE)
    fresh.mirror.seconds = 0.5
    state(page, "done")


def test_a_model_that_is_here_need_not_wait_for_one_that_comes(window: Window, fresh: Fresh) -> None:
    page = window()
    fresh.mirror.held = True
    page.click("[data-do=fetch]")
    line(page, re.compile(LINE))
    page.click("#elm-settings-button")
    page.click("#elm-machine [data-do=other]")
    expect(page.locator("#elm-machine p")).to_contain_text("The 0.5B, as you chose.")
    ask(page, EGGS)
    state(page, "done")
    line(page, re.compile(LINE))
    page.click(".coming button")  # over a run of its own, the line has the way to stop it
    expect(page.locator(".coming")).to_be_hidden()


def test_everything_that_needs_no_model_answers_meanwhile(window: Window, fresh: Fresh) -> None:
    page = window()
    ask(page, EGGS)
    line(page, PACE)
    waiting = run_of(page)
    links = page.locator(".meanwhile li")
    expect(links).to_contain_text(
        [f"load the {STARTERS} starter memories", "Replay: “", "earlier run", "1 benchmark", "elm_app vote"]
    )
    # Compare, and Runs
    links.get_by_text("Compare").click()
    expect(page.locator(".elm-compare[data-state=shown] table").first).to_be_visible()
    page.click("#elm-solve-button")
    links.get_by_text("Runs").click()
    expect(page.locator("table.runs")).to_contain_text(BARN)
    page.click("#elm-solve-button")
    # the starter memories, a card, and a search that waits for its own small model, not for the large one
    links.get_by_text("Memories").click()
    page.click(".elm-memories .empty [data-act=starter]")
    expect(page.locator(".rows > li")).to_have_count(STARTERS)
    page.click(".rows > li:first-child a")
    expect(page.locator(".specimen")).to_be_visible()
    page.fill("[data-seek=text]", "eggs in boxes")
    page.press("[data-seek=text]", "Enter")
    told = page.locator('.elm-memories [data-part="told"]')
    expect(told).to_have_text(
        "Fetching all-MiniLM-L6-v2 from the hub · 12 of 91 MB · searching by meaning needs this, once"
    )
    fresh.embedders.held = False
    expect(page.locator(".rows .score").first).to_be_visible()
    page.click("#elm-solve-button")
    expect(links).to_contain_text([f"{STARTERS} memories, with their map and cards", "", "", "", ""])
    # the replay of a recorded run, under the line; and back to the problem that waits
    links.get_by_text("Replay").click()
    expect(page.locator('[data-part="replay"]')).to_be_visible()
    expect(page.locator(".card .text").first).not_to_be_empty()
    line(page, PACE)
    page.click(".elsewhere a")
    expect(page.locator(".meanwhile .lead")).to_be_visible()
    assert fresh.site.runner.live() == [waiting]
    assert fresh.mirror.done < BYTES  # all of it while the model was coming
    store = fresh.site.actions.store
    store.delete(store.vectors()[0])


def test_what_goes_wrong_is_said_where_the_button_is(window: Window, fresh: Fresh) -> None:
    page = window()
    fresh.mirror.broken = "No mirror <answers>."
    page.click("[data-do=fetch]")
    expect(page.locator(".lacking .error")).to_have_text("No mirror <answers>. Check the connection and start again.")
    fresh.mirror.broken, fresh.mirror.seconds = "", 0.5
    page.click("text=Try again")
    expect(page.locator("#elm-model-chip")).to_have_text("1.5B")
    expect(page.locator(".lacking .error")).to_have_count(0)


def test_which_model_and_why_can_be_read_and_changed_with_one_click(window: Window, fresh: Fresh) -> None:
    page = window()
    chip = page.locator("#elm-model-chip")
    expect(chip).to_have_attribute("title", CHOICE.reason)
    chip.click()
    told = page.locator("#elm-machine p")
    expect(told).to_contain_text("The 1.5B: this machine has 24 GB of memory and AVX512-VNNI.")
    page.click("text=use the 0.5B: faster, mostly wrong on word problems")
    expect(page.locator("#elm-model input")).to_have_value("small: Qwen2.5-Coder-0.5B")
    expect(chip).to_have_text("0.5B")
    expect(page.locator("[data-do=fetch]")).to_be_hidden()
    page.click("text=use the 1.5B: slower, mostly right")
    expect(page.locator("#elm-model input")).to_have_value("base: Qwen2.5-Coder-1.5B")
    expect(told).to_contain_text("The 1.5B, as you chose.")
    expect(page.locator("[data-do=fetch]")).to_be_visible()
    page.click("text=use the 0.5B: faster, mostly wrong on word problems")
    expect(chip).to_have_text("0.5B")
    ask(page, EGGS)
    state(page, "done")
    assert fresh.mirror.done == 0  # it was here
    assert (
        json.loads((fresh.site.runner.folder / f"{run_of(page)}.jsonl").read_text().splitlines()[0])["settings"][
            "model"
        ]
        == "small"
    )


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_minute_fits(window: Window, width: int, scheme: str) -> None:
    page = window("/", width, 844, color_scheme=scheme)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    expect(page.locator("[data-do=fetch]")).to_be_visible()
    assert page.evaluate(wide) <= 0
    page.click("[data-do=fetch]")
    line(page, PACE)
    assert page.evaluate(wide) <= 0
