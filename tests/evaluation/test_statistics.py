"""The numbers of a report against those made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from elm_app.answers.vote import vote
from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput
from elm_app.core.results import Result, TraceResult
from elm_app.core.types import ModelInfo, Problem
from elm_app.evaluation.folder import BenchFolder, BenchPlan
from elm_app.evaluation.report import markdown, report_json, sentences, write_report
from elm_app.evaluation.statistics import (
    at_samples,
    by_problem,
    difference,
    proportion,
    row,
    running,
    score,
    share,
    sign_flip,
)
from elm_app.pipelines.stream.settings import StreamSettings

SETTINGS = StreamSettings(
    ModelSettings("tiny"), SamplingSettings(4, 10, 0.7, seed=0), RouteSettings(), LearnSettings(seed=0)
).to_json()


def line(method: str, number: int, answers: list[str | None], answer: str | None, seed: int = 0, **more: Any) -> Result:
    """A line whose right answer is 1; 10 tokens a trace."""
    traces = tuple(TraceResult("", one, one == "1", 10, True) for one in answers)
    given: dict[str, Any] = {"tokens": 10 * len(answers), "read_tokens": 5, "seconds": 2.0} | more
    return Result(method, seed, number, f"p{number}", "?", "1", answer, answer == "1", 0.5, traces, **given)


def test_the_score_of_zero_shot_is_a_trace_s_and_of_others_the_answer_s() -> None:
    assert score(line("zero_shot", 1, ["1", "2", None, "1"], "1")) == 0.5
    assert score(line("icl", 1, ["1", "2", None, "1"], "2")) == 0.0
    assert score(replace(line("icl", 1, ["1"], "1"), right=None)) is None


def test_seeds_of_a_problem_are_averaged_first() -> None:
    lines = [line("icl", 1, ["1"], "1", 0), line("icl", 1, ["1"], "2", 1), line("icl", 2, ["1"], "1", 0)]
    assert by_problem(lines) == {1: 0.5, 2: 1.0}
    assert running(lines) == [(1, 0.5), (2, 0.75)]


def test_an_interval_is_the_bootstrap_s() -> None:
    found = share([0.0, 1.0] * 50)
    assert found.value == 0.5
    assert found.low == pytest.approx(0.5 - 1.96 * 0.05, abs=0.015)  # the normal approximation of the binomial
    assert found.high == pytest.approx(0.5 + 1.96 * 0.05, abs=0.015)
    assert share([1.0, 1.0]) == share([1.0] * 9)
    assert share([0.0, 1.0] * 50) == found  # seeded


def test_a_share_of_right_answers_has_a_width_at_its_ends_too() -> None:
    """Against the formula's own table (Brown, Cai and DasGupta 2001, example: 0 of 20 ends at 16.1%)."""
    assert proportion([0.0] * 20).high == pytest.approx(0.161, abs=0.0005)
    assert proportion([1.0] * 20).low == pytest.approx(1 - 0.161, abs=0.0005)
    assert proportion([0.5, 1.0]) == share([0.5, 1.0])  # seeds were averaged, or it is zero-shot


def test_a_few_wins_against_no_loss_are_no_proof() -> None:
    for wins, p in ((4, 0.125), (5, 0.0625), (6, 0.03125)):
        found = difference(dict(enumerate([1.0] * wins + [0.0] * (40 - wins))), dict(enumerate([0.0] * 40)))
        assert found is not None
        assert found.low > 0  # the bootstrap is sure of all three
        assert found.p == p
    many = [1.0] * 16 + [-1.0] * 8
    assert sign_flip(many) == pytest.approx(0.1516, abs=0.0001)  # the exact sign test of 16 to 8
    assert sign_flip([1.0, 0.5, -0.25]) == 0.5  # 1.25 or more in 4 of the 8 patterns
    uneven = [1.0, 0.9] * 10 + [-0.5] * 4
    assert sign_flip(uneven) < 0.001
    gap = {"difference": 0.1, "difference_interval": [0.025, 0.2], "difference_vote": None, "accuracy": 0.5}
    gap |= {"method": "elm", "problems": 40, "equal_tokens": None}
    said = [sentences([gap | {"difference_p": p}], 40)[0] for p in (0.125, 0.03)]
    assert said[0] == "elm: +10.0 to a single trace [+2.5, +20.0], p = 0.12, not told apart."
    assert said[1] == "elm: +10.0 to a single trace [+2.5, +20.0], p = 0.030, better."


def test_differences_are_paired() -> None:
    ours, theirs = {1: 1.0, 2: 0.0, 3: 1.0, 9: 0.0}, {1: 0.5, 2: -0.5, 3: 0.5}
    found = difference(ours, theirs)
    assert found is not None
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)  # the problems differ, their differences do not
    assert difference({1: 1.0}, {2: 1.0}) is None


def test_a_vote_over_fewer_traces() -> None:
    pool = ["1", "1", "2", "2", "2", None]
    one = line("self_consistency", 1, ["1", "1", "2", "2"], "1", detail={"pool": pool})
    assert at_samples(one, 6) == 0.0
    assert at_samples(one, 1) == pytest.approx(2 / 6, abs=0.04)
    sure = line("self_consistency", 2, ["1"] * 4, "1")
    assert at_samples(sure, 2) == at_samples(sure, 6) == 1.0
    assert at_samples(line("x", 1, [None, None], None), 1) == 0.0
    assert at_samples(line("x", 1, ["1", None], "1"), 1) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_vote_over_fewer_traces_is_that_of_all_subsets(count: int) -> None:
    """Against the mean over every subset, each with a vote of its own."""
    pools = [["2", "1", "1", None, "3"], ["1", None, None, "2", "1"], ["3", "3", "1", "1", "2"]]
    made = [line("self_consistency", n, ["1"], "1", detail={"pool": pool}) for n, pool in enumerate(pools, 1)]
    exact = [np.mean([vote(list(some)).answer == "1" for some in combinations(pool, count)]) for pool in pools]
    assert [at_samples(one, count) for one in made] == pytest.approx(exact, abs=0.04)
    assert at_samples(made[0], count) == at_samples(made[0], count)  # seeded


def test_the_bootstrap_is_over_problems_and_not_over_lines() -> None:
    """Ten seeds of four problems are four values: their interval is that of four."""
    many = [line("icl", n, ["1"], "1" if n <= 2 else "2", seed) for n in (1, 2, 3, 4) for seed in range(10)]
    found = share(list(by_problem(many).values()))
    assert found == share([1.0, 1.0, 0.0, 0.0])
    assert (found.low, found.high) == (0.0, 1.0)  # a resample of four has none or all with probability 1/16 each


def test_equal_tokens_are_rounded_and_at_most_what_there_is() -> None:
    bare = [line("self_consistency", 1, ["1", "2", "2", "2"], "2", detail={"pool": ["1"] * 8})]
    for tokens, wanted, samples in ((4, 1, 1), (14, 1, 1), (16, 2, 2), (80, 8, 8), (1000, 100, 8)):
        ours = [line("elm", 1, ["1"] * 4, "1", tokens=tokens)]
        told = row("elm", ours, {"self_consistency": bare})["equal_tokens"]
        assert (told["accuracy"], told["samples"], told["wanted"]) == (1.0, samples, wanted)
        assert told["difference"] == 0.0
    assert row("zero_shot", bare, {"self_consistency": bare})["equal_tokens"]["difference"] is None


def test_equal_tokens_wait_until_the_same_problems_are_there() -> None:
    found = lines()
    del found["self_consistency"][2]
    assert row("elm", found["elm"], found)["equal_tokens"] is None
    assert row("elm", found["elm"][:2], found)["equal_tokens"] is not None
    assert row("elm", found["elm"], found)["difference_vote"] == pytest.approx(1.0 - 0.5)  # over the two that both have


def test_asked_once_more_is_compared_with_itself_by_seed() -> None:
    first = [line("icl", n, ["1"], "1", seed) for n in (1, 2) for seed in (0, 1)]
    late = [line("icl", 1, ["1"], answer, seed, again=True) for seed, answer in ((0, "2"), (1, "1"))]
    told = row("icl", first + late, {})
    assert told["again"] == {"before": 1.0, "after": 0.5, "problems": 2}
    assert told["accuracy"] == 1.0
    assert row("icl", first[:1] + late, {})["again"] is None  # the first time is not there
    bare = [line("zero_shot", 1, ["1", "2"], "1"), line("zero_shot", 1, ["2", "2"], "2", again=True)]
    assert row("zero_shot", bare, {})["again"] == {"before": 0.5, "after": 0.0, "problems": 1}


def test_problems_without_a_right_answer_count_for_what_needs_none() -> None:
    known, unknown = line("icl", 1, ["1", "2"], "1"), line("icl", 2, [None, "5"], "5", tokens=40)
    told = row("icl", [known, replace(unknown, gold=None, right=None)], {})
    assert (told["problems"], told["accuracy"], told["answered"], told["tokens"]) == (2, 1.0, 0.75, 30.0)
    assert told["running"] == [(1, 1.0)]


def test_a_tie_goes_to_the_first_trace() -> None:
    assert at_samples(line("x", 1, ["2", "1"], "2"), 2) == 0.0
    assert at_samples(line("x", 1, ["1", "2"], "1"), 2) == 1.0
    assert at_samples(line("x", 1, [None, "1", "2", "2", "1"], "1"), 5) == 1.0


def lines() -> dict[str, list[Result]]:
    bare = [["1", "2", None, "1"], ["2", "2", "1", "2"], [None] * 4]
    pools = [["1"] * 6 + [None] * 2, ["1"] * 8, ["2"] * 8]
    return {
        "zero_shot": [line("zero_shot", n, answers, answers[0]) for n, answers in enumerate(bare, 1)],
        "self_consistency": [
            line("self_consistency", n, answers, answers[0], detail={"pool": pool})
            for n, (answers, pool) in enumerate(zip(bare, pools, strict=True), 1)
        ],
        "elm": [
            line("elm", 1, ["1"] * 4, "1", tokens=80, detail={"label_accuracy": 1, "trainable": 40, "stored_bytes": 9}),
            line("elm", 2, ["1", "1", "2", None], "1", tokens=80, detail={"label_accuracy": 0.0, "retrieved": "m"}),
            line("elm", 3, ["2"] * 4, "2", tokens=80),
            line("elm", 1, ["2"] * 4, "2", again=True),
            line("elm", 2, ["1"] * 4, "1", again=True),
        ],
    }  # fmt: skip


def test_a_row_of_the_report() -> None:
    told = row("elm", lines()["elm"], lines())
    assert told["problems"] == 3
    assert told["accuracy"] == told["maj"] == pytest.approx(2 / 3)
    assert told["mean"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert told["pass"] == pytest.approx(2 / 3)
    assert told["answered"] == pytest.approx(11 / 12)
    assert told["difference"] == pytest.approx(2 / 3 - (0.5 + 0.25 + 0) / 3)
    assert told["difference_vote"] == pytest.approx(2 / 3 - 1 / 3)
    equal = {"accuracy": pytest.approx(2 / 3), "samples": 8, "wanted": 8}
    assert told["equal_tokens"] == equal | {"difference": 0.0, "difference_interval": [0.0, 0.0], "difference_p": 1.0}
    assert told["arms"] is None  # the lines do not say
    tried = [replace(one, detail={"zero_shot_right": True, "memory_right": one.number == 2}) for one in lines()["elm"]]
    arms = row("elm", tried, lines())["arms"]
    assert arms == {"problems": 3, "without": 3, "alone": 1, "chosen": 2}
    assert (told["label_accuracy"], told["hits"], told["trainable"], told["stored_bytes"]) == (0.5, 1, 40, 9)
    assert told["again"] == {"before": 1.0, "after": 0.5, "problems": 2}
    bare = row("zero_shot", lines()["zero_shot"], lines())
    assert (bare["tokens"], bare["seconds"]) == (10.0, 2.0)  # of one of its four traces; their time cannot be divided
    assert bare["difference"] is bare["difference_vote"] is None
    few = lines()
    del few["self_consistency"]  # the vote over the traces of zero-shot is the same
    assert row("elm", few["elm"], few)["difference_vote"] == told["difference_vote"]


def test_without_right_answers_there_is_no_accuracy() -> None:
    bare = [replace(one, gold=None, right=None) for one in lines()["elm"] if not one.again]
    told = row("elm", bare, {"elm": bare})
    assert told["accuracy"] is told["maj"] is told["difference"] is told["equal_tokens"] is told["again"] is None
    assert told["running"] == []
    assert told["agreement"] == 0.5


@pytest.fixture
def folder(tmp_path: Path) -> BenchFolder:
    made = BenchFolder(tmp_path / "b")
    problems = tuple(Problem("?", f"p{number}", "1") for number in (1, 2, 3))
    made.save(BenchPlan("<x>.jsonl", problems, ("zero_shot", "self_consistency", "elm", "icl"), (0,), SETTINGS))
    for found in lines().values():
        for one in found:
            made.append(one)
    return made


def test_the_report_is_written_and_read(folder: BenchFolder) -> None:
    report = write_report(folder, ModelInfo("tiny", "int8", "cpu", "0" * 64))
    assert report_json(folder.path) == json.loads(json.dumps(report))
    assert [one["method"] for one in report["methods"]] == [
        "zero_shot",
        "self_consistency",
        "elm",
    ]  # icl has no line yet
    said = next(sentence for sentence in report["sentences"] if sentence.startswith("elm: "))
    assert said == (
        "elm: +33.3 to the vote [+0.0, +100.0], p = 1.00, not told apart; "
        "+0.0 to a vote over 8 traces for as many tokens [+0.0, +0.0], p = 1.00, not told apart."
    )
    text = (folder.path / "report.md").read_text(encoding="utf-8")
    assert "| elm | 3 | 66.7%" in text
    assert "maj@8" in text
    assert "Right majorities among the steps of learning: elm 50.0%." in text
    assert markdown(report) == text
    assert write_report(folder)["model"]["id"] == "tiny"  # the model is known from the report before


def test_the_plots_are_svg_and_names_are_only_text(folder: BenchFolder) -> None:
    folder.append(line("icl", 1, ["1"] * 4, "1"))
    report = write_report(folder)
    report["methods"][0]["method"] = '<script>"&'
    from elm_app.evaluation.report import PLOTS

    for name, plot in PLOTS.items():
        root = ElementTree.fromstring((folder.path / name).read_text(encoding="utf-8"))
        assert root.tag.endswith("svg")
        hostile = ElementTree.fromstring(plot(report))
        assert not [one for one in hostile.iter() if one.tag.endswith("script")]
        assert any((one.text or "").startswith('<script>"&') for one in hostile.iter())
        width, height = (float(part) for part in hostile.get("viewBox", "").split()[2:])
        for one in hostile.iter():
            for place, end in (("x", width), ("y", height), ("cx", width), ("cy", height)):
                if (at := one.get(place)) is not None:
                    assert 0 <= float(at) <= end, (name, one.attrib)


def test_a_file_s_name_is_only_text(folder: BenchFolder) -> None:
    report = write_report(folder) | {"name": "<img src=x>\n# ![a](b).jsonl"}
    assert markdown(report).splitlines()[0] == "# &lt;img src=x&gt; # !\\[a](b).jsonl: 3 problems"
    assert markdown(report | {"name": "my_eggs-2.jsonl"}).startswith("# my_eggs-2.jsonl: 3 problems")


def test_all_wrong_can_be_drawn(tmp_path: Path) -> None:
    made = BenchFolder(tmp_path / "b")
    made.save(BenchPlan("x", (Problem("?", "p1", "1"),), ("zero_shot",), (0,), SETTINGS))
    made.append(line("zero_shot", 1, ["2"] * 4, "2"))
    report = write_report(made)
    assert report["methods"][0]["accuracy"] == 0.0
    assert np.isfinite([float(part) for part in report["methods"][0]["accuracy_interval"]]).all()


def test_a_folder_may_grow_but_not_change(folder: BenchFolder, tmp_path: Path) -> None:
    plan = folder.plan()
    folder.save(replace(plan, methods=("lag",), seeds=(0, 1)))
    assert folder.plan().methods == (*plan.methods, "lag")
    assert folder.plan().seeds == (0, 1)
    for change in ({"problems": plan.problems[:2]}, {"again": 1}, {"settings": SETTINGS | {"samples": 9}}):
        with pytest.raises(BadInput, match="holds a benchmark with other"):
            folder.save(replace(plan, **change))
    with pytest.raises(BadInput, match="no benchmark in"):
        BenchFolder(tmp_path / "nothing").plan()
    with pytest.raises(BadInput, match="no report in"):
        report_json(tmp_path)


def test_a_line_that_was_cut_off_is_taken_away(folder: BenchFolder) -> None:
    path = folder.of("icl", 0) / "results.jsonl"
    folder.append(line("icl", 1, ["1"] * 4, "1"))
    with path.open("ab") as file:
        file.write(b'{"method": "icl", "se')
    assert len(folder.results("icl", 0)) == 1
    folder.append(line("icl", 2, ["1"] * 4, "1"))
    assert [one.number for one in folder.results("icl", 0)] == [1, 2]
