"""Where the memory acts: every token of a trace, tinted by how much likelier the memory made it. A run's view and that
of the run that scored its tokens in, safe HTML out."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from elm_app.core.errors import BadInput, ElmError
from elm_app.core.text import nats, percent, visible
from elm_app.core.token_effect import TokenScore, TraceEffect, parting
from elm_app.core.types import Arm, Trace
from elm_app.pipelines.token_effect import arms_with_memories, default_trace, pairs
from elm_app.runs.state import RunView
from elm_app.store.store import Store
from elm_app.web.components import alerts, found_memories, labels
from elm_app.web.components.markdown import inline_html
from elm_app.web.components.wait_rate import Pace
from elm_app.web.run import render

FULL = 3.0
"""Nats at which a tint is full."""
FAINT = 0.05
"""Nats below which there is none."""
_SWATCHES = (-3.0, -1.5, 0.0, 1.5, 3.0)
_WORDS = 3


def section(view: RunView, store: Store, acting: RunView | None = None, ahead: int = 0) -> str:
    """The section of the page of a run; `acting` is the run that scores its tokens, if that was asked for, and `ahead`
    how many runs come before that one. Empty where there is nothing to be scored."""
    options = _options(view, acting)
    if not view.ended or not options:
        return ""
    if acting is None and (told := _gone(view, store)):
        return f'<section class="acts"><h3>Where the memory acts</h3>{told}</section>'
    busy = acting is not None and not acting.ended
    button = (
        '<button type="button" data-explain="stop">Stop</button>'
        if busy
        else '<button type="button" data-explain="act">Where does the memory act?</button>'
    )
    return (
        '<section class="acts"><h3>Where the memory acts</h3><p class="quiet">Every token of a trace is scored without '
        "the memory and with it: how likely was it to be written? Colours show which of them the memory changed, and "
        'how much.</p><p class="do"><label for="elm-act-trace">Trace</label>'
        f'<select id="elm-act-trace"{" disabled" if busy else ""}>{options}</select>{button}</p>'
        f'<div data-part="acted" role="alert"></div>{_acted(view, store, acting, ahead)}</section>'
    )


def _gone(view: RunView, store: Store) -> str:
    """Why none of the memories can be looked at, "" if one can."""
    told = ""
    for ids in arms_with_memories(view).values():
        try:
            for id in ids:
                store.get(id)
        except BadInput:
            told = told or '<p class="quiet">That is worked out with the memory itself, which is not kept here.</p>'
        except ElmError as error:
            told = told or alerts.error(error)
        else:
            return ""
    return told


def _options(view: RunView, acting: RunView | None) -> str:
    """The seeds that can be chosen, with their answers; the value of each is its arm and its index."""
    arms = arms_with_memories(view)
    first: Arm = next(iter(arms), "memory")
    chosen: tuple[object, object] = (first, default_trace(view, first))
    if acting is not None:
        chosen = acting.settings.get("arm"), acting.settings.get("trace")
    rows = []
    for arm in arms:
        named = f", {labels.arm(view, arm).lower()}" if len(arms) > 1 else ""
        for index, (bare, behind) in pairs(view, arm).items():
            on = " selected" if chosen == (arm, index) else ""
            told = html.escape(f"{index + 1}{named}: without it {_answer(bare)}, with it {_answer(behind)}")
            rows.append(f'<option value="{html.escape(arm)} {index}"{on}>{told}</option>')
    return "".join(rows)


def _answer(trace: Trace) -> str:
    return "no answer" if trace.answer is None else trace.answer


def _acted(view: RunView, store: Store, acting: RunView | None, ahead: int) -> str:
    if acting is None:
        return ""
    if acting.failure is not None:
        return alerts.sentence(acting.failure.message, acting.failure.remedy)
    if not acting.ended:
        parts = render.wait(acting.progress, Pace()) if acting.progress else [labels.waiting(ahead)]
        return f'<p class="quiet" role="status">{html.escape(labels.DOT.join(filter(None, parts)))}</p>'
    if not acting.effects:
        return '<p class="quiet" role="status">Stopped.</p>'
    effects = acting.effects
    shared = parting(effects) if len(effects) == 2 else None
    texts = effects[:1] if len(effects) == 2 and shared is None else effects[::-1]
    return (
        f"{_legend(acting)}{_parted(effects, shared)}"
        f'<div class="pair">{"".join(_text(view, one, shared) for one in texts)}</div>'
        f"{_strongest(effects[0])}{_words(store, acting)}"
    )


def _legend(acting: RunView) -> str:
    swatches = "".join(f"<li>{_tinted(_times(gain), gain)}</li>" for gain in _SWATCHES)
    temperature = acting.settings.get("temperature", 1)
    return (
        f'<div class="legend"><span>With the memory a token is</span><ul>{swatches}</ul><span>Likelihoods at '
        f"temperature {html.escape(str(temperature))}; point at a token to read them.</span></div>"
    )


def _times(gain: float) -> str:
    """
    >>> _times(-3.0), _times(0.0), _times(1.5)
    ('20 times less likely', 'as likely', '4.5 times likelier')
    """
    if not gain:
        return "as likely"
    times = math.exp(abs(gain))
    return f"{times:.{0 if times >= 10 else 1}f} times {'likelier' if gain > 0 else 'less likely'}"


def _parted(effects: Sequence[TraceEffect], place: int | None) -> str:
    if len(effects) < 2:
        return ""
    if place is None:
        return "<p>Without and with the memory this seed wrote the same text.</p>"
    named = [_quoted(effect, place) for effect in effects]
    same = (
        f"are the same for {labels.count(place, 'token')}; then comes" if place else "differ from the first token on:"
    )
    return f"<p>The two traces of this seed {same} {named[1]} without the memory and {named[0]} with it.</p>"


def _quoted(effect: TraceEffect, place: int) -> str:
    if place >= len(effect.tokens):
        return "nothing more"
    return f'<mark class="parting">{_piece(effect.tokens[place])}</mark>'


def _text(view: RunView, effect: TraceEffect, shared: int | None) -> str:
    without, behind = (f"{mean:.2f}".replace("-", "−") for mean in effect.means())
    there = view.traces.get((effect.arm, effect.index))
    trace = there.trace if there is not None else None
    answer = "" if trace is None else f": {inline_html(trace.answer) if trace.answer is not None else 'no answer'}"
    note = f'<p class="quiet">{html.escape(effect.note)}</p>' if effect.note else ""
    return (
        f"<div><h4>{html.escape(labels.arm(view, effect.arm))}, trace {effect.index + 1}{answer}</h4>"
        f'<p class="scored">{tokens_html(effect, shared)}</p>'
        f'<p class="quiet">This text: {without} nats a token without the memory, {behind} with it.</p>{note}</div>'
    )


def tokens_html(effect: TraceEffect, shared: int | None = None) -> str:
    """A trace's text as safe HTML, tinted token by token; the token at the place `shared`, where it parts from another
    trace, is marked."""
    parts = []
    for place, token in enumerate(effect.tokens):
        text = _tinted(_piece(token), token.gain, token)
        if place == shared:
            text = f'<mark class="parting" title="Here the two traces part">{text}</mark>'
        parts.append(text)
    return "".join(parts)


def _tinted(text: str, gain: float, token: TokenScore | None = None) -> str:
    """Safe HTML in the tint of a gain in nats; as it is where that is too small to be seen."""
    if abs(gain) < FAINT:
        return text
    told = f"{percent(token.zero_shot)} → {percent(token.memory)}, {nats(gain)}" if token else nats(gain)
    kind, tint = "up" if gain > 0 else "down", min(1.0, 0.1 + 0.9 * abs(gain) / FULL)
    return f'<span class="token {kind}" style="--tint:{tint:.2f}" title="{told}">{text}</span>'


def _piece(token: TokenScore) -> str:
    """A token's text as safe HTML; ends of lines, and blanks in a tint, are marked, and what no screen shows is spelled
    out."""
    if token.special:
        return f'<i class="special">{html.escape(visible(token.text))}</i>'
    if abs(token.gain) >= FAINT and token.text and not token.text.strip(" "):
        return f'<i class="unseen-mark">{"␣" * len(token.text)}</i>'
    lines = (html.escape(visible(line)) for line in token.text.split("\n"))
    return '<i class="unseen-mark">↵</i>\n'.join(lines)


def _strongest(effect: TraceEffect) -> str:
    places = effect.strongest()
    if not places:
        return '<p class="quiet">The memory changed the likelihood of no token.</p>'
    rows = []
    for place in places:
        token = effect.tokens[place]
        before, after = (html.escape(visible(text)) for text in effect.around(place))
        body = _tinted(html.escape(visible(token.text)).replace(" ", "\u00a0"), token.gain)
        rows.append(
            f'<tr><td class="what">{before}<b>{body}</b>{after}</td><td>{percent(token.zero_shot)}</td>'
            f"<td>{percent(token.memory)}</td><td>{nats(token.gain)}</td></tr>"
        )
    return (
        f"<h4>The {labels.count(len(places), 'token')} that the memory changed most, in the text written with it</h4>"
        '<table class="strongest"><thead><tr><th scope="col">Token, in its context</th><th scope="col">Without</th>'
        f'<th scope="col">With</th><th scope="col">Difference</th></tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


def _words(store: Store, acting: RunView) -> str:
    """What the memory's virtual tokens are near to."""
    ids = acting.settings.get("memories")
    return "".join(_words_of(store, str(id)) for id in ids) if isinstance(ids, list) else ""


def _words_of(store: Store, id: str) -> str:
    name = html.escape(id)
    card = f'<a href="?memory={name}" data-memory="{name}">its card</a>'
    try:
        memory = store.get(id)
    except BadInput:
        return f'<p class="quiet">Memory {name} has been deleted since.</p>'
    except ElmError as error:
        return alerts.error(error)
    if memory.form == "prefix":
        return (
            '<p class="quiet">The memory is a prefix: keys and values in every layer, to which no words are near. More '
            f"on {card}.</p>"
        )
    words = found_memories.virtual_tokens(memory, _WORDS)
    if not words:
        return f'<p class="quiet">No words nearest to its virtual tokens are on {card}.</p>'
    return (
        f"<details><summary>Words nearest to its {labels.count(memory.virtual_tokens, 'virtual token')}</summary>"
        '<p class="quiet">A virtual token is no word; these are the vocabulary entries that point most nearly the same '
        f"way, nearest first. More on {card}.</p>{words}</details>"
    )
