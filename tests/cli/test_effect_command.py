"""`memories act` on a random model: what is printed for people and for programs."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from commands import Elm, sentence
from solved_runs import PROBLEM, RUN, TEXTS, solved, stored

from elm_app.core.config import ModelSettings
from elm_app.engine.loader import Models
from elm_app.store.store import Store

TENSOR = 0.3 * np.random.default_rng(1).standard_normal((3, 64)).astype(np.float32)


@pytest.fixture
def run(random_model: Path, models: Models, tmp_path: Path) -> str:
    """A run that solved a problem with a memory, in the folder of this test's memories."""
    settings = ModelSettings(str(random_model), "none", "cpu")
    info = models.get(settings, lambda _: None).info
    with closing(Store(tmp_path / "memories")) as store:
        stored(store, "m1", TENSOR, info)
        solved(store, info, settings, {"memory": ("m1",)})
    return RUN


def test_people_read_the_strongest_tokens_where_the_traces_part_and_the_nearest_words(elm: Elm, run: str) -> None:
    done = elm("memories", "act", run, "--trace", 1)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].startswith("trace 1 with the memory: 25 tokens; nats a token: −")
    at = lines.index("the traces of this seed part after 10 tokens:")
    assert lines[at + 1].strip() == "without a memory     So 7 times[ ]24↵is 168."
    assert lines[at + 2].strip() == "with memory          So 7 times[↵]↵24 is é168."
    rows = [line for line in lines if " nats   " in line and "→" in line]
    assert len(rows) == 20
    assert all("[" in row and "%" in row for row in rows)
    assert lines[-1] == "words nearest to the virtual tokens of memory m1: a b · a b · a b"
    assert "Scoring every token without the memory and with it" in done.err


def test_programs_read_one_document(elm: Elm, run: str) -> None:
    done = elm("memories", "act", run, "--json", "--quiet")
    assert done.code == 0
    assert done.err == ""
    told = json.loads(done.out)
    assert (told["problem"], told["status"]) == (PROBLEM, "done")
    assert told["settings"]["source_run"] == run
    behind, bare = told["traces"]
    assert (behind["arm"], bare["arm"], behind["index"]) == ("memory", "zero_shot", 1)
    assert "".join(token["text"] for token in behind["tokens"] if not token["special"]) == TEXTS["memory"][1]
    gains = [abs(token["memory"] - token["zero_shot"]) for token in behind["tokens"]]
    assert gains[told["strongest"][0]] == max(gains)
    assert told["part_at"] == len("It is 16")
    assert told["words"] == {"m1": [["a", "b"]] * 3}
    again = elm("replay", told["run"], "--speed", "inf")
    assert again.out.startswith("trace 2 with the memory: 11 tokens")


def test_what_cannot_be_scored_is_one_sentence(elm: Elm, run: str) -> None:
    done = elm("memories", "act", run, "--trace", 9)
    assert done.code == 2
    assert "has no trace 9 that has finished both without the memory and with it. Choose one of 1, 2." in sentence(done)
