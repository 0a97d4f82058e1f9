"""The recipe `distil` for every form of memory (`policies.py`), with names changed as well as numbers.

Teacher, worked variants and loss are those of `distil.py`; what differs is how they are learned. One variant's traces
are a step, the variants in a new order each time round, and the learning rate falls in a straight line to a tenth: many
small steps come further than few large ones at the same cost. What a problem with keys and values of 20 positions
learned so in 16 steps a soft prompt did not learn in any (docs/TRAINING.md).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Iterator, Sequence

import torch
from torch import Tensor

from elm_app.config import LearnSettings
from elm_app.events import Event, LearningEnded, PhaseStarted, StepFinished
from elm_app.learning.checkpoint import Checkpoint, fresh
from elm_app.learning.distil import Distiller, likelier
from elm_app.learning.policies import Policy
from elm_app.learning.variants import variants
from elm_app.llm.engine import Engine
from elm_app.types import LearnStep, Lesson

_BETAS = (0.9, 0.95)
_LAST_RATE = 0.1
"""The learning rate of the last step, as a share of the first one's."""


def distil_into(
    policy: Policy,
    engine: Engine,
    problem: str,
    example: str,
    settings: LearnSettings,
    stopped: Callable[[], bool] = lambda: False,
    texts: Sequence[str] | None = None,
) -> Generator[Event, None, Checkpoint]:
    """Distil one worked example into a policy, which is changed in place, without a store and without measuring.

    Args:
        engine: the teacher; also that of `policy`, unless it has one of its own.
        example: a trace of `problem`, such as one of its majority.
        settings: as `LearnSettings.by_recipe(recipe="distil", …)` makes them; the learning rate is the policy's.
        texts: solved with the example in view, instead of variants of the problem.

    Returns:
        `steps`, `lessons`, `seconds`, `tokens`, `updates`; its soft prompt is not used.
    """
    state = fresh(engine, problem, settings, {})
    state.example = example
    teacher = Distiller(engine, engine.encode(problem), settings, state, None, stopped)
    teacher.texts = texts or variants(problem, settings.variants, settings.seed, names=True)
    if ended := (yield from teacher.teach()):
        yield ended
        return state
    optimizer = torch.optim.AdamW(policy.parameters, policy.rate, _BETAS, weight_decay=0.0)
    turns = _turns(state.lessons, settings.seed)
    for step in range(settings.steps):
        if stopped():
            yield LearningEnded(f"Stopped before step {step + 1}.", step, True)
            return state
        yield PhaseStarted("step", step + 1, settings.steps, 0)
        began, (text, rows) = time.perf_counter(), next(turns)
        for group in optimizer.param_groups:
            group["lr"] = policy.rate * (1 - (1 - _LAST_RATE) * step / settings.steps)

        def log_probs(prompt: Sequence[int], some: Sequence[Sequence[int]]) -> Tensor:
            return policy.log_probs(prompt, some, settings.temperature)

        loss, norm = likelier(
            optimizer, policy.parameters, log_probs, [(engine.encode(text), rows)], settings.clip_norm
        )
        seconds, tokens = round(time.perf_counter() - began, 3), sum(map(len, rows)) / len(rows)
        told = LearnStep(step + 1, None, None, None, None, round(tokens, 1), loss, norm, None, 0.0, seconds, seconds)
        state.steps.append(told)
        state.updates, state.seconds = step + 1, state.seconds + seconds
        yield StepFinished(told)
    yield LearningEnded(f"All {settings.steps} steps are done.", settings.steps, False)
    return state


def _turns(lessons: Sequence[Lesson], seed: int) -> Iterator[tuple[str, list[Sequence[int]]]]:
    """A text and the traces about it, again and again; every text once before one comes again."""
    texts, generator = list(dict.fromkeys(lesson.problem for lesson in lessons)), random.Random(seed)
    while True:
        for text in generator.sample(texts, len(texts)):
            yield text, [lesson.tokens for lesson in lessons if lesson.problem == text]
