"""What one caller can ask of a running server at once, and how large a file may be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from browser import EGGS, Site
from scripted_learn import actions
from served import served

from elm_app.runs.runner import WAITING, WAITING_EACH, Runner
from elm_app.web import app
from elm_app.web.api.endpoints import TOLD_AT_ONCE
from elm_app.web.callers import caller

REFUSED = "4 of your runs are waiting already. Wait until one begins, or stop one."
OTHER = {"X-Forwarded-For": "192.0.2.7"}
"""Another address, as a proxy on this machine would tell it."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    runner = Runner(tmp_path / "runs", caller=caller)
    with served(runner, actions(runner, tmp_path, pace=0.5), max_file_size=1000) as page:
        yield page


def called(site: Site, headers: dict[str, str] | None = None) -> str:
    """Start solving as a program does; the first thing that it is told."""
    body: Any = {"problem": "a slow one", "memory": "off"}
    path = f"{site.url}/gradio_api/call/v2/solve"
    event = httpx.post(path, json=body, headers=headers).raise_for_status().json()["event_id"]
    with httpx.stream("GET", f"{path}/{event}", headers=headers, timeout=30) as answer:
        lines = (line for line in answer.iter_lines() if line.startswith("data: ") and line != "data: null")
        return next(lines)


def submitted(site: Site) -> None:
    """Start solving as a program does, and do not listen."""
    body = {"problem": "a slow one", "memory": "off"}
    httpx.post(f"{site.url}/gradio_api/call/v2/solve", json=body).raise_for_status()


def filled(site: Site) -> list[str]:
    """One run that goes on and as many as one caller may have waiting."""
    for number in range(WAITING_EACH + 1):
        submitted(site)
        wait_for(lambda wanted=number + 1: len(site.runner.live()) == wanted)  # type: ignore[misc]
    return site.runner.live()


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_caller_who_has_enough_waiting_is_told_so_and_another_is_not(site: Site) -> None:
    live = filled(site)
    assert REFUSED in called(site)
    assert site.runner.live() == live
    assert '"kind": "run_started"' in called(site, OTHER)


def test_the_page_counts_like_a_program(site: Site) -> None:
    live = filled(site)
    config = httpx.get(f"{site.url}/config").json()
    number = next(one["id"] for one in config["components"] if one["props"].get("elem_id") == "elm-live")
    data = {"run": live[0], "memory": "off"}
    body = {"session_hash": "test", "component_id": number, "fn_name": "again", "data": data}
    answer = httpx.post(f"{site.url}/gradio_api/component_server", json=body).json()
    assert "4 of your runs are waiting already." in answer["error"]
    solve = next(one for one in config["dependencies"] if one["api_name"] == "submit")
    values = [
        one["props"].get("value") for each in solve["inputs"] for one in config["components"] if one["id"] == each
    ]
    asked = {"fn_index": solve["id"], "data": [EGGS, *values[1:]], "session_hash": "test"}
    assert "4 of your runs are waiting already." in httpx.post(f"{site.url}/gradio_api/run/predict", json=asked).text
    assert site.runner.live() == live


def test_more_calls_than_runs_that_are_taken_do_not_stand_in_the_way(site: Site) -> None:
    assert TOLD_AT_ONCE > WAITING + 1
    filled(site)
    for _ in range(30):
        submitted(site)
    assert '"kind": "run_started"' in called(site, OTHER)


def test_the_queue_of_calls_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "ASKED_AT_ONCE", 0)
    runner = Runner(tmp_path / "runs")
    with served(runner, actions(runner, tmp_path)) as page:
        answer = httpx.post(f"{page.url}/gradio_api/call/v2/vote", json={"answers": ["1"]})
    assert (answer.status_code, "Queue is full" in answer.text) == (503, True)


def test_nobody_calls_past_the_queue(site: Site) -> None:
    answer = httpx.post(f"{site.url}/gradio_api/run/vote", json={"data": [["1"], None]})
    assert answer.status_code == 404
    assert "join the queue" in answer.text


def test_a_file_that_is_too_large_is_refused(site: Site) -> None:
    def sent(size: int) -> int:
        return httpx.post(f"{site.url}/gradio_api/upload", files={"files": ("a.zip", b"x" * size)}).status_code

    assert (sent(1000), sent(1001)) == (200, 413)


def test_outside_of_a_request_there_is_no_caller() -> None:
    assert caller() == ""
