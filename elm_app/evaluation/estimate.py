"""What a benchmark takes: new tokens and time of every method, before it runs and while it does.

All is counted in traces: solving costs its k, learning its rollouts and its updates. It is what a method writes at
most: nothing is learned where no two traces agree. How long a trace is and how fast it is written is measured by a run,
or assumed and said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from elm_app.core.config import LearnSettings
from elm_app.evaluation.baselines import BY_GOLD, LEARNED
from elm_app.evaluation.baselines.self_consistency import POOL
from elm_app.evaluation.variants import VARIANTS
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.runs.learning_progress import planned
from elm_app.runs.state import RunView
from elm_app.runs.stream_state import BenchView

PER_SECOND = {"tiny": 519.0, "small": 519.0, "base": 223.0}
"""New tokens a second of 8 traces at once, by preset, as README has them (two shared cores; `tiny` as `small`)."""
SHARE_OF_LIMIT = 0.6
"""Length of a trace in that at which it is cut off, where no run has shown it."""
_TELLING = 2
"""Problems of a method whose median time says how long its others take."""


@dataclass(frozen=True)
class Cost:
    """Of one problem, in traces: `written` new tokens, and the `time`, updates included."""

    written: float
    time: float


@dataclass(frozen=True)
class TraceSpeed:
    """How long a trace is, in new tokens, and how many are written a second; `assumed` if no run has shown it."""

    trace_tokens: float
    per_second: float
    assumed: bool = False


def cost(method: str, settings: StreamSettings, beside: Sequence[str] = ()) -> Cost:
    """What a problem costs a method at most. `beside` are the methods of the same benchmark: what is learned from them
    is not learned once more."""
    k, learned, written = settings.sampling.samples, planned(settings.learning), _written(settings.learning)
    if method in VARIANTS:
        variant = VARIANTS[method]
        learns = variant.learns and not (variant.donor and "elm" in beside)
        return Cost(3 * k + written, 3 * k + learned.learned) if learns else Cost(2 * k, 2 * k)
    if method in ("elm_lora", "elm_prefix"):
        return Cost(2 * k + written, 2 * k + learned.learned)
    if method in (*LEARNED, *BY_GOLD):
        return Cost(k + written, k + learned.learned)
    if method == "self_consistency":
        return Cost(POOL * k, POOL * k)
    if method in ("icl_reflection", "reasoning_bank", "dynamic_cheatsheet", "ace"):
        return Cost(k + 1, k + 1)
    return Cost(k, k)


def _written(learning: LearnSettings) -> float:
    """Traces that learning writes, without those that it is measured by."""
    size = planned(learning)
    return size.worked or size.steps * size.rollouts


def pace_of(view: RunView) -> TraceSpeed | None:
    """As a solved problem has shown it."""
    timing, tokens = view.timing, [trace.tokens for trace in view.traces.values() if trace.tokens]
    if timing is None or not tokens or timing.tokens_per_second <= 0:
        return None
    return TraceSpeed(sum(tokens) / len(tokens), timing.tokens_per_second)


def assumed_pace(preset: str, settings: StreamSettings) -> TraceSpeed:
    """Where no run has shown it; an unknown model is taken to be as fast as the 1.5B."""
    tokens = SHARE_OF_LIMIT * settings.sampling.max_new_tokens
    return TraceSpeed(tokens, PER_SECOND.get(preset, PER_SECOND["base"]), True)


def tokens_and_seconds(one: Cost, pace: TraceSpeed, settings: StreamSettings, answers: int) -> tuple[float, float]:
    """New tokens and seconds of so many answers."""
    tokens = min(pace.trace_tokens, settings.sampling.max_new_tokens) * answers
    return one.written * tokens, one.time * tokens / pace.per_second


def seconds_left(
    bench: BenchView, methods: Sequence[str], seeds: Sequence[int], settings: StreamSettings
) -> float | None:
    """What is left takes so long: each method at the median of its own problems in this sitting, those that have not
    begun by what they cost beside them. None before the first answer."""
    now = bench.current
    if now is None or not bench.answered:
        return None
    costs = {method: cost(method, settings, methods).time for method in {*methods, *(_names(bench))}}
    pace = sum(bench.walls) / sum(costs[method] for method in _names(bench))
    each = {}
    for method in methods:
        own = [wall for name, wall in zip(_names(bench), bench.walls, strict=True) if name == method]
        each[method] = median(own) if len(own) >= _TELLING else costs[method] * pace
    pairs = [method for method in methods for _ in seeds]
    here = (now.total - bench.done_of_current) * each.get(now.method, 0.0)
    return here + sum(now.total * each[method] for method in pairs[now.place :])


def _names(bench: BenchView) -> list[str]:
    return [one.method for one in bench.answered]
