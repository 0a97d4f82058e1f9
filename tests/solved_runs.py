"""Runs that solved a problem with memories, written down by hand for a model made on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from remembering import WordEmbedder
from store.made import card

from elm_app.core.config import ModelSettings, SamplingSettings
from elm_app.core.events import Event, ModelReady, Retrieved, RunFinished, RunStarted, TraceFinished, VoteChanged
from elm_app.core.types import AnswerCount, Arm, Match, ModelInfo, Timing, Trace, Vote
from elm_app.runs.event_log import LogWriter
from elm_app.store.store import Store

PROBLEM = "How many eggs are in 7 crates of 24?"
TEXTS: dict[Arm, tuple[str, ...]] = {
    "zero_shot": ("So 7 times 24\nis 168.", "It is 160."),
    "memory": ("So 7 times\n\n24 is é168.", "It is 168."),
}
RUN = "20261122-181639-000001"


def stored(store: Store, id: str, tensor: NDArray[np.float32], model: ModelInfo, **changes: Any) -> str:
    """A memory with that tensor, (P, H) or (P, W)."""
    memory = card(
        id, model=model, virtual_tokens=len(tensor), hidden_size=tensor.shape[1], words=(("a", "b"),) * len(tensor),
        **changes,
    )  # fmt: skip
    store.add(memory, tensor, WordEmbedder().encode([memory.problem])[0])
    return id


def solved(
    store: Store,
    model: ModelInfo,
    settings: ModelSettings,
    arms: dict[Arm, tuple[str, ...]],
    texts: dict[Arm, tuple[str, ...]] = TEXTS,
    run: str = RUN,
    finished: bool = True,
    **changes: Any,
) -> str:
    """The log of a run with these memories in these arms; an answer is the three characters before the full stop."""
    sampled = {**asdict(settings), **asdict(SamplingSettings(2, 64, 0.7, seed=5)), "memory": "auto", **changes}
    match = Match("m1", 0.9, PROBLEM)
    events: list[Event] = [
        RunStarted(run, "solve", PROBLEM, sampled, "2026-11-22T18:16:39+00:00"),
        ModelReady(model, 0.0),
        Retrieved((match,), next((ids[0] for ids in arms.values() if ids), None), 0.6, "Near.", arms),
    ]
    for arm, written in texts.items():
        traces = [
            Trace(arm, place, place, text, text[-4:-1], len(text.encode()) + finished, finished, -5.5)
            for place, text in enumerate(written)
        ]
        events += [TraceFinished(trace) for trace in traces]
        events.append(VoteChanged(arm, _vote([trace.answer for trace in traces]), len(traces), len(traces)))
    return written_down(store.folder / "runs", run, [*events, RunFinished(Timing(0, 0, 0, 0, 0))])


def written_down(folder: Path, run: str, events: Sequence[Event]) -> str:
    """A log of these events."""
    with LogWriter(folder, run) as log:
        for event in events:
            log.append(event)
    return run


def _vote(answers: Sequence[str | None]) -> Vote:
    named = [answer for answer in dict.fromkeys(answers) if answer is not None]
    counts = sorted((AnswerCount(one, answers.count(one)) for one in named), key=lambda one: -one.count)
    return Vote(counts[0].answer, counts[0].count / len(answers), tuple(counts), 0)
