"""Pages over stores of made-up memories, one with a thousand and one without any; conftest.py makes them known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from browser import Site, Window
from playwright.sync_api import Page, expect
from scripted_learn import actions
from served import served
from shelves import evil, fill, memory

from elm_app.runs.runner import Runner
from elm_app.store.store import Store

COUNT = 1000


@contextmanager
def shelved(folder: Path) -> Iterator[tuple[Site, Store]]:
    runner = Runner(folder / "runs")
    made = actions(runner, folder, pace=0.02)
    with served(runner, made) as site:
        yield site, made.store


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Store]]:
    with shelved(tmp_path_factory.mktemp("full")) as (site, store):
        fill(store, [*(memory(number) for number in range(COUNT - 1)), replace(evil(), id="evil")])
        yield site, store


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Store]]:
    with shelved(tmp_path_factory.mktemp("bare")) as made:
        yield made


@pytest.fixture
def shelf(full: tuple[Site, Store]) -> Store:
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
