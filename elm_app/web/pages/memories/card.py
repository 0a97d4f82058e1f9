"""A memory's card as HTML: like the label beside a specimen, everything that is known about it.

A card may come from a stranger's archive, so every text of it is escaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from elm_app.core.config import FORMS
from elm_app.core.text import size
from elm_app.core.types import LearnStep, Measured, Memory
from elm_app.store.row import record
from elm_app.web.components import found_memories, labels
from elm_app.web.components.charts.learning_charts import length_chart, loss_chart, norm_chart, reward_chart
from elm_app.web.components.markdown import inline_html

_COLOURS = 6
_CLASSES, _ROWS = 64, 1000
"""How many answer classes and steps are drawn; a card that was made by hand may have any number."""
_HEADS = (
    "Step", "Majority", "Reward", "Agreement", "Answered", "Tokens", "Loss", "Gradient", "Time", "What happened"
)  # fmt: skip
_REWARDS = {
    "majority": "the majority of each step's own tries",
    "vote": "the answer of the vote before learning",
    "distil": "none: solutions of variants, written with one of the majority's in view, made likelier",
}
_SETTINGS = {
    "model": "model", "quantization": "numbers", "device": "device", "steps": "steps", "rollouts": "tries a step",
    "updates": "updates a step", "recipe": "recipe", "form": "form", "variants": "variants",
    "variant_traces": "traces of each", "lessons": "learned are",
    "virtual_tokens": "virtual tokens", "learning_rate": "learning rate", "temperature": "temperature",
    "max_new_tokens": "new tokens", "init": "start", "loss": "loss", "reward": "reward", "clip_norm": "gradient norm",
    "min_agreement": "least agreement", "norm_cap": "longest virtual token", "measure_samples": "measured on",
    "measure_temperature": "measured at", "keep": "kept in any case", "seed": "seed", "architecture": "architecture",
}  # fmt: skip


def card(memory: Memory, has_run: bool, last_use: str | None = None) -> str:
    """The whole card; `has_run` is whether the log of the run that made it is here, to be opened, and `last_use` the
    newest run that used it."""
    name = html.escape(memory.id)
    return (
        f'<article class="specimen" data-id="{name}" aria-label="Memory {name}">'
        f"{_head(memory, has_run)}{_own_words(memory)}"
        f"{_votes(memory)}{_curves(memory)}{_facts(memory, has_run, last_use)}{_prompt(memory)}"
        f"{_steps(memory.steps)}{_settings(memory.settings)}</article>"
    )


def damaged(id: str, told: str) -> str:
    """What stands in a card's place if it cannot be read: `told`, and a way to delete it."""
    name = html.escape(id)
    return (
        f'<article class="specimen" data-id="{name}" aria-label="Memory {name}"><div class="acts">'
        f'<button type="button" data-act="ask" class="danger">Delete …</button></div>{told}'
        f"{_confirmation(id, 'Its folder and its place in the index go for good.')}"
        '<p class="outcome" data-part="outcome" role="status"></p></article>'
    )


def _head(memory: Memory, has_run: bool) -> str:
    offered = "offered" if memory.enabled else "not offered"
    why = f": {html.escape(memory.disabled_reason)}" if memory.disabled_reason and not memory.enabled else ""
    label, act = ("Disable", "disable") if memory.enabled else ("Enable", "enable")
    goes = (
        f"Its card, its {size(memory.bytes)} of learned numbers and its place in the index go for good."
        f"{' The run that made it stays in the list of runs.' if has_run else ''}"
    )
    return (
        f'<div class="acts"><span class="offer {"on" if memory.enabled else "off"}">{offered}{why}</span>'
        f'<button type="button" data-act="{act}">{label}</button>'
        '<button type="button" data-act="export">Export</button>'
        '<button type="button" data-act="ask" class="danger">Delete …</button></div>'
        f"{_confirmation(memory.id, goes)}"
        '<p class="outcome" data-part="outcome" role="status"></p>'
        f'<div class="title"><div class="given k0">{_answer(memory.answer)}</div>'
        f'<h2 class="problem">{html.escape(memory.problem)}</h2></div>'
        f'<p class="verdict {"good" if memory.improved else "plain"}"><strong>{_outcome(memory)}.</strong> '
        f"{html.escape(memory.verdict)}</p>"
    )


def _confirmation(id: str, goes: str) -> str:
    return (
        '<div class="confirm" data-part="confirm" role="alertdialog" '
        f'aria-label="Delete memory {html.escape(id)}?" hidden>'
        f"<p><strong>Delete this memory?</strong> {html.escape(goes)}</p>"
        '<button type="button" data-act="delete" class="danger">Delete for good</button>'
        '<button type="button" data-act="keep">Keep it</button></div>'
    )


def _answer(answer: str | None) -> str:
    if answer is None:
        return '<span class="value none">no answer</span>'
    kind = "value long" if len(answer) > 10 else "value"
    return f'<span class="{kind}" title="{html.escape(answer)}">{inline_html(answer)}</span>'


def _outcome(memory: Memory) -> str:
    if memory.after is None:
        return "Not measured after learning"
    return "It helped its own problem" if memory.improved else "It did not help its own problem"


def _own_words(memory: Memory) -> str:
    name = html.escape(memory.id)
    return (
        f'<div class="own"><label for="label-{name}">Label</label><input id="label-{name}" data-field="label" '
        f'type="text" maxlength="200" autocomplete="off" value="{html.escape(memory.label)}" '
        'placeholder="a name of your own">'
        f'<label for="note-{name}">Note</label><textarea id="note-{name}" data-field="note" rows="1" maxlength="20000" '
        f'placeholder="what you want to remember about it">\n{html.escape(memory.note)}</textarea></div>'
    )


def _votes(memory: Memory) -> str:
    colours: dict[str, str] = {}
    for measured in (memory.before, memory.after):
        for count in measured.vote.counts if measured else ():
            colours.setdefault(count.answer, f"k{len(colours)}" if len(colours) < _COLOURS else "kx")
    rows = [_measured("without it", memory.before, colours)]
    if memory.after is not None:
        rows.append(_measured("with it", memory.after, colours))
    return (
        '<section><h3>Fresh samples, before and after learning</h3><table class="votes"><thead class="unseen"><tr>'
        '<th scope="col">Which</th><th scope="col">Vote</th><th scope="col">Agreement</th><th scope="col">Answered</th>'
        f'<th scope="col">Length</th></tr></thead><tbody>{"".join(rows)}</tbody></table></section>'
    )


def _measured(name: str, measured: Measured, colours: dict[str, str]) -> str:
    vote, total = measured.vote, max(1, measured.samples)
    first = max((count.count for count in vote.counts), default=0)
    parts = [
        _segment(colours[count.answer], inline_html(count.answer), count.answer, count.count, total)
        for count in vote.counts[:_CLASSES]
    ]
    parts.append(_segment("none", "none", "without an answer", vote.abstained, total))
    agree = f"{first} of {measured.samples} agree" if vote.answer is not None else f"no answer in {measured.samples}"
    return (
        f'<tr><th scope="row">{name}</th><td class="wide"><div class="bar">{"".join(parts)}</div></td><td>{agree}</td>'
        f"<td>{measured.answered:.0%} answered</td><td>{measured.tokens:,.0f} tokens a trace</td></tr>"
    )


def _segment(colour: str, label: str, told: str, count: int, total: int) -> str:
    share = min(1.0, max(0.0, count / total))
    if not share:
        return ""
    return (
        f'<div class="segment {colour}" style="width:{share:.2%}" '
        f'title="{html.escape(f"{told}: {count} of {total}")}"><span class="label">{label}</span>'
        f'<span class="count">{count}</span></div>'
    )


def _curves(memory: Memory) -> str:
    steps = [replace(step, step=place) for place, step in enumerate(memory.steps[:_ROWS], 1)]
    if not steps:
        return ""
    total, longest = len(steps), memory.settings.get("max_new_tokens")
    drawn = (
        loss_chart(steps, total) + norm_chart(steps, total)
        if memory.settings.get("recipe") == "distil"
        else reward_chart(steps, total)
        + length_chart(steps, total, longest if isinstance(longest, int) else 0)
        + norm_chart(steps, total)
    )
    return f'<section><h3>While it learned</h3><div class="curves">{drawn}</div></section>'


def _facts(memory: Memory, has_run: bool, last_use: str | None) -> str:
    model, weights = memory.model, memory.model.weights_sha256[:12]
    run, own = html.escape(memory.run), html.escape(memory.id)
    made_by = (
        f'<a href="?run={quote(memory.run)}" data-run="{run}">{run}</a>' if has_run else f"{run}, not on this machine"
    )
    since = html.escape(_since(memory))
    if last_use:
        name = html.escape(last_use)
        since += f' · <a href="?explain={name}" data-explain-run="{name}">explain the last use</a>'
    facts = [
        ("Learned", f"{when(memory.created)}, in {labels.count(len(memory.steps), 'step')}"),
        ("Reward", html.escape(_REWARDS.get(memory.reward, memory.reward))),
        ("Cost", f"{labels.seconds(memory.seconds)}, {memory.tokens:,} tokens, measuring included"),
        ("Since then", since),
        ("Model", html.escape(f"{model.id}, {model.quantization}, {model.device}, weights {weights}")),
        (
            FORMS[memory.form].capitalize(),
            f"{labels.count(memory.virtual_tokens, 'virtual token')} × {memory.hidden_size} "
            f"{html.escape(memory.dtype)} numbers, {size(memory.bytes)}",
        ),
        ("Found by", html.escape(memory.embedder)),
        ("Run", made_by),
        ("Memory", f'<a href="?memory={quote(memory.id)}" data-memory="{own}">{own}</a>'),
    ]
    return f'<section><h3>Origin and cost</h3><dl class="facts">{_pairs(facts)}</dl></section>'


def _pairs(facts: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<div><dt>{term}</dt><dd>{told}</dd></div>" for term, told in facts)


def _since(memory: Memory) -> str:
    if not memory.retrieved:
        return "never used"
    told = f"used {labels.count(memory.retrieved, 'time')}, helped {memory.helped}, hurt {memory.hurt}"
    return told + (f": {record(memory.credit)}" if memory.credit else "")


def _prompt(memory: Memory) -> str:
    tokens = found_memories.virtual_tokens(memory, 5)
    if not tokens:
        return ""
    return (
        "<details><summary>Words nearest to each virtual token</summary>"
        '<p class="aside">A virtual token is no word; these are the vocabulary entries that point most nearly the same '
        f"way, nearest first.</p>{tokens}</details>"
    )


def _steps(steps: tuple[LearnStep, ...]) -> str:
    if not steps:
        return ""
    rows = "".join(
        f"<tr><td>{step.step}</td><td>{inline_html(step.answer) if step.answer is not None else '–'}</td>"
        f"<td>{_number(step.reward_mean, '.2f')}</td><td>{_number(step.agreement, '.0%')}</td>"
        f"<td>{_number(step.answered, '.0%')}</td>"
        f"<td>{step.tokens:,.0f}</td><td>{_number(step.loss)}</td><td>{_number(step.grad_norm)}</td>"
        f"<td>{labels.seconds(step.seconds)}</td><td>{html.escape(step.skipped or 'updated')}</td></tr>"
        for step in steps[:_ROWS]
    )
    columns = "".join(f'<th scope="col">{head}</th>' for head in _HEADS)
    return (
        f'<details><summary>{labels.count(len(steps), "step")} of learning, one by one</summary><div class="scroll">'
        f'<table class="steps"><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table></div></details>'
    )


def _number(value: float | None, how: str = ".3g") -> str:
    return "–" if value is None else f"{value:{how}}"


def _settings(settings: dict[str, Any]) -> str:
    facts = [(html.escape(_SETTINGS.get(name, name)), html.escape(_plain(value))) for name, value in settings.items()]
    if not facts:
        return ""
    return f'<details><summary>Settings</summary><dl class="facts narrow">{_pairs(facts)}</dl></details>'


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    told = f"{value:g}" if isinstance(value, float) else str(value)
    return told if len(told) <= 300 else told[:299] + "…"


def when(created: str) -> str:
    """A time as a reader has it, or what stands there if it is none."""
    try:
        return f"{datetime.fromisoformat(created).astimezone():%-d %b %Y, %H:%M}"
    except (ValueError, OverflowError):
        return html.escape(created)
