"""What all tests share: memories of their own, and a random two-layer Qwen2 with a byte tokenizer."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Elm, Outcome
from random_models import make_folder

from elm_app.cli.main import main


@pytest.fixture(autouse=True)
def _own_memories(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test writes into the user's memories."""
    monkeypatch.setenv("ELM_MEMORIES", str(tmp_path / "memories"))


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a random two-layer Qwen2 (H 64, V 259)."""
    return make_folder(tmp_path_factory.mktemp("model") / "random")


@pytest.fixture
def elm(capsys: pytest.CaptureFixture[str]) -> Elm:
    """Run a command in this process."""

    def run(*arguments: object) -> Outcome:
        code = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return run


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Put bytes on standard input."""

    def give(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return give
