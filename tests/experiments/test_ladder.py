"""The ladder on a random model: nothing is done twice, nothing is lost, and its numbers are the product's."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from commands import Elm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from elm_app.learning.checkpoint import fresh
from experiments import ladder, lines, recipes, sampling
from experiments.families import families
from experiments.family import Draw
from experiments.recipes import RECIPES, Learned
from experiments.report import report

SMALL = ["--families", "2", "--members", "2", "--samples", "4", "--max-new-tokens", "12"]
TINY = ["steps=2", "rollouts=4", "virtual_tokens=4", "max_new_tokens=8"]


@pytest.fixture(autouse=True)
def _answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random traces have no answers: give them some, by their text."""
    by_text = lambda text: str(sum(map(ord, text)) % 2) if text else None  # noqa: E731
    monkeypatch.setattr(sampling, "extract", by_text)
    monkeypatch.setattr("elm_app.rollouts.collect.extract", by_text)


@pytest.fixture
def climb(random_model: Path, tmp_path: Path) -> Any:
    """Run a recipe; the file of results."""

    def run(recipe: str, *more: str) -> Path:
        out = tmp_path / "out" / f"{recipe.replace(':', '-')}.jsonl"
        ladder.main(["--recipe", recipe, "--out", str(out), "--model", str(random_model), *SMALL, *more])
        return out

    return run


def problems(path: Path) -> list[str]:
    return [line["problem"] for line in lines.read(path) if "problem" in line]


def test_a_second_start_goes_on_wherever_the_first_was_killed(climb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    out = climb("untrained", "--set", "virtual_tokens=4")
    whole, plain = out.read_bytes(), out.with_name("plain.jsonl").read_bytes()
    ids = [f"{family.id}/{number}" for family in families("develop")[:2] for number in range(3)]
    assert problems(out) == problems(out.with_name("plain.jsonl")) == ids
    for kept in (len(whole) // 3, len(whole) * 2 // 3, len(whole) - 1):
        out.write_bytes(whole[:kept])
        climb("untrained", "--set", "virtual_tokens=4")
        assert lines.read(out) == [json.loads(line) for line in whole.splitlines()]
    assert out.with_name("plain.jsonl").read_bytes() == plain, "what is known is not sampled again"
    out.with_name("plain.jsonl").write_bytes(plain[: len(plain) // 2])
    out.unlink()
    climb("untrained", "--set", "virtual_tokens=4")
    assert out.with_name("plain.jsonl").read_bytes() == plain
    assert "2 of 2" in capsys.readouterr().err


def test_the_program_prints_the_numbers_of_files(climb: Any) -> None:
    out = climb("untrained", "--rungs", "0", "--set", "virtual_tokens=4")
    command = [sys.executable, ladder.__file__, "--json", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)) == (0, report([out])), done.stderr


def test_a_run_grows_but_does_not_change(climb: Any) -> None:
    out = climb("untrained", "--rungs", "0")
    assert problems(out) == [f"{family.id}/0" for family in families("develop")[:2]]
    climb("untrained", "--rungs", "0,1", "--members", "1")
    assert len(problems(out)) == len(set(problems(out))) == 4
    with pytest.raises(SystemExit, match="holds another run"):
        climb("untrained", "--seed", "5")
    with pytest.raises(SystemExit, match="holds another run"):
        climb("untrained", "--set", "virtual_tokens=6")


def test_a_template_that_changed_is_run_again(climb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    out = climb("untrained", "--rungs", "0")
    changed, same = families("develop")[:2]
    told = changed.template

    def other(draw: Draw) -> tuple[str, Any]:
        text, answer = told(draw)
        return f"Listen. {text}", answer

    new = replace(changed, template=other)
    monkeypatch.setattr(ladder, "families", lambda _: [new, same])
    climb("untrained", "--rungs", "0")
    expected = [f"{changed.id}/0", f"{same.id}/0", f"{changed.id}/0"]
    assert problems(out) == problems(out.with_name("plain.jsonl")) == expected
    assert len(report([out])) == 1


def test_traces_are_those_that_the_product_writes(
    climb: Any, elm: Elm, random_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = climb("untrained", "--rungs", "0").with_name("plain.jsonl")
    capsys.readouterr()
    line = lines.read(plain)[0]
    problem = families("develop")[0].member(0)
    seed = sampling.problem_seed(0, str(problem.id))
    done = elm("solve", problem.text, "--model", random_model, "--samples", 4, "--max-new-tokens", 12, "--seed", seed,
               "--memory", "off", "--json")  # fmt: skip
    said = json.loads(done.out)["traces"]
    assert [trace["text"] for trace in line["traces"]] == [trace["text"] for trace in said]
    assert line["tokens"] == [trace["tokens"] for trace in said]


def test_another_family_gets_what_was_learned_already(climb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def spy(engine: Any, problem: str, traces: Any, seed: int, **settings: Any) -> Learned:
        asked.append(problem)
        assert len(traces) == 4
        return recipes.untrained(engine, problem, traces, seed, **settings)

    monkeypatch.setitem(RECIPES, "spy", spy)
    climb("spy")
    own = [family.member(0).text for family in families("develop")[:3]]
    assert asked == own[:2]
    out = climb("another:spy")
    assert asked == own, "only the third is new"
    learned = [line for line in lines.read(out) if "learned" in line]
    assert [line["from"] for line in learned] == [f"{family.id}/0" for family in families("develop")[1:3]]


def test_learning_by_the_vote_moves_the_soft_prompt(climb: Any) -> None:
    out = climb("paper", "--set", *TINY, "--rungs", "0")
    learned = [line for line in lines.read(out) if "learned" in line]
    assert any(line["made"] and line["updates"] for line in learned)
    for line in learned:
        assert line["made"] == bool(line.get("updates")) == (line["reason"] == "")
        assert line["seconds"] >= 0
    kept = [Learned.read(path) for path in sorted((out.parent / "learned").iterdir())]
    assert {one.soft_prompt.shape for one in kept if one.soft_prompt is not None} == {(4, 64)}
    assert sorted(one.tokens for one in kept) == sorted(line["tokens"] for line in learned)


@pytest.mark.parametrize(("form", "width"), [("soft", 64), ("prefix", 128)])
def test_distilling_makes_a_memory(climb: Any, monkeypatch: pytest.MonkeyPatch, form: str, width: int) -> None:
    monkeypatch.setattr("elm_app.learning.distil.lessons_taken", lambda traces, *_: (sorted(traces), "none has ended"))
    settings = [f"form={form}", "steps=2", "variants=2", "variant_traces=2", "virtual_tokens=4", "max_new_tokens=8"]
    out = climb("distil", "--set", *settings, "--rungs", "0")
    whole = lines.read(out)
    learned = [line for line in whole if "learned" in line]
    assert [(line["made"], line["updates"], line["lessons"]) for line in learned] == [(True, 2, 4)] * 2
    assert all(one["tokens"] > 0 for one in learned)
    kept = [Learned.read(path).soft_prompt for path in sorted((out.parent / "learned").iterdir())]
    assert [one.shape for one in kept if one is not None] == [(4, width)] * 2
    plain = {line["problem"]: line for line in lines.read(out.with_name("plain.jsonl"))}
    for line in (line for line in whole if "problem" in line):
        assert line["read"] == plain[line["problem"]]["read"] + 4
    out.write_text("".join(json.dumps(line) + "\n" for line in whole if "problem" not in line))
    climb("distil", "--set", *settings, "--rungs", "0")
    again = [[line for line in some if "problem" in line] for some in (whole, lines.read(out))]
    assert again[0] == again[1], "what was kept does the same when it is read again"


def test_a_minority_is_distilled_as_a_control(climb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    def spy(engine: Any, problem: str, example: str, settings: Any) -> Any:
        shown.append(example)
        yield from ()
        return fresh(engine, problem, settings, {})

    monkeypatch.setattr("elm_app.learning.distil.distil", spy)
    out = climb("distil", "--set", "shown=minority", "virtual_tokens=4", "--rungs", "0")
    plain = {line["problem"]: line for line in lines.read(out.with_name("plain.jsonl"))}
    minorities = []
    for line in lines.read(out):
        if "learned" in line:
            known = plain[line["from"]]
            others = [one["text"] for one in known["traces"] if one["answer"] != known["vote"]]
            minorities += others[:1]
            expected = "Nothing could be learned" if others else "There is no minority"
            assert line["reason"].startswith(expected)
    assert shown == minorities != []


def test_a_trace_of_the_majority_is_the_example(climb: Any) -> None:
    out = climb("icl")
    assert all(line["made"] for line in lines.read(out) if "learned" in line), "two answers, four traces: two agree"
    plain = {line["problem"]: line for line in lines.read(out.with_name("plain.jsonl"))}
    turns = {Learned.read(path).turns for path in (out.parent / "learned").iterdir()}
    for problem in (family.member(0) for family in families("develop")[:2]):
        line = plain[str(problem.id)]
        voters = [trace for trace in line["traces"] if trace["answer"] == line["vote"]]
        voters = [trace for trace in voters if trace["finished"]] or voters
        shortest = min(voters, key=lambda trace: (trace["tokens"], trace["index"]))
        assert (recipes.asked(problem.text), shortest["text"]) in turns
    for line in (line for line in lines.read(out) if "problem" in line):
        assert line["read"] > plain[line["problem"]]["read"] + 100, "the example is read, too"


def test_the_example_may_be_the_first_of_the_majority(climb: Any) -> None:
    out = climb("icl", "--set", "example=first")
    plain = {line["problem"]: line for line in lines.read(out.with_name("plain.jsonl"))}
    turns = {Learned.read(path).turns[1] for path in (out.parent / "learned").iterdir()}
    own = (line for id, line in plain.items() if id.endswith("/0"))
    assert turns == {next(one["text"] for one in line["traces"] if one["answer"] == line["vote"]) for line in own}


def test_where_nothing_is_learned_nothing_changes(climb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "extract", lambda _: None)
    out = climb("icl")
    assert [line["reason"] for line in lines.read(out) if "learned" in line] == ["No two of the 4 traces agree."] * 2
    (row, _) = report([out])
    assert row["learning"]["memories"] == 0
    assert row["all"]["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0, "p": 1.0}


def test_nonsense_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken = f"--recipe icl --out {tmp_path / 'plain.jsonl'}"
    for given in ("--recipe magic --out x.jsonl", "--recipe icl", "", "--recipe icl --rungs 2", taken):
        with pytest.raises(SystemExit) as ended:
            ladder.main(given.split())
        assert ended.value.code == 2
    assert "there is no recipe magic" in capsys.readouterr().err
