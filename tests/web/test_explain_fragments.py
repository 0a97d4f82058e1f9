"""What Explain shows, without a browser: numbers that must be right, text that must stay text."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from test_card import harmless
from test_fragments import view_after
from test_learn_fragments import Studio, studio  # noqa: F401

from elm_app.core.events import Credited, Decided, Event, ModelReady, PromptRead, Retrieved, TraceFinished, Verified
from elm_app.core.events import VoteChanged as Changed
from elm_app.core.scores import SideScore, StepScore, TraceScore
from elm_app.core.types import AnswerCount, Credit, Decision, Match, ModelInfo, Trace, Vote
from elm_app.runs import related
from elm_app.runs.state import RunView
from elm_app.store.store import Store
from elm_app.web.components import answer_colors, found_memories
from elm_app.web.components.common_words import marked
from elm_app.web.pages.explain import sections, verifier_view
from elm_app.web.pages.explain.sections import compared

EVIL = "<img src=x onerror='window.hacked=1'></mark><script>window.hacked=1</script>"
MODEL = ModelInfo("small", "int8", "cpu", "ab" * 32)


def vote(*counts: tuple[str, int], abstained: int = 0) -> Vote:
    total = sum(count for _, count in counts) + abstained
    made = tuple(AnswerCount(answer, count) for answer, count in counts)
    return Vote(made[0].answer if made else None, made[0].count / total if made else 0.0, made, abstained)


def test_answers_are_compared_by_what_they_mean_not_by_their_spelling() -> None:
    bare, behind = vote((r"\frac12", 2), ("7", 1), abstained=1), vote(("0.5", 3), ("8", 1))
    assert compared([bare, behind]) == [(r"\frac12", [2, 3]), ("7", [1, 0]), ("8", [0, 1])]
    # the router's algebra found these the same; their keys do not say so
    same = [vote(("x+1", 3)), vote(("1+x", 2), ("2", 1))]
    assert compared(same, agreed=True) == [("x+1", [3, 2]), ("2", [0, 1])]
    assert compared(same) == [("x+1", [3, 0]), ("1+x", [0, 2]), ("2", [0, 1])]
    three = [vote(("1", 3)), vote(("2", 3)), vote(("1", 1), ("2", 2))]
    assert compared(three) == [("2", [0, 3, 2]), ("1", [3, 0, 1])]


@pytest.mark.parametrize(
    ("threshold", "said"), [(0.6, "from 0.60 on."), (0, "from 0.00 on."), (-1, "however far it is.")]
)
def test_it_says_how_near_a_memory_had_to_be(tmp_path: Path, threshold: float, said: str) -> None:
    found = Retrieved((Match("m1", 0.1, "a problem"),), "m1", threshold, "Near.", {}, "input", "similarity")
    shown = sections.page(view_after(ModelReady(MODEL, 0.0), found), Store(tmp_path), "")
    assert f"Found by the problem's meaning; a memory is used by itself {said}" in shown


def test_an_answer_has_one_colour_however_an_arm_spells_it() -> None:
    view = arms(("0.5",), (r"\frac{1}{2}", "9"))
    (bare,), behind = answer_colors.classes(view, "zero_shot"), answer_colors.classes(view, "memory")
    assert {each.answer: each.colour for each in behind} == {r"\frac{1}{2}": bare.colour, "9": "k1"}


def arms(bare: tuple[str, ...], behind: tuple[str, ...], *more: Event, text: str = "so") -> RunView:
    """Two arms with these answers, one trace each."""
    match = Match("m1", 0.8, "the problem of " + text, 0.8, 0.9, 0.84)
    found = Retrieved((match,), "m1", 0.6, text, {"memory": ("m1",)}, "both", "utility")
    events: list[Event] = [ModelReady(MODEL, 0.0), found]
    for arm, answers in (("zero_shot", bare), ("memory", behind)):
        events.append(PromptRead(arm, 9, 0.1))
        events += [
            TraceFinished(Trace(arm, place, place, f"{text} {answer}", answer, 9, True, -0.1))
            for place, answer in enumerate(answers)
        ]
        counts = tuple(AnswerCount(answer, 1, (place,)) for place, answer in enumerate(answers))
        events.append(Changed(arm, Vote(answers[0], 1 / len(answers), counts, 0), len(answers), len(answers)))
    return view_after(*events, *more)


def test_both_scores_and_the_formula_are_shown(tmp_path: Path) -> None:
    shown = sections.page(arms(("1",), ("1",)), Store(tmp_path), "")
    table = shown.split('<table class="matches">')[1].split("</table>")[0]
    assert '<td class="score">0.80</td><td class="score">0.90</td><td class="score">0.84</td>' in table
    assert "not kept here" in table
    assert sections.UTILITY in shown
    from elm_app.retrieval.retriever import utility

    won, lost, agreed = 3, 1, 2  # the formula as it is shown is the one that is used
    told = sections.UTILITY.split(" = ")[1].replace("·", "*").replace("−", "-")
    names = {"similarity": 0.7, "won": won, "lost": lost, "agreed": agreed}
    assert eval(told, {"__builtins__": {}}, names) == pytest.approx(
        utility(0.7, [Credit("agreement", won, lost, agreed)])
    )


def test_a_run_that_has_only_begun_can_be_explained(tmp_path: Path) -> None:
    match = Match("m1", 0.8, "near")
    begun = view_after(ModelReady(MODEL, 0.0), Retrieved((match,), "m1", 0.6, "near enough", {"memory": ("m1",)}))
    shown = sections.page(begun, Store(tmp_path), "")
    assert "The run has not ended." in shown
    assert "No two arms have a finished trace yet." in shown
    assert "data-explain=" not in shown  # nothing to do again before it has ended
    assert "looked for no memory" in sections.page(view_after(ModelReady(MODEL, 0.0)), Store(tmp_path), "")


def verified(*scores: float, text: str = "so") -> tuple[Event, ...]:
    steps = (StepScore(0, len(text), 0.25), StepScore(len(text), 10**6, 0.75))
    sides = (
        SideScore("zero_shot", "1", scores[0], (TraceScore("zero_shot", 0, scores[0], steps),)),
        SideScore("memory", "2", scores[1], (TraceScore("memory", 0, scores[1], steps),)),
    )
    return Verified("prm", sides, 1.5), Decided(Decision("1", "zero_shot", "A tie.", "prm"))


def test_in_a_tie_the_side_that_was_taken_is_marked_and_only_that() -> None:
    shown = verifier_view.numbers(arms(("1",), ("2",), *verified(0.5, 0.5)))
    assert shown.count('class="side won"') == 1
    assert shown.index('class="side won"') < shown.index("Without a memory") < shown.index("With the memory")


def test_steps_lie_where_their_spans_say_even_beyond_the_text() -> None:
    shown = verifier_view.numbers(arms(("1",), ("2",), *verified(0.5, 0.4)))
    assert '<span class="tint" style="--tint:0.25" data-score="0.25">so</span>' in shown
    assert '<span class="tint" style="--tint:0.75" data-score="0.75"> 2</span>' in shown


def test_hostile_text_is_text_in_every_place(tmp_path: Path) -> None:
    view = arms((EVIL, "1"), ("2",), *verified(0.5, 0.4, text=EVIL), text=EVIL)
    view.problem = view.run = EVIL
    view.credited = (Credited("m1", "lost", EVIL, EVIL),)
    store: Any = Store(tmp_path)
    harmless(sections.page(view, store, ""))
    harmless(found_memories.line(view))
    harmless(found_memories.matches(view))
    harmless(verifier_view.steps_html(EVIL, [StepScore(3, 9, 0.1), StepScore(5, 40, 0.2)], 0, 1))
    harmless(marked(EVIL, "window hacked script img " + EVIL))
    view.command = "learn"
    harmless(sections.page(view, store, ""))


def test_the_map_has_every_match_and_says_what_it_leaves_out() -> None:
    drawn = sections.plane_svg(
        [(0.0, 0.0), (1.0, -1.0)], [((1.0, 1.0), 0.9, True), ((0.0, 1.0), 0.5, False)], (0.5, 0.5), 9
    )
    root = ElementTree.fromstring(drawn)
    assert len(root.findall(".//line")) == 2
    assert len(root.findall(".//*[@class='matched']/circle")) == 2
    used = root.find(".//*[@class='matched']/circle[@class='used']")
    assert used is not None
    assert (used.get("cx"), used.get("cy")) == ("308.0", "12.0")
    assert "2 of 9 memories shown." in drawn
    assert "shown" not in sections.plane_svg([(0.0, 0.0)], [], None, 1)


def test_the_last_use_of_a_memory_is_found(studio: Studio, tmp_path: Path) -> None:  # noqa: F811
    assert related.recalling(tmp_path / "nowhere") is None
    learned = studio.learned()
    assert related.recalling(studio.runner.folder) is None
    used = studio.solved(memory=learned)
    studio.solved(memory="off")
    other = studio.learned("two quite different things")
    newest = studio.solved("two quite different things", memory=other)
    assert related.recalling(studio.runner.folder) == newest
    assert related.recalling(studio.runner.folder, learned) == used
    assert related.recalling(studio.runner.folder, "no such memory") is None


def test_what_was_chosen_by_hand_can_be_left_to_the_program_again(studio: Studio) -> None:  # noqa: F811
    learned = studio.learned()
    chosen, automatic = studio.solved(memory=learned), studio.solved(memory="auto")
    assert 'data-with="auto"' in found_memories.matches(studio.view(chosen))
    assert 'data-with="auto"' not in found_memories.matches(studio.view(automatic))
    assert 'data-with="off"' in found_memories.matches(studio.view(automatic))


def test_all_memories_that_are_used_are_marked_as_used() -> None:
    matches = tuple(Match(f"m{n}", 0.9 - n / 10, f"problem {n}") for n in range(3))
    found = Retrieved(matches, "m0", 0.6, "two", {"memory": ("m0",), "memory_2": ("m1",)})
    view = view_after(found)
    assert found_memories.used(found) == ["m0", "m1"]
    assert found_memories.matches(view).count("<tr class=used>") == 2
    assert "used with 1 more" in found_memories.line(view)
    assert found_memories.used(Retrieved(matches, "m2", 0.6, "an old log")) == ["m2"]
