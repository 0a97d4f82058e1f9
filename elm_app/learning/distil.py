"""The recipe `distil`: what the model can do with a worked example in view is put into the memory.

A majority trace of the problem is the example. The problem's numbers and names are changed by rule into variants, whose
answers nobody knows; the model solves each with the example in view, as in-context learning would; and these traces are
made likelier without the example, by the memory alone (prompt distillation: Snell et al., arXiv 2209.15189; here on
variants instead of other tasks, and into a prefix, as Eyuboglu et al., arXiv 2506.06266, do with documents). Where
P(trace | example, variant) is the teacher and P(trace | memory, variant) the student, the loss is −log P of the
student, mean over the tokens, at the temperature of the sampling: up to a constant the divergence KL(teacher ‖ student)
that sampling estimates.

The memory is a prefix by default, keys and values of P positions: what it learned in 16 steps a soft prompt did not
learn. It starts as problem and example themselves, compacted, with worked variants as readers (`compaction.py`): that
alone is worth little, but steps from there come far closer to the teacher than as many from a text (docs/TRAINING.md).
One variant's traces are a step, the variants in a new order each time round, and the learning rate falls in a straight
line to a tenth: many small steps come further than few large ones at the same cost.

No label is used: the example is right if the majority is, and of the variants only that the model ended by itself.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from elm_app.core.config import LearnSettings, SamplingSettings
from elm_app.core.errors import ModelError
from elm_app.core.events import Event, Progress, PromptRead, TraceChunk, TraceFinished
from elm_app.core.learning_events import LearningEnded, LessonsTaken, PhaseStarted, StepFinished, VariantsMade
from elm_app.core.types import LearnStep, Lesson, Trace, Vote
from elm_app.engine.chat_template import asked, turns_prompt
from elm_app.engine.engine import Engine, RolloutRequest
from elm_app.engine.sampler import trace_seed
from elm_app.engine.shared_start import shared_start
from elm_app.learning.checkpoint import Checkpoint, fresh
from elm_app.learning.compaction import as_prefix, check
from elm_app.learning.example import example_of
from elm_app.learning.trainer import Trainer
from elm_app.learning.variants import variants
from elm_app.rollouts.collect import Sampled, sample

_LAST_RATE = 0.1
"""The learning rate falls to this share of the first one."""
_LEAST = 0.25
"""Where fewer of the traces are by agreeing ones, all that ended are learned."""
_READERS = 6
"""So many worked variants say what the memory is to answer when it is made of the example."""
_SEED = -2
"""Of the worked variants: -1 is the measuring's, steps count from 0."""


def distil(
    engine: Engine,
    problem: str,
    example: str,
    settings: LearnSettings,
    stopped: Callable[[], bool] = lambda: False,
    texts: Sequence[str] | None = None,
) -> Generator[Event, None, Checkpoint]:
    """Distil one worked example into a memory, without a store and without measuring.

    Args:
        example: a trace of `problem`, such as one of its majority.
        settings: as `LearnSettings.by_recipe(recipe="distil", seed=…)` makes them.
        texts: solved with the example in view, instead of variants of the problem.

    Returns:
        What was made: `soft_prompt` fp32 (P, H), or a prefix (P, W), `steps`, `lessons`, `seconds`, `tokens`; nothing
        if `updates` is 0.

    Raises:
        ModelError: it is to start from the example, and this kind of model will not do for that.
    """
    if settings.init == "example":
        check(engine)
    state = fresh(engine, problem, settings, {})
    state.example = example
    distiller = Distiller(engine, engine.encode(problem), settings, state, None, stopped)
    distiller.texts = texts
    yield from distiller.train()
    return state


class Distiller(Trainer):
    """A `Trainer` whose steps raise the likelihood of worked variants. `prepare`, or whoever makes the state, chooses
    the example."""

    texts: Sequence[str] | None = None
    betas = (0.9, 0.95)

    def prepare(self) -> None:
        before = self.state.before
        if self.state.example is None and before is not None:
            self.state.example = example_of(self.state.problem, self.attempts, before.vote)

    def train(self) -> Generator[Event, None, LearningEnded]:
        ended = None
        if not self.state.lessons:
            ended = yield from self._teach()
        if ended is None and self.settings.init == "example" and not self.state.fitted:
            ended = yield from self._fit()
        if ended is not None:
            yield ended
            return ended
        return (yield from super().train())

    def best(self, ended: LearningEnded) -> Tensor:  # noqa: ARG002
        """The last one: the loss of a step is that of one variant, so no two tell which is better."""
        return self.state.soft_prompt

    def _teach(self) -> Generator[Event, None, LearningEnded | None]:
        """Have variants solved with the example in view; why there is nothing to learn, or None."""
        settings, state, began = self.settings, self.state, time.perf_counter()
        if state.example is None:
            return LearningEnded("There is no majority trace to learn from.", 0, True)
        texts = self.texts or variants(state.problem, settings.variants, settings.seed, names=True)
        each = -(-settings.variants * settings.variant_traces // len(texts))
        yield VariantsMade(state.example, tuple(texts), each)
        yield PhaseStarted("teach", 0, settings.steps, len(texts) * each)
        traces, tokens, votes = yield from self._worked(state.example, texts, each)
        if len(traces) < len(texts) * each:
            return LearningEnded("Stopped before the first step.", 0, True)
        taken, reason = lessons_taken(traces, votes, each, settings)
        yield LessonsTaken(tuple(taken), reason)
        state.lessons = [Lesson(texts[index // each], tokens[index], index) for index in taken]
        state.seconds += time.perf_counter() - began
        self.save()
        return None if taken else LearningEnded(reason, 0, True)

    def _fit(self) -> Generator[Event, None, LearningEnded | None]:
        """Let the prefix start as problem and example, compacted; that it was stopped, or None."""
        state, engine, settings, began = self.state, self.engine, self.settings, time.perf_counter()
        assert state.example is not None
        yield PhaseStarted("fit", 0, settings.steps, 0)
        first = {lesson.problem: lesson.index for lesson in reversed(state.lessons)}.values()  # of each variant
        lessons = sorted(state.lessons, key=lambda lesson: (lesson.index not in first, lesson.index))[:_READERS]
        readers = [[*engine.encode(lesson.problem), *lesson.tokens[:-1]] for lesson in lessons]
        context = turns_prompt(engine.tokenizer, [asked(state.problem), state.example])
        found = yield from as_prefix(engine, context, readers, settings.virtual_tokens, settings.seed, self.stopped)
        if found is None:
            return LearningEnded("Stopped before the first step.", 0, True)
        state.soft_prompt = state.best = found
        state.first_moment = state.second_moment = torch.zeros_like(found)
        state.fitted = True
        state.seconds += time.perf_counter() - began
        self.save()
        return None

    def _worked(
        self, example: str, texts: Sequence[str], each: int
    ) -> Generator[Event, None, tuple[dict[int, Trace], dict[int, tuple[int, ...]], list[Vote]]]:
        """Traces and their token ids by index, and the vote about each text; fewer if it was stopped."""
        settings, engine = self.settings, self.engine
        shown = [asked(self.state.problem), example]
        prompts = [turns_prompt(engine.tokenizer, [*shown, asked(text)]) for text in texts]
        engine.check_length(max(map(len, prompts)), settings.max_new_tokens)
        rest, past = shared_start(engine, prompts)
        seed = trace_seed(settings.seed, _SEED)
        requests = {
            str(place): RolloutRequest(prompt, each, trace_seed(seed, place), past=past)
            for place, prompt in enumerate(rest)
        }
        sampling = SamplingSettings(each, settings.max_new_tokens, settings.temperature, 0, seed)
        done = Sampled({arm: request.samples for arm, request in requests.items()})
        for event in sample(engine, requests, sampling, self.stopped, done):
            match event:
                case PromptRead(arm="0"):
                    yield replace(event, arm="zero_shot", prompt_tokens=len(prompts[0]))
                case TraceChunk():
                    yield replace(event, arm="zero_shot", index=int(event.arm) * each + event.index)
                case TraceFinished():
                    yield TraceFinished(_in_one_arm(event.trace, each))
        self.state.tokens += done.new_tokens
        traces = [_in_one_arm(trace, each) for arm in requests for trace in done.traces.get(arm, {}).values()]
        tokens = {int(arm) * each + index: row for arm in requests for index, row in done.tokens.get(arm, {}).items()}
        votes = [done.votes[arm] for arm in requests if arm in done.votes]
        return {trace.index: trace for trace in traces}, tokens, votes

    def _step(self) -> Generator[Event, None, LearningEnded | None]:
        settings, state, began = self.settings, self.state, time.perf_counter()
        done = len(state.steps)
        if done == settings.steps:
            return LearningEnded(f"All {done} steps are done.", done, False)
        if self.stopped():
            return LearningEnded(f"Stopped before step {done + 1}.", done, True)
        yield PhaseStarted("step", done + 1, settings.steps, 0)
        yield Progress("update", "Improving the memory", 0, 0)
        lessons = turn(state.lessons, done, settings.variant_traces, settings.seed)
        leaf, optimizer = self._optimizer()
        prompt, rows = self.engine.encode(lessons[0].problem), [lesson.tokens for lesson in lessons]
        logprobs = self.engine.log_probs(prompt, leaf, rows, settings.temperature)
        loss, norm = likelier(optimizer, leaf, logprobs, settings.clip_norm)
        self._keep(leaf, optimizer)
        seconds = round(time.perf_counter() - began, 3)
        tokens = sum(map(len, rows)) / len(rows)
        step = LearnStep(done + 1, None, None, None, None, round(tokens, 1), loss, norm, None, 0.0, seconds, seconds)
        state.steps.append(step)
        state.seconds += seconds
        self.save()
        yield StepFinished(step)
        return None

    def _rate(self) -> float:
        falls = (1 - _LAST_RATE) * len(self.state.steps) / self.settings.steps
        return self.settings.learning_rate * (1 - falls)


def turn(lessons: Sequence[Lesson], step: int, most: int, seed: int) -> list[Lesson]:
    """The lessons of a step, counted from 0: up to `most`, about one problem; all have had their turn before one comes
    again, in an order that is drawn anew each time round."""
    texts = dict.fromkeys(lesson.problem for lesson in lessons)
    about = [[lesson for lesson in lessons if lesson.problem == text] for text in texts]
    parts = [some[first : first + most] for some in about for first in range(0, len(some), most)]
    time_round, place = divmod(step, len(parts))
    return random.Random(f"{seed}:{time_round}").sample(parts, len(parts))[place]


def lessons_taken(
    traces: Mapping[int, Trace], votes: Sequence[Vote], each: int, settings: LearnSettings
) -> tuple[list[int], str]:
    """The indices of the traces that are learned, ascending, and why these, in a sentence.

    Args:
        traces: by index; `each` about the first text, `each` about the second, …
        votes: one for each text, over its traces counted from 0.
    """
    ended = [index for index in sorted(traces) if traces[index].finished and traces[index].answer is not None]
    said = f"{len(ended)} of {len(traces)} worked examples ended with an answer"
    if not ended:
        return [], f"{said}, so there is nothing to learn from."
    if settings.lessons == "all":
        return ended, f"{said} and are learned."
    voters = {text * each + index for text, vote in enumerate(votes) if vote.agreed for index in vote.counts[0].traces}
    agreed = [index for index in ended if index in voters]
    if len(agreed) < max(2, _LEAST * len(traces)):
        return ended, f"{said} and are learned; only {len(agreed)} are by two or more that agree."
    return agreed, f"{said}; the {len(agreed)} of these by two or more that agree are learned."


def likelier(optimizer: torch.optim.Optimizer, leaf: Tensor, logprobs: Tensor, clip_norm: float) -> tuple[float, float]:
    """One step of the optimizer down the mean negative log-likelihood of a token.

    Args:
        logprobs: log-probabilities of the tokens, fp32 (ΣT,), that depend on `leaf`.

    Returns:
        The loss in nats, and the gradient's norm before it was cut.

    Raises:
        ModelError: the gradient is zero, or not finite.
    """
    optimizer.zero_grad()
    loss = -logprobs.mean()
    loss.backward()
    norm = float(torch.nn.utils.clip_grad_norm_([leaf], clip_norm))
    if not 0 < norm < float("inf"):
        raise ModelError(
            f"The gradient is {'zero' if norm == 0 else 'not a finite number'}.",
            "Choose another --quantization, or a lower learning rate.",
        )
    optimizer.step()
    return float(loss.detach()), norm


def _in_one_arm(trace: Trace, each: int) -> Trace:
    """A trace of the text `trace.arm` as one of all of them."""
    return replace(trace, arm="zero_shot", index=int(trace.arm) * each + trace.index)
