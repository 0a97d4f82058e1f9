"""Benchmarks in a browser, over reports by hand."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import scripted_bench
from browser import Site, Window
from playwright.sync_api import Locator, Page, expect
from scripted_comparing import HELD

from elm_app.core.events import MethodStarted, ProblemAnswered, RunFinished
from elm_app.core.types import Timing

pytestmark = pytest.mark.browser


@pytest.fixture
def bench(site: Site) -> Iterator[Path]:
    folder = site.actions.store.folder / "bench"
    scripted_bench.write(folder / "first")
    yield folder
    shutil.rmtree(folder)


HEAD: Callable[[Page], Locator] = lambda page: page.locator(".elm-compare [data-part=head] h2")  # noqa: E731
EGGS = [{"problem": f"How many eggs are in {n} crates of 24?", "answer": str(24 * n)} for n in range(1, 13)]


def lines(rows: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def choose(page: Page, name: str, data: bytes) -> None:
    page.set_input_files(".elm-compare input[type=file]", {"name": name, "mimeType": "text/plain", "buffer": data})


def opened(window: Window, **how: int) -> Page:
    page = window(**how)
    page.click("#elm-compare-button")
    page.wait_for_selector(".elm-compare:not([data-state=none])")
    return page


def test_without_a_benchmark_the_page_teaches_and_has_one_button(window: Window) -> None:
    page = opened(window)
    expect(page.locator(".elm-compare button:visible")).to_have_count(1)
    page.click(".elm-compare .empty button")
    expect(page.locator(".elm-compare .setup .same code")).to_contain_text("python -m elm_app bench problems.jsonl")
    page.click(".elm-compare .setup [data-act=close]")
    page.click(".elm-compare .other summary")
    page.fill('.elm-compare [data-part="path"]', "/no/such/folder")
    page.press('.elm-compare [data-part="path"]', "Enter")
    expect(page.locator(".elm-compare .error")).to_contain_text("There is no report.json in /no/such/folder.")


def test_a_benchmark_has_a_table_a_plot_and_what_the_numbers_allow(window: Window, bench: Path, tmp_path: Path) -> None:
    page = opened(window)
    expect(HEAD(page)).to_have_text("gsm8k_test.jsonl")
    expect(page.locator(".elm-compare .sentences p").nth(1)).to_contain_text("p = 0.021, better.")
    assert page.locator(".compared .wide circle").count() == len(scripted_bench.METHODS)
    assert page.locator(".compared .wide .ours").count() == 3
    expect(page.locator(".elm-compare .race .wide")).to_have_attribute(
        "aria-label", re.compile("plain vote 30% after problem 40; ELM 38% after problem 40")
    )
    expect(page.locator(".elm-compare tbody tr").nth(4).locator("td").nth(1)).to_have_text("+16 [+2, +30]")
    scripted_bench.write(tmp_path / "elsewhere", "mine.csv")
    page.click(".elm-compare .other summary")
    page.fill('.elm-compare [data-part="path"]', str(tmp_path / "elsewhere"))
    page.click(".elm-compare .other button")
    expect(HEAD(page)).to_have_text("mine.csv")
    page.reload()
    expect(HEAD(page)).to_have_text("mine.csv")
    page.select_option('.elm-compare [data-part="known"]', label="first")
    expect(HEAD(page)).to_have_text("gsm8k_test.jsonl")
    (bench / "first" / "report.json").write_text('{"name": "x", "problems": 1, "methods": [{"method": "elm"}]}')
    page.reload()
    expect(page.locator(".elm-compare .error")).to_contain_text("methods.0.problems is missing or wrong")


def test_the_run_of_a_benchmark_leads_to_its_folder(window: Window, site: Site, bench: Path) -> None:
    events = [
        MethodStarted("elm", 1, 3, 4, 0, 40),
        ProblemAnswered("elm", 1, 1, 40, "line-1", "26", True, 900, 9.0),
        RunFinished(Timing(0, 0, 0, 0, 0)),
    ]
    settings = {"out": str(bench / "first"), "methods": ["elm"], "seeds": [1]}
    run = site.runner.submit("bench", "gsm8k_test.jsonl", settings, lambda _: iter(events))
    site.runner.wait(run, 10)
    page = window()
    page.click("#elm-runs-button")
    expect(page.locator(f'tr:has(a[data-run="{run}"]) .kind')).to_have_text("benchmark")
    page.click(f'table.runs a[data-run="{run}"]')
    expect(HEAD(page)).to_have_text("gsm8k_test.jsonl")
    expect(page.locator('.elm-compare [data-act="resume"]')).to_be_hidden()  # its plan is not there


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_a_benchmark_fits(window: Window, bench: Path, width: int, height: int) -> None:  # noqa: ARG001
    page = opened(window, width=width, height=height)
    expect(HEAD(page)).to_have_text("gsm8k_test.jsonl")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_on_a_projector_the_plot_comes_first(window: Window, bench: Path) -> None:  # noqa: ARG001
    page = opened(window, width=1280, height=720)
    page.evaluate("document.body.classList.add('stage')")
    plot, said = (page.locator(f".elm-compare {part}").bounding_box() for part in (".compared", ".sentences"))
    assert plot is not None
    assert said is not None
    assert plot["y"] + plot["height"] <= min(said["y"], 720)


def test_what_a_person_gets_wrong_is_said_where_it_arose(window: Window, site: Site) -> None:
    page = opened(window)
    page.click(".elm-compare .empty button")
    start = page.locator(".elm-compare .setup [type=submit]")
    at_file, below = (page.locator(f".elm-compare [data-part={name}] .error") for name in ("file", "refused"))
    start.click()
    expect(at_file).to_have_text("No file was chosen. Choose one, or take the example.")
    choose(page, "broken.csv", b"\x89PNG\r\n\xff\x00")
    expect(at_file).to_contain_text("broken.csv is not text in UTF-8")
    choose(page, "eggs.jsonl", lines(EGGS))
    expect(page.locator(".elm-compare [data-part=file]")).to_contain_text("12 problems, each with its right answer.")
    for name in ("zero_shot", "self_consistency", "elm"):
        page.uncheck(f'.elm-compare [value="{name}"]')
    start.click()
    expect(below).to_have_text("No method was chosen. Tick at least one; two make a comparison.")
    page.check('.elm-compare [value="zero_shot"]')
    page.fill(".elm-compare [name=seeds]", "one")
    expect(below).to_have_text("Seeds is 'one'. It must be whole numbers with commas between them.")
    page.fill(".elm-compare [name=seeds]", "1")
    expect(below).to_have_count(0)
    page.click(".elm-compare .more summary")
    page.fill(".elm-compare [name=folder]", "../up")
    expect(below).to_have_text("Folder is '../up'. Give a name of letters, digits, spaces, dots and dashes.")
    assert site.runner.live() == []
    assert not (site.actions.store.folder / "bench").exists()


def test_a_comparison_is_watched_stopped_and_grows(window: Window, site: Site) -> None:
    other = opened(window)
    page = opened(window)
    page.click(".elm-compare .empty button")
    choose(page, "eggs.jsonl", lines(EGGS) + b"[]\n")
    page.click('.elm-compare [data-act="skip"]')
    expect(page.locator(".elm-compare .setup .same code")).to_contain_text("--skip-bad")
    choose(page, "eggs.jsonl", lines(EGGS))
    expect(page.locator(".elm-compare .setup .same code")).not_to_contain_text("--skip-bad")
    expect(page.locator('.elm-compare [data-cost="elm"]')).to_have_text(re.compile("about .+ tokens"))
    expect(page.locator(".elm-compare .setup .same code")).to_contain_text("--methods zero_shot,self_consistency,elm")
    page.uncheck('.elm-compare [value="elm"]')
    expect(page.locator(".elm-compare .setup .same code")).to_contain_text("--methods zero_shot,self_consistency ")
    HELD.set()
    page.click(".elm-compare .setup [type=submit]")
    expect(page.locator(".elm-compare .status")).to_have_text(re.compile(r"zero-shot, seed 1: problem \d+ of 12"))
    expect(page.locator(".compared .wide circle").first).to_be_visible()
    expect(page.locator(".elm-compare .clock")).to_have_text(re.compile(r"\d+ s gone, about \d+ (s|min) left"))
    page.click('.elm-compare [data-act="stop"]')
    HELD.clear()
    for each in (page, other):  # who only watches sees the same
        expect(each.locator(".elm-compare .status")).to_have_text(re.compile(r"Paused after \d+ of 24 answers"))
    assert site.runner.live() == []
    page.click('.elm-compare .pick [data-act="new"]')
    page.check('.elm-compare [value="elm"]')
    choose(page, "eggs.jsonl", lines(EGGS[:2]))
    page.click(".elm-compare .more summary")
    page.fill(".elm-compare [name=folder]", "eggs")
    page.click(".elm-compare .setup [type=submit]")
    expect(page.locator(".elm-compare [data-part=refused] .error")).to_contain_text("a benchmark with other problems.")
    choose(page, "eggs.jsonl", lines(EGGS))
    expect(page.locator(".elm-compare [data-part=refused] .error")).to_have_count(0)
    page.click(".elm-compare .setup [type=submit]")
    for each in (page, other):
        expect(each.locator(".elm-compare .status")).to_have_text("All 36 answers are in")
        expect(each.locator(".compared .wide circle")).to_have_count(3)
    shutil.rmtree(site.actions.store.folder / "bench")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_the_form_fits(window: Window, width: int, height: int) -> None:
    page = opened(window, width=width, height=height)
    page.click('.elm-compare [data-act="new"]:visible')
    for more in page.locator(".elm-compare .setup summary").all():
        more.click()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
