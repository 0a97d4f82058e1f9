"""Learning and solving with memories on a random model: an embedder of its own, and answers where text has none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from elm_app.engine.loader import Models
from elm_app.pipelines.resources import Tools
from elm_app.rollouts import collect
from elm_app.store.store import Store


class WordEmbedder:
    """Texts with the same words are near: each word has a random direction."""

    name = "words"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [sum((_direction(word) for word in text.lower().split()), np.zeros(384)) for text in texts]
        return np.asarray([row / np.linalg.norm(row) for row in rows], np.float32)


def _direction(word: str) -> NDArray[Any]:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
    return np.random.default_rng(seed).standard_normal(384)


class WordEmbedders:
    """Stands where `Embedders` stands; nothing is fetched."""

    def get(self, report: Any, cancelled: Any = None) -> WordEmbedder:  # noqa: ARG002
        return WordEmbedder()


def tools(folder: Path, models: Models) -> Tools:
    embedders: Any = WordEmbedders()
    return Tools(models, Store(folder), embedders)


def answers_by_length(monkeypatch: pytest.MonkeyPatch, modulus: int = 2) -> None:
    """A trace's answer is its number of letters modulo something, so that votes and rewards differ."""
    read: Callable[[str], str | None] = lambda text: str(sum(map(ord, text)) % modulus)  # noqa: E731
    monkeypatch.setattr(collect, "extract", read)
