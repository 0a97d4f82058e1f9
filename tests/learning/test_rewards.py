"""Sources of reward by hand, and how a model's distributions are spread against the formulas."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from elm_app.answers.vote import vote
from elm_app.core.config import ModelSettings
from elm_app.core.errors import BadInput
from elm_app.core.types import Trace, Vote
from elm_app.engine.loader import load
from elm_app.engine.token_entropy import spread
from elm_app.learning.rewards import BY_VOTE, SOURCES, Judged, Spread

ANSWERS = ["7", "8", None, "7.0", "9", "7"]
NOTHING = Vote(None, 0.0, (), 2)


def judged(answers: list[str | None] = ANSWERS, **more: object) -> Judged:
    traces = [Trace("memory", index, index, "", answer, 9, True, -0.1) for index, answer in enumerate(answers)]
    return Judged(traces, vote(answers), vote(["8", "8"]), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "more", "rewards"),
    [
        ("majority", {}, [1, 0, 0, 1, 0, 1]),
        ("vote", {}, [0, 1, 0, 0, 0, 0]),
        ("gold", {"gold": "9"}, [0, 0, 0, 0, 1, 0]),
        ("inverted", {}, [0, 1, 0, 0, 1, 0]),
        ("reference", {"reference": "9"}, [0, 0, 0, 0, 1, 0]),
        ("reference", {}, [None] * 6),
    ],
)
def test_sources(name: str, more: dict[str, object], rewards: list[float | None]) -> None:
    assert SOURCES[name](judged(**more)) == rewards


def test_nobody_to_believe() -> None:
    assert SOURCES["majority"](judged([None, None])) == [None, None]
    assert SOURCES["inverted"](judged([None, None])) == [None, None]


def test_chance_is_the_step_s_own_and_knows_nothing() -> None:
    tosses = [SOURCES["random"](judged(seed=seed)) for seed in range(400)]
    assert tosses[3] == SOURCES["random"](judged([None] * 6, seed=3))
    assert {value for toss in tosses for value in toss} == {0.0, 1.0}
    assert sum(sum(map(bool, toss)) for toss in tosses) / 2400 == pytest.approx(0.5, abs=0.05)


def test_gold_without_the_right_answer_is_refused() -> None:
    with pytest.raises(BadInput, match="needs the right answer"):
        SOURCES["gold"](judged())


def test_certain_is_better_and_so_is_less_entropy() -> None:
    spreads = [Spread(1.0, 5.0), Spread(0.25, 7.0)]
    asked = judged(["1", "2"], spreads=lambda: spreads)
    assert SOURCES["certainty"](asked) == [5.0, 7.0]
    assert SOURCES["entropy"](asked) == [-1.0, -0.25]
    assert not {"certainty", "entropy", "gold", "random", "reference"} & set(BY_VOTE)


@pytest.mark.parametrize("kind", ["none", "int8"])
def test_spreads_are_the_formulas(kind: str, random_model: Path) -> None:
    engine = load(ModelSettings(str(random_model), kind, "cpu"), lambda _: None)  # type: ignore[arg-type]
    prompt, row, temperature = list(b"1+1?"), list(b"so 2"), 0.7
    soft_prompt = torch.randn(3, 64) * 0.1
    embeds = torch.cat([soft_prompt, engine.decoder.embed(torch.tensor(prompt + row[:-1])).float()])
    logits = engine.decoder.logits(embeds.to(engine.decoder.embed(torch.tensor([0]))))[-4:].float() / temperature
    probabilities = logits.softmax(1)
    size = probabilities.shape[1]
    entropy = -(probabilities * probabilities.log()).sum(1).mean()
    uniform = torch.full_like(probabilities, 1 / size)
    certainty = (uniform * (uniform.log() - probabilities.log())).sum(1).mean()
    found = spread(engine, prompt, soft_prompt, row, temperature)
    assert found[0] == pytest.approx(float(entropy), rel=1e-3)
    assert found[1] == pytest.approx(float(certainty), rel=1e-3)
    assert 0 < found[0] < math.log(size)
    assert found[1] > 0
