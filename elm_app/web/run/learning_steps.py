"""What the page shows of a learning run's steps, one by one, and of the variants that were solved before them."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from elm_app.core.types import LearnStep
from elm_app.runs.state import LearnView, RunView
from elm_app.web.components import labels
from elm_app.web.components.answer_colors import colour_of
from elm_app.web.components.markdown import inline_html

Colours = Mapping[str, str]


def steps_table(view: RunView, known: Colours) -> str:
    """What happened in each step."""
    learn = view.learn or LearnView()
    if not learn.finished:
        return _worked(learn) + '<p class="nothing">No step has finished yet.</p>'
    if labels.distils(view):
        return _worked(learn) + _losses(learn.finished)
    rows = "".join(_step_row(step, known) for step in learn.finished)
    return (
        '<table class="steps"><caption class="unseen">Steps of learning</caption><thead><tr><th scope="col">Step</th>'
        '<th scope="col">Majority</th><th scope="col" class="number">Agreement</th><th scope="col" class="number">'
        'Reward</th><th scope="col" class="number">Answered</th><th scope="col" class="number">Tokens</th>'
        '<th scope="col" class="number">Gradient</th><th scope="col" class="number">Time</th><th scope="col">'
        f"What happened</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _worked(learn: LearnView) -> str:
    """The variants that were solved, and which of their traces are learned."""
    worked = learn.worked
    if worked is None:
        return ""
    items = ""
    for place, text in enumerate(worked.variants):
        own = range(place * worked.each, (place + 1) * worked.each)
        used = "" if learn.taken is None else f" · {sum(index in learn.taken.traces for index in own)} learned"
        numbers = ", ".join(str(index + 1) for index in own)
        traces = f"{'trace' if worked.each == 1 else 'traces'} {numbers}{used}"
        items += f'<li>{inline_html(text)} <span class="quiet">{traces}</span></li>'
    reason = f"<p>{html.escape(learn.taken.reason)}</p>" if learn.taken else ""
    return (
        "<p>The same problem with other numbers, solved with a solution in view that won the vote. The memory "
        f'learns to bring these solutions about without it.</p><ol class="worked">{items}</ol>{reason}'
    )


def _losses(steps: Sequence[LearnStep]) -> str:
    """The steps of a run that distils."""
    rows = "".join(
        f'<tr><td>{step.step}</td><td class="number">{_three(step.loss)}</td>'
        f'<td class="number">{_three(step.grad_norm)}</td><td class="number">{step.tokens:.0f}</td>'
        f'<td class="number">{labels.seconds(step.seconds)}</td></tr>'
        for step in steps
    )
    return (
        '<table class="steps"><caption class="unseen">Steps of learning</caption><thead><tr><th scope="col">Step</th>'
        '<th scope="col" class="number">Loss, nats a token</th><th scope="col" class="number">Gradient</th>'
        '<th scope="col" class="number">Tokens</th><th scope="col" class="number">Time</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _three(value: float | None, how: str = ".3g") -> str:
    return "–" if value is None else f"{value:{how}}"


def _step_row(step: LearnStep, known: Colours) -> str:
    nothing = '<span class="quiet">none</span>'
    answer = nothing
    if step.answer is not None:
        answer = f'<i class="swatch {colour_of(known, step.answer)}"></i>{inline_html(step.answer)}'
    parts = f"rollouts {labels.seconds(step.rollout_seconds)}, update {labels.seconds(step.update_seconds)}"
    happened = html.escape(f"No update. {step.skipped}" if step.skipped else "The memory was improved.")
    return (
        f'<tr{" class=skipped" if step.skipped else ""}><td>{step.step}</td><td class="given">{answer}</td>'
        f'<td class="number">{_three(step.agreement, ".0%")}</td>'
        f'<td class="number">{_three(step.reward_mean, ".2f")}</td>'
        f'<td class="number">{_three(step.answered, ".0%")}</td><td class="number">{step.tokens:.0f}</td>'
        f'<td class="number">{_three(step.grad_norm)}</td>'
        f'<td class="number" title="{parts}">{labels.seconds(step.seconds)}</td>'
        f'<td class="happened">{happened}</td></tr>'
    )
