"""`app.py` as a command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parent.parent / "app.py"


@pytest.mark.parametrize(("asked", "code", "told"), [("--help", 0, "GRADIO_SERVER_PORT"), ("--share", 2, "--share")])
def test_it_says_how_it_is_started_and_starts_nothing(asked: str, code: int, told: str) -> None:
    done = subprocess.run([sys.executable, str(APP), asked], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code
    assert told in done.stdout + done.stderr
