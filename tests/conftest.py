"""What all tests share: memories of their own, and a random two-layer Qwen2 with a byte tokenizer."""

from __future__ import annotations

from pathlib import Path

import pytest
from random_models import make_folder


@pytest.fixture(autouse=True)
def _own_memories(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test writes into the user's memories."""
    monkeypatch.setenv("ELM_MEMORIES", str(tmp_path / "memories"))


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a random two-layer Qwen2 (H 64, V 259)."""
    return make_folder(tmp_path_factory.mktemp("model") / "random")
