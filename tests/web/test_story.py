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


def test_what_is_learned_is_what_helps_later(tmp_path: Path) -> None:
    views = []
    for scene in story.scenes():
        story.bring(scene.run, tmp_path)
        views.append(view_of(read(tmp_path, scene.run)[0]))
    solved, learned, again = views
    assert [view.command for view in views] == ["solve", "learn", "solve"]
    assert learned.problem == solved.problem != again.problem
    assert learned.learn is not None
    assert learned.learn.before is not None
    assert learned.learn.after is not None
    agreeing = [measured.vote.counts[0].count for measured in (learned.learn.before, learned.learn.after)]
    assert agreeing == [11, 16]
    assert again.retrieved is not None
    assert again.retrieved.used == learned.run
    without, behind = again.votes["zero_shot"].vote, again.votes["memory"].vote
    assert (without.tied, {one.answer: one.count for one in without.counts}["45"]) == (True, 2)
    assert (behind.answer, behind.counts[0].count) == ("45", 8)
    assert again.decision is not None
    assert again.decision.answer == "45"
    assert story.explained() == again.run


def test_other_runs_are_left_alone(tmp_path: Path) -> None:
    story.bring("20260101-000000-000000", tmp_path)
    story.bring("../story", tmp_path)
    assert list(tmp_path.iterdir()) == []
    run = story.scenes()[0].run
    (tmp_path / f"{run}.jsonl").write_text("mine")
    story.bring(run, tmp_path)
    assert (tmp_path / f"{run}.jsonl").read_text() == "mine"


def test_the_outline_is_plain() -> None:
    for told, count in ((story.outline(), len(story.scenes())), (story.of_a_memory(), 2)):
        harmless(told)
        assert "${" not in told, "Gradio would take it for a template"
        assert told.count("data-replay=") == count


@pytest.mark.browser
def test_explain_has_an_example_while_there_is_no_run_of_ones_own(window: Window) -> None:
    page, run = window("/?explain"), story.explained()
    page.wait_for_selector(".elm-explain[data-state=shown]")
    expect(page.locator(".elm-explain .example")).to_contain_text("An example, recorded with the default model.")
    expect(page.locator(".elm-explain header")).to_contain_text(f"run {run}")
    expect(page.locator(".elm-explain .pair")).to_contain_text("Yara")
    expect(page.locator(".elm-explain .changed")).to_contain_text("grew")


@pytest.mark.browser
def test_memories_show_one_come_about_while_there_is_none(window: Window) -> None:
    page, learned = window("/?memories"), story.scenes()[1]
    page.locator(".elm-memories .story a").first.click()
    page.wait_for_selector(f'.elm-run[data-run="{learned.run}"]:visible')
    expect(page.locator('[data-replay-do="speed"]')).to_have_value(str(learned.speed))


@pytest.mark.browser
def test_a_stranger_watches_one_after_the_other(window: Window) -> None:
    page, scenes = window(), story.scenes()
    links = page.locator(".elm-run .story a")
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
        if "Learn" in scene.title:
            expect(page.locator('[data-part="stored"]')).to_contain_text("this run was recorded elsewhere")
        if after is None:
            expect(following).to_be_hidden()
        else:
            expect(following).to_have_text(f"Next: {after.title}")
            following.click()
