"""A dozen kills at random moments (`stress/crash.py` does hundreds)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "stress" / "crash.py"


@pytest.mark.parametrize(("scenario", "kills"), [("store", 12), ("learn", 6)])
def test_a_dozen_kills_lose_nothing(scenario: str, kills: int) -> None:
    command = [sys.executable, str(BENCH), "--scenario", scenario, "--kills", str(kills), "--seed", "11", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)["scenarios"][0]
    assert report["wrong"] == []
    assert report["kills"] == kills
    assert report["openings_that_mended"] > 0, "no kill hit an operation"
    if scenario == "store":
        assert sum(report["operations_returned"].values()) > 0
