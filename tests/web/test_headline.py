"""The headline of a run: never one of several guesses, and under it nothing that it says already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted import SCATTERED, TIED, WEAK
from scripted_learn import actions

from elm_app.core.config import ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.types import AnswerCount, Vote
from elm_app.runs.catalog import Index
from elm_app.runs.event_log import read
from elm_app.runs.runner import Runner
from elm_app.runs.state import RunView, view_of
from elm_app.runs.summaries import Summaries
from elm_app.web.commands import Actions
from elm_app.web.components.answer_colors import classes
from elm_app.web.pages.explain import sections
from elm_app.web.pages.runs.history import History
from elm_app.web.pages.stream import current_problem
from elm_app.web.run import headline, render
from elm_app.web.run.buttons import Asks
from elm_app.web.run.feed import Tail


class Place:
    """A runner, the scripted actions, and what the page is told."""

    def __init__(self, folder: Path) -> None:
        self.runner = Runner(folder / "runs")
        self.actions: Actions = actions(self.runner, folder, pace=0)
        self.tail = Tail(self.runner, self.actions)

    def solved(self, problem: str, memory: str = "off") -> str:
        sampling = SamplingSettings(seed=7)
        run = self.actions.solve(problem, ModelSettings(model="small"), sampling, RouteSettings(memory=memory))
        assert self.runner.wait(run, 30)
        return run

    def view(self, run: str) -> RunView:
        return view_of(read(self.runner.folder, run)[0])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.runner.close()
    made.actions.store.close()


def test_where_no_two_agree_words_stand_in_place_of_an_answer(place: Place) -> None:
    told = place.tail.answer(place.solved("scattered"), -1)
    assert told["parts"]["answer"] == '<span class="value words">No two of 8 attempts agree</span>'
    assert told["status"] == "6 different answers · 2 without an answer"
    assert told["parts"]["note"] == ""
    for part in (
        'data-samples="16">Solve again with 16<',
        'data-do="model"',
        "the 1.5B",
        "A memory of a similar problem",
    ):
        assert part in told["parts"]["helps"]
    assert "no two of them agree" in told["offer"]["hint"]


def test_a_tie_shows_both_and_says_each_thing_once(place: Place) -> None:
    told = place.tail.answer(place.solved("tied"), -1)
    assert told["parts"]["answer"].count('<span class="one k') == 2
    assert "</span> or <span" in told["parts"]["answer"]
    assert told["status"] == "A tie, 3 of 8 each · 1 other answer · 1 without an answer"
    assert "cannot tell them apart" in told["parts"]["note"]
    assert "tie" not in told["parts"]["note"]
    assert "May break the tie".lower() in told["parts"]["helps"].lower()


def test_a_weak_majority_and_a_clear_one(place: Place) -> None:
    weak = place.tail.answer(place.solved("weakly"), -1)
    assert (weak["status"].split(" · ")[0], weak["parts"]["helps"]) == ("2 of 8 agree", "")
    assert weak["parts"]["note"] == "A weak majority: so few can agree by chance."
    clear = place.tail.answer(place.solved("eggs"), -1)
    assert (clear["parts"]["note"], clear["parts"]["helps"]) == ("", "")
    assert 'class="value k0"' in clear["parts"]["answer"]


def test_no_guess_leads_while_traces_are_written(place: Place) -> None:
    view, shown = RunView(), list[str]()
    for entry in read(place.runner.folder, place.solved("scattered"))[0]:
        view.apply(entry)
        shown.append(headline.answer(view))
        assert "major" not in "".join(
            render.card(view, trace, classes(view, "zero_shot"), 1) for trace in view.traces.values()
        )
    assert set(shown[:-2]) == {'<span class="value none">–</span>'}


def test_the_cards_of_a_tie_all_lead(place: Place) -> None:
    view = place.view(place.solved("tied"))
    assert {each.answer for each in classes(view, "zero_shot") if each.leads} == {"26", "28"}


def test_the_lists_do_not_show_a_guess_either(place: Place) -> None:
    scattered, _ = place.solved("scattered"), place.solved("tied")
    table = History(Summaries(place.runner.folder), Index(place.runner.folder)).table()
    tie, none = table.split("<tbody>")[1].split("</tr>")[:2]
    assert '<td class="given">26 or 28</td><td>a tie, 3 of 8 each</td>' in tie
    assert '<td class="given"><span class="nothing">–</span></td><td>no two of 8 agree</td>' in none
    view = place.view(scattered)
    assert "<b>No two of 8 attempts agree</b>" in current_problem._solved(view)
    assert "<b>Answered 26</b>" in current_problem._solved(place.view(place.solved("eggs")))
    assert "<b>No two of 8 attempts agree</b>" in sections._head(view)


def test_of_two_arms_the_believed_one_counts(place: Place) -> None:
    view = place.view(place.solved("scattered"))
    assert view.decision is not None
    alone = view.votes["zero_shot"]
    view.votes["memory"] = type(alone)("memory", Vote("7", 6 / 8, (AnswerCount("7", 6, tuple(range(6))),), 2), 8, 8)
    view.decision = type(view.decision)("7", "memory", "The answers differ.")
    assert ">7</span>" in headline.answer(view)
    assert render.status(view) == "The answers differ."
    view.decision = type(view.decision)("26", "zero_shot", "The answers differ.")
    assert "No two of 8 attempts agree" in headline.answer(view)


def test_it_is_solved_again_with_more(place: Place) -> None:
    asks = {each.__name__: each for each in Asks(place.actions, place.tail).functions()}
    run = place.solved("scattered")
    again = asks["more"]({"run": run, "samples": "16", "ask": "more"})["run"]
    assert place.runner.wait(again, 30)
    one, other = place.view(run), place.view(again)
    assert (other.samples, other.settings | {"samples": 8}) == (16, one.settings)
    longer = asks["more"]({"run": run, "max_new_tokens": "1024"})["run"]
    assert place.runner.wait(longer, 30)
    assert place.view(longer).settings["max_new_tokens"] == 1024
    assert "Nothing was asked for." in asks["more"]({"run": run})["error"]
    assert "whole number" in asks["more"]({"run": run, "samples": "many"})["error"]
    assert "from 1 to 256" in asks["more"]({"run": run, "samples": "1000"})["error"]


def test_the_scripts_are_what_they_are_called() -> None:
    assert [len(texts) for texts in (SCATTERED, TIED, WEAK)] == [8, 8, 8]
