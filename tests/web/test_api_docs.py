"""The examples in docs/API.md and the README, run against a page over scripted runs."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Site
from scripted_learn import actions
from served import served

from elm_app.runs.runner import WAITING, WAITING_EACH, Runner
from elm_app.web.api import lookups, mcp_tools
from elm_app.web.app import ASKED_AT_ONCE
from elm_app.web.theme import MOST_UPLOADED

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "API.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:7860"
MCP = importlib.util.find_spec("mcp") is not None


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("memories")
    runner = Runner(folder / "runs")
    with served(runner, actions(runner, folder, pace=0.01), mcp=MCP) as site:
        yield site


def printed(site: Site, code: str) -> list[str]:
    assert ADDRESS in code
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(code.replace(ADDRESS, site.url), {})
    return [line for line in said.getvalue().splitlines() if not line.startswith("Loaded as API")]


def test_solving_retrieving_and_voting_in_python(site: Site) -> None:
    code = blocks(DOCS, "python")[0]
    assert len([line for line in code.splitlines() if line]) <= 10
    *traces, answer, found, voted = printed(site, code)
    assert sorted(line.split()[0] for line in traces) == list("01234567")
    assert answer.startswith("26 ")
    assert answer.split()[-1] in [path.stem for path in site.runner.folder.glob("*.jsonl")]
    assert (found, voted) == ("There are no memories yet.", "1/2")


def test_learning_in_python(site: Site) -> None:
    learned, total = printed(site, blocks(DOCS, "python")[1])
    assert learned.split()[1] == "True"
    assert total == "1"
    site.actions.store.delete([learned.split()[0]])


@pytest.mark.parametrize(("place", "answer"), [(0, "26"), (1, "72")])
def test_curl(site: Site, place: int, answer: str) -> None:
    assert shutil.which("curl") or not os.environ.get("CI")
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    code = blocks(DOCS, "sh")[place].replace(ADDRESS, site.url)
    done = subprocess.run(["bash", "-euc", code], capture_output=True, text=True, timeout=60, check=True)
    told = re.findall(r"^event: (.*)\ndata: (.*)$", done.stdout, re.MULTILINE)
    (last,) = json.loads(told[-1][1])
    assert told[-1][0] == "complete"
    assert (last["decision"] if place == 0 else last["vote"])["answer"] == answer
    if place == 0:
        assert {name for name, _ in told[:-1]} <= {"generating", "heartbeat"}
        assert json.loads(told[0][1])[0]["kind"] == "run_started"
        assert "trace_chunk" not in done.stdout


def test_the_configuration_of_mcp_names_the_server(site: Site) -> None:
    if not MCP:
        assert not os.environ.get("CI"), "this test needs the package mcp"
        pytest.skip("the package mcp is not installed")
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    (server,) = json.loads(blocks(DOCS, "json")[0])["mcpServers"].values()

    async def offered() -> Any:
        async with (
            streamablehttp_client(server["url"].replace(ADDRESS, site.url)) as (reading, writing, _),
            ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            return await session.list_tools()

    assert {tool.name for tool in asyncio.run(offered()).tools} == set(mcp_tools.TOOLS)


def test_every_kind_of_event_of_these_runs_is_named() -> None:
    from elm_app.core.events import KINDS

    elsewhere = {"problem_started", "problem_finished", "method_started", "problem_answered", "effect_measured"}
    assert [kind for kind in KINDS if kind not in elsewhere and f"`{kind}`" not in DOCS] == []


def test_the_limits_are_those_of_the_program() -> None:
    told = dict(re.findall(r"^\| (.*?) \| (.*?) \|$", DOCS[DOCS.index("| limit") :], re.MULTILINE))
    numbers = [re.findall(r"[\d,]+", value) for value in told.values()]
    assert [[int(one.replace(",", "")) for one in some] for some in numbers if some] == [
        [WAITING_EACH], [WAITING], [ASKED_AT_ONCE], [lookups.MOST_ANSWERS, lookups.MOST_LETTERS],
        [lookups.MOST_MEMORIES], [MOST_UPLOADED >> 20],
    ]  # fmt: skip


def test_the_example_in_the_readme(site: Site) -> None:
    section = README[README.index("## Call it from a program") :].split("\n## ")[0]
    assert len(section.strip().splitlines()) <= 12
    code = "\n".join(line.removeprefix("    ") for line in section.splitlines() if line.startswith("    "))
    assert printed(site, code) == ["26"]
