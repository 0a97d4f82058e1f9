"""Tail confidence: the side whose traces are surer of themselves where they are least sure.

After DeepConf (Fu et al., "Deep Think with Confidence", arXiv 2508.15260, section 3): a trace is judged by its worst
stretches, not by its mean, in which one shaky step drowns. Their group confidence is the mean over a sliding window of
tokens, and their bottom-10% group confidence the mean over the tenth of the windows with the lowest. Here it is the
same, but for two things. Theirs is the negative mean log-probability of the k likeliest candidates at each position;
ours is the log-probability of the token that was drawn, under the distribution that it was drawn from, because that is
the log-probability of the trace, and it is there already. And their windows of 1,024 or 2,048 tokens fit traces of tens
of thousands; ours are of `WINDOW`. (What they call tail confidence is the mean over the last tokens; the tail here is
that of the distribution over windows.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from elm_app.core.events import Progress
from elm_app.core.scores import SideScore, StepScore, TraceScore
from elm_app.routing.verifier import Sample, Side

WINDOW = 32
"""Tokens of a window."""
STRIDE = 16
"""Tokens from the start of a window to that of the next."""
SHOWN = 40
"""Windows or steps of a trace that are kept for people to see; the score is taken over all."""


def windows(logprobs: Sequence[float]) -> list[tuple[int, int, float]]:
    """(first token, token behind the last, mean log-probability) of each window, in order.

    The last window ends where the trace does, so every token is in one; a trace shorter than `WINDOW` is one window.
    """
    last = max(len(logprobs) - WINDOW, 0)
    starts = [*range(0, last, STRIDE), last]
    return [(start, start + WINDOW, fmean(logprobs[start : start + WINDOW])) for start in starts]


def lowest(scores: Sequence[float]) -> float:
    """The mean of the lowest tenth, at least one."""
    return fmean(sorted(scores)[: max(1, len(scores) // 10)])


def shown(steps: Sequence[StepScore]) -> tuple[StepScore, ...]:
    """The `SHOWN` lowest steps, in the order of the text: a log keeps what the score came from, not every stretch."""
    keep = sorted(range(len(steps)), key=lambda place: steps[place].score)[:SHOWN]
    return tuple(steps[place] for place in sorted(keep))


def trace_score(sample: Sample) -> TraceScore:
    """A trace's tail confidence, a mean log-probability (at most 0, higher is surer), with its windows."""
    found = windows(sample.logprobs)
    ends = (0, *sample.ends)  # ends[i] characters before token i
    steps = [StepScore(ends[first], ends[min(after, len(sample.ends))], score) for first, after, score in found]
    score = lowest([score for _, _, score in found])
    return TraceScore(sample.trace.arm, sample.trace.index, score, shown(steps))


class Confidence:
    """The mean tail confidence of the traces that gave the side's answer."""

    name = "confidence"

    def weigh(
        self,
        problem: str,  # noqa: ARG002
        sides: Sequence[Side],
        report: Callable[[Progress], None],  # noqa: ARG002
        stopped: Callable[[], bool],  # noqa: ARG002
    ) -> tuple[SideScore, ...]:
        """See `Verifier.weigh`."""
        weighed = []
        for side in sides:
            traces = tuple(trace_score(sample) for sample in side.supporters())
            score = fmean(trace.score for trace in traces)
            weighed.append(SideScore(side.side, side.vote.answer, score, traces))
        return tuple(weighed)
