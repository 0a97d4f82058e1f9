"""Two real workers: they give the lines of the same benchmark without them, also when one is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
from commands import Elm

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("ray") is None and not os.environ.get("CI"), reason="Ray is not installed: requirements-ray.txt"
    ),
]
METHODS, SEEDS, COUNT = ("zero_shot", "elm_offline", "self_consistency"), (0, 1), 6
"""Of each pair of method and seed there are `COUNT` problems, and one of them once more."""


@pytest.fixture
def bench(random_model: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """The command for a benchmark in a folder of this name."""
    problems = tmp_path / "problems.jsonl"
    told = (json.dumps({"id": n, "problem": f"How much is {n} and {n}?", "answer": str(2 * n)}) for n in range(COUNT))
    problems.write_text("\n".join(told) + "\n")
    given = {
        "methods": ",".join(METHODS), "seeds": ",".join(map(str, SEEDS)), "model": random_model, "again": 1,
        "samples": 4, "max-new-tokens": 300, "steps": 1, "rollouts": 4, "memories": tmp_path / "memories",
    }  # fmt: skip
    options = [str(part) for name, value in given.items() for part in (f"--{name}", value)]

    def command(name: str, *more: str) -> list[str]:
        return ["bench", str(problems), *options, "--out", str(tmp_path / name), *more]

    return command


def lines(folder: Path) -> dict[tuple[str, int], list[Any]]:
    """What of the lines does not depend on when they were made."""
    found = {}
    for method in METHODS:
        for seed in SEEDS:
            text = (folder / method / str(seed) / "results.jsonl").read_text(encoding="utf-8")
            found[method, seed] = [json.loads(line) for line in text.splitlines()]
            for line in found[method, seed]:
                del line["seconds"]
                line["detail"].pop("prepare_seconds", None)
    return found


def wait_for(what: Callable[[], Any], running: subprocess.Popen[Any], seconds: float = 240) -> Any:
    until = time.monotonic() + seconds
    while not (found := what()):
        assert running.poll() is None, "it ended before"
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.05)
    return found


def workers(running: subprocess.Popen[Any]) -> list[psutil.Process]:
    """The processes of workers that are at a piece."""
    found = []
    for process in psutil.process_iter(["cmdline", "create_time"]):
        command = " ".join(process.info["cmdline"] or [])
        if "ray::Worker.work" in command and process.info["create_time"] > psutil.Process(running.pid).create_time():
            found.append(process)
    return found


def test_workers_give_the_same_lines_and_lose_none_when_killed(
    bench: Callable[..., list[str]], elm: Elm, tmp_path: Path
) -> None:
    assert elm(*bench("alone")).code == 0
    expected = lines(tmp_path / "alone")
    assert all(len(found) == COUNT + 1 for found in expected.values())
    asked = [sys.executable, "-m", "elm_app", *bench("ray", "--ray", "local", "--workers", "2")]

    def done() -> int:
        return sum(path.read_bytes().count(b"\n") for path in (tmp_path / "ray").glob("*/*/results.jsonl"))

    with subprocess.Popen(asked, stderr=subprocess.PIPE, text=True) as running:
        wait_for(lambda: done() > 2, running)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=120)
        assert running.returncode == 130, told
    there = done()
    assert 2 < there < len(METHODS) * len(SEEDS) * (COUNT + 1)
    with subprocess.Popen(asked, stderr=subprocess.PIPE, text=True) as running:
        victim = wait_for(lambda: workers(running) if done() > there else None, running)[0]
        os.kill(victim.pid, signal.SIGKILL)
        _, told = running.communicate(timeout=300)
        assert running.returncode == 0, told
    assert lines(tmp_path / "ray") == expected
    assert (tmp_path / "ray" / "report.md").is_file()


def test_a_cluster_that_is_not_there(bench: Callable[..., list[str]], elm: Elm) -> None:
    done = elm(*bench("none", "--ray", "127.0.0.1:1"))
    assert done.code == 2
    assert "There is no Ray cluster at 127.0.0.1:1." in done.err


def test_workers_are_for_ray(bench: Callable[..., list[str]], elm: Elm) -> None:
    assert "--workers is for --ray." in elm(*bench("none", "--workers", "2")).err
    assert "It must be at least 1." in elm(*bench("none", "--ray", "local", "--workers", "0")).err
