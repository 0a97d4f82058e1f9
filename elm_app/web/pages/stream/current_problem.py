"""The problem of a stream that goes on: its vote and its traces, small and live, with the way to the whole."""

from __future__ import annotations

import html

from elm_app.core.events import ProblemStarted
from elm_app.core.types import Arm
from elm_app.runs.state import RunView, TraceView
from elm_app.web.components import labels
from elm_app.web.components.answer_colors import AnswerClass, classes
from elm_app.web.components.markdown import inline_html
from elm_app.web.run import headline, render

TAIL = 260
"""Characters of a trace that are shown: its last ones."""


def now(current: ProblemStarted, solve: RunView | None, learn: RunView | None) -> str:
    """The current problem. `solve` and `learn` are the views of its runs, None as long as they have no log."""
    gold = "" if current.gold is None else f'<p class="gold">right answer <b>{inline_html(current.gold)}</b></p>'
    head = f'<div class="asked" data-key="asked"><p class="problem">{html.escape(current.problem)}</p>{gold}</div>'
    shown = learn or solve
    if shown is None:
        return f'{head}<p class="doing" data-key="doing">Reading the problem</p>'
    solved = "" if learn is None or solve is None else _solved(solve)
    bars = f'<div class="bars" data-key="bars-{shown.command}">{render.bars(shown)}</div>'
    return f"{head}{solved}{_doing(shown)}{bars}{_traces(shown)}"


def _doing(view: RunView) -> str:
    name = html.escape(view.run)
    what, link = ("Learning", "watch it learn") if view.command == "learn" else ("Solving", "watch its traces")
    way = f'<a href="?run={name}" data-run="{name}">{link}</a>'
    return f'<p class="doing" data-key="doing"><b>{what}</b> {render.status(view)} {way}</p>{_steps(view)}'


def _solved(view: RunView) -> str:
    """How solving ended, in one line, once learning has begun."""
    name = html.escape(view.run)
    link = f'<a href="?run={name}" data-run="{name}">its traces</a>'
    why = html.escape(headline.beside(view))
    return f'<p class="doing" data-key="solved"><b>{headline.in_a_line(view, "Answered ")}</b> {why} {link}</p>'


def _steps(view: RunView) -> str:
    """The steps of learning as boxes, the finished ones filled."""
    learn = view.learn
    if learn is None or not learn.steps or learn.steps > 100:
        return ""
    done = len(learn.finished)
    boxes = "".join(f'<i class="{"done" if place < done else ""}"></i>' for place in range(learn.steps))
    told = f"{done} of {labels.count(learn.steps, 'step')} done"
    return f'<div class="steps" data-key="steps" role="img" aria-label="{told}">{boxes}</div>'


def _traces(view: RunView) -> str:
    arms = labels.arms(view)
    sides = "".join(_side(view, arm, len(arms) > 1) for arm in arms)
    return f'<div class="sides" data-key="sides" data-count="{len(arms)}">{sides}</div>'


def _side(view: RunView, arm: Arm, named: bool) -> str:
    found = classes(view, arm)
    lines = "".join(
        _line(view.traces.get((arm, index)) or TraceView(arm, index), found) for index in range(view.samples)
    )
    title = f"<h4>{html.escape(labels.arm(view, arm))}</h4>" if named else ""
    return f'<div class="side" data-key="{arm}">{title}<ol>{lines}</ol></div>'


def _line(trace: TraceView, found: list[AnswerClass]) -> str:
    own = next((each for each in found if trace.index in each.traces), None)
    done = trace.trace
    if done is None:
        colour, said = "open", labels.count(trace.tokens, "token") if trace.tokens else "waiting"
    elif done.answer is None:
        colour, said = "none", "no answer"
    else:
        colour, said = own.colour if own else "kx", f"<b>{inline_html(done.answer)}</b>"
    last = " ".join(trace.text[-TAIL:].split())
    return (
        f'<li class="{colour}"><span class="place">{trace.index + 1}</span><span class="said">{said}</span>'
        f'<span class="last"><bdi>{html.escape(last)}</bdi></span></li>'
    )
