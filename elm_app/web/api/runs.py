"""Solving and learning: a run is started as by the page's buttons, and its events are told as its log has them."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

from elm_app.core.config import (
    LEARNS_BY,
    OF_PAPER,
    Compose,
    Form,
    LearnSettings,
    Lessons,
    Loss,
    ModelSettings,
    Quantization,
    Rank,
    Recipe,
    Retrieval,
    RouteSettings,
    SamplingSettings,
    Verifier,
)
from elm_app.core.errors import ElmError
from elm_app.core.events import TraceChunk, event_to_json
from elm_app.runs.event_log import follow
from elm_app.runs.run_json import learn_json, solve_json
from elm_app.runs.runner import Runner
from elm_app.runs.state import RunView
from elm_app.web.api.arguments import settings, text, told
from elm_app.web.commands import Actions

Json = dict[str, Any]
_LearnInit = Literal["text", "vocabulary", "example"]
_LearnReward = Literal["majority", "vote", "random", "inverted", "certainty", "entropy", "reference"]


class Runs:
    """`/solve` and `/learn`. What a user can mend is raised as `gr.Error`: a sentence with its remedy."""

    def __init__(self, runner: Runner, actions: Actions) -> None:
        self.runner, self.actions = runner, actions

    def solve(
        self,
        problem: str,
        samples: int = SamplingSettings.samples,
        max_new_tokens: int = SamplingSettings.max_new_tokens,
        temperature: float = SamplingSettings.temperature,
        top_k: int = SamplingSettings.top_k,
        seed: int | None = None,
        memory: str = RouteSettings.memory,
        retrieval: Retrieval = RouteSettings.retrieval,
        rank: Rank = RouteSettings.rank,
        top_n: int = RouteSettings.top_n,
        compose: Compose = RouteSettings.compose,
        verifier: Verifier = RouteSettings.verifier,
        threshold: float | None = None,
        model: str | None = None,
        quantization: Quantization = "auto",
        chunks: bool = True,
    ) -> Iterator[Json]:
        """Solve a maths problem: sample several solutions with a local model and take the majority vote, without and
        with what it has learned from similar problems.

        Streams the run's events; the last item is the result, `{"kind": "result", …}`. Whoever hangs up stops the run.

        Args:
            problem: in words.
            samples: solutions that are sampled.
            max_new_tokens: where a solution is cut off.
            temperature: 0 is greedy.
            top_k: sample among the k likeliest tokens; 0 is the whole vocabulary.
            seed: same seed, same solutions; a random one by default.
            memory: auto (the nearest, if it is near enough), off, or the id of one.
            retrieval: found by the problem's embedding (input), by the model's own keys (kv), or by both.
            rank: by similarity, or by similarity and credit (utility).
            top_n: so many memories, if they are near enough.
            compose: more than one memory: side by side (parallel), or joined to one.
            verifier: who decides if the answers without and with memories differ.
            threshold: least similarity at which a memory is used, from -1 to 1; as measured by default.
            model: a preset, a hub id or a folder; what suits the machine by default.
            quantization: of the model's numbers.
            chunks: false leaves out the events that carry text as it is written.
        """
        with told():
            sampling = settings(
                SamplingSettings,
                samples=samples, max_new_tokens=max_new_tokens, temperature=temperature, top_k=top_k, seed=seed,
            )  # fmt: skip
            routing = settings(
                RouteSettings,
                memory=memory, retrieval=retrieval, rank=rank, top_n=top_n, compose=compose, verifier=verifier,
                threshold=threshold,
            )  # fmt: skip
            which = settings(ModelSettings, model=model, quantization=quantization)
            run = self.actions.solve(text(problem, "problem"), which, sampling, routing)
            yield from self._events(run, solve_json, chunks)

    def learn(
        self,
        problem: str,
        recipe: Recipe | None = None,
        form: Form | None = None,
        steps: int | None = None,
        variants: int | None = None,
        variant_traces: int | None = None,
        lessons: Lessons | None = None,
        rollouts: int | None = None,
        updates: int | None = None,
        virtual_tokens: int | None = None,
        learning_rate: float | None = None,
        temperature: float | None = None,
        max_new_tokens: int | None = None,
        init: _LearnInit | None = None,
        loss: Loss | None = None,
        reward: _LearnReward | None = None,
        min_agreement: float | None = None,
        measure_samples: int | None = None,
        keep: bool | None = None,
        seed: int | None = None,
        model: str | None = None,
        quantization: Quantization = "auto",
        chunks: bool = True,
    ) -> Iterator[Json]:
        """Learn a memory from a maths problem by its own majority vote, and store it. Takes minutes.

        Streams the run's events; the last item is the result, `{"kind": "result", …}`. Whoever hangs up stops the run,
        and the best so far is stored. What is not given is as it suits the recipe (docs/TRAINING.md).

        Args:
            problem: in words.
            recipe: distil, or paper: rewarded by the vote.
            form: a soft prompt, or a prefix.
            steps: gradient steps at most.
            variants: of distil: variants of the problem with other numbers and names.
            variant_traces: of distil: traces of each variant.
            lessons: of distil: learn all these traces, or those that agree about their variant.
            rollouts: of paper: rollouts of a step.
            updates: of paper: steps of the optimizer from one batch of rollouts.
            virtual_tokens: length of the memory.
            learning_rate: of AdamW.
            temperature: of the rollouts.
            max_new_tokens: where a rollout is cut off.
            init: where the memory starts.
            loss: of paper.
            reward: of paper; the others than majority and vote are for comparison.
            min_agreement: least share of the traces that a majority needs to be learned from, from 0 to 1.
            measure_samples: fresh samples before and after.
            keep: offer the memory even if it does not help.
            seed: same seed, same memory; a random one by default.
            model: a preset, a hub id or a folder; what suits the machine by default.
            quantization: of the model's numbers.
            chunks: false leaves out the events that carry text as it is written.
        """
        names = LearnSettings.__dataclass_fields__.keys()
        given = {name: value for name, value in locals().items() if name in names and value is not None}
        with told():
            usual = "paper" if OF_PAPER & given.keys() else LEARNS_BY
            which = settings(ModelSettings, model=model, quantization=quantization)
            learning = LearnSettings.by_recipe(**{**given, "recipe": text(recipe or usual, "recipe")})
            run = self.actions.learn(text(problem, "problem"), which, learning, None)
            yield from self._events(run, learn_json, chunks)

    def _events(self, run: str, document: Callable[[RunView], Json], chunks: bool) -> Iterator[Json]:
        """The events of a run as its log has them, then what came of it. Raises `ElmError` if it failed."""
        view = RunView()
        try:
            for entry in follow(self.runner.folder, run):
                view.apply(entry)
                if chunks or not isinstance(entry.event, TraceChunk):
                    yield {"seq": entry.seq, "at": entry.at, **event_to_json(entry.event)}
        finally:
            if not view.ended:
                self.runner.stop(run)
        if view.failure is not None:
            raise ElmError(view.failure.message, view.failure.remedy)
        yield {"kind": "result", **document(view)}
