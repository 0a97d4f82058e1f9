"""The list of memories: what is asked for, and a page of it as HTML."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elm_app.core.errors import BadInput
from elm_app.core.text import beginning, memories
from elm_app.retrieval.retriever import THRESHOLD
from elm_app.store.row import SORTS, Row
from elm_app.web.components import labels
from elm_app.web.components.markdown import inline_html
from elm_app.web.pages.memories.card import when

PAGE = 50
"""Memories on a page."""
NEAREST = 200
"""Memories that a search gives at most."""
_CHOICES = {"": None, "yes": True, "no": False}


@dataclass(frozen=True)
class Wanted:
    """What a page asks the list for.

    Attributes:
        text: a problem to search by; empty lists all that fit.
        model: the hash of a model's weights, or None for all.
        offset: how many are left out before the first.
    """

    text: str = ""
    model: str | None = None
    enabled: bool | None = None
    improved: bool | None = None
    sort: str = "created"
    descending: bool = True
    offset: int = 0

    @property
    def filters(self) -> dict[str, Any]:
        """As `Store.page`, `nearest` and `vectors` take them."""
        return {"model": self.model, "enabled": self.enabled, "improved": self.improved}

    @property
    def filtered(self) -> bool:
        """Whether some memories are left out."""
        return any(value is not None for value in self.filters.values())


def wanted(ask: Mapping[str, Any]) -> Wanted:
    """What a browser asked for; raises `BadInput` where it is not what the page sends.

    >>> wanted({"text": " eggs ", "enabled": "no", "sort": "gain:desc", "offset": 50})
    Wanted(text='eggs', model=None, enabled=False, improved=None, sort='gain', descending=True, offset=50)
    """
    sort, _, way = str(ask.get("sort") or "created:desc").partition(":")
    offset = ask.get("offset", 0)
    enabled, improved = (str(ask.get(name) or "") for name in ("enabled", "improved"))
    if sort not in SORTS or enabled not in _CHOICES or improved not in _CHOICES:
        raise BadInput("The memories cannot be listed so.", "Reload the page.")
    if isinstance(offset, bool) or not isinstance(offset, int) or offset < 0:
        raise BadInput("The memories cannot be listed from there.", "Reload the page.")
    text, model = str(ask.get("text") or "").strip(), str(ask.get("model") or "") or None
    return Wanted(text, model, _CHOICES[enabled], _CHOICES[improved], sort, way != "asc", offset)


def rows_html(rows: Sequence[Row], scores: Mapping[str, float] | None = None, several_models: bool = False) -> str:
    """The rows of the list, each with a box to tick and a link to its card; with scores where it was searched."""
    return "".join(_row(row, None if scores is None else scores[row.id], several_models) for row in rows)


def _row(row: Row, score: float | None, several_models: bool) -> str:
    name = html.escape(row.id)
    title = html.escape(beginning(row.problem, 220))
    label = f'<span class="label">{html.escape(row.label)}</span> ' if row.label else ""
    marks = [] if row.enabled or row.damaged else ["disabled"]
    if row.damaged:
        marks.append("damaged")
    elif not row.improved and row.enabled:
        marks.append("did not help")
    if several_models and row.model:
        marks.append(labels.model_size(row.model) if row.model.count("/") else row.model)
    if row.retrieved:
        marks.append(f"used {labels.count(row.retrieved, 'time')}")
    said = "".join(f'<span class="mark">{html.escape(mark)}</span>' for mark in marks)
    answer = f'<span class="given">{inline_html(row.answer)}</span>' if row.answer is not None else ""
    made = when(row.created)
    kind = "row" + ("" if row.enabled else " off") + ("" if score is None or score >= THRESHOLD else " far")
    return (
        f'<li class="{kind}" data-id="{name}">'
        f'<input type="checkbox" data-pick="{name}" aria-label="Select memory {name}">'
        f'<a href="?memory={name}" data-memory="{name}"><span class="what">{label}{title}</span>'
        f'<span class="more">{answer}<span class="change">{_change(row)}</span>{said}'
        f'<span class="when" title="{made}">{made.split(",")[0]}</span></span></a>{_score(score)}</li>'
    )


def _change(row: Row) -> str:
    """
    >>> from types import SimpleNamespace as R
    >>> _change(R(agreement_before=0.5, agreement_after=0.75)), _change(R(agreement_before=0.5, agreement_after=None))
    ('50% → 75% agree', '50% agree, not measured after')
    """
    if row.agreement_before is None:
        return ""
    if row.agreement_after is None:
        return f"{row.agreement_before:.0%} agree, not measured after"
    return f"{row.agreement_before:.0%} → {row.agreement_after:.0%} agree"


def _score(score: float | None) -> str:
    if score is None:
        return ""
    near = "near enough to be used" if score >= THRESHOLD else "too far to be used by itself"
    return (
        f'<span class="score" title="similarity {score:.3f}, {near}"><b>{score:.2f}</b>'
        f'<i style="--share:{max(0.0, min(1.0, score)):.3f}"></i></span>'
    )


def told(asked: Wanted, total: int, shown: int, all: int) -> str:
    """What the list shows, in words.

    >>> told(Wanted(), 1000, 50, 1000), told(Wanted(enabled=True), 7, 7, 12), told(Wanted(text="eggs"), 12, 12, 12)
    ('1–50 of 1,000 memories', '7 of 12 memories', '12 memories, the nearest in meaning first')
    """
    if not shown:
        return f"None of {memories(all)} fits." if all else "No memories yet."
    if asked.text:
        most = f"the {total:,} nearest of {memories(all)}"
        if total == all:
            most = f"{memories(total)}, the nearest in meaning first"
        return most if total <= PAGE else f"{asked.offset + 1:,}–{asked.offset + shown:,}, {most}"
    if total > PAGE:
        rest = f", {all:,} in all" if total < all else ""
        return f"{asked.offset + 1:,}–{asked.offset + shown:,} of {memories(total)}{rest}"
    return memories(total) if total == all else f"{total:,} of {memories(all)}"


def pager(asked: Wanted, total: int) -> str:
    """Buttons for the page before and the page after, if there is more than one."""
    if total <= PAGE:
        return ""
    page, pages = asked.offset // PAGE, -(-total // PAGE)

    def button(offset: int, name: str, label: str, off: bool) -> str:
        return (
            f'<button type="button" data-offset="{offset}" aria-label="{label}" {"disabled" if off else ""}>'
            f"{name}</button>"
        )

    return "".join(
        [
            button(0, "«", "First page", page == 0),
            button(max(0, page - 1) * PAGE, "‹ before", "Page before", page == 0),
            f"<span>page {page + 1:,} of {pages:,}</span>",
            button((page + 1) * PAGE, "after ›", "Page after", page + 1 >= pages),
            button((pages - 1) * PAGE, "»", "Last page", page + 1 >= pages),
        ]
    )


def models_html(models: Mapping[str, str]) -> str:
    """The choices of the model filter; two of the same name are told apart by their weights."""
    names = list(models.values())
    options = ['<option value="">all models</option>']
    for sha, id in sorted(models.items(), key=lambda item: (item[1], item[0])):
        name = id if names.count(id) == 1 else f"{id} ({sha[:8]})"
        options.append(f'<option value="{html.escape(sha)}">{html.escape(name)}</option>')
    return "".join(options)


def glance(row: Row) -> str:
    """A memory in a few words, for the map."""
    given = f'<span class="given">{inline_html(row.answer)}</span>' if row.answer is not None else ""
    label = f'<span class="label">{html.escape(row.label)}</span> ' if row.label else ""
    return (
        f'<span class="what">{label}{html.escape(beginning(row.problem, 160))}</span>'
        f'<span class="more">{given}<span class="change">{_change(row)}</span></span>'
    )
