"""Memories made on the spot: random tensors, cards with every field filled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elm_app.core.types import AnswerCount, LearnStep, Measured, Memory, ModelInfo, Vote

MODEL = ModelInfo("small", "int8", "cpu", "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32")
OTHER = ModelInfo("tiny", "int8", "cpu", "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53")
P, H = 4, 16


def measured(agreement: float) -> Measured:
    count = round(agreement * 16)
    vote = Vote("72", count / 16, (AnswerCount("72", count, tuple(range(count))),), 16 - count)
    return Measured(vote, 16, count / 16, 180.5)


def card(id: str = "20261122-181639-482913", /, **changes: Any) -> Memory:
    """A card; changes may be any of its fields."""
    step = LearnStep(1, "72", 0.5, 0.5, 0.9, 180.0, -0.01, 0.3, None, 12.5, 20.25, 32.75)
    memory = Memory(
        id=id,
        problem=f"A farmer packs 7 crates of 12 eggs. How many eggs is that? ({id})",
        answer="72",
        reward="majority",
        before=measured(0.5),
        after=measured(0.75),
        improved=True,
        verdict="12 of 16 agree, 8 of 16 before.",
        steps=(step, replace(step, step=2, loss=None, grad_norm=None, skipped="All rewards are equal.")),
        settings={"seed": 7, "learning_rate": 0.002, "init": "text"},
        model=MODEL,
        tokenizer_sha256="c" * 64,
        virtual_tokens=P,
        hidden_size=H,
        dtype="float32",
        embedder="all-MiniLM-L6-v2 53aa51172d14",
        created="2026-11-22T18:16:39+00:00",
        seconds=241.5,
        tokens=20480,
        bytes=0,
        words=(("eggs", "egg"), ("crate",), ("farm",), ("12",)),
        run=id,
    )
    return replace(memory, **changes)


def tensor(seed: int = 0, p: int = P, h: int = H) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(p, h)).astype(np.float32)


def key(seed: int = 0) -> NDArray[np.float32]:
    vector = np.random.default_rng(seed + 10_000).normal(size=384)
    return (vector / np.linalg.norm(vector)).astype(np.float32)
