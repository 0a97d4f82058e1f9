"""Memories as HTML: which ones a problem reminded of (a run's `Retrieved` in), and the words near to one."""

from __future__ import annotations

import html

from elm_app.core.events import Retrieved
from elm_app.core.types import Match, Memory
from elm_app.runs.state import RunView
from elm_app.web.components import labels


def line(view: RunView) -> str:
    """The memory that is used, or why none is, in one line; empty if none was looked for."""
    found = view.retrieved
    if found is None:
        return ""
    first = next((match for match in found.matches if match.id == found.used), None)
    if first is not None:
        more = f" with {len(used(found)) - 1} more" if len(used(found)) > 1 else ""
        return f'<span class="what">{problem(first, 140)}</span><span class="how">{_score(first)}, used{more}</span>'
    if found.used is not None:
        return f'<span class="what">{html.escape(found.used)}</span><span class="how">used</span>'
    return f'<span class="how">None used. {html.escape(found.reason)}</span>'


def matches(view: RunView) -> str:
    """All that was found: how near, what it was learned from, its card, and a way to use it."""
    found = view.retrieved
    if found is None or not found.matches:
        return ""
    rows = "".join(_row(match, found, view.ended) for match in found.matches)
    others = [("off", "Solve without a memory")] if found.used else []
    if view.settings.get("memory", "auto") != "auto":
        others.append(("auto", "Solve with what is nearest"))
    buttons = "".join(
        f'<button type="button" data-ask="again" data-with="{name}">{told}</button> ' for name, told in others
    )
    return (
        '<table class="matches"><caption class="unseen">Nearest memories</caption><thead><tr>'
        f'<th scope="col">Similarity</th><th scope="col">Learned from</th><th scope="col"></th></tr></thead>'
        f'<tbody>{rows}</tbody></table><p class="why">{html.escape(found.reason)}</p>'
        f"{buttons if view.ended else ''}"
    )


def used(found: Retrieved) -> list[str]:
    """The memories of all arms, in their order; a log from before there were several names one."""
    return [id for ids in found.arms.values() for id in ids] or ([found.used] if found.used else [])


def virtual_tokens(memory: Memory, most: int) -> str:
    """The vocabulary words nearest to each virtual token, so many at most, as a list; empty if its card has none."""
    rows = "".join(
        f"<li>{''.join(f'<code>{html.escape(labels.vocabulary_word(word))}</code>' for word in words[:most])}</li>"
        for words in (row or ("–",) for row in memory.words)
    )
    return f'<ol class="tokens">{rows}</ol>' if rows else ""


def _row(match: Match, found: Retrieved, ended: bool) -> str:
    name = html.escape(match.id)
    own = match.id in used(found)
    button = '<span class="used">used</span>' if own else ""
    if not own and ended:
        button = f'<button type="button" data-ask="again" data-with="{name}">Use it</button>'
    return (
        f'<tr{" class=used" if own else ""}><td class="score" title="cosine; used by itself {least(found)}">'
        f'{_gauge(match.score, found.threshold)}</td><td class="what">'
        f'<a href="?memory={name}" data-memory="{name}">{problem(match, 140)}</a></td>'
        f'<td class="do">{button}</td></tr>'
    )


def least(found: Retrieved) -> str:
    """How near a memory had to be to be used by itself, as the end of a sentence."""
    return f"from {found.threshold:.2f} on" if found.threshold > -1 else "however far it is"


def _gauge(score: float, threshold: float) -> str:
    """A score as a number and a bar with a mark at the threshold."""
    long, mark = (max(0.0, min(1.0, value)) for value in (score, threshold))
    return (
        f'<span>{_number(score)}</span><span class="gauge" aria-hidden="true"><i style="width:{long:.1%}"></i>'
        f'<b style="left:{mark:.1%}"></b></span>'
    )


def _score(match: Match) -> str:
    return f"similarity {_number(match.score)}"


def _number(score: float) -> str:
    return f"{score:.2f}".replace("-", "−")


def problem(match: Match, longest: int) -> str:
    text = " ".join(match.problem.split())
    if len(text) > longest:
        text = text[: longest - 1].rsplit(" ", 1)[0] + " …"
    return f"“{html.escape(text)}”"
