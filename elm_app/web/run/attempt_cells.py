"""The attempts of a learning run as cells: how each one stands, in a mark, a fill and in words; safe HTML out.

A cell is filled where its attempt has what counts (the reward, the right or the majority's answer), hollow where it has
not, hatched where it has no answer; its colour is that of its answer, as everywhere on the page.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from elm_app.core.learning_events import LessonsTaken
from elm_app.runs.rollout_groups import Group, Pair, having, judgement, known_right
from elm_app.runs.state import LearnView, RunView, TraceView
from elm_app.web.components import labels
from elm_app.web.components.answer_colors import colour_of

Colours = Mapping[str, str]
_WHEN = {"before": "Before", "after": "After"}


@dataclass(frozen=True)
class Cell:
    """An attempt as it stands.

    Attributes:
        key: of its group and its index, such as `step-3-4`.
        name: what it is, in words.
        trace: None while it waits.
        colour: of its answer's class; `open` while it is being written, `none` without an answer.
        mark: a figure or a sign: the reward, or whether it has the answer that counts.
        full: whether it has what counts; None where nothing does, or it is not known.
        facts: its answer, its length, what it was worth.
    """

    key: str
    name: str
    trace: TraceView | None
    colour: str
    mark: str
    full: bool | None
    facts: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"{self.name}: {', '.join(self.facts)}"


def cells_of(group: Group, view: RunView, known: Colours, answer: str | None) -> list[Cell]:
    """All attempts of a group, by index.

    Args:
        answer: the one that counts before and after learning, if any does.
    """
    learn = view.learn or LearnView()
    traces, vote = group.by_index(), group.vote
    colours = {
        index: colour_of(known, count.answer) for count in (vote.counts if vote else ()) for index in count.traces
    }
    before = learn.before.vote if learn.before else None
    judged = judgement(group, view.settings, before) if group.phase == "step" else None
    those = having(group, answer) if answer is not None and group.phase in _WHEN else None
    made = []
    for index in range(group.samples):
        trace = traces.get(index)
        name, mark, full = _name(group, index, learn), "", None
        facts: list[str] = []
        colour = "open"
        if trace is None or trace.trace is None:
            mark = "…" if trace else ""
            doing = "not finished" if view.ended or view.traces is not group.traces else "still being written"
            facts = [doing, labels.count(trace.tokens, "token")] if trace else ["waiting"]
        else:
            given = trace.trace.answer
            colour = "none" if given is None else colours.get(index, "kx")
            facts = ["no answer" if given is None else given, labels.count(trace.tokens, "token")]
            if judged is not None:
                full = judged.rewards[index] > 0
                mark = f"{judged.rewards[index]:g}"
                facts += [f"reward {mark}", *_advantage(judged.advantages, index, group)]
            elif group.phase == "teach":
                full, told = _lesson(index, learn.taken)
                mark, facts = _DOTS[full], [*facts, *told]
            elif group.phase == "step":
                mark = "·"
                facts += ["reward not in the log"] if group.made else []
            else:
                full = None if those is None else index in those
                right = known_right(view.settings) is not None
                mark = _TICKS[full] if right else _DOTS[full]
                facts += [] if full is None or given is None else [_WORDS[right][full]]
            mark = "–" if given is None else mark
        made.append(Cell(f"{group.key}-{index}", name, trace, colour, mark, full, tuple(facts)))
    return made


_DOTS: Mapping[bool | None, str] = {True: "●", False: "○", None: "·"}
_TICKS: Mapping[bool | None, str] = {True: "✓", False: "✗", None: "·"}
_WORDS = {
    True: {True: "right", False: "wrong"},
    False: {True: "the majority’s answer before learning", False: "another answer than the majority’s"},
}


def _name(group: Group, index: int, learn: LearnView) -> str:
    if group.phase == "step":
        return f"Step {group.step}, rollout {index + 1}"
    if group.phase == "teach":
        each = learn.worked.each if learn.worked else 1
        variant = f"Variant {index // each + 1}"
        return f"{variant}, trace {index % each + 1}" if each > 1 else variant
    return f"{_WHEN.get(group.phase, group.phase)}, attempt {index + 1}"


def _advantage(advantages: Sequence[float] | None, index: int, group: Group) -> list[str]:
    if advantages is not None:
        return [f"advantage {advantages[index]:+.2f}".replace("-", "−")]
    return ["no update, so no advantage"] if group.made is not None else []


def _lesson(index: int, taken: LessonsTaken | None) -> tuple[bool | None, list[str]]:
    if taken is None:
        return None, []
    return (True, ["learned"]) if index in taken.traces else (False, ["left out"])


def cell_html(cell: Cell) -> str:
    """A cell as a button that opens its attempt; the page's script says which are open (`run/attempts.js`)."""
    kind = f"cell {cell.colour}{' full' if cell.full else ''}"
    if cell.trace is None:
        return f'<span data-key="{cell.key}-waits" class="{kind} waits"></span>'
    label = html.escape(cell.label)
    writes = " data-writes" if cell.trace.trace is None else ""
    return (
        f'<button type="button" data-key="{cell.key}" data-attempt="{cell.key}" class="{kind}" tabindex="-1" '
        f'aria-pressed="false" aria-label="{label}"{writes}>{cell.mark}</button>'
    )


def column(key: str, name: str, head: str, cells: Sequence[Cell], idle: bool = False) -> str:
    """Attempts below each other under a head; `idle` if nothing was learned from them."""
    return (
        f'<div class="stack{" idle" if idle else ""}" data-key="{key}" role="group" aria-label="{html.escape(name)}">'
        f'<span class="head" data-key="head" aria-hidden="true">{html.escape(head)}</span>'
        f"{''.join(map(cell_html, cells))}</div>"
    )


def pair_html(pair: Pair, before: Cell | None, after: Cell | None, right: bool) -> str:
    """An attempt before learning, below it the one after it, and whether it turned."""
    name = f"Attempt {pair.place + 1} before and after"
    cells = "".join(
        cell_html(cell) if cell is not None else f'<span data-key="{key}" class="cell open waits"></span>'
        for key, cell in (("no-before", before), ("no-after", after))
    )
    sign, kind, told = _TURNS[pair.turned] if pair.was is not None and pair.now is not None else ("", "open", "")
    turn = '<span data-key="no-turn" class="turn"></span>'
    if sign and before is not None and after is not None:
        label = html.escape(f"Attempt {pair.place + 1} {told[right]}: compare before and after")
        turn = (
            f'<button type="button" data-key="turn" data-pair="{before.key} {after.key}" class="turn {kind}" '
            f'tabindex="-1" aria-label="{label}">{sign}</button>'
        )
    return (
        f'<div class="stack" data-key="pair-{pair.place}" role="group" aria-label="{name}">'
        f'<span class="head" data-key="head" aria-hidden="true">{pair.place + 1}</span>{cells}{turn}</div>'
    )


_TURNS: Mapping[int, tuple[str, str, Sequence[str]]] = {
    1: ("▲", "up", ("turned to the majority’s answer", "turned from wrong to right")),
    -1: ("▼", "down", ("turned away from the majority’s answer", "turned from right to wrong")),
    0: ("=", "same", ("stayed as it was", "stayed as it was")),
}


def turned(pairs: Sequence[Pair], right: bool) -> str:
    """How many attempts turned which way, in a sentence; "" where that is not known of any.

    Args:
        right: what counts is the right answer, not the majority's.
    """
    both = [pair for pair in pairs if pair.was is not None and pair.now is not None]
    if not both:
        return ""
    up, down = (sum(pair.turned == way for pair in both) for way in (1, -1))
    ways = ("from wrong to right", "from right to wrong") if right else ("to the majority’s answer", "away from it")
    if not up and not down:
        return f"None of {len(both)} attempts turned {ways[0]}, none {ways[1]}"
    return f"Of {labels.count(len(both), 'attempt')}, {up or 'none'} turned {ways[0]}, {down or 'none'} {ways[1]}"
