"""All attempts of a learning run as cells: what each says, which are told again, and two of them compared."""

from __future__ import annotations

import html
import json
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from test_learn_fragments import EGGS, Studio, studio  # noqa: F401

from elm_app.core.config import LearnSettings, ModelSettings
from elm_app.web.components.markdown import block_html
from elm_app.web.run import comparison
from elm_app.web.run.comparison import LINES, compared, lines_of
from elm_app.web.run.feed import Tail

WORSE = "How many boxes of eggs? It gets worse."


def labels_of(fragment: str) -> dict[str, str]:
    """The words of every cell, by its key."""
    found = re.findall(r'data-attempt="([^"]*)"[^>]*aria-label="([^"]*)"', fragment)
    return {key: html.unescape(label) for key, label in found}


def marks_of(fragment: str) -> str:
    return "".join(re.findall(r"data-attempt=[^>]*>([^<]*)<", fragment))


def told(studio: Studio, run: str) -> dict[str, Any]:  # noqa: F811
    answer = studio.tail.answer(run, -1)
    return answer["parts"] | {"columns": dict(answer["attempts"]["columns"]), "order": answer["attempts"]["order"]}


def test_a_rollout_tells_its_answer_length_reward_and_advantage(studio: Studio) -> None:  # noqa: F811
    shown = told(studio, studio.learned())
    assert shown["order"] == ["step-1", "step-2"]
    cells = labels_of(shown["columns"]["step-2"])
    assert cells["step-2-0"] == "Step 2, rollout 1: 28, 78 tokens, reward 0, advantage −0.38"
    assert cells["step-2-1"] == "Step 2, rollout 2: 26, 128 tokens, reward 1, advantage +0.62"
    assert cells["step-2-2"] == "Step 2, rollout 3: no answer, 320 tokens, reward 0, advantage −0.38"
    assert marks_of(shown["columns"]["step-2"]) == "01–00–11"
    assert "reward 1" in shown["columns-legend"]
    assert shown["columns-title"] == "Rollouts by step"


def test_a_step_without_an_update_has_no_advantages(studio: Studio) -> None:  # noqa: F811
    shown = told(studio, studio.learned("skips a step"))
    assert 'class="stack idle"' in shown["columns"]["step-2"]
    assert "no update: All 8 rollouts have the same reward" in shown["columns"]["step-2"]
    assert labels_of(shown["columns"]["step-2"])["step-2-1"].endswith("reward 1, no update, so no advantage")
    assert "a step without an update" in shown["columns-legend"]


def test_rewards_that_are_not_in_the_log_are_not_told(studio: Studio) -> None:  # noqa: F811
    settings = LearnSettings(steps=1, seed=7, reward="random")
    run = studio.done(studio.actions.learn(EGGS, ModelSettings(model="small"), settings, None))
    shown = told(studio, run)
    assert set(marks_of(shown["columns"]["step-1"])) == {"·", "–"}
    assert labels_of(shown["columns"]["step-1"])["step-1-0"].endswith("reward not in the log")
    assert "not in the log, only the mean of a step" in shown["columns-legend"]


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (EGGS, "Of 16 attempts, 8 turned to the majority’s answer, none away from it"),
        (WORSE, "Of 16 attempts, none turned to the majority’s answer, 6 away from it"),
    ],
)
def test_which_attempts_turned_is_said_and_marked(studio: Studio, problem: str, sentence: str) -> None:  # noqa: F811
    shown = told(studio, studio.learned(problem))
    assert shown["turned"] == sentence
    up, down = re.findall("▲<", shown["pairs"]), re.findall("▼<", shown["pairs"])
    assert sorted((len(up), len(down))) == [0, 8 if problem == EGGS else 6]
    pair = 'data-pair="before-2 after-2" class="turn up" tabindex="-1" aria-label="Attempt 3 turned to the majority’s'
    assert (pair in shown["pairs"]) == (problem == EGGS)


def test_where_the_right_answer_is_known_it_is_what_counts(studio: Studio) -> None:  # noqa: F811
    run = studio.learned()
    first, *rest = (studio.runner.folder / f"{run}.jsonl").read_text().splitlines(keepends=True)
    begun = json.loads(first)
    begun["settings"]["gold"] = "28.0"
    (studio.runner.folder / "gold.jsonl").write_text(json.dumps(begun) + "\n" + "".join(rest))
    shown = told(studio, "gold")
    assert shown["turned"] == "Of 16 attempts, 2 turned from wrong to right, 4 from right to wrong"
    assert labels_of(shown["pairs"])["before-2"] == "Before, attempt 3: 28, 78 tokens, right"
    assert set(marks_of(shown["pairs"])) == {"✓", "✗", "–"}


def test_columns_are_told_once_and_the_same_however_often_the_page_asks(studio: Studio) -> None:  # noqa: F811
    lines = (studio.runner.folder / f"{studio.learned(steps=3)}.jsonl").read_text().splitlines(keepends=True)
    copy, often, since = studio.runner.folder / "copy.jsonl", Tail(studio.runner), -1
    columns: dict[str, str] = {}
    sent: list[str] = []
    for start in range(0, len(lines), 5):
        with copy.open("a") as file:
            file.writelines(lines[start : start + 5])
        answer = often.answer("copy", since)
        since = answer["seq"]
        columns.update(answer["attempts"]["columns"])
        sent += [key for key, _ in answer["attempts"]["columns"]]
    assert columns == dict(Tail(studio.runner).answer("copy", -1)["attempts"]["columns"])
    assert sent[-1] == "step-3"  # while it is measured after learning, no step changes
    assert sent.index("step-2") > len(sent) - 1 - sent[::-1].index("step-1")
    assert often.answer("copy", since)["attempts"]["columns"] == []


def test_while_attempts_are_written_their_places_stand(studio: Studio) -> None:  # noqa: F811
    lines = (studio.runner.folder / f"{studio.learned()}.jsonl").read_text().splitlines(keepends=True)
    kinds = [json.loads(line)["kind"] for line in lines]
    copy = studio.runner.folder / "copy.jsonl"
    copy.write_text("".join(lines[: kinds.index("trace_finished") + 1]))
    shown = Tail(studio.runner).answer("copy", -1)["parts"]
    assert shown["pairs"].count('class="stack"') == 16
    assert labels_of(shown["pairs"])["before-0"].startswith("Before, attempt 1: still being written, ")
    assert shown["turned"] == "16 attempts before"
    assert shown["pairs"].count("waits") == 16  # those after learning
    copy.write_text("".join(lines[: kinds.index("phase_started") + 1]))
    assert Tail(studio.runner).answer("copy", -1)["parts"]["turned"] == "none yet"


def test_worked_examples_are_columns_of_variants(studio: Studio) -> None:  # noqa: F811
    settings = LearnSettings.by_recipe(recipe="distil", steps=3, variants=4, variant_traces=2, seed=7)
    shown = told(studio, studio.done(studio.actions.learn(EGGS, ModelSettings(model="small"), settings, None)))
    assert shown["order"] == [f"variant-{place}" for place in range(1, 5)]
    assert [marks_of(shown["columns"][key]) for key in shown["order"]] == ["●●", "○○", "○○", "○○"]
    assert labels_of(shown["columns"]["variant-1"])["teach-1"] == "Variant 1, trace 2: 26, 72 tokens, learned"
    assert "advantage" not in "".join(shown["columns"].values())
    assert "There are no rewards here" in shown["columns-legend"]
    assert shown["turned"].startswith("Of 16 attempts, 8 turned")


def opened(studio: Studio, run: str, *keys: str) -> str:  # noqa: F811
    return str(studio.asks.attempts({"run": run, "picked": list(keys)})["opened"])


def test_one_attempt_is_opened_and_two_are_compared(studio: Studio) -> None:  # noqa: F811
    run = studio.learned()
    one = opened(studio, run, "step-1-0")
    assert "Choose a second one to compare." in one
    assert "reward 1 · advantage +0.62 · seed 7 · mean log-probability −0.31" in one
    assert "<math" in one
    two = opened(studio, run, "before-2", "after-2")
    assert "1 · Before, attempt 3" in two
    assert "2 · After, attempt 3" in two
    assert ">4 lines differ<" in two
    assert two.count('role="row"') == 4
    assert ">4 lines are the same<" in opened(studio, run, "before-1", "after-1")
    assert opened(studio, run) == opened(studio, run, "step-99-0", "nonsense", "") == ""


def test_questions_that_make_no_sense_are_answered_with_a_sentence(studio: Studio) -> None:  # noqa: F811
    run = studio.learned()
    assert "There is no run" in studio.asks.attempts({"run": "../x", "picked": ["before-0"]})["error"]
    assert studio.asks.attempts({"run": run, "picked": "before-0"}) == {"opened": ""}
    assert studio.asks.attempts({"run": run, "picked": [1, None, {}], "viewer": 3, "at": "x"}) == {"opened": ""}
    assert studio.asks.attempts({"run": studio.solved(), "picked": ["before-0"]}) == {"opened": ""}


def test_in_a_replay_they_are_opened_as_they_were(studio: Studio) -> None:  # noqa: F811
    run = studio.learned()
    entries = [json.loads(line) for line in (studio.runner.folder / f"{run}.jsonl").read_text().splitlines()]
    path = studio.runner.folder / "slow.jsonl"
    path.write_text("".join(json.dumps({**entry, "at": place / 10}) + "\n" for place, entry in enumerate(entries)))
    began = next(place for place, entry in enumerate(entries) if entry["kind"] == "trace_chunk")
    ask = {"run": "slow", "picked": ["before-0", "after-0"], "viewer": "me"}
    early = studio.asks.attempts({**ask, "at": began / 10})["opened"]
    assert "still being written" in early
    assert "After" not in early
    assert "2 · After, attempt 1" in studio.asks.attempts({**ask, "at": len(entries) / 10})["opened"]


def test_that_long_attempts_are_compared_in_part_is_said(
    studio: Studio,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(comparison, "LINES", 2)
    told = opened(studio, studio.learned(steps=1), "before-1", "after-1")
    assert ">2 lines are the same · only the first 2 lines are compared<" in told


def test_hostile_attempts_are_escaped_in_cells_and_when_opened(studio: Studio) -> None:  # noqa: F811
    run = studio.learned("hostile <script>x</script>")
    shown = told(studio, run)
    both = opened(studio, run, "step-1-0", "step-1-1") + opened(studio, run, "step-1-1")
    for made in (both, *shown["columns"].values(), shown["pairs"], shown["turned"]):
        ElementTree.fromstring(f"<x>{made.replace(' data-writes', '')}</x>")
        assert not re.search(r"<(script|img|svg|style|b)\b", made)
    assert "&lt;script&gt;" in both


class TestLines:
    def test_lines_that_are_the_same_stand_on_the_same_height(self) -> None:
        rows = list(compared(lines_of("a\nb\nc\nd"), lines_of("a\nc  \nx\n\ny")))
        assert [(kind, one and one[0], two and two[0]) for kind, one, two in rows] == [
            ("same", "a", "a"),
            ("left", "b", None),
            ("same", "c", "c"),
            ("other", "d", "x"),
            ("right", None, "y"),
        ]

    def test_a_formula_over_several_lines_is_one_and_code_is_line_by_line(self) -> None:
        found = lines_of("so\n$$\n1\n$$\nthen\n```python\nx = 1\n\n  y\n```\nend")
        assert [line for line, _ in found] == ["so", "$$ 1 $$", "then", "x = 1", "y", "end"]
        assert found[1][1] == block_html("$$\n1\n$$")
        assert found[4][1] == "<pre><code>  y</code></pre>"

    def test_a_formula_that_is_never_closed_holds_nothing_back(self) -> None:
        assert [line for line, _ in lines_of("\\[ a\nb\nc")] == ["\\[ a", "b", "c"]

    def test_long_texts_are_cut(self) -> None:
        found = lines_of("\n".join(str(number) for number in range(5 * LINES)))
        assert len(found) == LINES + 1
