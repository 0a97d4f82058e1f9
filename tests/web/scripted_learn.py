"""Learning without a model: typed events at a chosen pace, and a real store that keeps a random tensor.

python tests/web/scripted_learn.py --port 7861 --memories some/folder      the page over scripted runs
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from remembering import WordEmbedders
from scripted import (
    CODE,
    EGGS,
    EQUATION,
    FORGOT,
    HOSTILE,
    REALISTIC,
    SCATTERED,
    SHORT,
    SLIP,
    TIED,
    WEAK,
    WIDE,
    scripted,
    vote_over,
)
from scripted_arms import moved, with_memories
from scripted_effect import scored
from scripted_weights import BYTES, Mirror

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput
from elm_app.core.events import (
    Event,
    Failed,
    ModelReady,
    Progress,
    PromptRead,
    RunFinished,
    RunStopped,
    TraceChunk,
    TraceFinished,
    VoteChanged,
)
from elm_app.core.learning_events import (
    LearningEnded,
    LessonsTaken,
    MeasureFinished,
    MemoryStored,
    PhaseStarted,
    StepFinished,
    VariantsMade,
)
from elm_app.core.types import Arm, LearnStep, Measured, Memory, ModelInfo, Timing, Trace
from elm_app.engine.loader import Models
from elm_app.pipelines.lookup import look_up
from elm_app.pipelines.resources import Tools
from elm_app.pipelines.token_effect import COMMAND, effect_run
from elm_app.runs.event_log import new_run_id, read
from elm_app.runs.runner import Runner, Work
from elm_app.runs.state import view_of
from elm_app.store.store import Store
from elm_app.web.commands import Actions
from elm_app.web.fetching import Fetching

MODEL = ModelInfo("small", "4-bit", "cpu", "1d9614638d18024d" * 4)
BEFORE = [EGGS, SHORT, FORGOT, EQUATION, CODE, SLIP, FORGOT, CODE]
BETTER = [EGGS, SHORT, SHORT, EQUATION, EGGS, FORGOT, SHORT, EQUATION]
BY_WORD = {
    "hostile": [HOSTILE, SHORT],
    "long": [EGGS + "\n\n" + "and so it goes on, " * 2600, SHORT],
    "agree": [SHORT],
    "scattered": SCATTERED,
    "tied": TIED,
    "weakly": WEAK,
    "wide": [WIDE, EGGS],
}
"""What is written about a problem that has this word."""
BEST = [SHORT, SHORT, SHORT, EQUATION, EGGS, SHORT, SHORT, FORGOT]
OTHERWISE = [FORGOT, FORGOT, FORGOT, FORGOT, FORGOT, CODE, FORGOT, SLIP]
_SAMPLING_EVENTS = (PromptRead, TraceChunk, TraceFinished, VoteChanged)


class Learning:
    """One scripted learning run. Words in its problem choose what happens: "worse", "breaks", "skips", "hostile"."""

    def __init__(self, problem: str, learning: LearnSettings, store: Store, run: str, pace: float) -> None:
        self.problem, self.learning, self.store, self.run, self.pace = problem, learning, store, run, pace
        self.checkpoint = store.folder / "checkpoints" / f"{run}.safetensors"
        self.steps: list[LearnStep] = []
        self.before: Measured | None = None
        self.began = time.monotonic()
        self.measured: Measured | None = None
        self.stopped: Callable[[], bool] = lambda: False

    def work(self, stopped: Callable[[], bool]) -> Iterator[Event]:
        self.stopped = stopped
        yield Progress("load", "Loading the model", 1, 2, "tensors")
        time.sleep(self.pace * 4)
        yield ModelReady(MODEL, 0.3)
        if self.before is None:
            yield from self._measure("before", BEFORE)
        if self.learning.recipe == "distil" and not self.steps:
            yield from self._teach()
        after = ended = None
        while ended is None:
            number = len(self.steps) + 1
            if stopped():
                ended = LearningEnded(f"Stopped in step {number}.", number - 1, True)
            elif number > self.learning.steps:
                ended = LearningEnded(f"All {number - 1} steps are done.", number - 1, False)
            else:
                yield from self._step(number)
                if "breaks" in self.problem and number == 2:
                    yield Failed("OutOfMemory", "Memory ran out.", "Lower the rollouts or the new tokens.")
                    return
        yield ended
        if self.steps and not stopped():
            yield from self._measure("after", BEFORE[4:] if "worse" in self.problem else BEST)
            after = self.measured
        yield from self._store(ended, after)
        self.checkpoint.unlink(missing_ok=True)
        timing = Timing(0.3, 0.0, time.monotonic() - self.began, 100, 50.0)
        yield RunStopped(timing) if stopped() else RunFinished(timing)

    def _measure(self, when: Any, texts: Sequence[str]) -> Iterator[Event]:
        yield PhaseStarted(when, len(self.steps), self.learning.steps, self.learning.measure_samples)
        traces = yield from self._sample(
            "zero_shot" if when == "before" else "memory", list(texts), self.learning.measure_samples
        )
        if not self.stopped():
            self.measured = measured(traces, self.learning.measure_samples)
            self.before = self.measured if when == "before" else self.before
            yield MeasureFinished(when, self.measured)

    def _teach(self) -> Iterator[Event]:
        count, each = self.learning.variants, self.learning.variant_traces
        texts = tuple(f"How many boxes of <b>{number}</b> eggs?" for number in range(2, 2 + count))
        yield VariantsMade(SHORT, texts, each)
        yield PhaseStarted("teach", 0, self.learning.steps, count * each)
        for event in self._sample("zero_shot", [EGGS, SHORT, FORGOT, SLIP], count * each):
            if not isinstance(event, VoteChanged):  # they are about different problems
                yield event
        if not self.stopped():
            yield LessonsTaken((0, 1), f"2 of {count * each} worked examples ended with an answer and are learned.")
        if not self.stopped() and self.learning.init == "example":
            yield PhaseStarted("fit", 0, self.learning.steps, 0)
            for layer in range(4):
                yield Progress("update", "Fitting the memory to the worked example", layer, 4, "layers")
                time.sleep(self.pace)

    def _step(self, number: int) -> Iterator[Event]:
        began = time.monotonic()
        if self.learning.recipe == "distil":
            yield PhaseStarted("step", number, self.learning.steps, 0)
            yield Progress("update", "Improving the memory", 0, 0)
            time.sleep(self.pace * 20)
            seconds = time.monotonic() - began
            step = LearnStep(
                number, None, None, None, None, 181.5, 0.12 / number, 0.5, None, 0.0, seconds, seconds
            )  # fmt: skip
            yield from self._made(step)
            return
        yield PhaseStarted("step", number, self.learning.steps, self.learning.rollouts)
        texts = (
            [HOSTILE, SHORT] if "hostile" in self.problem else BEFORE if number < 3 else BETTER if number < 7 else BEST
        )
        texts = texts[number % 3 :] + texts[: number % 3]
        traces = yield from self._sample("memory", texts, self.learning.rollouts)
        rollout_seconds = time.monotonic() - began
        if self.stopped():
            return
        skipped = (
            "All 8 rollouts have the same reward, 0: no gradient." if "skips" in self.problem and number == 2 else None
        )
        if skipped is None:
            yield Progress("update", "Improving the memory", 0, 0)
            time.sleep(self.pace * 20)
        one, update = measured(traces, self.learning.rollouts), time.monotonic() - began - rollout_seconds
        step = LearnStep(
            number, one.vote.answer, one.vote.agreement, one.vote.agreement, one.answered, one.tokens,
            None if skipped else -0.01, None if skipped else 0.31, skipped,
            rollout_seconds, update, rollout_seconds + update,
        )  # fmt: skip
        yield from self._made(step)

    def _made(self, step: LearnStep) -> Iterator[Event]:
        self.steps.append(step)
        self.checkpoint.parent.mkdir(exist_ok=True)
        self.checkpoint.touch()
        yield StepFinished(step)

    def _sample(self, arm: Arm, texts: list[str], samples: int) -> Iterator[Event]:
        sampling = SamplingSettings(samples, self.learning.max_new_tokens, seed=self.learning.seed)
        traces = []
        for event in scripted(texts, sampling, step_seconds=self.pace, load_seconds=0)(self.stopped):
            if isinstance(event, _SAMPLING_EVENTS):
                yield moved(event, arm)
            if isinstance(event, TraceFinished):
                traces.append(event.trace)
        return traces

    def _store(self, ended: LearningEnded, after: Measured | None) -> Iterator[Event]:
        if not self.steps or self.before is None:
            yield MemoryStored(None, False, ended.reason)
            return
        yield Progress("store", "Storing the memory", 0, 0)
        improved = after is not None and after.vote.agreement > self.before.vote.agreement
        verdict = "Not measured: learning was stopped." if after is None else (
            f"Agreement {'rose' if improved else 'fell'} from {votes(self.before)} to {votes(after)}."
        )  # fmt: skip
        keep(self.store, self.run, self.problem, self.learning, self.before, after, self.steps, improved, verdict)
        yield MemoryStored(self.run, improved, verdict)


def keep(
    store: Store,
    run: str,
    problem: str,
    learning: LearnSettings,
    before: Measured,
    after: Measured | None,
    steps: Sequence[LearnStep] = (),
    improved: bool = True,
    verdict: str = "It helps.",
) -> Memory:
    """Store a memory with a random tensor."""
    memory = Memory(
        id=run, problem=problem, answer=before.vote.answer,
        reward=learning.reward if learning.recipe == "paper" else "distil", before=before, after=after,
        improved=improved, verdict=verdict, steps=tuple(steps), settings=asdict(learning), model=MODEL,
        tokenizer_sha256="c" * 64, virtual_tokens=learning.virtual_tokens, hidden_size=16, dtype="float32",
        embedder="words", created=datetime.now(UTC).isoformat(timespec="seconds"), seconds=241.5, tokens=20480, bytes=0,
        words=(("eggs", "egg"),) * learning.virtual_tokens, run=run, enabled=improved,
        disabled_reason="" if improved else verdict,
    )  # fmt: skip
    tensor = np.random.default_rng(len(problem)).normal(size=(learning.virtual_tokens, 16)).astype(np.float32)
    return store.add(memory, tensor, WordEmbedders().get(None).encode([problem])[0])


def measured(traces: Sequence[Trace], samples: int) -> Measured:
    vote = vote_over(list(traces), samples)
    answered = sum(trace.answer is not None for trace in traces) / samples
    return Measured(vote, samples, answered, sum(trace.tokens for trace in traces) / samples)


def votes(one: Measured) -> str:
    return f"{one.vote.counts[0].count if one.vote.counts else 0} of {one.samples}"


def actions(
    runner: Runner, folder: Path, pace: float = 0.06, mirror: Mirror | None = None, store: Store | None = None
) -> Actions:
    """What the page's buttons do, scripted. Words in the problem choose what happens: those of `BY_WORD`,
    "slow", "fails", "fetch", and those of `Learning`. Weights come from the mirror; without one they are here."""
    mirror = mirror or Mirror(done=BYTES)
    store, embedders = store or Store(folder), WordEmbedders()

    def solve(problem: str, model: ModelSettings, sampling: SamplingSettings, routing: RouteSettings) -> str:
        if not problem.strip():
            raise BadInput("There is no problem to solve.", "Type one, or choose an example.")
        texts = next((texts for word, texts in BY_WORD.items() if word in problem), REALISTIC)

        def arm(texts: list[str]) -> Work:
            slow = pace * (4 if "slow" in problem else 1)
            return scripted(texts, sampling, step_seconds=slow, fetch="fetch" in problem, fails="fails" in problem)

        work = arm(texts)
        if routing.memory != "off" and "fails" not in problem:
            behind = arm(texts if texts is not REALISTIC else OTHERWISE if "otherwise" in problem else BEST)
            work = with_memories(work, behind, problem.strip(), routing, store, MODEL)
        settings = {**asdict(model), **asdict(sampling), **asdict(routing)}
        return runner.submit("solve", problem.strip(), settings, mirror.first(model, work))

    def learn(problem: str, model: ModelSettings, learning: LearnSettings, source: str | None) -> str:
        run = new_run_id()
        one = Learning(problem, learning, store, run, pace)
        settings = {**asdict(model), **asdict(learning), **({"source_run": source} if source else {})}
        return runner.submit("learn", problem, settings, one.work, run)

    def resume(run: str) -> str:
        if not can_resume(run):
            raise BadInput(f"Run {run} left nothing to go on from.", "Learn from its problem again.")
        earlier, fresh = view_of(read(runner.folder, run)[0]), new_run_id()
        names = LearnSettings.__dataclass_fields__
        learning = LearnSettings(**{name: earlier.settings[name] for name in names})
        one = Learning(earlier.problem, learning, store, fresh, pace)
        assert earlier.learn is not None
        one.before, one.steps = earlier.learn.before, list(earlier.learn.finished)
        (store.folder / "checkpoints" / f"{run}.safetensors").unlink()
        settings = {name: value for name, value in earlier.settings.items() if name != "source_run"}
        return runner.submit("learn", earlier.problem, settings | {"resumed_from": run}, one.work, fresh)

    def can_resume(run: str) -> bool:
        return (store.folder / "checkpoints" / f"{run}.safetensors").is_file()

    def act(run: str, arm: Arm, index: int | None) -> str:
        ready = effect_run(run, tools, arm, index)
        view = view_of(read(runner.folder, run)[0])
        work = scored(view, ready.settings["arm"], ready.settings["trace"], pace)
        return runner.submit(COMMAND, ready.problem, ready.settings, work, ready.run)

    from scripted_comparing import bench_actions  # which needs what stands here
    from scripted_stream import stream_actions

    stands_in: Any = embedders
    fetching, tools = Fetching(mirror.weights()), Tools(Models(), store, stands_in)
    return Actions(
        solve, learn, resume, can_resume, lambda text, routing, model, n: look_up(text, routing, tools, model, n), act,
        store, stands_in, fetching, stream_actions(runner, store, pace), bench_actions(runner, 4 * pace),
    )  # fmt: skip


def main() -> None:
    from elm_app.web.app import build
    from elm_app.web.theme import launch_options

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=7861)
    parser.add_argument("--memories", type=Path, required=True, help="folder for memories and runs")
    parser.add_argument("--step-seconds", type=float, default=0.06)
    given = parser.parse_args()
    runner = Runner(given.memories / "runs")
    made = actions(runner, given.memories, given.step_seconds)
    try:
        build(runner, made).launch(server_port=given.port, **launch_options())
    finally:
        runner.close()
        made.store.close()


if __name__ == "__main__":
    main()
