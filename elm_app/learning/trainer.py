"""The loop that makes a memory: sample k rollouts, reward them, improve the soft prompt, write it down.

One `Trainer` is one memory. `measure` and `train` are generators of events; what has been made stands in `state`, which
is on disk after every step, so that a stop or a crash loses the current step at most.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from elm_app.core.config import LearnSettings, SamplingSettings
from elm_app.core.events import Event, Progress
from elm_app.core.learning_events import LearningEnded, MeasureFinished, PhaseStarted, StepFinished
from elm_app.core.types import LearnStep, Measured, Trace, Vote
from elm_app.engine.engine import Engine, RolloutRequest
from elm_app.engine.sampler import trace_seed
from elm_app.engine.token_entropy import spread
from elm_app.learning.checkpoint import Checkpoint
from elm_app.learning.rewards import BY_VOTE, SOURCES, Judged, Spread
from elm_app.learning.soft_prompt import cap, mean_length
from elm_app.learning.update import improve
from elm_app.rollouts.collect import Sampled, sample

PATIENCE = 3
"""Steps in a row without an update after which learning ends."""
_FULL = ("majority", "vote", "gold", "reference")
"""Rewards of which there is no more to be had once every rollout has 1."""
_EPSILON = 1e-8


class Trainer:
    """Learns one soft prompt, or prefix, for one problem.

    Args:
        prompt: token ids of the problem's prompt.
        state: where it starts; changed as it goes on.
        checkpoint: the file that is replaced after every step; None keeps nothing on disk.
        reward: overrides the source that the settings name.
        gold: the right answer, for the reward of that name.
        measured_with: the seed of the samples before learning, if they are known already.
    """

    betas = (0.9, 0.999)
    """Of AdamW."""

    def __init__(
        self,
        engine: Engine,
        prompt: list[int],
        settings: LearnSettings,
        state: Checkpoint,
        checkpoint: Path | None,
        stopped: Callable[[], bool] = lambda: False,
        reward: Callable[[Judged], list[float | None]] | None = None,
        gold: str | None = None,
        measured_with: int | None = None,
    ) -> None:
        self.engine, self.prompt, self.settings = engine, prompt, settings
        self.state, self.checkpoint, self.stopped = state, checkpoint, stopped
        self.reward = reward or SOURCES[settings.reward]
        self.votes = self.reward is SOURCES["majority"]
        self.needs_majority = reward is None and settings.reward in BY_VOTE
        self.gold = gold
        self.measure_seed = trace_seed(settings.seed, -1) if measured_with is None else measured_with
        self.attempts: list[Trace] = []
        """The traces of the last measurement."""
        self.sampling_seconds = 0.0

    def measure(self, when: Literal["before", "after"]) -> Generator[Event, None, Measured | None]:
        """Fresh samples without (before) or with (after) the soft prompt, with the same seeds; None if stopped."""
        settings, state = self.settings, self.state
        yield PhaseStarted(when, len(state.steps), settings.steps, settings.measure_samples)
        arm: Literal["zero_shot", "memory"] = "zero_shot" if when == "before" else "memory"
        sampled = yield from self._sample(
            arm, settings.measure_samples, settings.measure_temperature, self.measure_seed
        )
        if not sampled.whole:
            return None
        measured = sampled.measured(arm)
        self.attempts = [sampled.traces[arm][index] for index in range(settings.measure_samples)]
        state.seconds += self.sampling_seconds
        if when == "before":
            state.before = measured
        yield MeasureFinished(when, measured)
        return measured

    def prepare(self) -> None:
        """What has to be settled between measuring and the first step; it is in the checkpoint from then on."""

    def train(self) -> Generator[Event, None, LearningEnded]:
        """The steps that are left; the last event, which is also returned, says why there are no more."""
        ended = None
        while ended is None:
            ended = yield from self._step()
        yield ended
        return ended

    def best(self, ended: LearningEnded) -> Tensor:
        """The soft prompt to keep, fp32 (P, H): the last one, or the best one if learning broke off."""
        broke_off = ended.early and self.state.best_reward is not None
        return self.state.best if broke_off else self.state.soft_prompt

    def _step(self) -> Generator[Event, None, LearningEnded | None]:
        settings, state, began = self.settings, self.state, time.perf_counter()
        done = len(state.steps)
        if done == settings.steps:
            return LearningEnded(f"All {done} steps are done.", done, False)
        yield PhaseStarted("step", done + 1, settings.steps, settings.rollouts)
        seed = trace_seed(settings.seed, done)
        sampled = yield from self._sample("memory", settings.rollouts, settings.temperature, seed)
        if not sampled.whole:
            return LearningEnded(f"Stopped in step {done + 1}.", done, True)
        outcome, rollout_seconds = sampled.votes["memory"], time.perf_counter() - began
        rewards = self._rewards(sampled, outcome)
        no_majority = None
        if self.needs_majority and self.settings.reward != "vote" and outcome.agreement < 1:
            no_majority = nothing_to_learn(outcome, len(rewards), settings.min_agreement)
        full = self._full(rewards)
        skipped = no_majority or full or self._equal(rewards)
        reason = full or self._patience(skipped, no_majority)
        mean = float(rewards.mean())
        if state.updates and (state.best_reward is None or mean > state.best_reward):
            state.best_reward, state.best = mean, state.soft_prompt.clone()
        loss = norm = None
        if skipped is None:
            updating = time.perf_counter()
            yield Progress("update", "Improving the memory", 0, 0)
            loss, norm = self._update(sampled, rewards)
            update_seconds = time.perf_counter() - updating
        else:
            update_seconds = 0.0
        measured, seconds = sampled.measured("memory"), time.perf_counter() - began
        step = LearnStep(
            done + 1,
            outcome.answer,
            round(outcome.agreement, 4),
            round(mean, 4),
            measured.answered,
            measured.tokens,
            loss,
            norm,
            skipped,
            round(rollout_seconds, 3),
            round(update_seconds, 3),
            round(seconds, 3),
        )
        state.steps.append(step)
        state.seconds += seconds
        self.save()
        yield StepFinished(step)
        return LearningEnded(reason, done + 1, True) if reason else None

    def _sample(
        self, arm: Literal["zero_shot", "memory"], samples: int, temperature: float, seed: int
    ) -> Generator[Event, None, Sampled]:
        began = time.perf_counter()
        soft_prompt = self.state.soft_prompt if arm == "memory" else None
        sampling = SamplingSettings(samples, self.settings.max_new_tokens, temperature, 0, seed)
        request = RolloutRequest(self.prompt, samples, seed, soft_prompt)
        sampled = yield from sample(self.engine, {arm: request}, sampling, self.stopped)
        self.state.tokens += sampled.new_tokens
        self.sampling_seconds = time.perf_counter() - began
        return sampled

    def _rewards(self, sampled: Sampled, outcome: Vote) -> Tensor:
        """fp32 (k,); what cannot be judged is worth nothing."""
        state, settings = self.state, self.settings
        traces = [sampled.traces["memory"][index] for index in range(settings.rollouts)]

        def spreads() -> list[Spread]:
            rows = [sampled.tokens["memory"][index] for index in range(settings.rollouts)]
            how = (self.engine, self.prompt, state.soft_prompt)
            return [Spread(*spread(*how, row, settings.temperature)) for row in rows]

        judged = Judged(
            traces,
            outcome,
            state.before.vote if state.before else outcome,
            trace_seed(settings.seed, len(state.steps)),
            self.gold,
            state.reference,
            spreads,
        )
        return torch.tensor([value or 0.0 for value in self.reward(judged)])

    def _full(self, rewards: Tensor) -> str | None:
        """Why no rollout can get a better reward, or None."""
        if self.settings.reward not in _FULL or not bool((rewards == 1.0).all()):
            return None
        what = "agree" if self.votes else "have the full reward"
        return f"All {len(rewards)} rollouts {what}, so there is nothing left to learn."

    def _patience(self, skipped: str | None, no_majority: str | None) -> str | None:
        """Why no step can follow so many without an update, or None."""
        earlier = [step.skipped for step in self.state.steps[1 - PATIENCE :]]
        if not skipped or len(earlier) < PATIENCE - 1 or not all(earlier):
            return None
        what = "had no majority to learn from" if no_majority else "gave all rollouts the same reward"
        return f"{PATIENCE} steps in a row {what}."

    def _equal(self, rewards: Tensor) -> str | None:
        if bool((rewards == rewards[0]).all()):
            return f"All {len(rewards)} rollouts have the same reward, {float(rewards[0]):g}: no gradient."
        return None

    def _update(self, sampled: Sampled, rewards: Tensor) -> tuple[float, float]:
        """Steps of AdamW; returns the loss and the gradient's norm before it was cut."""
        settings = self.settings
        rows = [sampled.tokens["memory"][index] for index in range(settings.rollouts)]
        leaf, optimizer = self._optimizer()

        def log_probs(some: Sequence[Sequence[int]]) -> Tensor:
            return self.engine.log_probs(self.prompt, leaf, some, settings.temperature)

        loss, norm = improve(optimizer, [leaf], log_probs, rows, rewards, settings)
        self._keep(leaf, optimizer)
        return loss, norm

    def _rate(self) -> float:
        """The learning rate of the next step."""
        return self.settings.learning_rate

    def _optimizer(self) -> tuple[Tensor, torch.optim.Optimizer]:
        """The soft prompt as a leaf, (P, H), and AdamW as the last update left it."""
        state = self.state
        leaf = state.soft_prompt.clone().requires_grad_()
        optimizer = torch.optim.AdamW([leaf], self._rate(), self.betas, _EPSILON, weight_decay=0.0)
        if state.updates:
            moments = {"exp_avg": state.first_moment, "exp_avg_sq": state.second_moment}
            optimizer.state[leaf] = {"step": torch.tensor(float(state.updates)), **moments}
        return leaf, optimizer

    def _keep(self, leaf: Tensor, optimizer: torch.optim.Optimizer) -> None:
        """Take an update into the state."""
        state, settings = self.state, self.settings
        state.soft_prompt = leaf.detach().clone()
        if settings.norm_cap:
            state.soft_prompt = cap(state.soft_prompt, settings.norm_cap * mean_length(self.engine))
        moments = optimizer.state[leaf]
        state.first_moment, state.second_moment = moments["exp_avg"].clone(), moments["exp_avg_sq"].clone()
        state.updates = int(moments["step"])

    def save(self) -> None:
        """Write the checkpoint, if there is to be one."""
        if self.checkpoint is not None:
            self.state.save(self.checkpoint)

    def forget(self) -> None:
        """Remove it."""
        if self.checkpoint is not None:
            self.checkpoint.unlink(missing_ok=True)


def passed_over(outcome: Vote, samples: int, settings: LearnSettings) -> str | None:
    """Why a problem with this vote is not learned from at all, or None; a reward that needs no vote takes every one."""
    return nothing_to_learn(outcome, samples, settings.min_agreement) if settings.reward in BY_VOTE else None


def nothing_to_learn(outcome: Vote, samples: int, least: float = 0.0) -> str | None:
    """Why a vote leaves nothing to learn, in a sentence, or None.

    Args:
        least: share of the samples that have to agree; two of them in any case.

    >>> nothing_to_learn(Vote(None, 0.0, (), 8), 8)
    'None of the 8 traces has an answer, so there is no majority to learn from.'
    """
    if outcome.answer is None:
        return f"None of the {samples} traces has an answer, so there is no majority to learn from."
    if outcome.agreement == 1.0:
        return f"All {samples} traces agree, so there is nothing left to learn."
    if not outcome.agreed:
        return f"No two of the {samples} traces agree, so there is no majority to learn from."
    if outcome.agreement < least:
        wanted = math.ceil(least * samples - 1e-9)
        return f"Only {outcome.counts[0].count} of the {samples} traces agree; it is learned from {wanted} on."
    return None
