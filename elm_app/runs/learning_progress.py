"""How far a learning run has come, how long it still takes, and how long one would take.

Everything is measured in samples: a step costs its rollouts and an update, measuring costs its samples. In a run that
distils, the variants cost theirs, the fit to the example its own, and a step an update by one variant's.
"""

from __future__ import annotations

from dataclasses import dataclass

from elm_app.core.config import LearnSettings
from elm_app.core.events import Progress
from elm_app.core.learning_events import MeasureFinished
from elm_app.runs.event_log import Entry
from elm_app.runs.state import LearnView, RunView

UPDATE = 1.8
"""Time of an update in that of its step's rollouts, until the run itself has shown it."""
DISTILLED = 2.2
"""Time of a distilling step's update in that of sampling its traces: there are fewer of them to a prompt."""
FITTED = 14.0
"""Time of fitting a memory to an example in that of sampling a worked variant."""
_RECENT = 3
"""Steps whose rollouts say how long the next ones take."""
_LONGEST_SHARE = 0.95
"""No part counts for more than this before it has ended."""


@dataclass
class Course:
    """What the run's view does not keep: when its parts began and how long they took."""

    before_seconds: float | None = None
    updating_since: float = 0.0
    farthest: float = 0.0
    """The largest share told so far."""

    def take(self, entry: Entry, learn: LearnView | None) -> None:
        """Look at an entry that the view has taken in."""
        match entry.event:
            case MeasureFinished(when="before") if learn is not None:
                self.before_seconds = entry.at - learn.phase_since
            case Progress(stage="update"):
                self.updating_since = entry.at


@dataclass(frozen=True)
class Sizes:
    """Samples of a measuring, rollouts of a step, steps, traces of all variants and of each; a run has either."""

    measured: int
    rollouts: int
    steps: int
    worked: int = 0
    each: int = 0
    fit: float = 0.0
    """What it costs to fit the memory to an example."""

    @property
    def step(self) -> float:
        """What a step costs."""
        return self.each * DISTILLED if self.worked else self.rollouts * (1 + UPDATE)

    @property
    def learned(self) -> float:
        """What learning costs without measuring."""
        return self.worked + self.fit + self.steps * self.step


def share(view: RunView, course: Course, now: float) -> float:
    """How much of the whole run is done, in [0, 1]; it never goes back.

    Args:
        now: seconds since the run began.
    """
    learn = view.learn
    if learn is None:
        return 0.0
    if view.status == "done" or learn.stored is not None:
        return 1.0
    size = sizes(view)
    whole = 2 * size.measured + size.learned
    done = 0.0
    if learn.before is not None:
        done = size.measured + len(learn.finished) * size.step
    elif learn.phase == "before":
        done = _sampled(view) * size.measured
    if size.worked and learn.before is not None:
        done += size.worked * (1.0 if learn.taken else _sampled(view) * (learn.phase == "teach"))
        done += size.fit * (_fitted(view) if learn.phase == "fit" else learn.phase == "step")
    if learn.phase == "step" and len(learn.finished) < learn.step and learn.ended is None:
        if size.worked:
            taken = _step_seconds(view, course, now)
            done += size.step * min(_LONGEST_SHARE, (now - learn.phase_since) / taken if taken else 0.0)
        else:
            done += _sampled(view) * size.rollouts + _updated(view, course, now) * size.rollouts * UPDATE
    if learn.ended is not None:  # steps that will not be made count as made
        done = size.measured + size.learned
        if learn.phase == "after":
            done += _sampled(view) * size.measured
    course.farthest = max(course.farthest, min(1.0, done / whole))
    return course.farthest


def left(view: RunView, course: Course, now: float) -> float | None:
    """Seconds until the run ends, as far as its own speed so far says; None while nobody knows."""
    learn = view.learn
    if learn is None or view.ended or learn.stored is not None:
        return None
    size = sizes(view)
    each = _seconds_each(view, course, now)
    if each is None:
        return None
    measuring = (course.before_seconds or each * size.measured) if size.measured else 0.0
    update = _update_ratio(learn) * each * size.rollouts
    rest = 0.0
    if learn.phase == "before" and learn.before is None:
        rest += _rest(view, now, each)
    if learn.ended is None and size.worked:
        rest += _rest_of_distilling(view, course, now, each)
    elif learn.ended is None:
        rest += (size.steps - max(len(learn.finished), learn.step)) * (each * size.rollouts + update)
        if learn.phase == "step" and len(learn.finished) < learn.step:
            if view.status == "updating":
                rest += max(0.0, update - (now - course.updating_since))
            else:
                rest += _rest(view, now, each) + update
    return rest + (_rest(view, now, measuring / max(1, size.measured)) if learn.phase == "after" else measuring)


def estimate(view: RunView, learning: LearnSettings) -> float | None:
    """Seconds that learning from a solved problem takes here, by the speed and the length of that run's traces."""
    timing = view.timing
    traces = [trace.tokens for trace in view.traces.values() if trace.tokens]
    if timing is None or not traces or timing.tokens_per_second <= 0:
        return None
    tokens = min(sum(traces) / len(traces), learning.max_new_tokens)
    size = planned(learning)
    samples = 2 * size.measured + size.learned
    reading = timing.prefill_seconds * (learning.steps + 2) if not size.worked else 0.0  # else in the steps' time
    return samples * tokens / timing.tokens_per_second + reading


def planned(learning: LearnSettings) -> Sizes:
    """What a run with these settings is made of, if it goes to its last step."""
    worked = learning.variants * learning.variant_traces if learning.recipe == "distil" else 0
    fit = FITTED if learning.init == "example" else 0.0
    return Sizes(learning.measure_samples, learning.rollouts, learning.steps, worked, learning.variant_traces, fit)


def sizes(view: RunView) -> Sizes:
    """What the run's settings say, mended where a log leaves something out."""
    learn = view.learn or LearnView()
    numbers = {name: _whole(view.settings.get(name)) for name in ("measure_samples", "rollouts", "steps")}
    steps, worked, each = learn.steps or numbers["steps"] or 1, 0, 0
    if view.settings.get("recipe") == "distil":
        each = _whole(view.settings.get("variant_traces"))
        worked = _whole(view.settings.get("variants")) * each
        if learn.worked is not None:
            each = learn.worked.each
            worked = len(learn.worked.variants) * each
    fit = FITTED if view.settings.get("init") == "example" else 0.0
    return Sizes(numbers["measure_samples"], numbers["rollouts"] or 1, steps, worked, each, fit)


def _step_seconds(view: RunView, course: Course, now: float) -> float:
    """Of a distilling run: how long a step takes, by the last ones, or by how long it took to sample."""
    learn, size = view.learn or LearnView(), sizes(view)
    if recent := learn.finished[-_RECENT:]:
        return sum(step.seconds for step in recent) / len(recent)
    return size.step * (_seconds_each(view, course, now) or 0.0)


def _rest_of_distilling(view: RunView, course: Course, now: float, each: float) -> float:
    """Seconds until the last step of a distilling run has been made."""
    learn, size = view.learn or LearnView(), sizes(view)
    step = _step_seconds(view, course, now)
    rest = (size.steps - len(learn.finished)) * step
    if learn.taken is None and not learn.finished:
        rest += _rest(view, now, each) if learn.phase == "teach" else each * size.worked
    if learn.phase in ("before", "teach", "fit"):
        rest += each * size.fit * (1 - _fitted(view) * (learn.phase == "fit"))
    if learn.phase == "step" and len(learn.finished) < learn.step:
        rest -= min(_LONGEST_SHARE * step, max(0.0, now - learn.phase_since))
    return rest


def _fitted(view: RunView) -> float:
    """How far the memory is fitted to an example, in [0, 1]."""
    progress = view.progress
    return progress.done / progress.total if progress is not None and progress.unit == "layers" else 0.0


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _sampled(view: RunView) -> float:
    """How much of the current samples is written, in [0, 1]: by tokens, those that are done saying how long one is."""
    total = view.samples
    if not total:
        return 0.0
    done = [trace for trace in view.traces.values() if trace.trace is not None]
    if len(done) >= total:
        return 1.0
    limit = _whole(view.settings.get("max_new_tokens")) or 512
    long = sum(trace.tokens for trace in done) / len(done) if done else limit * 0.6
    writing = sum(min(_LONGEST_SHARE, trace.tokens / max(long, 1)) for trace in view.traces.values() if not trace.trace)
    return min(1.0, (len(done) + writing) / total)


def _updated(view: RunView, course: Course, now: float) -> float:
    if view.status != "updating" or view.learn is None:
        return 0.0
    rollouts = max(0.1, course.updating_since - view.learn.phase_since)
    return min(_LONGEST_SHARE, max(0.0, now - course.updating_since) / (rollouts * _update_ratio(view.learn)))


def _update_ratio(learn: LearnView) -> float:
    """Seconds of updates for a second of rollouts, steps without an update included."""
    steps = learn.finished[-2 * _RECENT :]
    rollouts = sum(step.rollout_seconds for step in steps)
    if len(steps) < 2 or rollouts <= 0:
        return UPDATE
    return max(0.05, sum(step.update_seconds for step in steps) / rollouts)


def _seconds_each(view: RunView, course: Course, now: float) -> float | None:
    """Seconds for one rollout of a step, all being written at once."""
    learn, size = view.learn or LearnView(), sizes(view)
    if learn.finished and not size.worked:
        recent = learn.finished[-_RECENT:]
        return sum(step.rollout_seconds for step in recent) / len(recent) / size.rollouts
    if course.before_seconds is not None and size.measured:
        return course.before_seconds / size.measured
    sampled = _sampled(view)
    return (now - learn.phase_since) / (sampled * view.samples) if sampled > 0.05 and view.samples else None


def _rest(view: RunView, now: float, each: float) -> float:
    """Seconds until the current samples are written."""
    learn, sampled = view.learn or LearnView(), _sampled(view)
    planned = max(0.0, each * view.samples * (1 - sampled))
    if sampled < 0.1:
        return planned
    paced = (now - learn.phase_since) / sampled * (1 - sampled)
    return sampled * paced + (1 - sampled) * planned
