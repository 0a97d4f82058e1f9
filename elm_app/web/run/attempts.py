"""All attempts of a learning run on the page: before and after opposite each other, and the groups in between."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from elm_app.runs.event_log import Entry
from elm_app.runs.learning_progress import sizes
from elm_app.runs.rollout_groups import RECOMPUTED, Group, Groups, Pair, known_right, pairs, wanted
from elm_app.runs.state import LearnView, RunView
from elm_app.web.components import labels
from elm_app.web.run.answers import AttemptColumns
from elm_app.web.run.attempt_cells import Cell, cells_of, column, pair_html, turned
from elm_app.web.run.comparison import opened

Colours = Mapping[str, str]
COMPARED = 2
"""So many attempts can be open at once."""


class Attempts:
    """The attempts' fragments, kept up to date with the run's view."""

    def __init__(self, folder: Path) -> None:
        self._groups = Groups(folder)
        self._columns: dict[str, tuple[str, int]] = {}
        self._parts: dict[str, str] = {}
        self._drawn: dict[str, tuple[Any, ...]] = {}

    def take(self, entry: Entry, view: RunView) -> None:
        """Look at an entry that the run's view has taken in."""
        self._groups.take(entry, view)

    def draw(self, view: RunView, known: Colours, seq: int) -> dict[str, str]:
        """The parts that stand once; the columns are kept for `answer`. What has not changed is not drawn again."""
        learn = view.learn or LearnView()
        shared = (len(known), view.ended, learn.taken is not None, learn.before is not None)
        if self._changed("", (self._groups.changed, shared)):
            for group in self._groups.ordered():
                if group.phase in ("teach", "step") and self._changed(group.key, (group.changed, shared)):
                    for key, drawn in _columns(group, view, known):
                        if self._columns.get(key, ("", 0))[0] != drawn:
                            self._columns[key] = (drawn, seq)
            self._parts = self._draw(view, known)
        return self._parts

    def _changed(self, name: str, version: tuple[Any, ...]) -> bool:
        old, self._drawn[name] = self._drawn.get(name), version
        return old != version

    def _draw(self, view: RunView, known: Colours) -> dict[str, str]:
        groups = self._groups.by_key
        before, after = groups.get("before"), groups.get("after")
        answer = wanted(view.settings, before)
        right = known_right(view.settings) is not None
        met = pairs(before, after, answer)
        cells = {group.key: cells_of(group, view, known, answer) for group in (before, after) if group is not None}
        said = turned(met, right) if after is not None and after.whole else ""
        return {
            "turned": html.escape(said or _count(self._groups.ordered(), view)),
            "pairs": "".join(_pair(pair, cells, right) for pair in met),
            "pairs-legend": _pairs_legend(right, answer is not None or not view.ended),
            "columns-title": _columns_title(view),
            "columns-legend": _columns_legend(view),
        }

    def answer(self, since: int, view: RunView) -> AttemptColumns | None:
        """The columns younger than `since`, and the order of all; None where nothing is learned."""
        if view.command != "learn":
            return None
        rows = sizes(view)
        return {
            "rows": rows.each if labels.distils(view) else rows.rollouts,
            "order": sorted(self._columns, key=_place),
            "columns": [(key, text) for key, (text, seq) in self._columns.items() if seq > since],
        }

    def opened(self, view: RunView, known: Colours, keys: Sequence[str]) -> str:
        """These attempts opened, as HTML; those that there are not are left out."""
        answer = wanted(view.settings, self._groups.by_key.get("before"))
        found: list[Cell] = []
        for key in keys[:COMPARED]:
            group = self._groups.by_key.get(key.rpartition("-")[0])
            every = cells_of(group, view, known, answer) if group is not None else []
            found += [cell for cell in every if cell.key == key and cell.trace is not None]
        return opened(found)


def _place(key: str) -> int:
    return int(key.rpartition("-")[2])


def _columns(group: Group, view: RunView, known: Colours) -> list[tuple[str, str]]:
    """A step's rollouts as one column; of the worked examples one for each variant."""
    cells, learn = cells_of(group, view, known, None), view.learn or LearnView()
    if group.phase == "step":
        made = group.made
        idle = made is not None and made.skipped is not None
        told = f"Step {group.step}" + (f", no update: {made.skipped}" if made is not None and made.skipped else "")
        return [(group.key, column(group.key, told, str(group.step), cells, idle))]
    each = max(1, learn.worked.each if learn.worked else 1)
    parts = [cells[first : first + each] for first in range(0, len(cells), each)]
    return [
        (f"variant-{place}", column(f"variant-{place}", f"Variant {place}", str(place), part))
        for place, part in enumerate(parts, start=1)
    ]


def _pair(pair: Pair, cells: Mapping[str, Sequence[Cell]], right: bool) -> str:
    def cell(group: str, index: int | None) -> Cell | None:
        return None if index is None else cells[group][index]

    before, after = (each.index if each is not None else None for each in (pair.before, pair.after))
    return pair_html(pair, cell("before", before), cell("after", after), right)


def _count(groups: Sequence[Group], view: RunView) -> str:
    """How many attempts there have been, by what they were for."""
    steps = [group for group in groups if group.phase == "step"]
    told = {
        "before": ("attempt before", "attempts before"),
        "teach": ("worked example", "worked examples"),
        "after": ("after", "after"),
    }
    parts = []
    for phase, (one, many) in told.items():
        if phase == "after" and steps:
            rollouts = labels.count(sum(len(group.traces) for group in steps), "rollout")
            parts.append(f"{rollouts} in {labels.count(len(steps), 'step')}")
        number = sum(len(group.traces) for group in groups if group.phase == phase)
        parts += [labels.count(number, one, many)] if number else []
    return ", ".join(parts) or ("none" if view.ended else "none yet")


def _sample(mark: str, kind: str, told: str) -> str:
    return f'<span class="key"><i class="cell {kind}" aria-hidden="true">{mark}</i> {told}</span>'


def _pairs_legend(right: bool, counts: bool) -> str:
    if not counts:
        return _sample("·", "plain", "an answer") + _sample("–", "none", "no answer")
    yes, no = ("✓", "✗") if right else ("●", "○")
    first, other = ("right", "wrong") if right else ("the majority’s answer before learning", "another")
    ways = ("turned to right", "to wrong") if right else ("turned to it", "away from it")
    cells = _sample(yes, "plain full", first) + _sample(no, "plain", other)
    return (
        cells
        + _sample("–", "none", f"none, counted as {other}")
        + "".join(
            f'<span class="key"><i class="turn {kind}" aria-hidden="true">{sign}</i> {told}</span>'
            for sign, kind, told in (("▲", "up", ways[0]), ("▼", "down", ways[1]))
        )
    )


def _columns_title(view: RunView) -> str:
    if not labels.distils(view):
        return "Rollouts by step"
    return "Worked examples by variant"


def _columns_legend(view: RunView) -> str:
    none = _sample("–", "none", "no answer")
    if labels.distils(view):
        told = "There are no rewards here: each step makes the solutions of one variant likelier."
        taken = _sample("●", "plain full", "learned") + _sample("○", "plain", "left out")
        return f'{taken}{none}<span class="key">{told}</span>'
    reward = view.settings.get("reward")
    if reward not in RECOMPUTED or (reward == "gold" and known_right(view.settings) is None):
        told = "an answer; what it was worth is not in the log, only the mean of a step"
        return _sample("·", "plain", told) + none
    rewards = _sample("1", "plain full", "reward 1") + _sample("0", "plain", "reward 0")
    idle = '<span class="key"><i class="head idle" aria-hidden="true">3</i> a step without an update</span>'
    return f'{rewards}{none}{idle}<span class="key">each answer has its colour</span>'
