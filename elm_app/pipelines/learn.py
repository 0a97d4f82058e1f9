"""Learning: from a problem to a stored memory, as a generator of events.

before (fresh samples) → steps (rollouts, reward, update, checkpoint) → after (fresh samples) → verdict → store

With the recipe `distil` variants of the problem are solved before the steps, and a step has no rollouts of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from elm_app.answers.compare import comparer
from elm_app.core.config import LearnSettings, ModelSettings, settings_from
from elm_app.core.errors import BadInput, ModelError, Stopped
from elm_app.core.events import Event, ModelReady, Progress, RunFinished, RunStopped
from elm_app.core.learning_events import LearningEnded, MeasureFinished, MemoryStored
from elm_app.core.types import Measured, Memory, Timing, Trace
from elm_app.pipelines.problem import checked
from elm_app.pipelines.resources import Tools
from elm_app.runs.background import while_waiting
from elm_app.runs.event_log import new_run_id
from elm_app.runs.runner import Ready

if TYPE_CHECKING:
    from elm_app.engine.engine import Engine
    from elm_app.learning.trainer import Trainer


@dataclass(frozen=True)
class Known:
    """What is known before learning begins.

    Attributes:
        before: how the problem stood on k traces, which are the `attempts`; measured if it is not known.
        seed: that these traces were sampled with.
        gold: the right answer, for the reward of that name.
        later: it is part of something that goes on later: if it is stopped, nothing is stored but the checkpoint.
    """

    before: Measured | None = None
    attempts: tuple[Trace, ...] = ()
    seed: int | None = None
    gold: str | None = None
    later: bool = False


UNKNOWN = Known()


def learn_run(
    problem: str,
    model: ModelSettings,
    learning: LearnSettings,
    tools: Tools,
    source: str | None = None,
    gold: str | None = None,
) -> Ready:
    """A run that learns from a problem; `source` is the run that it was asked from, if any, `gold` the right answer.

    Raises:
        BadInput: the problem is empty, or no text; or the reward needs the right answer.
    """
    if learning.reward == "gold" and not gold:
        raise BadInput("The reward gold needs the right answer.", "Give --answer, or choose another reward.")
    origin = {"source_run": source} if source else {}
    return _run(checked(problem), model, learning, tools, origin | ({"gold": gold} if gold else {}))


def resume_run(run: str, tools: Tools) -> Ready:
    """A run that goes on from the checkpoint of another.

    Raises:
        BadInput: there is none.
        DamagedMemory: it cannot be read.
    """
    from elm_app.learning import checkpoint

    state = checkpoint.read(tools.store.folder, run)
    gold = state.settings.get("gold")
    return _run(
        state.problem,
        settings_from(ModelSettings, state.settings),
        settings_from(LearnSettings, state.settings),
        tools,
        {"resumed_from": run} | ({"gold": str(gold)} if gold else {}),
    )


def can_resume(run: str, tools: Tools) -> bool:
    """Whether a run left a checkpoint to go on from. Cheap: torch is not imported."""
    return (tools.store.folder / "checkpoints" / f"{run}.safetensors").is_file()


def _run(problem: str, model: ModelSettings, learning: LearnSettings, tools: Tools, origin: dict[str, str]) -> Ready:
    run, resumed = new_run_id(), origin.get("resumed_from")

    def work(stopped: Callable[[], bool]) -> Iterator[Event]:
        return learn(run, problem, model, learning, tools, stopped, resumed, Known(gold=origin.get("gold")))

    return Ready(run, problem, {**asdict(model), **asdict(learning), **origin}, work)


def learn(
    run: str,
    problem: str,
    model: ModelSettings,
    learning: LearnSettings,
    tools: Tools,
    stopped: Callable[[], bool] = lambda: False,
    resumed: str | None = None,
    known: Known = UNKNOWN,
) -> Iterator[Event]:
    """Learn a memory for a problem and store it under the run's id.

    Ends with `RunFinished`, or with `RunStopped` soon after `stopped()` is true, the best so far stored (unless
    it is to go on `later`); errors are raised, and what was learned
    until then is in the checkpoint.
    """
    began = time.perf_counter()
    load_seconds = 0.0
    trainer: Trainer | None = None

    def timing() -> Timing:
        if trainer is None:
            return Timing(round(load_seconds, 3), 0.0, 0.0, 0, 0.0)
        seconds, tokens = trainer.state.seconds, trainer.state.tokens
        return Timing(round(load_seconds, 3), 0.0, round(seconds, 3), tokens, round(tokens / max(seconds, 1e-9), 1))

    try:
        tools.store.check_writable()
        engine = yield from while_waiting(lambda report: tools.models.get(model, report, stopped), stopped)
        load_seconds = time.perf_counter() - began
        yield ModelReady(engine.info, round(load_seconds, 3))
        embedder = yield from while_waiting(lambda report: tools.embedders.get(report, stopped), stopped)
    except Stopped:
        yield RunStopped(timing())
        return
    comparer().start()
    yield Progress("prefill", "Reading the problem", 0, 0)
    trainer = _trainer(run, problem, model, learning, tools, engine, stopped, resumed, known)
    ended, after = yield from _learn(trainer)
    if known.later and stopped():
        yield RunStopped(timing())
        return
    if trainer.state.updates == 0:
        yield MemoryStored(None, False, ended.reason)
    else:
        yield Progress("store", "Storing the memory", 0, 0)
        memory = _card(run, trainer, ended, after, embedder.name)
        soft_prompt = trainer.best(ended).numpy()
        from elm_app.engine.question_keys import question_key

        keys = {"input": embedder.encode([problem])[0]}
        with suppress(ModelError):  # a model that does not show its keys: found by its input alone
            keys["kv"] = question_key(engine, problem)
        tools.store.add_many([(memory, soft_prompt, keys)])
        yield MemoryStored(memory.id, memory.enabled, memory.verdict)
    trainer.forget()
    yield RunStopped(timing()) if stopped() else RunFinished(timing())


def _trainer(
    run: str,
    problem: str,
    model: ModelSettings,
    learning: LearnSettings,
    tools: Tools,
    engine: Engine,
    stopped: Callable[[], bool],
    resumed: str | None,
    known: Known,
) -> Trainer:
    from elm_app.learning import checkpoint, compaction
    from elm_app.learning.distil import Distiller
    from elm_app.learning.trainer import Trainer

    prompt = engine.encode(problem)
    engine.check_length(len(prompt) + learning.virtual_tokens, learning.max_new_tokens)
    if learning.init == "example":
        compaction.check(engine)
    path = checkpoint.path_of(tools.store.folder, run)
    if resumed is None:
        settings = {**asdict(model), **asdict(learning)} | ({"gold": known.gold} if known.gold else {})
        state = checkpoint.fresh(engine, problem, learning, settings)
        state.before = known.before
    else:
        state = checkpoint.read(tools.store.folder, resumed)
        if state.model_sha256 != engine.info.weights_sha256:
            raise BadInput(
                f"Run {resumed} learned with another model than {engine.info.id} is now.",
                "Give the model that it had, or learn from the problem again.",
            )
        state.save(path)
        checkpoint.path_of(tools.store.folder, resumed).unlink(missing_ok=True)
    trainer = (Distiller if learning.recipe == "distil" else Trainer)(
        engine, prompt, learning, state, path, stopped, gold=state.settings.get("gold"), measured_with=known.seed
    )
    trainer.attempts = list(known.attempts)
    return trainer


def _learn(trainer: Trainer) -> Generator[Event, None, tuple[LearningEnded, Measured | None]]:
    """Measure, train, measure; why it ended, and how the memory does, if that was measured."""
    from elm_app.learning.trainer import nothing_to_learn

    state = trainer.state
    if state.before is not None:  # known already, or measured before an interruption
        yield MeasureFinished("before", state.before)
    before = state.before or (yield from trainer.measure("before"))
    ended = None
    if before is None:
        ended = LearningEnded("Stopped before the first step.", 0, True)
    elif (
        not state.steps
        and trainer.needs_majority
        and (reason := nothing_to_learn(before.vote, before.samples, trainer.settings.min_agreement))
    ):
        ended = LearningEnded(reason, 0, True)
    elif not state.steps and trainer.settings.reward == "reference" and state.reference is None:
        ended = yield from _refer(trainer)
    if ended is not None:
        yield ended
        return ended, None
    trainer.prepare()
    trainer.save()
    ended = yield from trainer.train()
    if trainer.state.updates == 0 or trainer.stopped():
        return ended, None
    trainer.state.soft_prompt = trainer.best(ended)
    after = yield from trainer.measure("after")
    return ended, after


def _refer(trainer: Trainer) -> Generator[Event, None, LearningEnded | None]:
    """Have a reference solution written from the attempts before learning; why learning cannot go on, or None."""
    from elm_app.learning.reference_solution import synthesise

    yield Progress("weigh", "Writing a reference solution from the attempts", 0, 0)
    state = trainer.state
    state.reference, tokens = synthesise(
        trainer.engine, state.problem, trainer.attempts, trainer.settings, trainer.stopped
    )
    state.tokens += tokens
    if trainer.stopped():
        return LearningEnded("Stopped before the first step.", 0, True)
    return None if state.reference else LearningEnded("The reference solution has no answer to learn from.", 0, True)


def _card(run: str, trainer: Trainer, ended: LearningEnded, after: Measured | None, embedder: str) -> Memory:
    from elm_app.learning.acceptance import judge
    from elm_app.learning.soft_prompt import nearest_words, tokenizer_sha256

    state, engine, settings = trainer.state, trainer.engine, trainer.settings
    assert state.before is not None
    soft_prompt = trainer.best(ended)
    if after is None:
        improved, verdict = False, f"Not measured: learning was stopped after step {len(state.steps)}."
    else:
        improved, verdict = judge(state.before, after, comparer().equivalent)
    enabled = improved or settings.keep
    return Memory(
        id=run,
        problem=state.problem,
        answer=state.before.vote.answer,
        reward="distil" if settings.recipe == "distil" else settings.reward,
        before=state.before,
        after=after,
        improved=improved,
        verdict=verdict,
        steps=tuple(state.steps),
        settings=state.settings | {"architecture": engine.architecture},
        model=engine.info,
        tokenizer_sha256=tokenizer_sha256(engine),
        virtual_tokens=soft_prompt.shape[0],
        hidden_size=soft_prompt.shape[1],
        dtype="float32",
        embedder=embedder,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(state.seconds, 1),
        tokens=state.tokens,
        bytes=0,
        words=nearest_words(engine, soft_prompt) if settings.form == "soft" else (),
        run=run,
        enabled=enabled,
        disabled_reason="" if enabled else verdict,
    )
