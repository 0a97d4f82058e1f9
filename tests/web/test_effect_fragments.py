"""Where a memory acts, as HTML: text that stays text, marks for what cannot be seen, and no tint without an effect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from remembering import WordEmbedder
from store.made import card, tensor
from test_card import harmless
from test_explain_fragments import EVIL, arms

from elm_app.core.events import EffectMeasured, Event, Failed, Progress, Queued, RunFinished, RunStarted, RunStopped
from elm_app.core.token_effect import TokenScore, TraceEffect
from elm_app.core.types import Timing
from elm_app.runs.event_log import Entry
from elm_app.runs.state import RunView, view_of
from elm_app.store.store import Store
from elm_app.web.pages.explain.effect_view import section, tokens_html

TIMING = Timing(0, 0, 1, 0, 0)
SETTINGS = {"source_run": "r1", "arm": "memory", "trace": 0, "memories": ["m1"], "temperature": 0.7}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path)) as made:
        memory = card("m1", words=((EVIL, " eggs", "\n"), (" ",), ("box",), ("12",)))
        made.add(memory, tensor(), WordEmbedder().encode([memory.problem])[0])
        yield made


def scored(*tokens: tuple[str, float], arm: str = "memory", note: str = "") -> TraceEffect:
    made = tuple(TokenScore(text, tuple(text.encode()), -2.0, -2.0 + gain) for text, gain in tokens)
    return TraceEffect(arm, 0, made, note)


def acting(*events: Event) -> RunView:
    started = RunStarted("a1", "act", "the problem", SETTINGS, "2026-11-22T18:16:39+00:00")
    return view_of(Entry(place, 0.0, event) for place, event in enumerate([started, *events]))


def solved(text: str = "so") -> RunView:
    return arms(("1",), ("2",), RunFinished(TIMING), text=text)


def test_before_it_is_asked_for_there_is_a_button_and_no_tint(store: Store) -> None:
    shown = section(solved(), store)
    assert '<button type="button" data-explain="act">Where does the memory act?</button>' in shown
    assert '<option value="memory 0" selected>1: without it 1, with it 2</option>' in shown
    assert 'class="token ' not in shown


def test_there_is_nothing_to_ask_while_the_run_goes_on_or_where_no_memory_was(store: Store) -> None:
    assert section(arms(("1",), ("2",)), store) == ""
    assert section(replace(solved(), retrieved=None), store) == ""


def test_tokens_are_tinted_by_their_gain() -> None:
    shown = tokens_html(scored(("a", 0.0), ("b", 1.5), ("c", -3.0), ("d", 9.0), ("e", 0.01)))
    assert shown == (
        'a<span class="token up" style="--tint:0.55" title="14% → 61%, +1.50 nats">b</span>'
        '<span class="token down" style="--tint:1.00" title="14% → 0.67%, −3.00 nats">c</span>'
        '<span class="token up" style="--tint:1.00" title="14% → over 99.99%, +9.00 nats">d</span>e'
    )


def test_without_an_effect_nothing_is_tinted(store: Store) -> None:
    same = scored(("It", 0.0), (" is", 0.0), ("\n", 0.0))
    shown = section(
        solved(),
        store,
        acting(EffectMeasured(same), EffectMeasured(replace(same, arm="zero_shot")), RunFinished(TIMING)),
    )
    texts = shown.split('class="legend"')[1].split("</div>", 1)[1]
    assert 'class="token ' not in texts
    assert "this seed wrote the same text" in texts
    assert texts.count('class="scored"') == 1
    assert "changed the likelihood of no token" in texts


def test_what_cannot_be_seen_is_marked() -> None:
    shown = tokens_html(scored((".\n\n", 0.0), ("  ", 1.5), ("\t", 0.0), ("\x1b[2J\u200b", 0.0)))
    mark = '<i class="unseen-mark">'
    assert shown == (
        f".{mark}↵</i>\n{mark}↵</i>\n"
        f'<span class="token up" style="--tint:0.55" title="14% → 61%, +1.50 nats">{mark}␣␣</i></span>'
        "⇥\\x1b[2J\\u200b"
    )


def test_a_special_token_has_its_name() -> None:
    effect = TraceEffect("memory", 0, (TokenScore("<|im_end|>", (9,), -1.0, -1.0, True),))
    assert tokens_html(effect) == '<i class="special">&lt;|im_end|&gt;</i>'


def test_where_two_traces_part_is_marked_in_both_and_said(store: Store) -> None:
    behind, bare = scored(("It", 0.0), (" is", 1.0)), scored(("It", 0.0), (" was", -1.0), arm="zero_shot")
    shown = section(solved(), store, acting(EffectMeasured(behind), EffectMeasured(bare), RunFinished(TIMING)))
    assert shown.count('<mark class="parting" title="Here the two traces part">') == 2
    assert (
        'are the same for 1 token; then comes <mark class="parting"> was</mark> without the memory and '
        '<mark class="parting"> is</mark> with it.'
    ) in shown
    assert shown.index("Without a memory, trace 1") < shown.index("With the memory, trace 1")
    longer = scored(("It", 0.0), (" is", 1.0), (" so", 1.0), arm="zero_shot")
    assert "<mark" in section(
        solved(), store, acting(EffectMeasured(behind), EffectMeasured(longer), RunFinished(TIMING))
    )


def test_the_strongest_stand_in_their_context(store: Store) -> None:
    effect = scored(*((f" w{place}", place / 10) for place in range(30)))
    shown = section(solved(), store, acting(EffectMeasured(effect), RunFinished(TIMING)))
    rows = shown.split("<tbody>")[1].split("</tbody>")[0].split("</tr>")[:-1]
    assert len(rows) == 20
    assert "\u00a0w29</span></b></td><td>14%</td><td>over 99.99%</td><td>+2.90 nats</td>" in rows[0]
    assert '<td class="what">… w21 w22 w23' in rows[0]


def test_hostile_text_stays_text(store: Store) -> None:
    hostile = scored((EVIL, 2.0), ("</mark>", -2.0), note=EVIL)
    bare = scored(("<b>", 1.0), arm="zero_shot")
    shown = section(solved(EVIL), store, acting(EffectMeasured(hostile), EffectMeasured(bare), RunFinished(TIMING)))
    harmless(f"<div>{shown}</div>")
    assert "<script>" not in shown


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ((), "Starting"),
        ((Queued(2),), "Waiting: 2 runs ahead"),
        ((Progress("load", "Loading small", 3, 24, "layers"),), "Loading small · 3 of 24 layers"),
        ((Progress("weigh", "Scoring", 16, 64, "tokens"),), "Scoring · 16 of 64 tokens"),
    ],
)
def test_while_it_goes_on_it_says_how_far_it_is_and_can_be_stopped(
    store: Store, events: tuple[Event, ...], said: str
) -> None:
    shown = section(solved(), store, acting(*events), ahead=2 if events and isinstance(events[0], Queued) else 0)
    assert f'role="status">{said}</p>' in shown
    assert 'data-explain="stop"' in shown
    assert 'data-explain="act"' not in shown


def test_how_it_ended_otherwise(store: Store) -> None:
    failed = section(solved(), store, acting(Failed("BadInput", "It is <gone>.", "Choose another.")))
    assert "<strong>It is &lt;gone&gt;.</strong> Choose another." in failed
    assert "Stopped." in section(solved(), store, acting(RunStopped(TIMING)))


def test_the_words_of_the_virtual_tokens_stand_beside_it(store: Store) -> None:
    view = acting(EffectMeasured(scored(("a", 1.0))), RunFinished(TIMING))
    shown = section(solved(), store, view)
    assert "Words nearest to its 4 virtual tokens" in shown
    assert "<code>eggs</code><code>↵</code></li><li><code>␣</code></li>" in shown
    prefix = card("p1", settings={"form": "prefix"}, words=())
    store.add(prefix, tensor(), WordEmbedder().encode([prefix.problem])[0])
    view.settings["memories"] = ["p1"]
    assert "The memory is a prefix: keys and values in every layer" in section(solved(), store, view)
    view.settings["memories"] = ["gone"]
    assert "Memory gone has been deleted since." in section(solved(), store, view)
