"""A dozen kills at random moments, of one process and of three (`stress/` does hundreds)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

STRESS = Path(__file__).parents[2] / "stress"
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("scenario", "kills"), [("store", 12), ("learn", 6)])
def test_a_dozen_kills_lose_nothing(scenario: str, kills: int) -> None:
    command = [
        sys.executable,
        str(STRESS / "crash.py"),
        "--scenario",
        scenario,
        "--kills",
        str(kills),
        "--seed",
        "11",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)["scenarios"][0]
    assert report["wrong"] == []
    assert report["kills"] == kills
    assert report["openings_that_mended"] > 0, "no kill hit an operation"
    if scenario == "store":
        assert sum(report["operations_returned"].values()) > 0


def test_two_writers_and_a_reader_lose_nothing_when_one_is_killed() -> None:
    command = [sys.executable, str(STRESS / "turns.py"), "--operations", "60", "--kills", "4", "--seed", "5", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (report["wrong"], report["kills"]) == ([], 4)
    assert report["operations"] >= 60
    assert report["questions"] > 0
