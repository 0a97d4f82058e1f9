"""The process reward model as a verifier: the side whose traces have the sounder weakest step is believed.

A trace's text is split at blank lines into steps, the model gives each a probability of being right, the trace's score
is the lowest of them (a chain of reasoning is as good as its weakest step: Qwen2.5-Math-PRM's own choice, Zhang et al.,
"The Lessons of Developing Process Reward Models", arXiv 2501.07301), the side's score the mean over its supporters.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING

from elm_app.core.config import Device
from elm_app.core.events import Progress
from elm_app.core.scores import SideScore, StepScore, TraceScore
from elm_app.engine.loader import turn
from elm_app.routing.confidence import shown
from elm_app.routing.verifier import Side

if TYPE_CHECKING:
    from elm_app.engine.reward_model import Prm

_BLANK = re.compile(r"\n\s*\n")


def split(text: str) -> list[tuple[int, int]]:
    r"""Where the steps of a text are, in characters: what blank lines (or lines of spaces) part, without the space
    around it.

    >>> split("First.\n\n  Then\nthis.\n \n")
    [(0, 6), (10, 20)]
    """
    gaps = [(0, 0), *(gap.span() for gap in _BLANK.finditer(text)), (len(text), len(text))]
    parts = [(before[1], after[0]) for before, after in pairwise(gaps)]
    left = [(end - len(text[start:end].lstrip()), end) for start, end in parts]
    return [(start, start + len(text[start:end].rstrip())) for start, end in left if start < end]


class Prms:
    """Keeps the process reward model that was used last; another takes its place. Thread-safe: one load at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: tuple[tuple[str, Device], Prm] | None = None

    def get(self, name: str, device: Device, report: Callable[[Progress], None], stopped: Callable[[], bool]) -> Prm:
        """The model of that name, loaded if need be. Raises what `reward_model_loader.load` raises."""
        from elm_app.engine.reward_model_loader import load

        with turn(self._lock, report, stopped):
            if self._loaded is None or self._loaded[0] != (name, device):
                self.close()
                self._loaded = ((name, device), load(name, device, report, stopped))
            return self._loaded[1]

    def close(self) -> None:
        """Let go of the model and of what it has on disk."""
        if self._loaded is not None:
            self._loaded[1].close()
        self._loaded = None


class ProcessReward:
    """Weighs by a process reward model, loaded when there is first something to weigh."""

    name = "prm"

    def __init__(self, model: str, prms: Prms, device: Device = "auto") -> None:
        self._model, self._prms, self._device = model, prms, device

    def weigh(
        self,
        problem: str,
        sides: Sequence[Side],
        report: Callable[[Progress], None],
        stopped: Callable[[], bool],
    ) -> tuple[SideScore, ...]:
        """See `Verifier.weigh`.

        A trace that does not fit the model's context gets no score and is left out; a side none of whose traces fit
        has the lowest score, 0.

        Raises:
            Stopped, BadInput, WeightsError, ModelError, OutOfMemory: as `reward_model_loader.load` and `Prm.score`.
        """
        prm = self._prms.get(self._model, self._device, report, stopped)
        samples = [(number, sample) for number, side in enumerate(sides) for sample in side.supporters()]
        spans = [split(sample.trace.text) for _, sample in samples]
        texts = [
            [sample.trace.text[start:end] for start, end in places]
            for (_, sample), places in zip(samples, spans, strict=True)
        ]
        found: list[list[TraceScore]] = [[] for _ in sides]
        for (number, sample), places, scores in zip(
            samples, spans, prm.score(problem, texts, report, stopped), strict=True
        ):
            if scores is not None:
                steps = [StepScore(start, end, score) for (start, end), score in zip(places, scores, strict=True)]
                found[number].append(TraceScore(sample.trace.arm, sample.trace.index, min(scores), shown(steps)))
        return tuple(
            SideScore(
                side.side, side.vote.answer, fmean(trace.score for trace in traces) if traces else 0.0, tuple(traces)
            )
            for side, traces in zip(sides, found, strict=True)
        )
