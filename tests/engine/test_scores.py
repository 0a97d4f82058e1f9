"""Scores of given tokens: as when they were drawn, as `log_probs` has them, and as plain transformers has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from generators import whole
from test_prefix import PROMPT, ROWS, WORDS, dense, prefix_of
from torch import Tensor

from elm_app.core.config import ModelSettings, SamplingSettings
from elm_app.core.errors import BadInput
from elm_app.engine.engine import Engine, Finished, RolloutRequest
from elm_app.engine.loader import load
from elm_app.engine.prefix import unpacked


@pytest.fixture(scope="module", params=["dense", "4-bit", "int8"])
def engine(request: pytest.FixtureRequest, random_model: Path) -> Engine:
    if request.param == "dense":
        return dense(random_model)
    return load(ModelSettings(str(random_model), request.param, "cpu"), lambda _: None)


def soft_prompt() -> Tensor:
    return 0.3 * torch.randn(5, 64, generator=torch.Generator().manual_seed(1))


def scores(engine: Engine, memories: list[Any], rows: Any = ROWS, temperature: float = 1.0) -> list[list[list[float]]]:
    return whole(engine.scores(PROMPT, memories, rows, temperature))[1]


def flat(rows: list[list[float]]) -> list[float]:
    return [score for row in rows for score in row]


@pytest.mark.parametrize("form", ["soft", "prefix"])
def test_the_learning_pass_has_the_same(engine: Engine, form: str) -> None:
    memory = soft_prompt() if form == "soft" else prefix_of(engine, WORDS)
    told, (bare, behind) = whole(engine.scores(PROMPT, [None, memory.numpy()], ROWS, 0.7))
    assert told == [1, 2, 3, 4]
    assert [len(row) for row in behind] == [len(row) for row in ROWS]
    expected = engine.log_probs(PROMPT, memory, ROWS, 0.7)
    assert flat(behind) == pytest.approx(expected.tolist(), abs=0.02)
    assert flat(bare) != pytest.approx(expected.tolist(), abs=0.1)


def test_tokens_score_as_they_did_when_they_were_drawn(engine: Engine) -> None:
    memory = soft_prompt()
    requests = [RolloutRequest(PROMPT, 2, 5, each) for each in (None, memory)]
    events = list(engine.rollout(requests, SamplingSettings(2, 12, 0.7, seed=5)))
    drawn = {(event.request, event.index): event for event in events if isinstance(event, Finished)}
    for number, each in enumerate((None, memory)):
        rows = [drawn[number, index].tokens for index in range(2)]
        (found,) = scores(engine, [each], rows, 0.7)
        expected = [drawn[number, index].logprobs for index in range(2)]
        assert [pytest.approx(row, abs=1e-5) for row in found] == [list(row) for row in expected]


def test_what_is_empty_changes_nothing(engine: Engine) -> None:
    bare, empty = scores(engine, [None, soft_prompt()[:0]])
    assert bare == empty


def test_greedy_is_scored_as_the_model_has_it(engine: Engine) -> None:
    assert scores(engine, [None], ROWS, 0.0) == scores(engine, [None], ROWS, 1.0)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_plain_transformers_has_the_same(random_model: Path, temperature: float) -> None:
    from transformers import AutoModelForCausalLM, DynamicCache

    engine = dense(random_model)
    model = AutoModelForCausalLM.from_pretrained(random_model, dtype=torch.float32)
    words, soft, prefix = model.get_input_embeddings(), soft_prompt(), prefix_of(engine, WORDS)

    @torch.no_grad()
    def expected(row: list[int], front: Tensor | None, past: Any = None) -> list[float]:
        embeds = words(torch.tensor([*PROMPT, *row]))
        if front is not None:
            embeds = torch.cat([front, embeds])
        logits = model(inputs_embeds=embeds[None], past_key_values=past).logits[0, -len(row) - 1 : -1] / temperature
        chosen: list[float] = logits.log_softmax(1).gather(1, torch.tensor(row)[:, None])[:, 0].tolist()
        return chosen

    def cache() -> Any:
        return DynamicCache([(key[None], value[None]) for key, value in zip(*unpacked(prefix, 2, 2), strict=True)])

    found = scores(engine, [None, soft, prefix], ROWS, temperature)
    for place, row in enumerate(ROWS):
        assert found[0][place] == pytest.approx(expected(row, None), abs=1e-4)
        assert found[1][place] == pytest.approx(expected(row, soft), abs=1e-4)
        assert found[2][place] == pytest.approx(expected(row, None, cache()), abs=1e-4)


def test_what_does_not_fit_is_refused(engine: Engine) -> None:
    with pytest.raises(BadInput, match="does not fit"):
        scores(engine, [None], [[65] * 2048])
