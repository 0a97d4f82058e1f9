"""What the page shows, one pure function for each thing: a run's view in, safe HTML out.

Elements that the page patches in place carry `data-key`, unique among their siblings (`run/run.js`).
"""

from __future__ import annotations

import html
from collections.abc import Iterable

from elm_app.core.events import Progress
from elm_app.core.types import Arm
from elm_app.runs.state import RunView, TraceView
from elm_app.web.components import labels
from elm_app.web.components.alerts import sentence
from elm_app.web.components.answer_colors import AnswerClass, classes
from elm_app.web.components.links import replay_link, run_link, save_link
from elm_app.web.components.markdown import inline_html
from elm_app.web.components.wait_rate import Pace, Wait
from elm_app.web.run import headline, learning_view

STAGES = {
    "download": "Fetching the model",
    "verify": "Checking the model's files",
    "convert": "Preparing the model, once",
    "load": "Loading the model",
    "prefill": "Reading the problem",
    "retrieve": "Looking for a memory",
    "weigh": "Weighing the answers",
}
WAITING = ("queued", "loading", "retrieving", "reading")
"""A solving run before its first token."""


def status(view: RunView, ahead: int = 0, pace: Pace | None = None) -> str:
    """What is happening, in one line."""
    if view.command == "learn" and view.status not in ("queued", "loading", "failed"):
        return html.escape(learning_view.status(view))
    match view.status:
        case "queued":
            parts = [labels.waiting(ahead)]
        case "loading":
            parts = wait(view.progress, pace or Pace()) if view.progress else [STAGES["load"]]
        case "retrieving":
            parts = [STAGES["retrieve"]]
        case "reading":
            parts = [STAGES["prefill"]]
        case "sampling":
            parts = [labels.finished_of(view), *_verdicts(view)]
        case "weighing":
            parts = wait(view.progress, pace or Pace()) if view.progress else [STAGES["weigh"]]
        case "done":
            return html.escape(headline.beside(view) or "Done")
        case "stopped" if view.model is None:
            parts = ["Stopped before the model was here"]
        case "stopped":
            parts = ["Stopped", labels.finished_of(view), *_verdicts(view)]
        case _:
            parts = ["This run did not finish"]
    return _join(parts)


def _verdicts(view: RunView) -> list[str]:
    arms = labels.arms(view)
    if len(arms) == 1:
        return labels.verdict(view, arms[0])
    sides = {"without": arms[0], "with": arms[1]}
    return [f"{side} it {', '.join(told)}" for side, arm in sides.items() if (told := labels.verdict(view, arm)[:1])]


def wait(progress: Progress, pace: Pace) -> list[str]:
    """What is waited for, how far it is, how fast it goes and how long it takes yet."""
    parts = [progress.message or STAGES[progress.stage], labels.amount(progress.done, progress.total, progress.unit)]
    if pace.per_second and progress.done < progress.total:
        if progress.unit == "B":
            parts.append(labels.rate(pace.per_second, progress.unit))
        parts.append(labels.seconds_left((progress.total - progress.done) / pace.per_second))
    return parts


def meta(view: RunView) -> str:
    """Speed, time, seed and the run's address."""
    parts = [html.escape(labels.speed(view))]
    if view.timing is not None:
        timing = view.timing
        whole = timing.prefill_seconds + timing.decode_seconds
        told = (
            f"Loading {labels.seconds(timing.load_seconds)}, reading {labels.seconds(timing.prefill_seconds)}, "
            f"sampling {labels.seconds(timing.decode_seconds)}, {labels.count(timing.new_tokens, 'new token')}"
        )
        parts.append(f'<span title="{html.escape(told)}">{labels.seconds(whole)}</span>')
    elif view.sampling_since is not None:
        parts.append(labels.seconds(view.seconds - view.sampling_since))
    where = [run_link(view.run, f"run {view.run}")]
    if "seed" in view.settings:
        where.insert(0, f"seed {html.escape(str(view.settings['seed']))}")
    if view.ended:
        where += [replay_link(view.run), save_link(view.run)]
    told = labels.DOT.join(part for part in parts if part)
    return f'{told}<span class="where">{labels.DOT if told else ""}{labels.DOT.join(where)}</span>'


def progress(view: RunView) -> str:
    """A bar for the wait before the first token: how far it has come, or that it goes on."""
    if view.status not in WAITING or view.learn is not None:
        return ""
    return wait_bar(view.progress if view.status == "loading" else None)


def wait_bar(wait: Progress | None) -> str:
    """How far a wait has come, or that it goes on."""
    if wait is None or wait.total <= 0:
        return '<div data-key="wait" class="wait unknown" role="progressbar" aria-label="Waiting"><i></i></div>'
    share = min(1.0, max(0.0, wait.done / wait.total))
    return (
        f'<div data-key="wait" class="wait" role="progressbar" aria-label="{html.escape(STAGES[wait.stage])}" '
        f'aria-valuemin="0" aria-valuemax="100" aria-valuenow="{share * 100:.0f}">'
        f'<i style="width:{share:.1%}"></i></div>'
    )


def coming(wait_for: Wait) -> str:
    """How far the weights are that are being fetched, in one line with a button that stops it."""
    return (
        f'<p data-key="far">{_join(wait(wait_for.progress, wait_for.pace))}</p>'
        '<button type="button" data-key="stop" data-do="unfetch">Stop</button>'
        f"{wait_bar(wait_for.progress)}"
    )


def bars(view: RunView) -> str:
    """One bar for each arm: its answer classes by their votes, the traces without an answer and the unfinished ones."""
    if view.status in WAITING or view.command == "learn":
        return ""
    arms = labels.arms(view)
    return "".join(_bar(view, arm, name=labels.arm(view, arm) if len(arms) > 1 else "") for arm in arms)


def _bar(view: RunView, arm: Arm, name: str) -> str:
    changed = view.votes.get(arm)
    total = max(view.samples, changed.samples if changed else 0, 1)
    found = classes(view, arm)
    shown = [each for each in found if each.colour != "kx"]
    parts = [
        _segment(f"c{place}", each.colour, inline_html(each.answer), each.answer, each.count, total, each.leads)
        for place, each in enumerate(shown)
    ]
    rest = [each for each in found if each.colour == "kx"]
    if rest:
        told = ", ".join(each.answer for each in rest[:12])
        label = labels.count(len(rest), "other")
        parts.append(_segment("rest", "kx", label, told, sum(each.count for each in rest), total, False))
    abstained = changed.vote.abstained if changed else 0
    finished = changed.finished if changed else 0
    parts.append(_segment("none", "none", "none", "without an answer", abstained, total, False))
    waiting = 0 if view.ended else total - finished
    parts.append(
        _segment("writing", "unfinished", _fitting("still writing", "writing"), "still writing", waiting, total, False)
    )
    missing = total - finished if view.ended else 0
    parts.append(
        _segment("missing", "unfinished", _fitting("not finished", "stopped"), "not finished", missing, total, False)
    )
    title = f'<span class="arm-name" data-key="name">{html.escape(name)}</span>' if name else ""
    return f'<div class="bar-row" data-key="{arm}">{title}<div class="bar" data-key="bar">{"".join(parts)}</div></div>'


def _fitting(label: str, short: str) -> str:
    """A label that gives way to a shorter one where it does not fit, and to none where that does not either."""
    return f'<span class="full">{label}</span><span class="short">{short}</span>'


def _segment(key: str, colour: str, label: str, told: str, count: int, total: int, major: bool) -> str:
    title = html.escape(f"{told}: {count} of {total}")
    kind = f"segment {colour}{' major' if major else ''}{' zero' if not count else ''}"
    return (
        f'<div data-key="{key}" class="{kind}" style="width:{count / total:.2%}" title="{title}"'
        f'{" aria-hidden=true" if not count else ""}><span class="label">{label}</span>'
        f'<span class="count">{count}</span></div>'
    )


def card(view: RunView, trace: TraceView, found: Iterable[AnswerClass], blocks: int) -> str:
    """A trace's card without its text: which it is, its answer, its length, how it stands."""
    own = next((each for each in found if trace.index in each.traces), None)
    done = trace.trace
    state, words_for_it = _state(view, trace)
    voteless = "open" if done is None else "none" if done.answer is None else "kx"
    colour = own.colour if own else voteless
    rank = own.rank if own else 900 if done is not None else 999
    value = "" if done is None else inline_html(done.answer) if done.answer is not None else "no answer"
    tip = html.escape(done.answer) if done is not None and done.answer is not None else ""
    kind = f"card {colour} {state}" + (" major" if own and own.leads else "")
    seed = f' title="seed {done.seed}, mean log-probability {done.mean_logprob:.2f}"' if done else ""
    return (
        f'<article class="{kind}" data-key="{trace.arm}-{trace.index}" data-blocks="{blocks}" '
        f'style="--place:{trace.index};--rank:{rank}" aria-label="Trace {trace.index + 1}">'
        f'<header><span class="number">{trace.index + 1}</span><span class="value" title="{tip}">{value}</span>'
        f'<span class="state"{seed}>{words_for_it}</span></header>'
        f'<div class="text" tabindex="0" role="region" aria-label="Text of trace {trace.index + 1}"></div></article>'
    )


def _state(view: RunView, trace: TraceView) -> tuple[str, str]:
    tokens = labels.count(trace.tokens, "token")
    if trace.trace is not None:
        if trace.trace.finished:
            return "finished", tokens
        cut = trace.tokens >= int(view.settings.get("max_new_tokens", 0))
        return ("cut", f"cut off at {tokens}") if cut else ("stopped", f"stopped at {tokens}")
    if view.ended:
        return "stopped", f"stopped at {tokens}" if trace.tokens else "not started"
    return ("writing", f"writing · {tokens}") if trace.tokens else ("waiting", "waiting")


def failure(view: RunView) -> str:
    """What went wrong and what to do, if the run failed."""
    return sentence(view.failure.message, view.failure.remedy) if view.failure is not None else ""


def chip(view: RunView) -> str:
    """The model in a few words, its full name on asking."""
    if view.model is None:
        return ""
    model = view.model
    told = f"{model.id}, {model.quantization}, {model.device}, SHA-256 {model.weights_sha256[:16]}…"
    auto = html.escape(model.id) if view.settings.get("model") == "auto" else ""
    return f'<span title="{html.escape(told)}" data-auto="{auto}">{html.escape(labels.model_chip(model))}</span>'


def _join(parts: Iterable[str]) -> str:
    return html.escape(labels.DOT.join(part for part in parts if part))
