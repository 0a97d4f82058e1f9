"""The recorded runs that come with the program: whole, real, and copied only when they are opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import Window, state
from playwright.sync_api import expect
from test_card import harmless

from elm_app.runs.event_log import read, runs
from elm_app.runs.state import view_of
from elm_app.web.run import story


def test_each_scene_is_a_finished_run_of_the_default_model(tmp_path: Path) -> None:
    assert story.scenes()
    for scene in story.scenes():
        story.bring(scene.run, tmp_path)
        view = view_of(read(tmp_path, scene.run)[0])
        assert view.ended
        assert view.failure is None
        assert view.model is not None
        assert view.model.quantization == "4-bit"
    assert set(runs(tmp_path)) == {scene.run for scene in story.scenes()}


def test_other_runs_are_left_alone(tmp_path: Path) -> None:
    story.bring("20260101-000000-000000", tmp_path)
    story.bring("../story", tmp_path)
    assert list(tmp_path.iterdir()) == []
    run = story.scenes()[0].run
    (tmp_path / f"{run}.jsonl").write_text("mine")
    story.bring(run, tmp_path)
    assert (tmp_path / f"{run}.jsonl").read_text() == "mine"


def test_the_outline_is_plain() -> None:
    told = story.outline()
    harmless(told)
    assert "${" not in told, "Gradio would take it for a template"
    assert told.count("data-replay=") == len(story.scenes())


@pytest.mark.browser
def test_a_stranger_watches_one_after_the_other(window: Window) -> None:
    page, scenes = window(), story.scenes()
    links = page.locator(".story a")
    expect(links).to_have_count(len(scenes))
    links.first.click()
    following = page.locator('[data-part="replay-next"]')
    for scene, after in zip(scenes, [*scenes[1:], None], strict=True):
        page.wait_for_selector(f'.elm-run[data-run="{scene.run}"]')
        assert page.evaluate("new URLSearchParams(location.search).get('replay')") == scene.run
        speed = page.locator('[data-replay-do="speed"]')
        expect(speed).to_have_value(str(scene.speed))
        slider = page.locator('[data-replay-do="seek"]')
        slider.fill(slider.get_attribute("max") or "")
        state(page, "done")
        expect(page.locator('[data-replay-do="toggle"]')).to_have_text("Play again")
        if after is None:
            expect(following).to_be_hidden()
        else:
            expect(following).to_have_text(f"Next: {after.title}")
            following.click()
