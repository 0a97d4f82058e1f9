"""What all tests share: memories of their own, and a random two-layer Qwen2 with a byte tokenizer."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from commands import Elm, Outcome
from random_models import make_folder
from remembering import answers_by_length, tools

from elm_app.cli.main import main
from elm_app.engine.loader import Models
from elm_app.pipelines.resources import Tools


@pytest.fixture(autouse=True)
def _own_memories(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test writes into the user's memories."""
    monkeypatch.setenv("ELM_MEMORIES", str(tmp_path / "memories"))


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is written into the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def answered_by_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """A random model's traces have answers, by their length."""
    answers_by_length(monkeypatch)


@pytest.fixture(scope="module")
def models(own_cache: None) -> Models:  # noqa: ARG001
    """Models that are loaded once for a file of tests."""
    return Models()


@pytest.fixture
def kit(tmp_path: Path, models: Models) -> Iterator[Tools]:
    """What runs work with, over a store of the test's own."""
    made = tools(tmp_path / "memories", models)
    with closing(made.store):
        yield made


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
