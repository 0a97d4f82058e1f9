"""The attempts of a learning run, group by group: before and after learning, each step's rollouts, the worked examples.

A run's view keeps those of the current phase only. Rewards and advantages are not in the log: they are computed again
from the answers and the vote, by the method's own functions, and not told where that does not give what the log says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elm_app.answers.compare import comparer
from elm_app.core.errors import BadInput, RunError
from elm_app.core.events import RunStarted, TraceChunk, TraceFinished, VoteChanged
from elm_app.core.learning_events import LessonsTaken, MeasureFinished, Phase, PhaseStarted, StepFinished
from elm_app.core.types import Arm, LearnStep, Vote
from elm_app.learning.advantages import group_advantages
from elm_app.learning.rewards import SOURCES, Judged
from elm_app.runs.event_log import Entry, read
from elm_app.runs.state import RunView, TraceView

RECOMPUTED = ("majority", "vote", "gold", "inverted")
"""Rewards that follow from answers alone; the others need the model, or a seed's coin."""
_ROUNDED = 1e-3
"""The log's mean reward is rounded."""


@dataclass
class Group:
    """Attempts that were sampled together.

    Attributes:
        phase, step: what they are for; the step (from 1) counts in the phase `step` only.
        samples: k, how many there are to be.
        traces, votes: as the run's view had them in that phase.
        changed: `seq` of the entry that last changed how one of them stands; more text alone does not count.
        made: the step that they were for, once it is done.
    """

    phase: Phase
    step: int
    samples: int
    traces: dict[tuple[Arm, int], TraceView]
    votes: dict[Arm, VoteChanged]
    changed: int = 0
    made: LearnStep | None = None

    @property
    def key(self) -> str:
        return f"step-{self.step}" if self.phase == "step" else self.phase

    @property
    def vote(self) -> Vote | None:
        """Over those that have finished so far."""
        return next((changed.vote for changed in self.votes.values()), None)

    @property
    def whole(self) -> bool:
        """Whether all have finished."""
        found = self.by_index()
        return len(found) == self.samples and all(each.trace for each in found.values())

    def by_index(self) -> dict[int, TraceView]:
        """The attempts that have begun; there may be none beyond the k."""
        return {key[1]: self.traces[key] for key in sorted(self.traces) if key[1] < self.samples}


@dataclass
class Groups:
    """All groups of a run, by key, those of the runs that it goes on from included.

    Attributes:
        folder: where the logs are.
        changed: `seq` of the entry that last changed how an attempt stands.
    """

    folder: Path
    by_key: dict[str, Group] = field(default_factory=dict)
    changed: int = -1
    _now: Group | None = None

    def take(self, entry: Entry, view: RunView) -> None:
        """Look at an entry that the run's view has taken in."""
        event, now = entry.event, self._now
        match event:
            case RunStarted(command="learn") if "resumed_from" in event.settings:
                self.by_key = _groups_of(self.folder, event.settings["resumed_from"])
            case PhaseStarted() if event.samples:
                now = self._now = Group(event.phase, event.step, event.samples, view.traces, view.votes)
                self.by_key[now.key] = now
            case StepFinished() if f"step-{event.step.step}" in self.by_key:
                now = self.by_key[f"step-{event.step.step}"]
                now.made = event.step
            case MeasureFinished(when="before") if "before" not in self.by_key:
                now = _solved_before(self.folder, view)
                if now is not None:
                    self.by_key["before"] = now
            case LessonsTaken():
                now = self.by_key.get("teach")
            case TraceChunk():
                if now is None or now.traces[event.arm, event.index].text != event.text:  # not its first words
                    return
            case TraceFinished() | VoteChanged():
                pass
            case _:
                return
        if now is not None:
            now.changed = self.changed = entry.seq

    def ordered(self) -> list[Group]:
        """Before, worked examples, steps, after."""
        phases: list[Phase] = ["before", "teach", "step", "after"]
        return sorted(self.by_key.values(), key=lambda group: (phases.index(group.phase), group.step))


def _groups_of(folder: Path, run: object, later: frozenset[str] = frozenset()) -> dict[str, Group]:
    """The groups of a run that is over; none if its log is gone or damaged, or it goes on from one of the `later`."""
    if not isinstance(run, str) or run in later:
        return {}
    try:
        entries = read(folder, run)[0]
    except RunError:
        return {}
    view, groups = RunView(), Groups(folder)
    for entry in entries:
        view.apply(entry)
        if isinstance(entry.event, RunStarted):
            groups.by_key = _groups_of(folder, entry.event.settings.get("resumed_from"), later | {run})
        else:
            groups.take(entry, view)
    return groups.by_key


def _solved_before(folder: Path, view: RunView) -> Group | None:
    """In a stream a problem is not measured again before learning: its attempts are those of the run that solved it."""
    source, measured = view.settings.get("source_run"), view.learn.before if view.learn else None
    if not isinstance(source, str) or measured is None:
        return None
    try:
        solved = RunView()
        for entry in read(folder, source)[0]:
            solved.apply(entry)
    except RunError:
        return None
    traces = {key: trace for key, trace in solved.traces.items() if key[0] == "zero_shot"}
    votes = {arm: vote for arm, vote in solved.votes.items() if arm == "zero_shot"}
    group = Group("before", 0, measured.samples, traces, votes)
    return group if group.vote == measured.vote else None


@dataclass(frozen=True)
class Judgement:
    """What the rollouts of a step were worth.

    Attributes:
        rewards: of each, by index.
        advantages: the same; None if there was no update, or not yet.
    """

    rewards: tuple[float, ...]
    advantages: tuple[float, ...] | None


def judgement(group: Group, settings: Mapping[str, Any], before: Vote | None) -> Judgement | None:
    """What a step's rollouts were worth; None while some are being written, and where the log does not tell.

    Args:
        settings: of the run.
        before: the vote before learning.
    """
    name, vote = settings.get("reward"), group.vote
    traces = [each.trace for each in group.by_index().values() if each.trace is not None]
    if name not in RECOMPUTED or vote is None or not group.whole or len(traces) < 2:
        return None
    try:
        judged = SOURCES[name](Judged(traces, vote, before or vote, gold=known_right(settings)))
    except (BadInput, ValueError):
        return None
    rewards = [reward or 0.0 for reward in judged]
    made, mean = group.made, sum(rewards) / len(rewards)
    if made is None:
        return Judgement(tuple(rewards), None)
    if made.reward_mean is None or abs(mean - made.reward_mean) > _ROUNDED:
        return None
    gained = group_advantages(rewards, "grpo" if settings.get("loss") == "grpo" else "dr_grpo")
    return Judgement(tuple(rewards), None if made.skipped else tuple(gained))


@dataclass(frozen=True)
class Pair:
    """An attempt before learning and the one after it with the same seed.

    Attributes:
        place: from 0.
        was, now: whether each has the answer that counts; None where it has not finished, or none counts.
    """

    place: int
    before: TraceView | None
    after: TraceView | None
    was: bool | None
    now: bool | None

    @property
    def turned(self) -> int:
        """1 towards the answer that counts, -1 away from it, 0 neither."""
        return 0 if self.was is None or self.now is None else int(self.now) - int(self.was)


def known_right(settings: Mapping[str, Any]) -> str | None:
    """The right answer, where the run was told it."""
    gold = settings.get("gold")
    return gold if isinstance(gold, str) and gold.strip() else None


def wanted(settings: Mapping[str, Any], before: Group | None) -> str | None:
    """The answer that counts: the right one if the run knows it, else that of the majority before learning, if any."""
    vote = before.vote if before is not None else None
    majority = vote.answer if vote is not None and vote.agreed and not vote.tied else None
    return known_right(settings) or majority


def having(group: Group, answer: str) -> frozenset[int]:
    """The attempts whose answer means the same, by index."""
    counts = group.vote.counts if group.vote is not None else ()
    return frozenset(index for count in counts if comparer().equivalent(count.answer, answer) for index in count.traces)


def pairs(before: Group | None, after: Group | None, answer: str | None) -> list[Pair]:
    """The attempts before and after learning, the same seed opposite each other; one whose seed is not on the other
    side stands alone. Those that have not finished have told no seed yet and stand by their index.
    """
    first, second = (group.by_index() if group is not None else {} for group in (before, after))
    seeds = {each.trace.seed: index for index, each in second.items() if each.trace is not None}
    met = {index: seeds[each.trace.seed] for index, each in first.items() if each.trace and each.trace.seed in seeds}
    open_ = {index for index in range(after.samples if after else 0) if index not in second or not second[index].trace}
    opposite = {
        index: met.get(index, index if index in open_ else None) for index in range(before.samples if before else 0)
    }
    alone = [index for index in range(after.samples if after else 0) if index not in opposite.values()]
    those = [having(group, answer) if group and answer is not None else None for group in (before, after)]

    def counts(side: int, trace: TraceView | None) -> bool | None:
        right = those[side]
        return None if trace is None or trace.trace is None or right is None else trace.index in right

    made: list[Pair] = []
    for one, other in [*opposite.items(), *((-1, index) for index in alone)]:
        was, now = first.get(one), second.get(-1 if other is None else other)
        made.append(Pair(len(made), was, now, counts(0, was), counts(1, now)))
    return made
