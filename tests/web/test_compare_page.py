"""Benchmarks in a browser, over reports by hand."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import scripted_bench
from browser import Site, Window
from playwright.sync_api import Page, expect

from elm_app.core.events import MethodStarted, ProblemAnswered, RunFinished
from elm_app.core.types import Timing

pytestmark = pytest.mark.browser


@pytest.fixture
def bench(site: Site) -> Iterator[Path]:
    folder = site.actions.store.folder / "bench"
    scripted_bench.write(folder / "first")
    yield folder
    shutil.rmtree(folder)


def opened(window: Window, **how: int) -> Page:
    page = window(**how)
    page.click("#elm-compare-button")
    page.wait_for_selector(".elm-compare:not([data-state=none])")
    return page


def test_without_a_benchmark_the_page_teaches_the_command(window: Window) -> None:
    page = opened(window)
    expect(page.locator(".elm-compare .empty code")).to_contain_text("python -m elm_app bench problems.jsonl")
    page.fill('.elm-compare [data-part="path"]', "/no/such/folder")
    page.press('.elm-compare [data-part="path"]', "Enter")
    expect(page.locator(".elm-compare .error")).to_contain_text("There is no report.json in /no/such/folder.")


def test_a_benchmark_has_a_table_a_plot_and_what_the_numbers_allow(window: Window, bench: Path, tmp_path: Path) -> None:
    page = opened(window)
    expect(page.locator(".elm-compare h2")).to_have_text("gsm8k_test.jsonl")
    expect(page.locator(".elm-compare .sentences p").nth(1)).to_contain_text("p = 0.021, better.")
    assert page.locator(".compared .wide circle").count() == len(scripted_bench.METHODS)
    assert page.locator(".compared .wide .ours").count() == 3
    expect(page.locator(".elm-compare .race .wide")).to_have_attribute(
        "aria-label", re.compile("plain vote 30% after problem 40; ELM 38% after problem 40")
    )
    expect(page.locator(".elm-compare tbody tr").nth(4).locator("td").nth(1)).to_have_text("+16 [+2, +30]")
    scripted_bench.write(tmp_path / "elsewhere", "mine.csv")
    page.fill('.elm-compare [data-part="path"]', str(tmp_path / "elsewhere"))
    page.click(".elm-compare button[type=submit]")
    expect(page.locator(".elm-compare h2")).to_have_text("mine.csv")
    page.reload()
    expect(page.locator(".elm-compare h2")).to_have_text("mine.csv")
    page.select_option('.elm-compare [data-part="known"]', label="first")
    expect(page.locator(".elm-compare h2")).to_have_text("gsm8k_test.jsonl")
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
    expect(page.locator(".elm-compare h2")).to_have_text("gsm8k_test.jsonl")
    expect(page.locator(".elm-compare .progress")).to_have_text(
        "ELM, seed 1: 1 of 40 problems · 3 of 4 pairs of method and seed"
    )


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_a_benchmark_fits(window: Window, bench: Path, width: int, height: int) -> None:  # noqa: ARG001
    page = opened(window, width=width, height=height)
    expect(page.locator(".elm-compare h2")).to_have_text("gsm8k_test.jsonl")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_on_a_projector_the_plot_comes_first(window: Window, bench: Path) -> None:  # noqa: ARG001
    page = opened(window, width=1280, height=720)
    page.evaluate("document.body.classList.add('stage')")
    plot, said = (page.locator(f".elm-compare {part}").bounding_box() for part in (".compared", ".sentences"))
    assert plot is not None
    assert said is not None
    assert plot["y"] + plot["height"] <= min(said["y"], 720)
