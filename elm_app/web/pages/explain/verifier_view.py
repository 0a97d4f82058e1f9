"""What a verifier saw: its numbers side by side, trace by trace, and inside a trace step by step."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import pairwise

from elm_app.core.events import Verified
from elm_app.core.scores import SideScore, StepScore, TraceScore
from elm_app.runs.state import RunView
from elm_app.web.components import labels
from elm_app.web.components.markdown import inline_html

ABOUT = {
    "agreement": "The margin: votes of the winner minus votes of the next answer, divided by all traces.",
    "confidence": (
        "How sure the model was of its tokens: the mean log-probability of the tenth of 32-token windows where each "
        "trace is least sure, averaged over the traces that gave the answer. Nearer to 0 is surer."
    ),
    "prm": (
        "How probably each step is right, says a process reward model; a trace is worth its weakest step, an answer "
        "the mean over the traces that gave it."
    ),
}
SIDES = {"zero_shot": "Without a memory", "memory": "With the memory"}


def numbers(view: RunView) -> str:
    """The part of the page about the verifier; why it was not asked if it was not."""
    verified = view.verified
    if verified is None:
        told = "No verifier was asked." if view.decision is not None else "Nothing has been decided yet."
        if view.decision is not None and view.decision.source == "agreement":
            told = "No verifier was asked: both answers are the same."
        return f'<p class="quiet">{told}</p>'
    low, high = _range(verified)
    about = html.escape(ABOUT.get(verified.verifier, ""))
    won = view.decision.source if view.decision is not None else None
    sides = "".join(_side(view, one, low, high, one.side == won) for one in verified.sides)
    took = f" Weighed in {labels.seconds(verified.seconds)}." if verified.seconds >= 0.05 else ""
    return f'<p class="quiet">{about}{took}</p><div class="sides">{sides}</div>'


def _side(view: RunView, side: SideScore, low: float, high: float, won: bool) -> str:
    answer = inline_html(side.answer) if side.answer is not None else "no answer"
    traces = "".join(_trace(view, one, low, high) for one in sorted(side.traces, key=lambda one: one.score))
    return (
        f'<section class="side{" won" if won else ""}"><h4>{SIDES[side.side]}: <b>{answer}</b>'
        f'<span class="score">{number(side.score)}</span></h4>{traces}</section>'
    )


def _trace(view: RunView, trace: TraceScore, low: float, high: float) -> str:
    there = view.traces.get((trace.arm, trace.index))
    text = there.trace.text if there is not None and there.trace is not None else ""
    name = f"trace {trace.index + 1}" + ("" if trace.arm in SIDES else f", memory {trace.arm.removeprefix('memory_')}")
    return (
        f'<details class="weighed"><summary><span>{name}</span><span class="tint" style="--tint:'
        f'{_share(trace.score, low, high):.2f}">{number(trace.score)}</span></summary>'
        f'<p class="steps">{steps_html(text, trace.steps, low, high)}</p></details>'
    )


def steps_html(text: str, steps: Sequence[StepScore], low: float, high: float) -> str:
    """The text as safe HTML, each stretch tinted by the lowest score of the steps that it is in; the style sheet shows
    the number behind it.

    >>> steps_html("ab<", [StepScore(0, 2, 0.5)], 0.0, 1.0)
    '<span class="tint" style="--tint:0.50" data-score="0.50">ab</span>&lt;'
    """
    inside = [(max(0, one.start), min(len(text), one.end), one.score) for one in steps]
    cuts = sorted({0, len(text), *(cut for start, end, _ in inside if start < end for cut in (start, end))})
    parts: list[tuple[str, float | None]] = []
    for start, end in pairwise(cuts):
        score = min((value for first, last, value in inside if first <= start and end <= last), default=None)
        if parts and parts[-1][1] == score:
            parts[-1] = (parts[-1][0] + text[start:end], score)
        else:
            parts.append((text[start:end], score))
    return "".join(
        html.escape(part)
        if score is None
        else f'<span class="tint" style="--tint:{_share(score, low, high):.2f}" data-score="{number(score, 2)}">'
        f"{html.escape(part)}</span>"
        for part, score in parts
    )


def number(score: float, digits: int = 3) -> str:
    """
    >>> number(-0.4213), number(1), number(0.9871, 2)
    ('−0.421', '1.000', '0.99')
    """
    return f"{score:.{digits}f}".replace("-", "−")


def _range(verified: Verified) -> tuple[float, float]:
    """The lowest and the highest score of a step, between which tints go; of a probability always 0 and 1."""
    if verified.verifier == "prm":
        return 0.0, 1.0
    scores = [step.score for side in verified.sides for trace in side.traces for step in trace.steps]
    scores += [trace.score for side in verified.sides for trace in side.traces]
    return (min(scores), max(scores)) if scores else (0.0, 1.0)


def _share(score: float, low: float, high: float) -> float:
    """0 where the score is the lowest, 1 where it is the highest."""
    return 0.5 if high <= low else max(0.0, min(1.0, (score - low) / (high - low)))
