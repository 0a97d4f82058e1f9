"""What the page says about learning and about memories in use: words, times, charts; pure functions and `tail`."""

from __future__ import annotations

import html
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scripted import CODE, HOSTILE, SHORT
from scripted_learn import actions, keep, measured

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput
from elm_app.core.events import Retrieved
from elm_app.core.learning_events import LearningEnded, MemoryStored
from elm_app.core.types import LearnStep, Match, Timing, Trace
from elm_app.runs.catalog import Index
from elm_app.runs.event_log import read
from elm_app.runs.learning_progress import UPDATE, Course, estimate, left, share
from elm_app.runs.runner import Runner
from elm_app.runs.state import LearnView, RunView, view_of
from elm_app.runs.summaries import Summaries
from elm_app.store.memory_folder import CARD
from elm_app.web.commands import Actions
from elm_app.web.components import found_memories
from elm_app.web.components.charts import learning_charts
from elm_app.web.components.settings import memory_field
from elm_app.web.components.settings.form import learn_settings, stream_fields
from elm_app.web.pages.runs.history import History
from elm_app.web.run import headline, learning_steps, learning_view, render
from elm_app.web.run.buttons import Asks
from elm_app.web.run.feed import Tail

EGGS = "How many boxes of eggs?"


@dataclass
class Studio:
    """A runner, what the page can ask for, and what it is told."""

    runner: Runner
    actions: Actions

    def __post_init__(self) -> None:
        self.tail = Tail(self.runner, self.actions)
        self.asks = SimpleNamespace(**{each.__name__: each for each in Asks(self.actions, self.tail).functions()})

    def solved(self, problem: str = EGGS, memory: str = "off", samples: int = 8) -> str:
        sampling = SamplingSettings(samples=samples, seed=7)
        return self.done(self.actions.solve(problem, ModelSettings(model="small"), sampling, RouteSettings(memory)))

    def learned(self, problem: str = EGGS, steps: int = 2, source: str | None = None) -> str:
        settings = LearnSettings(steps=steps, seed=7)
        return self.done(self.actions.learn(problem, ModelSettings(model="small"), settings, source))

    def done(self, run: str) -> str:
        assert self.runner.wait(run, 30)
        return run

    def view(self, run: str) -> RunView:
        return view_of(read(self.runner.folder, run)[0])


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    runner = Runner(tmp_path / "runs")
    made = Studio(runner, actions(runner, tmp_path, pace=0))
    yield made
    runner.close()
    made.actions.store.close()


def views(runner: Runner, run: str) -> Iterator[tuple[RunView, Course]]:
    """The run's view after every entry of its log."""
    view, course = RunView(), Course()
    for entry in read(runner.folder, run)[0]:
        view.apply(entry)
        course.take(entry, view.learn)
        yield view, course


def _steps(view: RunView) -> int:
    return len(view.learn.finished) if view.learn is not None else 0


def test_the_status_tells_the_story_of_learning(studio: Studio) -> None:
    told: list[str] = []
    for view, _ in views(studio.runner, studio.learned()):
        line = re.sub(r"\d+ finished", "n finished", html.unescape(render.status(view)))
        if not told or told[-1] != line:
            told.append(line)
    assert told == [
        "Starting",
        "Loading the model · 1 of 2 tensors",
        "Reading the problem",
        "Measuring before learning · 16 samples · n finished",
        "Step 1 of 2 · trying 8 solutions · n finished",
        "Step 1 of 2 · improving the memory",
        "Step 2 of 2 · trying 8 solutions · n finished",
        "Step 2 of 2 · improving the memory",
        "Measuring after learning · 16 samples · n finished",
        "Storing the memory",
        "Agreement rose from 6 of 16 to 14 of 16",
    ]


def test_the_bar_never_goes_back_and_ends_full(studio: Studio) -> None:
    shares = [share(view, course, view.seconds) for view, course in views(studio.runner, studio.learned(steps=4))]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == 1
    assert len(set(shares)) > 50
    assert max(after - before for before, after in pairwise(shares)) < 0.25


def test_the_time_left_comes_from_the_runs_own_speed(studio: Studio) -> None:
    """As if measuring had taken 16 s, rollouts 8 s and an update 4 s: at the end of step 2 of 4, two more and 16 s."""
    after_two = (each for each in views(studio.runner, studio.learned(steps=4)) if _steps(each[0]) == 2)
    view, course = next(after_two)
    assert view.learn is not None
    view.learn.finished = [replace(step, rollout_seconds=8.0, update_seconds=4.0) for step in view.learn.finished]
    course.before_seconds = 16.0
    assert left(view, course, view.seconds) == pytest.approx(2 * 12 + 16, abs=0.01)
    view.status, view.learn.step, course.updating_since = "updating", 3, view.seconds
    assert left(view, course, view.seconds + 1) == pytest.approx(3 + 12 + 16, abs=0.01)
    course.updating_since = 108.2
    assert learning_view.clock(view, course, 110.2) == "1 min 50 s gone, about 30 s left"


def test_the_estimate_is_made_of_the_runs_length_and_speed(studio: Studio) -> None:
    view = studio.view(studio.solved())
    view.timing = Timing(1.0, 0.5, 10.0, 1600, 100.0)
    for trace in view.traces.values():
        trace.tokens = 200
    learning = LearnSettings(steps=10, rollouts=8, measure_samples=16, max_new_tokens=320, seed=0)
    assert estimate(view, learning) == pytest.approx((32 + 80 * (1 + UPDATE)) * 200 / 100 + 12 * 0.5)
    assert estimate(view, replace(learning, steps=5)) == pytest.approx((32 + 40 * (1 + UPDATE)) * 2 + 7 * 0.5)
    assert estimate(view, replace(learning, max_new_tokens=100)) == pytest.approx(32 + 80 * (1 + UPDATE) + 6)
    assert estimate(replace(view, timing=None), learning) is None


def test_a_solved_problem_offers_to_learn_from_it_and_others_do_not(studio: Studio) -> None:
    offer = studio.tail.answer(studio.solved(), -1)["offer"]
    assert re.fullmatch(r"about \d+ (s|min) on this machine", offer["time"])
    assert offer["hint"] == ""
    agreed = studio.tail.answer(studio.solved("all agree"), -1)["offer"]
    assert agreed["hint"] == "All agree, so there may be nothing to learn."
    assert studio.tail.answer(studio.solved("this fails"), -1)["offer"] is None
    run = studio.learned()
    assert studio.tail.answer(run, -1)["offer"] is None
    again = studio.tail.answer(studio.solved(), -1)
    assert f'data-run="{run}"' in again["offer"]["hint"]


def test_a_learning_run_leads_back_to_the_run_that_solved_its_problem(studio: Studio) -> None:
    assert "the run that solved it" not in studio.tail.answer(studio.learned("never solved"), -1)["parts"]["meta"]
    first, _other = studio.solved(), studio.solved("something else")
    run = studio.learned()
    studio.solved()
    meta = studio.tail.answer(run, -1)["parts"]["meta"]
    assert f'<a href="?run={first}" data-run="{first}">the run that solved it</a>' in meta
    assert "8 rollouts · 20 virtual tokens · learning rate" in meta


def test_it_leads_back_to_the_very_run_it_was_asked_from_even_if_it_broke_off(studio: Studio) -> None:
    first = studio.solved("this breaks")
    studio.solved("this breaks")  # a later run of the same problem is not the one
    broken = studio.done(studio.asks.learn({"run": first, "fields": {"steps": "3"}})["run"])
    assert studio.view(broken).settings["source_run"] == first
    resumed = studio.done(studio.asks.resume({"run": broken})["run"])
    assert "source_run" not in studio.view(resumed).settings
    again = studio.done(studio.asks.learn({"run": resumed, "fields": {"steps": "1"}})["run"])
    back = f'<a href="?run={first}" data-run="{first}">the run that solved it</a>'
    for run in (broken, resumed, again):
        assert back in studio.tail.answer(run, -1)["parts"]["meta"]
    (studio.runner.folder / f"{first}.jsonl").unlink()
    assert back not in Tail(studio.runner, studio.actions).answer(broken, -1)["parts"]["meta"]


def test_before_and_after_stand_side_by_side_in_the_same_colours(studio: Studio) -> None:
    parts = studio.tail.answer(studio.learned(), -1)["parts"]
    told = parts["measured"]
    assert "6 of 16 agree · 25% unanswered · " in told
    assert "14 of 16 agree · 0% unanswered · " in told
    for answer in ("26", "28"):
        colours = re.findall(rf'<i class="(k\d)"[^>]*title="{answer}: ', told)
        assert len(colours) == 2
        assert len(set(colours)) == 1
    assert re.search(rf'class="{colours[0]}"><title data-key="t">\d+: 28, ', parts["rollouts"])


def test_colours_are_the_same_however_often_the_page_asks(studio: Studio) -> None:
    run = studio.learned(steps=3)
    path = studio.runner.folder / f"{run}.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    copy = studio.runner.folder / f"{run}-copy.jsonl"
    often, since = Tail(studio.runner), -1
    parts: dict[str, str] = {}
    for start in range(0, len(lines), 5):
        with copy.open("a") as file:
            file.writelines(lines[start : start + 5])
        answer = often.answer(copy.stem, since)
        since = answer["seq"]
        parts.update(answer["parts"])
    once = Tail(studio.runner).answer(copy.stem, -1)
    assert once["parts"] == parts
    assert once["shown"] == [f"memory-{index}" for index in range(16)]


def test_the_cards_of_a_phase_go_with_it(studio: Studio) -> None:
    run = studio.learned()
    path = studio.runner.folder / f"{run}.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    starts = [at for at, line in enumerate(lines) if json.loads(line)["kind"] == "phase_started"]
    other, tail = studio.runner.folder / "copy.jsonl", Tail(studio.runner)
    other.write_text("".join(lines[: starts[1]]))
    assert tail.answer("copy", -1)["shown"] == [f"zero_shot-{index}" for index in range(16)]
    with other.open("a") as file:
        file.writelines(lines[starts[1] : starts[1] + 1])
    answer = tail.answer("copy", -1)
    assert answer["shown"] == [f"memory-{index}" for index in range(8)]
    assert all(card["blocks"] == [] for card in answer["cards"])
    assert answer["learning"]["traces"] == "Step 1: 8 rollouts"


def test_the_memory_is_kept_or_stored_disabled_and_can_be_kept_anyway(studio: Studio) -> None:
    kept = studio.learned()
    assert f"Kept as memory {kept}." in studio.tail.answer(kept, -1)["learning"]["stored"]
    worse = studio.learned("worse")
    told = studio.tail.answer(worse, -1)["learning"]["stored"]
    assert "disabled:</strong> Agreement fell from 6 of 16 to " in told
    assert 'data-ask="keep"' in told
    assert f'<a href="?memory={worse}" data-memory="{worse}">open</a>' in told
    assert studio.asks.keep({"run": worse}) == {}
    assert studio.actions.store.get(worse).enabled
    assert studio.actions.store.get(worse).disabled_reason == ""
    assert f"Kept as memory {worse}." in studio.tail.answer(worse, 10**6)["learning"]["stored"]
    studio.actions.store.delete([worse])
    assert "has been deleted since" in studio.tail.answer(worse, 10**6)["learning"]["stored"]
    assert "There is no memory" in studio.asks.keep({"run": worse})["error"]


def test_a_skipped_step_says_why_in_the_chart_and_in_the_table(studio: Studio) -> None:
    parts = studio.tail.answer(studio.learned("skips", steps=3), -1)["parts"]
    why = "All 8 rollouts have the same reward, 0: no gradient."
    assert f"No update. {why}" in parts["steps"]
    assert parts["steps"].count("The memory was improved.") == 2
    assert f"no update. {why}</title>" in parts["charts"]
    assert parts["charts"].count('class="point skipped"') == 3


def test_a_run_that_broke_off_goes_on_with_the_steps_it_had(studio: Studio) -> None:
    run = studio.learned("breaks", steps=4)
    answer = studio.tail.answer(run, -1)
    assert answer["state"] == "failed"
    assert "Go on from step 3</button>" in answer["resume"]
    again = studio.asks.resume({"run": run})["run"]
    studio.done(again)
    assert studio.tail.answer(run, -1)["resume"] == ""
    assert "left nothing to go on from" in studio.asks.resume({"run": run})["error"]
    parts = studio.tail.answer(again, -1)["parts"]
    assert parts["steps"].count("<tr><td>") == 4
    assert "6 of 16 agree" in parts["measured"]
    assert f'data-run="{run}"' in parts["meta"]


def test_a_learning_run_without_anything_to_learn_says_so() -> None:
    view = view_of([])
    view.command, view.status = "learn", "done"
    assert learning_view.status(view) == "Done"
    reason = "All 16 traces agree, so there is nothing left to learn."
    view.learn = LearnView(steps=10, ended=LearningEnded(reason, 0, True), stored=MemoryStored(None, False, reason))
    assert learning_view.status(view) == "Nothing was learned"
    assert headline.note(view) == reason
    assert learning_view.stored(view, "gone") == ""


def step(number: int, reward: float, agreement: float, tokens: float = 100.0, skipped: str | None = None) -> LearnStep:
    return LearnStep(number, "72", agreement, reward, 0.5, tokens, None, None, skipped, 1.0, 1.0, 2.0)


@pytest.mark.parametrize("steps", [[], [step(1, 0.5, 0.5)], [step(1, 0.1, 0.9), step(2, 0, 1), step(7, 1, 0)]])
@pytest.mark.parametrize("total", [1, 2, 10, 1000])
def test_charts_are_drawings_inside_their_frame(steps: list[LearnStep], total: int) -> None:
    for drawn in (
        learning_charts.reward_chart(steps, max(total, 7)),
        learning_charts.length_chart(steps, max(total, 7), 320),
    ):
        tree = ElementTree.fromstring(drawn)
        assert len(tree.findall(".//circle[@class='point']")) == len(steps) * (1 if "reward" in drawn else 2)
        for circle in tree.findall(".//circle"):
            assert 0 <= float(circle.attrib["cx"]) <= learning_charts.WIDTH
            assert 0 <= float(circle.attrib["cy"]) <= learning_charts.HEIGHT
        shown = [text.text for text in tree.findall(".//text[@class='tick']")]
        assert shown[0] == "1"
        assert len(shown) <= 13


def test_a_gap_in_the_steps_breaks_the_line_and_equal_lines_share_a_name() -> None:
    gap = learning_charts.reward_chart([step(1, 0.5, 0.5), step(2, 0.5, 0.5), step(4, 0.5, 0.5)], 5)
    paths = re.findall(r'class="line" d="([^"]*)"', gap)
    assert [part[0] for part in re.findall(r"[ML][^ML]*", paths[0])] == ["M", "L", "M"]
    assert ">reward =<" in gap
    assert gap.count(">50%</tspan>") == 1
    apart = learning_charts.reward_chart([step(1, 0.25, 0.75)], 5)
    assert "25%</tspan>" in apart
    assert "75%</tspan>" in apart


def test_hostile_texts_are_escaped_everywhere(studio: Studio) -> None:
    run = studio.learned("hostile <script>x</script>")
    answer = studio.tail.answer(run, -1)
    for made in [
        *answer["parts"].values(),
        *answer["learning"].values(),
        History(Summaries(studio.runner.folder), Index(studio.runner.folder)).table(),
    ]:
        assert "<script" not in str(made)
        assert "onload=window" not in re.sub(r'(title|aria-label)="[^"]*"', "", str(made)).replace(
            "&lt;svg onload=", ""
        )
    evil = '"><img src=x onerror=1>'
    found = Retrieved((Match(evil, 0.9, evil), Match("b", -0.2, HOSTILE)), evil, 0.6, evil)
    view = RunView(retrieved=found, status="done")
    assert "<img" not in found_memories.line(view) + found_memories.matches(view)
    view.retrieved = replace(found, used=None)
    assert "<img" not in found_memories.line(view) + found_memories.matches(view)


def test_what_was_retrieved_is_told_with_its_scores(studio: Studio) -> None:
    run = studio.learned("A farmer packs crates of eggs")
    studio.learned("two trains meet at noon")
    used = studio.tail.answer(studio.solved("A farmer packs crates of pears", "auto"), -1)["parts"]
    assert re.search(
        r"“A farmer packs crates of eggs”</span><span class=\"how\">similarity 0\.\d\d, used", used["memory"]
    )
    assert used["matches"].count('data-ask="again"') == 2  # the other memory, and none at all
    assert f'<a href="?memory={run}" data-memory="{run}">' in used["matches"]
    none = studio.tail.answer(studio.solved("a garden", "auto"), -1)["parts"]
    assert none["memory"].startswith('<span class="how">None used. The nearest memory, at ')
    assert none["matches"].count(">Use it<") == 2
    off = studio.tail.answer(studio.solved(), -1)["parts"]
    assert off["memory"] == off["matches"] == ""


def test_use_it_solves_again_with_the_same_seed_and_that_memory(studio: Studio) -> None:
    memory, run = studio.learned(), studio.solved("something quite different")
    again = studio.done(studio.asks.again({"run": run, "memory": memory})["run"])
    view = studio.view(again)
    assert (view.problem, view.settings["seed"]) == ("something quite different", 7)
    assert view.retrieved is not None
    assert view.retrieved.used == memory
    assert {arm for arm, _ in view.traces} == {"zero_shot", "memory"}
    assert render.status(view) == "Both agree on 26: 7 of 8 with the memory, 5 of 8 without."
    from_learning = studio.done(studio.asks.again({"run": memory, "memory": memory})["run"])
    assert studio.view(from_learning).problem == EGGS
    assert "No memory was chosen." in studio.asks.again({"run": run})["error"]
    assert "There is no run" in studio.asks.again({"run": "../x", "memory": "off"})["error"]


def test_the_fields_of_the_drawer_become_settings_or_a_sentence(studio: Studio) -> None:
    run = studio.solved()
    fields = {"steps": "3", "rollouts": "4", "virtual_tokens": "5", "learning_rate": "1e-3", "seed": " 9 "}
    learned = studio.done(studio.asks.learn({"run": run, "fields": fields | {"loss": "grpo"}})["run"])
    settings = studio.view(learned).settings
    assert [settings[name] for name in ("steps", "rollouts", "virtual_tokens", "learning_rate", "seed", "loss")] == [
        3, 4, 5, 1e-3, 9, "grpo",
    ]  # fmt: skip
    for given, told in (
        ({"steps": "0"}, "Steps is 0. It must be a whole number from 1 to 1000."),
        ({"steps": ""}, "Steps is empty. It must be a number."),
        ({"rollouts": "2.5"}, "Rollouts is 2.5. It must be a whole number."),
        ({"learning_rate": "0"}, "Learning rate is 0.0. It must be above 0 and at most 1."),
        ({"learning_rate": "nan"}, "Learning rate is nan. It must be above 0 and at most 1."),
        ({"seed": "x"}, "Seed is 'x'. It must be a whole number, or blank for a random one."),
        ({"loss": "<b>"}, "Loss is '<b>'. It must be one of dr_grpo, grpo."),
    ):
        with pytest.raises(BadInput) as caught:
            learn_settings(given)
        assert str(caught.value) == told
        assert "<b>" not in studio.asks.learn({"run": run, "fields": given})["error"]
    short = studio.asks.duration({"run": run, "fields": {"steps": "1"}})["text"]
    assert short.endswith("on this machine")
    assert "Steps is 0." in studio.asks.duration({"run": run, "fields": {"steps": "0"}})["error"]


def test_the_memory_field(studio: Studio) -> None:
    store = studio.actions.store
    assert memory_field.wanted(store, "auto") == "off"  # there are none: nothing to look for
    assert [value for _, value in memory_field.choices(store)] == ["auto", "off"]
    run = studio.learned("A problem that is long enough to be cut off somewhere in the middle of its own sentence.")
    assert memory_field.wanted(store, "auto") == memory_field.wanted(store, None) == "auto"
    assert memory_field.wanted(store, "off") == "off"
    assert memory_field.wanted(store, f" {run} ") == run
    name, value = memory_field.choices(store)[-1]
    assert value == run
    assert name.endswith(f" … ({run})")
    with pytest.raises(BadInput, match="Memory: There is no memory 'nothing'"):
        memory_field.wanted(store, "nothing")


def test_the_list_of_runs_tells_learning_from_solving(studio: Studio) -> None:
    studio.learned()
    studio.solved(memory="auto")
    table = History(Summaries(studio.runner.folder), Index(studio.runner.folder)).table()
    assert "6 of 16 → 14 of 16 agree" in table
    assert '<span class="kind">learning</span>' in table
    assert '<span class="kind">with a memory</span>' in table
    assert "5 of 8 agree; with it 7 of 8" in table


def test_a_run_that_stands_still_keeps_its_clock_going(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """An update writes nothing for a while; the time that has gone is told all the same."""
    run = studio.learned()
    lines = [json.loads(line) for line in (studio.runner.folder / f"{run}.jsonl").read_text().splitlines()]
    last = next(number for number, line in enumerate(lines) if line.get("stage") == "update")
    quick = [json.dumps({**line, "at": 0.0}) + "\n" for line in lines[: last + 1]]  # on whatever machine
    (studio.runner.folder / "copy.jsonl").write_text("".join(quick))
    live: list[Any] = ["copy"]
    monkeypatch.setattr(studio.runner, "live", lambda: live)
    written = (studio.runner.folder / "copy.jsonl").stat().st_mtime
    clocks = []
    for later in (0, 30, 60.5):
        monkeypatch.setattr("elm_app.web.run.live_run.time.time", lambda later=later: written + later)
        clocks.append(studio.tail.answer("copy", 10**6)["learning"]["clock"].split(" gone")[0])
    assert clocks[1:] == ["30 s", "1 min 0 s"]


def test_measured_words_without_any_answer() -> None:
    trace = Trace("zero_shot", 0, 1, CODE, None, 320, False, -1.0)
    assert learning_view.measured_words(measured([trace], 1)) == "no answer · 100% unanswered · 320 tokens a trace"
    answered = replace(trace, text=SHORT, answer="26", tokens=72, finished=True)
    assert (
        learning_view.measured_words(measured([answered], 1))
        == "1 attempt, no vote · 0% unanswered · 72 tokens a trace"
    )


def test_a_memory_that_cannot_be_read_says_so(studio: Studio) -> None:
    run = studio.learned()
    card = studio.actions.store.adapters / run / CARD
    assert card.is_file()
    card.write_text("no card")
    assert "is damaged" in studio.tail.answer(run, 10**6)["learning"]["stored"]


def test_keep_stores_what_a_test_needs(studio: Studio) -> None:
    """`keep` makes memories for other tests: the store takes them as real ones."""
    one = measured([Trace("zero_shot", 0, 1, SHORT, "26", 72, True, -1.0)], 1)
    keep(studio.actions.store, "m", "a problem", LearnSettings(seed=1), one, one)
    assert studio.actions.store.get("m").problem == "a problem"
    assert studio.actions.store.soft_prompt("m").shape == (20, 16)


class TestDistilling:
    """A run by the other recipe: variants, a falling curve, and nothing of rewards."""

    SETTINGS = LearnSettings.by_recipe(recipe="distil", steps=3, variants=4, variant_traces=2, seed=7)

    @pytest.fixture
    def run(self, studio: Studio) -> str:
        return studio.done(studio.actions.learn(EGGS, ModelSettings(model="small"), self.SETTINGS, None))

    def test_the_status_tells_the_story(self, studio: Studio, run: str) -> None:
        told: list[str] = []
        for view, _ in views(studio.runner, run):
            line = re.sub(r"\d+ (of \d+ )?finished", "n finished", html.unescape(render.status(view)))
            if not told or told[-1] != line:
                told.append(line)
        assert told[3:] == [
            "Measuring before learning · 16 samples · n finished",
            "Solving 4 variants with a solution that won the vote in view · n finished",
            "Fitting the memory to the worked example",
            *(f"Fitting the memory to the worked example · layer {layer} of 4" for layer in range(1, 5)),
            "Step 1 of 3 · improving the memory",
            "Step 2 of 3 · improving the memory",
            "Step 3 of 3 · improving the memory",
            "Measuring after learning · 16 samples · n finished",
            "Storing the memory",
            "Agreement rose from 6 of 16 to 14 of 16",
        ]

    def test_the_bar_never_goes_back_and_ends_full(self, studio: Studio, run: str) -> None:
        shares = [share(view, course, view.seconds) for view, course in views(studio.runner, run)]
        assert shares == sorted(shares)
        assert (shares[0], shares[-1]) == (0, 1)
        assert len(set(shares)) > 30

    def test_the_time_left_is_that_of_the_steps(self, studio: Studio, run: str) -> None:
        view, course = next(each for each in views(studio.runner, run) if _steps(each[0]) == 2)
        assert view.learn is not None
        view.learn.finished = [replace(step, seconds=10.0) for step in view.learn.finished]
        course.before_seconds = 16.0
        assert left(view, course, view.seconds) == pytest.approx(10 + 16, abs=0.01)
        view.learn.step, view.learn.phase_since = 3, view.seconds
        assert left(view, course, view.seconds + 4) == pytest.approx(6 + 16, abs=0.01)

    def test_the_time_left_is_that_of_the_fit(self, studio: Studio, run: str) -> None:
        told = []
        for view, course in views(studio.runner, run):
            if view.learn is not None and view.learn.phase == "fit" and view.progress is not None:
                course.before_seconds = 16.0
                told.append((share(view, course, view.seconds), left(view, course, view.seconds)))
        shares, seconds = zip(*told, strict=True)
        assert list(shares) == sorted(set(shares))
        assert list(seconds) == sorted(set(seconds), reverse=True)
        assert len(told) == 4

    def test_the_worked_variants_stay_in_sight_while_it_learns(self, studio: Studio, run: str) -> None:
        view, _ = next(each for each in views(studio.runner, run) if _steps(each[0]) == 2)
        assert learning_view.traces_title(view) == "8 worked examples of 4 variants"
        assert learning_view.rollouts(view, {}).count("data-card=") == 8
        assert {arm for arm, _ in view.traces} == {"zero_shot"}

    def test_charts_and_steps_are_of_the_loss(self, studio: Studio, run: str) -> None:
        view = studio.view(run)
        drawn = learning_view.charts(view)
        assert 'data-key="loss"' in drawn
        assert "reward" not in drawn.lower()
        table = learning_steps.steps_table(view, {})
        assert table.count("<li>") == 4
        assert "&lt;b&gt;2&lt;/b&gt;" in table
        assert "traces 1, 2 · 2 learned" in table
        assert "0.12" in table
        assert "4 variants" in learning_view.meta(view, None)

    def test_the_whole_page_takes_it(self, studio: Studio, run: str) -> None:
        told = json.dumps(studio.tail.answer(run, -1))
        assert "Loss in nats a token" in told
        assert "worked" in told

    def test_the_form_gives_a_recipe_its_own_defaults(self) -> None:
        usual, paper = learn_settings({}), learn_settings({"recipe": "paper"})
        assert (usual.recipe, usual.form, usual.steps) == ("distil", "prefix", 16)
        assert (paper.recipe, paper.form, paper.steps) == ("paper", "soft", 10)
        assert stream_fields({}).learning.recipe == "paper"
        made = learn_settings({"recipe": "distil", "variants": "3", "variant_traces": "2", "lessons": "agreed"})
        assert (made.variants, made.lessons, made.learning_rate) == (3, "agreed", 5e-3)
        with pytest.raises(BadInput, match="Variants is 0"):
            learn_settings({"recipe": "distil", "variants": "0"})
