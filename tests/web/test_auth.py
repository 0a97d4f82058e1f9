"""ELM_AUTH: the page asks for a user and a password, by Gradio's own means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from scripted_learn import actions
from served import served

from elm_app.core.environment import auth
from elm_app.core.errors import BadInput
from elm_app.runs.runner import Runner
from elm_app.web.launch import launch


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("ELM_AUTH", "ada:count:1815")
    runner = Runner(tmp_path / "runs")
    with served(runner, actions(runner, tmp_path, 0.02), auth=auth()) as site:
        yield site.url


def test_only_who_knows_the_password_comes_in(address: str) -> None:
    stranger, known = build_opener(HTTPCookieProcessor()), build_opener(HTTPCookieProcessor())
    with pytest.raises(HTTPError) as refused:
        stranger.open(f"{address}/config")
    assert refused.value.code == 401
    with pytest.raises(HTTPError):
        stranger.open(f"{address}/login", urlencode({"username": "ada", "password": "count"}).encode())
    known.open(f"{address}/login", urlencode({"username": "ada", "password": "count:1815"}).encode())
    assert known.open(f"{address}/config").status == 200


@pytest.mark.parametrize("bad", ["ada", "ada:", ":count"])
def test_half_of_it_is_refused(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELM_AUTH", bad)
    with pytest.raises(BadInput, match="ELM_AUTH is not user:password"):
        auth()


def test_tools_that_cannot_give_it_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELM_AUTH", "ada:count:1815")
    with pytest.raises(BadInput, match="password"):
        launch(tmp_path, mcp=True)


def test_without_it_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ELM_AUTH", raising=False)
    assert auth() is None
