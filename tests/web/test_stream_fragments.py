"""Streams and benchmarks as HTML, from views and reports made by hand."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import scripted_bench

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput
from elm_app.core.events import Event, Failed, ProblemFinished, ProblemStarted, RunFinished, RunStarted, RunStopped
from elm_app.core.results import ArmResult, Result, StreamRow, TraceResult
from elm_app.core.types import Problem, Timing
from elm_app.evaluation.folder import BenchFolder, BenchPlan
from elm_app.evaluation.report import write_report
from elm_app.evaluation.report_schema import read_report
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.runs.catalog import Index
from elm_app.runs.event_log import Entry, LogWriter
from elm_app.runs.state import RunView, view_of
from elm_app.runs.summaries import Summaries
from elm_app.web.components import stream_labels
from elm_app.web.components.charts.running_accuracy import race
from elm_app.web.components.settings.form import stream_fields
from elm_app.web.pages.compare import figures
from elm_app.web.pages.runs.history import History
from elm_app.web.pages.stream import current_problem, ledger
from elm_app.web.pages.stream.panel import Streams

NO_TIME = Timing(0, 0, 0, 0, 0)
BARE = ArmResult("28", False, 0.5, 400)


def a_row(number: int, bare: bool | None, ours: bool | None, **changes: Any) -> StreamRow:
    made = StreamRow(
        number, f"p{number}", f"How many boxes <{number}>?", "26", "26", ours, "memory", replace(BARE, right=bare),
        ArmResult("26", ours, 0.75, 410), "m1", 0.83, f"l{number}", True, "Agreement rose.", None, 2000, 1200, 10.0,
        f"s{number}", f"l{number}",
    )  # fmt: skip
    return replace(made, **changes)


def begun(total: int, **settings: Any) -> RunStarted:
    return RunStarted("r1", "stream", "eggs.jsonl", {"problems": total, **settings}, "2026-11-23T05:00:00+00:00")


def view(*events: Event) -> RunView:
    return view_of(Entry(place, float(place), event) for place, event in enumerate(events))


def started(number: int, total: int) -> ProblemStarted:
    return ProblemStarted(number, total, f"p{number}", "How many <boxes>?", "26", f"s{number}", f"l{number}")


def streamed(*rows: StreamRow, total: int = 4, ending: Event | None = None) -> RunView:
    events = [event for row in rows for event in (started(row.number, total), ProblemFinished(row))]
    return view(begun(total), *events, *([ending] if ending else []))


def test_a_stream_says_how_far_it_has_come() -> None:
    row = a_row(1, False, True)
    assert stream_labels.heading(view(begun(4))) == "Starting"
    assert stream_labels.heading(view(begun(4), started(1, 4))) == "Problem 1 of 4"
    assert stream_labels.heading(streamed(row)) == "1 of 4 problems done"
    assert stream_labels.heading(streamed(row, ending=RunStopped(NO_TIME))) == "Paused after 1 of 4"
    assert stream_labels.heading(streamed(row, ending=Failed("X", "It broke.", ""))) == "Broke off after 1 of 4"
    assert stream_labels.heading(streamed(row, total=1, ending=RunFinished(NO_TIME))) == "The problem is done"


def test_the_clock_counts_all_sittings_and_stands_still_in_a_pause() -> None:
    live = view(begun(4), started(1, 4), ProblemFinished(a_row(1, True, True)), started(2, 4))
    assert ledger.clock(live, 4.0) == "14 s gone, about 26 s left"
    paused = streamed(a_row(1, True, True), ending=RunStopped(NO_TIME))
    assert ledger.clock(paused, 500.0) == "10 s gone, about 30 s left once it goes on"
    done = streamed(a_row(1, True, True), total=1, ending=RunFinished(NO_TIME))
    assert ledger.clock(done, 500.0) == "10 s in all"


def test_the_verdict_says_where_they_differ_and_whether_it_may_be_chance() -> None:
    assert ledger.verdict(streamed(a_row(1, True, True))) == "ELM and zero-shot are right on the same problems so far."
    won = streamed(a_row(1, False, True), a_row(2, True, False), a_row(3, False, True))
    assert ledger.verdict(won) == (
        "ELM is right on 2 problems where zero-shot is wrong, and wrong on 1 where zero-shot is right: "
        "this can be chance (sign test, p = 1)."
    )
    clear = streamed(*(a_row(number, False, True) for number in range(1, 7)), total=6)
    assert "more than chance would do (sign test, p = 0.031)" in ledger.verdict(clear)
    some = streamed(a_row(1, True, True), a_row(2, None, None, gold=None))
    assert ledger.verdict(some).endswith("Right answers are known for 1 of 2.")
    assert "nobody can say" in ledger.verdict(streamed(a_row(1, None, None, gold=None)))


def test_two_lines_race_and_without_right_answers_they_show_agreement() -> None:
    made = race(stream_labels.of(streamed(a_row(1, False, True), a_row(2, True, True))))
    assert made.count("<path") == 4  # wide and narrow
    assert "zero-shot 50% after problem 2; ELM 100% after problem 2" in made
    unknown = race(stream_labels.of(streamed(a_row(1, None, None, gold=None))))
    assert "Agreement so far" in unknown
    assert "without memory 50% after problem 1; with it 75% after problem 1" in unknown
    assert "no problem has been finished yet" in race(stream_labels.of(view(begun(4))))


def test_a_row_tells_it_all_in_words_and_escapes_what_it_shows() -> None:
    told = ledger.row(a_row(1, False, True), {"samples": 8})
    assert "How many boxes &lt;1&gt;?" in told
    for part in ("✗ wrong", "✓ right", "the memory", "similarity 0.83", 'data-explain-run="s1"', 'data-memory="l1"'):
        assert part in told
    bare = a_row(2, None, None, gold=None, memory=None, retrieved=None, learned=None, answer=None, reason="All agree.")
    told = ledger.row(bare, {"samples": 8})
    for part in ("not known", "no answer", "no memory", "All agree."):
        assert part in told
    assert "right</span>" not in told


def test_an_answer_of_one_attempt_is_not_shown_as_an_answer() -> None:
    guess = ArmResult("28", False, 1 / 8, 400)
    row = a_row(1, False, True, zero_shot=guess)
    told = ledger.row(row, {"samples": 8})
    assert ">no two agree (28)</span>" in told
    assert "<b>26</b>" in told, "the memory's majority stands"
    assert "<b>28</b>" in ledger.row(row, {"samples": 1})
    alone = a_row(1, False, False, zero_shot=guess, memory=None, source="zero_shot", answer="28")
    assert ledger.row(alone, {"samples": 8}).count("no two agree (28)") == 2
    assert "<b>28</b>" not in ledger.row(alone, {"samples": 8})
    both = a_row(1, False, False, zero_shot=guess, memory=guess, source="agreement", answer="28")
    assert ledger.row(both, {"samples": 8}).count("<b>28</b>") == 1, "two attempts say so, one with the memory"


def test_the_current_problem_is_shown_before_its_runs_have_logs() -> None:
    told = current_problem.now(started(1, 4), None, None)
    assert "How many &lt;boxes&gt;?" in told
    assert "Reading the problem" in told


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"limit": "0"}, "Problems is 0."),
        ({"limit": "x"}, "Problems is 'x'."),
        ({"order": "best"}, "Order is 'best'."),
        ({"samples": ""}, "Samples is empty."),
        ({"steps": "1.5"}, "Steps is 1.5."),
        ({"seed": "many"}, "Seed is 'many'."),
        ({"threshold": "near"}, "Memory from is 'near'."),
        ({"threshold": "3"}, "Memory from is 3.0."),
    ],
)
def test_fields_that_cannot_be_used_are_named(fields: dict[str, str], told: str) -> None:
    with pytest.raises(BadInput, match="is") as caught:
        stream_fields(fields)
    assert caught.value.message == told


def test_fields_become_settings() -> None:
    told = stream_fields({"threshold": "-1", "keep": "all", "steps": "4"})
    assert (told.routing.threshold, told.learning.keep, told.learning.steps) == (-1.0, True, 4)
    told = stream_fields({"threshold": " ", "keep": "helped"})
    assert (told.routing.threshold, told.learning.keep) == (None, False)
    told = stream_fields({"recipe": "distil", "variants": "4", "rollouts": "8", "steps": "32"})
    assert (told.learning.recipe, told.learning.form, told.learning.variants) == ("distil", "prefix", 4)
    with pytest.raises(BadInput, match="Recipe"):
        stream_fields({"recipe": "best"})


def asked(name: str, data: bytes, **more: str) -> dict[str, Any]:
    return {"name": name, "data": base64.b64encode(data).decode(), **more}


def test_a_file_is_told_with_what_was_assumed(tmp_path: Path) -> None:
    index = Index(tmp_path)
    streams = Streams(None, None, Summaries(tmp_path), index)
    told = streams.stream_check(asked("a.csv", b"Question;answer\n1<2?;7,5\n1<2?;8\n"))
    assert told["count"] == 2
    assert told["told"].startswith("a.csv: 2 problems, each with its right answer.<p")
    assert "Read as: CSV with semicolons; problem from &quot;Question&quot;; decimal commas in answers." in told["told"]
    assert "7.5 (line 2), 8 (line 3), &quot;1&lt;2?&quot;" in told["told"]
    told = streams.stream_check(asked("a.jsonl", b'{"problem": "1?", "answer": 1}'))
    assert told["told"] == "a.jsonl: 1 problem, with its right answer."
    told = streams.stream_check(asked("a.json", b'[{"q": "1?"}, 2]', columns="problem=q"))
    assert "agreement is shown instead of accuracy" in told["told"]
    assert "row 2: not a JSON object" in told["bad"]


def write(folder: Path, run: str, *events: Event) -> None:
    with LogWriter(folder, run) as log:
        for event in events:
            log.append(event)


def test_runs_of_a_stream_stand_under_it(tmp_path: Path) -> None:
    child = {"stream": "r1"}
    out = str(tmp_path / "out")
    write(tmp_path, "s1", replace(begun(0), run="s1", command="solve", settings=child), RunFinished(NO_TIME))
    write(
        tmp_path, "r1", begun(2, out=out, stream_id="r1"), started(1, 2), ProblemFinished(a_row(1, False, True)),
        RunStopped(NO_TIME),
    )  # fmt: skip
    write(tmp_path, "r2", replace(begun(2, out=out, stream_id="r1"), run="r2"), ProblemFinished(a_row(1, False, True)))
    write(tmp_path, "x1", replace(begun(0), run="x1", command="solve", settings={"stream": "gone"}))
    index = Index(tmp_path)
    assert index.latest("r1") == "r2"
    table = History(Summaries(tmp_path), Index(tmp_path)).table()
    assert table.count('<td class="when">') == 3  # r2, r1, and x1, whose stream is gone
    assert table.count('class="parts"') == 1
    assert "its 1 problem" in table
    assert 'data-run="s1"' in table
    assert "Paused after 1 of 2" in table
    assert "1 of 1 right" in table


def test_a_report_is_read_or_refused_in_a_sentence(tmp_path: Path) -> None:
    scripted_bench.write(tmp_path)
    report = read_report(tmp_path)
    assert report.methods[0].share_pass == pytest.approx(0.42)
    assert "16 of 55" in figures.table(report)
    assert figures.table(report).count("<tr") == 8
    for text in ("", "[]", "{}", '{"methods": 3}', '{"methods": [{"accuracy": NaN}]}'):
        (tmp_path / "report.json").write_text(text)
        with pytest.raises(BadInput, match="is no report"):
            read_report(tmp_path)


def test_a_report_without_right_answers_has_no_plot(tmp_path: Path) -> None:
    scripted_bench.write(tmp_path)
    path = tmp_path / "report.json"
    value = json.loads(path.read_text())
    for method in value["methods"]:
        method |= dict.fromkeys(("accuracy", "accuracy_interval", "maj", "mean", "pass", "difference"))
    path.write_text(json.dumps(value))
    report = read_report(tmp_path)
    assert "no accuracy to draw" in figures.plot(report)
    assert "Right" not in figures.table(report).replace("Right labels", "")
    assert "Agreement" in figures.table(report)


def test_the_report_that_a_benchmark_writes_can_be_shown(tmp_path: Path) -> None:
    folder = BenchFolder(tmp_path)
    problems = tuple(Problem(f"How many boxes {n}?", f"p{n}", "26") for n in (1, 2))
    settings = StreamSettings(ModelSettings(), SamplingSettings(seed=1), RouteSettings(), LearnSettings(seed=1))
    folder.save(BenchPlan("eggs.jsonl", problems, ("zero_shot", "elm"), (0,), settings.to_json()))
    for method, right in (("zero_shot", False), ("elm", True)):
        for number, problem in enumerate(problems, 1):
            trace = TraceResult("26" if right else "28", "26" if right else "28", right, 90, True)
            folder.append(
                Result(
                    method, 0, number, str(problem.id), problem.text, "26", trace.answer, right, 1.0, (trace, trace),
                    180, 40, 2.5,
                )
            )  # fmt: skip
    write_report(folder)
    report = read_report(tmp_path)
    assert [method.accuracy for method in report.methods] == [0.0, 1.0]
    assert "+100 [+100, +100]" in figures.table(report)
    assert "ELM 100% after problem 2" in figures.running(report)
    assert "<p>ELM: +100.0 to the vote [" in figures.sentences(report)
    assert "eggs.jsonl" in figures.head(report)
