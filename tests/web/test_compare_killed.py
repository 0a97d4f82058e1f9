"""A comparison as a person makes one: started on the page, paused, its program killed, gone on with to its end."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from commands import Elm
from playwright.sync_api import Browser, Page, expect
from remembering import answers_by_length

from elm_app.evaluation.report import report_json

pytestmark = pytest.mark.browser
PROBLEMS = [
    {"problem": f"A farmer packs {n} crates with 24 eggs each. How many eggs?", "answer": str(n % 2)} for n in range(4)
]
LINES = "".join(json.dumps(row) + "\n" for row in PROBLEMS).encode()
START_SECONDS = 60


class Program:
    """The program in a process of its own, at the same address whenever it is started; answers wait for `permit`."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self.permitted = folder, folder / "permitted"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {**os.environ, "ELM_MODEL": str(model), "GRADIO_SERVER_PORT": str(port), "ELM_HUB": "off"}
        self.process: subprocess.Popen[bytes] | None = None

    def permit(self, answers: int) -> None:
        half = self.folder / "half"
        half.write_text(str(answers))
        half.replace(self.permitted)

    def start(self) -> None:
        script = Path(__file__).with_name("served_bench.py")
        with (self.folder / "output").open("ab") as output:
            command = [sys.executable, script, self.folder / "memories", self.permitted]
            self.process = subprocess.Popen(command, env=self.environment, stdout=output, stderr=subprocess.STDOUT)
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "output").read_text()
            assert time.monotonic() < until
            time.sleep(0.05)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.url, timeout=2).close()
        except OSError:
            return False
        return True


@contextmanager
def running(folder: Path, model: Path) -> Iterator[Program]:
    program = Program(folder, model)
    program.permit(1)
    program.start()
    try:
        yield program
    finally:
        program.kill()


def opened(browser: Browser, url: str) -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(20_000)
    page.goto(url)
    page.wait_for_function("window.elm !== undefined")
    page.click("#elm-compare-button")
    return page


def without_times(report: dict[str, Any]) -> dict[str, Any]:
    methods = [{name: value for name, value in one.items() if name != "seconds"} for one in report["methods"]]
    return report | {"methods": methods}


def test_a_comparison_is_paused_killed_and_ends_as_if_nothing_had_happened(
    browser: Browser, random_model: Path, tmp_path: Path, elm: Elm, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, random_model) as program:
        page = opened(browser, program.url)
        status = page.locator(".elm-compare .status")
        says: Callable[[str], None] = lambda told: expect(status).to_have_text(told, timeout=40_000)  # noqa: E731
        page.click(".elm-compare .empty button")
        page.set_input_files(
            ".elm-compare input[type=file]", {"name": "eggs.jsonl", "mimeType": "text/plain", "buffer": LINES}
        )
        expect(page.locator(".elm-compare [data-part=file]")).to_contain_text("4 problems, each with its right answer")
        page.uncheck('.elm-compare [value="elm"]')
        page.fill(".elm-compare [name=samples]", "4")
        page.click(".elm-compare .more summary")
        page.fill(".elm-compare [name=max_new_tokens]", "8")
        expect(page.locator(".elm-compare .estimate b")).to_have_text(re.compile("Together about .+ tokens"))
        page.click(".elm-compare button[type=submit] >> text=Start")
        says("zero-shot, seed 1: problem 2 of 4")
        expect(page.locator(".compared .wide circle")).to_have_count(1)
        page.click('.elm-compare [data-act="pause"]')
        says("Pausing after this problem")
        program.permit(2)
        says("Paused after 2 of 8 answers")
        page.click('.elm-compare [data-act="resume"]')
        program.permit(5)
        says("self-consistency, seed 1: problem 2 of 4")
        program.kill()
        program.start()
        page.reload()
        says("Broke off after 5 of 8 answers")
        expect(page.locator(".elm-compare [data-part=failure]")).to_contain_text("The program ended before")
        program.permit(8)
        page.click('.elm-compare [data-act="resume"]')
        says("All 8 answers are in")
        expect(page.locator(".compared .wide circle")).to_have_count(2)
        with page.expect_download() as waiting:
            page.click('.elm-compare [data-act="zip"]')
        with zipfile.ZipFile(waiting.value.path()) as packed:
            assert {"eggs/report.json", "eggs/report.md", "eggs/zero_shot/1/results.jsonl"} <= set(packed.namelist())
            report = json.loads(packed.read("eggs/report.json"))
        words = shlex.split(page.locator(".elm-compare [data-part=again]").text_content() or "")
        page.close()
    answers_by_length(monkeypatch)
    monkeypatch.setenv("ELM_MODEL", str(random_model))
    (tmp_path / "eggs.jsonl").write_bytes(LINES)
    words[words.index("bench") + 1], words[-1] = str(tmp_path / "eggs.jsonl"), str(tmp_path / "straight")
    assert elm(*words[words.index("bench") :], "--quiet").code == 0
    straight = report_json(tmp_path / "straight")
    assert without_times(straight) == without_times(report)
    assert straight["methods"][0]["accuracy"] is not None
