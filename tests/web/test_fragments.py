"""What the page says about a run: words, colours, bars, cards; and only what changed is sent."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from scripted import HOSTILE, REALISTIC, SHORT, scripted

from elm_app.core.config import SamplingSettings
from elm_app.core.errors import BadInput
from elm_app.core.events import (
    Decided,
    Event,
    Failed,
    ModelReady,
    Progress,
    PromptRead,
    RunStarted,
    RunStopped,
    TraceFinished,
    VoteChanged,
)
from elm_app.core.types import AnswerCount, Decision, ModelInfo, Timing, Vote
from elm_app.runs.catalog import Index
from elm_app.runs.event_log import Entry, read
from elm_app.runs.runner import Runner
from elm_app.runs.state import RunView, view_of
from elm_app.runs.summaries import Summaries, summary
from elm_app.web.components import labels
from elm_app.web.components.answer_colors import classes
from elm_app.web.components.settings.form import model_settings, sampling_settings
from elm_app.web.pages.runs.history import History
from elm_app.web.run import headline, render
from elm_app.web.run.feed import Tail


@pytest.fixture
def runner(tmp_path: Path) -> Any:
    made = Runner(tmp_path / "runs")
    yield made
    made.close()


def finished_run(runner: Runner, texts: list[str] = REALISTIC, samples: int = 8, **how: Any) -> str:
    sampling = SamplingSettings(samples=samples, seed=7)
    settings = {"samples": samples, "max_new_tokens": 512, "seed": 7}
    work = scripted(texts, sampling, step_seconds=0, load_seconds=0, **how)
    run = runner.submit("solve", "How many boxes?", settings, work)
    assert runner.wait(run, 20)
    return run


def view_after(*events: Event) -> RunView:
    started = RunStarted("r", "solve", "p", {"samples": 8, "max_new_tokens": 64}, "2026-01-01T00:00:00+00:00")
    return view_of(Entry(seq, float(seq), event) for seq, event in enumerate([started, *events]))


def test_the_status_says_what_is_happening() -> None:
    assert render.status(view_after()) == "Starting"
    assert render.status(view_after(), ahead=1) == "Waiting: 1 run ahead"
    fetching = view_after(Progress("download", "Fetching the model", 212e6, 491.4e6, "B"))
    told = render.status(fetching, 0, render.Pace(20e6))
    assert told == "Fetching the model · 212 of 491 MB · 20 MB/s · 14 s left"
    assert render.status(view_after(Progress("load", "", 0, 0))) == "Loading the model"
    model = ModelReady(ModelInfo("SmolLM2-135M", "int8", "cpu", "0" * 64), 1.0)
    assert render.status(view_after(model)) == "Reading the problem"
    assert render.status(view_after(model, PromptRead("zero_shot", 9, 0.1))) == "8 traces, 0 finished"
    vote = Vote("72", 0.75, (AnswerCount("72", 6), AnswerCount("48", 1)), 1)
    voted = VoteChanged("zero_shot", vote, 8, 8)
    assert labels.verdict(view_after(voted)) == ["6 of 8 agree", "1 other answer", "1 without an answer"]


def test_a_run_that_was_stopped_before_the_model_was_here_says_what_is_kept() -> None:
    fetching = Progress("download", "Fetching the model", 212e6, 491.4e6, "B")
    stopped = view_after(fetching, RunStopped(Timing(0, 0, 0, 0, 0)))
    assert render.status(stopped) == "Stopped before the model was here"
    assert headline.note(stopped).startswith("What was fetched of the model is kept.")
    assert headline.answer(stopped) == ""
    model = ModelReady(ModelInfo("small", "4-bit", "cpu", "0" * 64), 1.0)
    later = view_after(fetching, model, RunStopped(Timing(0, 0, 0, 0, 0)))
    assert render.status(later) == "Stopped · 8 traces, 0 finished"
    assert headline.note(later) == ""


def test_the_chip_says_what_the_numbers_are_in_old_logs_too() -> None:
    def chip(quantization: str, **settings: str) -> str:
        model = ModelReady(ModelInfo("small", quantization, "cpu", "0" * 64), 1.0)
        view = view_after(model)
        view.settings |= settings
        return render.chip(view)

    assert ">0.5B · 4-bit · CPU<" in chip("4-bit")
    assert ">0.5B · 8-bit · CPU<" in chip("int8")
    assert 'data-auto="small"' in chip("4-bit", model="auto")
    assert 'data-auto=""' in chip("4-bit", model="small")


def test_a_run_without_answers_and_a_failed_one_say_so() -> None:
    vote = VoteChanged("zero_shot", Vote(None, 0.0, (), 8), 8, 8)
    nothing = view_after(PromptRead("zero_shot", 9, 0.1), vote, Decided(Decision(None, "zero_shot", "<none>")))
    assert render.status(nothing) == "8 traces, 0 finished · none of the 8 traces has an answer"
    assert headline.note(nothing) == ""  # the line over it has said so
    failed = view_after(Failed("OutOfMemory", "No <room>.", "Lower the samples."))
    assert render.failure(failed) == '<p class="error"><strong>No &lt;room&gt;.</strong> Lower the samples.</p>'
    assert headline.answer(failed) == ""


def test_a_class_keeps_its_colour_while_the_lead_changes(runner: Runner) -> None:
    entries, _ = read(runner.folder, finished_run(runner, [SHORT, "\\boxed{1}", "\\boxed{2}", "\\boxed{2}"], 32))
    view, seen, leaders = RunView(), {}, set()
    for entry in entries:
        view.apply(entry)
        for each in classes(view, "zero_shot"):
            assert seen.setdefault(each.answer, each.colour) == each.colour
            if each.rank == 0:
                leaders.add(each.answer)
    assert len(set(seen.values())) == 3
    assert len(leaders) > 1  # else this has shown nothing


def test_more_classes_than_colours_share_one_segment(runner: Runner) -> None:
    view = view_of(read(runner.folder, finished_run(runner, [f"\\boxed{{{n}}}" for n in range(10)], 10))[0])
    assert [each.colour for each in classes(view, "zero_shot")] == ["k0", "k1", "k2", "k3", "k4", "k5", *["kx"] * 4]
    assert "4 others" in render.bars(view)


def test_bars_add_up_and_say_their_base(runner: Runner) -> None:
    bars = render.bars(view_of(read(runner.folder, finished_run(runner))[0]))
    for told in ('title="26: 5 of 8"', 'title="28: 1 of 8"', 'title="without an answer: 1 of 8"', "width:62.50%"):
        assert told in bars
    assert 'title="still writing: 0 of 8"' in bars


def test_cards_say_how_a_trace_stands(runner: Runner) -> None:
    view = view_of(read(runner.folder, finished_run(runner))[0])
    found = classes(view, "zero_shot")
    cards = {index: render.card(view, view.traces["zero_shot", index], found, 1) for index in range(8)}
    assert "card k0 finished major" in cards[1]
    assert ">26<" in cards[1]
    assert "cut off at 512 tokens" in cards[5]
    assert "card none cut" in cards[5]


def test_hostile_answers_are_escaped_everywhere(runner: Runner) -> None:
    view = view_of(read(runner.folder, finished_run(runner, [HOSTILE], 2))[0])
    view.problem = "<script>"
    card = render.card(view, view.traces["zero_shot", 0], classes(view, "zero_shot"), 1)
    for made in (
        headline.answer(view),
        render.bars(view),
        card,
        History(Summaries(runner.folder), Index(runner.folder)).table(),
    ):
        assert "<svg" not in made
        assert "<script" not in made


def test_a_page_that_asks_often_sees_what_one_that_asks_once_sees(runner: Runner) -> None:
    run = finished_run(runner)
    path = runner.folder / f"{run}.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("")
    tail, since, often = Tail(runner), -1, {"parts": {}, "cards": {}}
    for start in range(0, len(lines), 7):
        with path.open("a") as file:
            file.writelines(lines[start : start + 7])
        answer = tail.answer(run, since)
        since = answer["seq"]
        often["parts"].update(answer["parts"])
        for card in answer["cards"]:
            kept = often["cards"].setdefault(card["key"], {"blocks": {}})
            kept["shell"] = card["shell"]
            kept["blocks"].update(card["blocks"])
    assert tail.answer(run, since)["cards"] == []
    once = Tail(runner).answer(run, -1)
    assert once["parts"] == often["parts"]
    assert {c["key"]: (c["shell"], dict(c["blocks"])) for c in once["cards"]} == {
        key: (card["shell"], card["blocks"]) for key, card in often["cards"].items()
    }
    assert len(once["cards"]) == 8


def test_a_page_gets_only_what_changed(runner: Runner) -> None:
    run = finished_run(runner)
    lines = (runner.folder / f"{run}.jsonl").read_text().splitlines(keepends=True)
    chunk = next(n for n, line in enumerate(lines) if json.loads(line)["kind"] == "trace_chunk" and n > 40)
    other = runner.folder / "copy.jsonl"
    other.write_text("".join(lines[:chunk]))
    tail = Tail(runner)
    first = tail.answer("copy", -1)
    with other.open("a") as file:
        file.write(lines[chunk])
    second = tail.answer("copy", first["seq"])
    assert [card["key"] for card in second["cards"]] == [f"zero_shot-{json.loads(lines[chunk])['index']}"]
    assert len(second["cards"][0]["blocks"]) == 1
    assert "bars" not in second["parts"]


def test_pace_is_measured_over_the_wait(runner: Runner, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir(exist_ok=True)
    started = {"kind": "run_started", "run": "w", "command": "solve", "problem": "p", "settings": {}, "created": ""}
    lines = [{"seq": 0, "at": 0.0, **started}]
    for n in range(1, 5):
        wait = {"kind": "progress", "stage": "download", "message": "Fetching", "total": 100e6, "unit": "B"}
        lines.append({"seq": n, "at": float(n), "done": n * 10e6, **wait})
    (folder / "w.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert Tail(runner).answer("w", -1)["status"] == "Fetching · 40 of 100 MB · 10 MB/s · 6 s left"


@pytest.mark.parametrize(
    ("name", "content"),
    [("damaged", '{"seq": 0'), ("damaged", "no json\n"), ("damaged", '{"seq": 0, "at": 0, "kind": "trace"}\n')],
)
def test_a_log_that_cannot_be_read_is_a_sentence(runner: Runner, tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / "runs").mkdir(exist_ok=True)
    (tmp_path / "runs" / f"{name}.jsonl").write_text(content)
    answer = Tail(runner).answer(name, -1)
    assert "error" in answer or answer["seq"] == -1
    assert summary(tmp_path / "runs" / f"{name}.jsonl") is None
    assert "damaged log" in History(Summaries(tmp_path / "runs"), Index(tmp_path / "runs")).table()


@pytest.mark.parametrize("run", ["nothing", "../secret", "a/b", ".", "", "x" * 300, "\0", "<script>"])
def test_no_such_run_is_a_sentence(runner: Runner, run: str) -> None:
    answer = Tail(runner).answer(run, -1)
    assert (
        answer == {"run": "", "coming": None}
        or "There is no run" in answer["error"]
        or "cannot be read" in answer["error"]
    )
    assert "<script>" not in answer.get("error", "")


def test_the_list_of_runs(runner: Runner) -> None:
    assert "kept here as a run" in History(Summaries(runner.folder), Index(runner.folder)).table()
    run = finished_run(runner)
    finished_run(runner, fails=True)
    table = History(Summaries(runner.folder), Index(runner.folder)).table()
    assert f'href="?run={run}"' in table
    assert "5 of 8 agree" in table
    assert "failed" in table
    assert table.index("failed") < table.index("5 of 8 agree")  # the newest first


def test_fields_become_settings_or_a_sentence() -> None:
    assert sampling_settings(4, 100, 0, "").samples == 4
    assert sampling_settings(4, 100, 0, "").seed != sampling_settings(4, 100, 0, None).seed
    for given, told in (
        ((0, 100, 0.7, ""), "Samples is 0. It must be a whole number from 1 to 256."),
        ((None, 100, 0.7, ""), "Samples is empty. It must be a number."),
        ((2.5, 100, 0.7, ""), "Samples is 2.5. It must be a whole number."),
        ((8, 0, 0.7, ""), "New tokens is 0. It must be a whole number from 1 to 32768."),
        ((8, 100, -1, ""), "Temperature is -1.0. It must be from 0 (greedy) to 5."),
        ((8, 100, 0.7, "abc"), "Seed is 'abc'. It must be a whole number, or blank for a random one."),
        ((8, 100, float("nan"), ""), "Temperature is nan. It must be from 0 (greedy) to 5."),
        ((float("inf"), 100, 0.7, ""), "Samples is inf. It must be a whole number."),
    ):
        with pytest.raises(BadInput) as caught:
            sampling_settings(*given)
        assert str(caught.value) == told
    with pytest.raises(BadInput, match="Model is empty"):
        model_settings("  ", "auto")


def test_examples_are_short_and_their_own() -> None:
    examples = json.loads((Path(__file__).parents[2] / "assets" / "examples.json").read_text())
    assert len(examples) >= 5
    assert all(len(example["title"]) < 20 < len(example["text"]) for example in examples)
    assert all(one["title"] != two["title"] for one, two in pairwise(examples))


def test_two_arms_stand_side_by_side(runner: Runner) -> None:
    entries, _ = read(runner.folder, finished_run(runner))
    view = view_of(entries)
    for entry in entries:
        event = entry.event
        if isinstance(event, VoteChanged):
            view.apply(Entry(entry.seq + 1000, entry.at, replace(event, arm="memory")))
        if isinstance(event, TraceFinished):
            view.apply(Entry(entry.seq + 1000, entry.at, TraceFinished(replace(event.trace, arm="memory"))))
    bars = render.bars(view)
    assert bars.index("Without a memory") < bars.index("With the memory")
    colours = [{each.answer: each.colour for each in classes(view, arm)} for arm in labels.arms(view)]
    assert colours[0] == colours[1]
    assert render.status(view) == html.escape(view.decision.reason if view.decision else "")
