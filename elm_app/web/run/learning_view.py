"""What the page shows of a learning run: its view in, safe HTML out, one pure function for each thing."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Literal

from elm_app.answers.vote_words import agreement
from elm_app.core.events import Progress
from elm_app.core.types import Measured
from elm_app.runs.learning_progress import Course, left, sizes
from elm_app.runs.state import LearnView, RunView
from elm_app.web.components import labels
from elm_app.web.components.answer_colors import classes, colour_of
from elm_app.web.components.charts.learning_charts import (
    length_chart,
    loss_chart,
    norm_chart,
    reward_chart,
    rollouts_chart,
)
from elm_app.web.components.links import replay_link, run_link, save_link
from elm_app.web.components.markdown import inline_html
from elm_app.web.run import story

Colours = Mapping[str, str]
"""The colour of every answer that the run has shown so far; the same through all its steps."""
Stored = Literal["enabled", "disabled", "gone", "damaged"]
"""How the memory stands in the store now; it may have changed since the run ended."""


def status(view: RunView) -> str:
    """What is happening, in one line, as text."""
    learn = view.learn
    if learn is None:
        return {"done": "Done", "stopped": "Stopped before the first step"}.get(view.status, "Reading the problem")
    match view.status:
        case "done":
            return _outcome(learn)
        case "stopped":
            steps = learn.ended.steps if learn.ended else len(learn.finished)
            return f"Stopped after {steps} of {labels.count(learn.steps, 'step')}"
        case "reading" | "updating" if learn.phase == "fit":
            return labels.DOT.join(["Fitting the memory to the worked example", *layers_of(view.progress)])
        case "updating":
            return labels.DOT.join([_step(learn), "improving the memory"])
        case "storing":
            return "Storing the memory"
    finished = sum(trace.trace is not None for trace in view.traces.values())
    if learn.phase == "teach":
        doing = f"Solving {labels.variants(learn)} with a solution that won the vote in view"
        return labels.DOT.join([doing, f"{finished} of {learn.samples} finished"])
    if labels.worked(view):
        return labels.DOT.join([_step(learn), "improving the memory"])
    if learn.phase == "step":
        return labels.DOT.join(
            [_step(learn), f"trying {labels.count(learn.samples, 'solution')}", f"{finished} finished"]
        )
    return labels.DOT.join(
        [f"Measuring {learn.phase} learning", labels.count(learn.samples, "sample"), f"{finished} finished"]
    )


def layers_of(progress: Progress | None) -> list[str]:
    """How many layers are done, if that is known."""
    if progress is None or progress.unit != "layers":
        return []
    return [f"layer {int(progress.done) + 1} of {int(progress.total)}"]


def _step(learn: LearnView) -> str:
    return f"Step {learn.step} of {learn.steps}"


def _outcome(learn: LearnView) -> str:
    if learn.stored is None or learn.stored.memory is None:
        return "Nothing was learned"
    if not learn.stored.kept:
        return "Learning did not help"
    return learn.stored.reason.strip().removesuffix(".") or "Done"


def note(view: RunView) -> str:
    """Why it ended as it did, where the status does not say so."""
    learn = view.learn
    if learn is None or not view.ended or learn.ended is None:
        return ""
    if view.status == "stopped" and learn.stored is not None:
        return html.escape(learn.stored.reason if learn.stored.memory else learn.ended.reason)
    return html.escape(learn.ended.reason) if learn.ended.early else ""


def title(view: RunView) -> str:
    """What this run is about."""
    return "Learned from this problem" if view.status == "done" else "Learning from this problem"


def clock(view: RunView, course: Course, now: float) -> str:
    """How long it has taken and how long it will, as text."""
    if view.ended:
        return f"{labels.seconds(view.seconds)} in all"
    if view.learn is None:
        return ""
    gone = f"{labels.whole_seconds(now)} gone"
    rest = left(view, course, now)
    if rest is None:
        return gone
    rounded = 5 * round(rest / 5) if rest >= 60 else rest
    return f"{gone}, about {labels.seconds_left(rounded)}"


def about(seconds: float) -> str:
    """A length of time that is only roughly known.

    >>> about(12), about(48), about(250), about(3500), about(9000)
    ('about 10 s', 'about 50 s', 'about 4 min', 'about 58 min', 'about 2 h 30 min')
    """
    if seconds < 55:
        return f"about {max(5, 10 * round(seconds / 10))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min"
    minutes = 10 * round(minutes / 10)
    return f"about {minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")


def meta(view: RunView, solved: str | None) -> str:
    """How it learns, and where: settings, the run's address, the run that solved the problem before."""
    told = view.settings
    made_of = _DISTILLED_OF if labels.distils(view) else _MADE_OF
    parts = [labels.count(int(told[name]), one) for name, one in made_of if isinstance(told.get(name), int)]
    if isinstance(told.get("learning_rate"), int | float):
        parts.append(f"learning rate {told['learning_rate']:g}")
    if "seed" in told:
        parts.append(f"seed {html.escape(str(told['seed']))}")
    parts.append(run_link(view.run, f"run {view.run}"))
    if told.get("resumed_from"):
        parts.append(run_link(str(told["resumed_from"]), "goes on from an interrupted run"))
    if solved:
        parts.append(run_link(solved, "the run that solved it"))
    if view.ended:
        parts += [replay_link(view.run), save_link(view.run)]
    return f'<span class="where">{labels.DOT.join(parts)}</span>'


_MADE_OF = (("rollouts", "rollout"), ("virtual_tokens", "virtual token"))
_DISTILLED_OF = (("variants", "variant"), ("virtual_tokens", "virtual token"))


def hint(view: RunView, learned: str | None) -> str:
    """What to know before learning from a solved problem: that nothing may be left to learn, or that it was learned."""
    vote = next((changed.vote for changed in view.votes.values()), None)
    if learned:
        return run_link(learned, "learned from before")
    if vote is not None and not vote.agreed:
        return "It begins with fresh attempts, and ends there if no two of them agree."
    if vote is not None and vote.agreement == 1.0:
        return "All agree, so there may be nothing to learn."
    return ""


def charts(view: RunView) -> str:
    """The two charts over the steps."""
    learn = view.learn or LearnView()
    steps, total = learn.finished, sizes(view).steps
    if labels.distils(view):
        return loss_chart(steps, total) + norm_chart(steps, total)
    longest = view.settings.get("max_new_tokens")
    return reward_chart(steps, total) + length_chart(steps, total, longest if isinstance(longest, int) else 0)


def rollouts(view: RunView, known: Colours) -> str:
    """The traces of the current phase as bars."""
    learn = view.learn
    shown = (learn.samples or len(view.traces)) if learn else 0
    if not shown:
        return ""
    arm = labels.arms(view)[0]
    colours = {index: each.colour for each in classes(view, arm, known) for index in each.traces}
    limit = view.settings.get("max_new_tokens")
    rows = []
    for index in range(shown):
        trace = view.traces.get((arm, index))
        tokens = trace.tokens if trace else 0
        if trace is None or trace.trace is None:
            colour, label, said = "open", "", "still writing" if tokens else "waiting"
        elif trace.trace.answer is None:
            colour, label, said = "none", "–", "no answer"
        else:
            colour, label, said = colours.get(index, "kx"), trace.trace.answer, trace.trace.answer
        rows.append((f"{arm}-{index}", colour, tokens, label, f"{index + 1}: {said}, {labels.count(tokens, 'token')}"))
    longest = max([limit if isinstance(limit, int) else 0, *(row[2] for row in rows), 1])
    return rollouts_chart(f"{traces_title(view)}, length in tokens", rows, longest)


def traces_title(view: RunView) -> str:
    """What the traces below are."""
    learn = view.learn
    if learn is None:
        return "Traces"
    if labels.worked(view):
        return f"{labels.count(learn.samples or len(view.traces), 'worked example')} of {labels.variants(learn)}"
    if learn.phase == "step":
        return f"Step {learn.step}: {labels.count(learn.samples, 'rollout')}"
    return f"{learn.phase.capitalize()}: {labels.count(learn.samples, 'sample')}"


def measured(view: RunView, known: Colours) -> str:
    """How the problem stood before and after, as votes and in words."""
    learn = view.learn or LearnView()
    after_told = "measured when learning is done"
    if learn.ended is not None and view.ended:
        after_told = "not measured"
    return _measured("before", learn.before, known, "not measured" if view.ended else "being measured") + _measured(
        "after", learn.after, known, "being measured" if learn.phase == "after" and not view.ended else after_told
    )


def _measured(name: str, one: Measured | None, known: Colours, missing: str) -> str:
    bar, told = "", missing
    if one is not None:
        told = measured_words(one)
        bar = "".join(
            f'<i class="{colour_of(known, count.answer)}" style="width:{count.count / one.samples:.2%}" '
            f'title="{html.escape(f"{count.answer}: {count.count} of {one.samples}")}"></i>'
            for count in one.vote.counts
        )
        if one.vote.abstained:
            title_ = f"without an answer: {one.vote.abstained} of {one.samples}"
            bar += f'<i class="none" style="width:{one.vote.abstained / one.samples:.2%}" title="{title_}"></i>'
    answer = one.vote.answer if one else None
    value = f'<b title="{html.escape(answer)}">{inline_html(answer)}</b>' if answer is not None else "<b></b>"
    return (
        f'<div class="standing{"" if one else " missing"}" data-key="{name}"><span class="name">{name}</span>'
        f'<span class="votes">{bar}</span>{value}<span class="told">{html.escape(told)}</span></div>'
    )


def measured_words(one: Measured) -> str:
    """
    >>> from elm_app.core.types import AnswerCount, Vote
    >>> measured_words(Measured(Vote("72", 9 / 16, (AnswerCount("72", 9), AnswerCount("48", 2)), 5), 16, 11 / 16, 214))
    '9 of 16 agree · 31% unanswered · 214 tokens a trace'
    """
    agree = agreement(one.vote) if one.vote.counts else "no answer"
    return labels.DOT.join([agree, f"{1 - one.answered:.0%} unanswered", f"{one.tokens:.0f} tokens a trace"])


def stored(view: RunView, now: Stored) -> str:
    """What became of the memory, and what can be done with it."""
    learn = view.learn
    if learn is None or learn.stored is None or learn.stored.memory is None:
        return ""
    name = html.escape(learn.stored.memory)
    link = f'<a href="?memory={name}" data-memory="{name}">open</a>'
    use = f'<button type="button" data-ask="again" data-with="{name}">Solve with it</button>'
    match now:
        case "gone":
            if story.recorded(view.run):
                return "<p>The memory is not kept here: this run was recorded elsewhere.</p>"
            return f"<p>Memory {name} has been deleted since.</p>"
        case "damaged":
            return f'<p class="error"><strong>Memory {name} is damaged.</strong> Open it to see how. {link}</p>'
        case "enabled":
            return f"<p><strong>Kept as memory {name}.</strong> {link}</p>{use}"
    why = html.escape(learn.stored.reason)
    return (
        f"<p><strong>Stored as memory {name}, but disabled:</strong> {why} {link}</p>"
        f'<button type="button" data-ask="keep">Keep it anyway</button>{use}'
    )


def resume(view: RunView) -> str:
    """The button under a run that broke off and can go on."""
    learn = view.learn or LearnView()
    step = len(learn.finished) + 1
    again = f"Go on from step {step}" if step <= (learn.steps or step) else "Go on"
    return (
        f'<button type="button" data-ask="resume">{again}</button>'
        f"<span>{labels.count(step - 1, 'step')} kept in its checkpoint</span>"
    )
