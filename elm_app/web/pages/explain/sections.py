"""Explain: why this memory, what it changed, and who decided. A run's view and the store in, safe HTML out."""

from __future__ import annotations

import html
from collections.abc import Sequence

from elm_app.answers.reading import key
from elm_app.core.errors import ElmError
from elm_app.core.types import Match, Memory, Vote
from elm_app.retrieval.retriever import UTILITY
from elm_app.runs.state import RunView
from elm_app.store.row import record
from elm_app.store.store import Store
from elm_app.web.components import found_memories, labels
from elm_app.web.components.common_words import marked
from elm_app.web.components.markdown import inline_html
from elm_app.web.components.settings.form import VERIFIERS
from elm_app.web.pages.explain.verifier_view import numbers
from elm_app.web.run import headline

Point = tuple[float, float]
EMPTY = (
    '<div class="empty"><p class="lead">Which memory, why, and did it help?</p><p>Solve a problem that a stored memory '
    "is near to. This page then shows what was found, what the memory changed, and how the decision was made.</p>"
    '<p><a href="?" data-tab="solve">Solve a problem</a></p></div>'
)
EXAMPLE = (
    '<p class="example">An example, recorded with the default model. Solve a problem that a memory of your own is '
    'near to, and this page explains that run. <a href="?" data-tab="solve">Solve a problem</a></p>'
)


def page(view: RunView, store: Store, plane: str, acts: str = "") -> str:
    """The whole page for one run; `plane` is the map's SVG, or empty, and `acts` the section of `effect_view`."""
    if view.command != "solve":
        name = html.escape(view.run)
        return (
            f'<div class="empty"><p>Run {name} did not solve a problem, so there is nothing to explain. '
            f'<a href="?run={name}" data-run="{name}">Open it</a></p></div>'
        )
    used = found_memories.used(view.retrieved) if view.retrieved else []
    parts = [_head(view), _found(view, store, plane)]
    parts += [_beside(view, memory, store) for memory in used]
    if used:
        parts += [_section("What the memory changed", _changed(view)), acts, _section("Who decided", _decided(view))]
    return "".join(parts)


def _section(title: str, body: str) -> str:
    return f"<section><h3>{title}</h3>{body}</section>"


def _head(view: RunView) -> str:
    name = html.escape(view.run)
    value = headline.in_a_line(view) if view.decision else "…"
    reason = html.escape(view.decision.reason) if view.decision else "The run has not ended."
    return (
        f'<header><p class="problem">{html.escape(view.problem)}</p><p class="decision"><b>{value}</b> {reason}</p>'
        f'<p class="quiet"><a href="?run={name}" data-run="{name}">run {name}</a></p></header>'
    )


def _found(view: RunView, store: Store, plane: str) -> str:
    found = view.retrieved
    if found is None:
        return _section("What was found", '<p class="quiet">This run looked for no memory.</p>' + _again(view, []))
    if not found.matches:
        return _section("What was found", f'<p class="quiet">{html.escape(found.reason)}</p>')
    used = found_memories.used(found)
    by = {"input": "the problem's meaning", "kv": "the model's own keys", "both": "both, their mean"}[found.retrieval]
    rows = "".join(_match(match, match.id in used, _memory(store, match.id), view) for match in found.matches)
    utility = '<th scope="col">Utility</th>' if found.rank == "utility" else ""
    table = (
        '<table class="matches"><caption class="unseen">Nearest memories</caption><thead><tr>'
        '<th scope="col">Meaning</th>'
        f'<th scope="col">KV</th>{utility}<th scope="col">Learned from</th><th scope="col">Record</th>'
        f'<th scope="col"></th></tr></thead><tbody>{rows}</tbody></table>'
    )
    formula = f'<p class="quiet">{UTILITY}</p>' if found.rank == "utility" else ""
    told = (
        f"<p>{html.escape(found.reason)} Found by {by}; a memory is used by itself {found_memories.least(found)}.</p>"
    )
    body = f'<div class="found"><div>{told}{table}{formula}{_again(view, used)}</div>{plane}</div>'
    return _section("What was found", body)


def _match(match: Match, used: bool, memory: Memory | None, view: RunView) -> str:
    name, rank = html.escape(match.id), view.retrieved.rank if view.retrieved else ""
    utility = f'<td class="score">{_cosine(match.utility)}</td>' if rank == "utility" else ""
    gone, told = memory is None, "not kept here" if memory is None else html.escape(record(memory.credit))
    button = '<span class="used">used</span>' if used else ""
    if not used and not gone and view.ended:
        button = f'<button type="button" data-explain="again" data-memory="{name}">Run again with this one</button>'
    return (
        f'<tr{" class=used" if used else ""}><td class="score">{_cosine(match.input)}</td><td class="score">'
        f'{_cosine(match.kv)}</td>{utility}<td class="what"><a href="?memory={name}" data-memory="{name}">'
        f"{found_memories.problem(match, 140)}</a></td><td>{told}</td>"
        f'<td class="do">{button}</td></tr>'
    )


def _again(view: RunView, used: Sequence[str]) -> str:
    """The counterfactuals: the same problem, seed and settings, without the memory or with another verifier."""
    if not view.ended:
        return ""
    buttons = []
    if used:
        buttons.append('<button type="button" data-explain="again" data-memory="off">Run again without it</button>')
    if view.verified is not None:
        other = [(told.split(":")[0], name) for told, name in VERIFIERS if name != view.verified.verifier]
        buttons += [
            f'<button type="button" data-explain="again" data-verifier="{name}">Run again, judged by {told}</button>'
            for told, name in other
        ]
    if view.retrieved is None:
        buttons.append('<button type="button" data-explain="again" data-memory="auto">Run again with memories</button>')
    return f'<p class="do">{" ".join(buttons)}</p>' if buttons else ""


def _beside(view: RunView, id: str, store: Store) -> str:
    """The problem and the memory's, with what they share; the memory's record and its switch, if it is here."""
    name, memory = html.escape(id), _memory(store, id)
    near = view.retrieved.matches if view.retrieved else ()
    learned = memory.problem if memory else next((match.problem for match in near if match.id == id), "")
    return _section(
        "The two problems",
        f'<div class="pair"><div><h4>Asked</h4><p>{marked(view.problem, learned)}</p></div>'
        f'<div><h4><a href="?memory={name}" data-memory="{name}">The memory was learned from</a></h4>'
        f"<p>{marked(learned, view.problem)}</p></div></div>"
        f'<p class="quiet">Marked: words and numbers that both have. {_record(memory)}',
    )


def _record(memory: Memory | None) -> str:
    """What became of a memory, and its switch; the end of a paragraph, and another."""
    if memory is None:
        return "The memory itself is not kept here.</p>"
    name = html.escape(memory.id)
    switch = (
        f'<button type="button" data-explain="switch" data-memory="{name}" data-on="0">Switch this memory off</button>'
        if memory.enabled
        else f'<span class="off">switched off</span> <button type="button" data-explain="switch" data-memory="{name}" '
        'data-on="1">Switch it on again</button>'
    )
    return f'Its record: {html.escape(record(memory.credit))}.</p><p class="do">{switch}</p>'


def _changed(view: RunView) -> str:
    arms = [arm for arm in labels.arms(view) if arm in view.votes]
    if len(arms) < 2:
        return f'<p class="quiet">No two arms have a finished trace{"" if view.ended else " yet"}.</p>'
    names = "".join(f'<th scope="col">{html.escape(labels.arm(view, arm))}</th>' for arm in arms)
    votes = [view.votes[arm].vote for arm in arms]
    rows = [
        f'<tr><th scope="row">{inline_html(answer)}</th>{_cells(counts)}<td>{_became(counts)}</td></tr>'
        for answer, counts in compared(votes, view.decision is not None and view.decision.source == "agreement")
    ]
    rows.append(f'<tr><th scope="row">no answer</th>{_cells([vote.abstained for vote in votes])}<td></td></tr>')
    more = [
        ("agreement", [f"{vote.agreement:.0%}" for vote in votes]),
        ("tokens a trace", [_mean(view, arm) for arm in arms]),
        ("cut off", [_cut(view, arm) for arm in arms]),
    ]
    rows += [
        f'<tr class="more"><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}<td></td></tr>'
        for name, cells in more
    ]
    return (
        '<table class="changed"><caption class="unseen">Answers without and with the memory</caption><thead><tr>'
        f'<th scope="col">Answer</th>{names}<th scope="col"></th></tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


def compared(votes: Sequence[Vote], agreed: bool = False) -> list[tuple[str, list[int]]]:
    """Every answer with its votes in each arm, most votes first.

    Each arm's vote names its classes by its own traces, so the same answer can be spelled in several ways. Equal keys
    bring them together; `agreed` says that the winners of two arms mean the same, whatever their keys.
    """
    names: dict[str, str] = {}
    answers: dict[str, list[int]] = {}
    for place, vote in enumerate(votes):
        for rank, count in enumerate(vote.counts):
            name = key(count.answer)
            if agreed and len(votes) == 2 and place == 1 and rank == 0 and votes[0].counts:
                name = key(votes[0].counts[0].answer)
            answers.setdefault(names.setdefault(name, count.answer), [0] * len(votes))[place] += count.count
    return sorted(answers.items(), key=lambda item: (-sum(item[1]), item[0]))


def _cells(counts: Sequence[int]) -> str:
    return "".join(f"<td>{count or '–'}</td>" for count in counts)


def _became(counts: Sequence[int]) -> str:
    """
    >>> _became([3, 0]), _became([0, 2]), _became([1, 4]), _became([2, 2]), _became([4, 1])
    ('vanished', 'appeared', 'grew', '', 'shrank')
    """
    before, after = counts[0], max(counts[1:])
    if before == after:
        return ""
    if not before or not after:
        return "appeared" if after else "vanished"
    return "grew" if after > before else "shrank"


def _mean(view: RunView, arm: str) -> str:
    lengths = [one.tokens for (other, _), one in view.traces.items() if other == arm]
    return f"{sum(lengths) / len(lengths):.0f}" if lengths else "–"


def _cut(view: RunView, arm: str) -> str:
    done = [one.trace for (other, _), one in view.traces.items() if other == arm and one.trace is not None]
    return f"{sum(not trace.finished for trace in done)} of {len(done)}"


def _decided(view: RunView) -> str:
    reason = f"<p>{html.escape(view.decision.reason)}</p>" if view.decision else ""
    votes = {arm: changed.vote for arm, changed in view.votes.items()}
    margins = "; ".join(f"{html.escape(labels.arm(view, arm))} {_margin(vote)}" for arm, vote in votes.items())
    kept = "".join(f'<p class="quiet">{html.escape(one.problem)}</p>' for one in view.credited if one.problem)
    return f'{reason}<p class="quiet">Votes: {margins}.</p>{numbers(view)}{kept}'


def _margin(vote: Vote) -> str:
    counts = [count.count for count in vote.counts]
    return " to ".join(str(count) for count in counts[:2]) if len(counts) > 1 else f"{counts[0] if counts else 0} to 0"


def _memory(store: Store, id: str) -> Memory | None:
    """The card, or None if it is gone or cannot be read: the Memories page says which."""
    try:
        return store.get(id)
    except ElmError:
        return None


def _cosine(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def plane_svg(
    points: Sequence[Point], matches: Sequence[tuple[Point, float, bool]], query: Point | None, total: int
) -> str:
    """The map, 320 × 320: memories as dots, the matches (place, score, whether used) larger, lines to the problem.

    Places are in [-1, 1]; `total` is how many memories there are, of which `points` may be a sample.
    """

    def at(point: Point) -> tuple[float, float]:
        return 160 + 148 * point[0], 160 - 148 * point[1]

    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2"/>' for x, y in map(at, points))
    lines, rings = [], []
    for point, score, used in matches:
        x, y = at(point)
        kind = ' class="used"' if used else ""
        if query is not None:
            a, b = at(query)
            lines.append(f'<line{kind} x1="{a:.1f}" y1="{b:.1f}" x2="{x:.1f}" y2="{y:.1f}"/>')
        rings.append(f'<circle{kind} cx="{x:.1f}" cy="{y:.1f}" r="5"><title>{score:.2f}</title></circle>')
    own = ""
    if query is not None:
        a, b = at(query)
        own = f'<path class="query" d="M{a - 6:.1f} {b:.1f}l6 -6l6 6l-6 6Z"/>'
    told = "Map of the memories: the problem as a diamond, lines to its matches" if query else "Map of the memories"
    some = f" {len(points):,} of {total:,} memories shown." if len(points) < total else ""
    return (
        f'<figure class="plane"><svg viewBox="0 0 320 320" role="img" aria-label="{told}"><g class="all">{dots}</g>'
        f'<g class="lines">{"".join(lines)}</g><g class="matched">{"".join(rings)}</g>{own}</svg>'
        f"<figcaption>{told}.{some}</figcaption></figure>"
    )
