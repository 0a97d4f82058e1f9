"""Scoring the tokens of a trace without a model: words as tokens, and likelihoods out of the air."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator

from elm_app.core.events import EffectMeasured, Event, ModelReady, Progress, RunFinished, RunStopped
from elm_app.core.token_effect import TokenScore, TraceEffect
from elm_app.core.types import Arm, Timing
from elm_app.runs.runner import Work
from elm_app.runs.state import RunView

NOTHING = Timing(0, 0, 0, 0, 0)


def scored(view: RunView, arm: Arm, index: int, pace: float) -> Work:
    """The two traces of a seed, scored; where the problem has the word "patiently", that takes until it is stopped."""

    def work(stopped: Callable[[], bool]) -> Iterator[Event]:
        yield Progress("load", "Loading the model", 0, 0)
        assert view.model is not None
        yield ModelReady(view.model, 0.0)
        done = 0
        while done < 4 or "patiently" in view.problem:
            yield Progress("weigh", "Scoring every token without the memory and with it", 16 * done, 64, "tokens")
            done = (done + 1) % (4 if "patiently" in view.problem else 5)
            time.sleep(pace)
            if stopped():
                yield RunStopped(NOTHING)
                return
        for one in (arm, "zero_shot"):
            trace = view.traces[one, index].trace
            assert trace is not None
            ending = (TokenScore("<|im_end|>", (9,), -0.4, -0.02, True),) if trace.finished else ()
            yield EffectMeasured(TraceEffect(one, index, (*_tokens(trace.text), *ending)))
        yield RunFinished(NOTHING)

    return work


def _tokens(text: str) -> Iterator[TokenScore]:
    draw = random.Random(text)
    for piece in re.findall(r"\s?\w+|\W", text):
        bare = -draw.expovariate(1.5)
        gain = draw.gauss(0.2, 1.4) if draw.random() < 0.3 else draw.gauss(0, 0.02)
        yield TokenScore(piece, tuple(piece.encode()), bare, min(-0.001, bare + gain))
