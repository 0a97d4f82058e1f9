"""The page as an MCP server, asked by a real client."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import EGGS, Site
from scripted_learn import actions
from served import served

from elm_app.core.errors import ElmError
from elm_app.runs.runner import Runner
from elm_app.web import launch
from elm_app.web.api import mcp_tools
from elm_app.web.theme import launch_options

Ask = Callable[[Callable[[Any], Awaitable[Any]]], Any]


@pytest.fixture(scope="module")
def offering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if importlib.util.find_spec("mcp") is None:
        assert not os.environ.get("CI"), "these tests need the package mcp"
        pytest.skip("the package mcp is not installed")
    folder: Path = tmp_path_factory.mktemp("memories")
    runner = Runner(folder / "runs")
    with served(runner, actions(runner, folder, pace=0.02), mcp=True) as page:
        yield page


@pytest.fixture
def ask(offering: Site) -> Ask:
    """Have a client ask something of the server."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def asked(what: Callable[[Any], Awaitable[Any]]) -> Any:
        async with (
            streamablehttp_client(f"{offering.url}/gradio_api/mcp/") as (reading, writing, _),
            ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            return await what(session)

    return lambda what: asyncio.run(asked(what))


def test_three_tools_are_offered_and_no_other(ask: Ask) -> None:
    tools = {tool.name: tool for tool in ask(lambda session: session.list_tools()).tools}
    assert set(tools) == {"solve", "retrieve", "vote"}
    assert tools["solve"].inputSchema["required"] == ["problem"]
    assert tools["solve"].inputSchema["properties"]["problem"]["description"] == "in words."
    assert tools["solve"].description.startswith("Solve a maths problem: ")


@pytest.mark.parametrize("name", ["learn", "memories", "table"])
def test_another_cannot_be_called(ask: Ask, offering: Site, name: str) -> None:
    answer = ask(lambda session: session.call_tool(name, {"problem": EGGS}))
    assert answer.isError
    assert f"Unknown tool for this Gradio app: {name}" in answer.content[0].text
    assert offering.runner.live() == []


def test_solving_gives_the_result_as_json_and_tells_that_it_goes_on(ask: Ask, offering: Site) -> None:
    told: list[float] = []

    async def heard(done: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
        told.append(done)

    answer = ask(lambda session: session.call_tool("solve", {"problem": EGGS, "seed": 3}, progress_callback=heard))
    (content,) = answer.content
    result = json.loads(content.text)
    assert (result["kind"], result["decision"]["answer"], result["settings"]["seed"]) == ("result", "26", 3)
    assert (offering.runner.folder / f"{result['run']}.jsonl").is_file()
    assert len(told) > 2


def test_voting_and_retrieving_answer(ask: Ask) -> None:
    voted = ask(lambda session: session.call_tool("vote", {"answers": ["1/2", None, "0.5"]}))
    assert json.loads(voted.content[0].text)["vote"]["counts"] == [{"answer": "1/2", "count": 2, "traces": [0, 2]}]
    found = ask(lambda session: session.call_tool("retrieve", {"problem": EGGS}))
    assert json.loads(found.content[0].text)["reason"] == "There are no memories yet."


def test_a_mistake_is_told_with_its_remedy(ask: Ask) -> None:
    answer = ask(lambda session: session.call_tool("solve", {"problem": "x", "samples": 0}))
    assert answer.isError
    assert "samples is 0. It must be a whole number from 1 to 256." in answer.content[0].text


def test_without_the_package_nothing_starts_and_a_sentence_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    find: Callable[..., Any] = lambda name: None if name == "mcp" else object()  # noqa: E731
    monkeypatch.setattr(mcp_tools.importlib.util, "find_spec", find)  # type: ignore[attr-defined]
    monkeypatch.setattr(launch, "Models", lambda: pytest.fail("something was started"))
    with pytest.raises(ElmError, match=r"needs the package mcp.* pip install"):
        launch.launch(mcp=True)


def test_the_page_is_no_mcp_server_unless_it_is_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx

    monkeypatch.setenv("GRADIO_MCP_SERVER", "true")
    assert launch_options()["mcp_server"] is False
    assert httpx.get(f"{site.url}/config").json().get("mcp_server") in (False, None)
