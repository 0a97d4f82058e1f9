"""A few pages on one program (`stress/viewers.py` opens twenty and loads five hundred)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

STRESS = Path(__file__).parents[2] / "stress"


@pytest.mark.slow
def test_a_few_pages_on_one_program() -> None:
    asked = ["--viewers", "4", "--runs", "3", "--loads", "30", "--windows", "0", "--json"]
    done = subprocess.run(
        [sys.executable, str(STRESS / "viewers.py"), *asked], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["wrong"] == []
    assert (report["runs"], report["stopped"]) == (4, 1), "three by pages, one of them stopped, and one by a program"
    assert report["runs_followed"] >= 9
    assert min(report["events_heard"], report["strangers_refused"]) > 0
