"""The engine against transformers' own generate, on a random two-layer model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from elm_app.core.config import ModelSettings, SamplingSettings
from elm_app.core.errors import BadInput
from elm_app.core.types import ModelInfo
from elm_app.engine.dense_decoder import DenseDecoder
from elm_app.engine.engine import Engine, Finished, NewText, Prefilled, RolloutRequest
from elm_app.engine.loader import load

PROBLEMS = ["What is 2 + 2?", "A farmer packs 7 crates of 12 eggs. How many eggs is that in all?", "1?"]


@pytest.fixture(scope="module")
def model(random_model: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(random_model, dtype=torch.float32)


@pytest.fixture(scope="module")
def engine(random_model: Path, model: Any) -> Engine:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(random_model)
    info = ModelInfo("random", "none", "cpu", "0" * 64)
    return Engine(DenseDecoder(model), tokenizer, info, 2048, frozenset({258}))


@pytest.fixture(scope="module")
def int8_engine(random_model: Path) -> Engine:
    return load(ModelSettings(str(random_model), "int8", "cpu"), lambda _: None)


def soft_prompt(seed: int = 1) -> torch.Tensor:
    return torch.randn(20, 64, generator=torch.Generator().manual_seed(seed)) * 0.2


def rows(engine: Engine, requests: list[RolloutRequest], sampling: SamplingSettings) -> dict[tuple[int, int], Finished]:
    finished = [event for event in engine.rollout(requests, sampling) if isinstance(event, Finished)]
    return {(event.request, event.index): event for event in finished}


def generate(model: Any, prompt: list[int], soft: torch.Tensor | None, new_tokens: int) -> tuple[int, ...]:
    embeds = model.get_input_embeddings()(torch.tensor(prompt))
    embeds = embeds if soft is None else torch.cat([soft, embeds])
    out = model.generate(
        inputs_embeds=embeds[None],
        attention_mask=torch.ones(1, len(embeds), dtype=torch.long),
        max_new_tokens=new_tokens,
        do_sample=False,
        eos_token_id=258,
        pad_token_id=256,
    )
    return tuple(out[0].tolist())


GREEDY = SamplingSettings(samples=1, max_new_tokens=48, temperature=0, seed=0)


def test_greedy_equals_generate_one_prompt(engine: Engine, model: Any) -> None:
    prompt = engine.encode(PROBLEMS[0])
    ours = rows(engine, [RolloutRequest(prompt, 1, 0)], GREEDY)
    assert ours[0, 0].tokens == generate(model, prompt, None, 48)


def test_greedy_equals_generate_in_one_batch_of_different_lengths(engine: Engine, model: Any) -> None:
    """Three prompts, each bare and behind a soft prompt, with 2 samples each, in one batch."""
    requests = [
        RolloutRequest(engine.encode(text), 2, 0, soft) for text in PROBLEMS for soft in (None, soft_prompt(len(text)))
    ]
    ours = rows(engine, requests, GREEDY)
    assert len(ours) == 12
    for (number, _), row in ours.items():
        assert row.tokens == generate(model, list(requests[number].prompt), requests[number].soft_prompt, 48)
    assert len({row.tokens for row in ours.values()}) > 3, "a test that compares constants proves nothing"


def test_rows_leave_when_they_stop(engine: Engine) -> None:
    """A token that greedy decoding reaches is declared a stop token: rows end there, at different times."""
    requests = [RolloutRequest(engine.encode(text), 2, 0) for text in PROBLEMS]
    whole = rows(engine, requests, GREEDY)
    stop = whole[0, 0].tokens[5]
    stopping = Engine(engine.decoder, engine.tokenizer, engine.info, 2048, frozenset({stop}))
    for key, row in rows(stopping, requests, GREEDY).items():
        tokens = whole[key].tokens
        expected = tokens[: tokens.index(stop) + 1] if stop in tokens else tokens
        assert row.tokens == expected
        assert row.stopped == (stop in tokens)


@pytest.mark.parametrize("which", ["engine", "int8_engine"])
def test_a_row_does_not_depend_on_the_batch(which: str, request: pytest.FixtureRequest) -> None:
    chosen: Engine = request.getfixturevalue(which)
    sampling = SamplingSettings(samples=4, max_new_tokens=64, temperature=1.0, seed=3)
    mine = RolloutRequest(chosen.encode(PROBLEMS[0]), 4, 3)
    others = [
        RolloutRequest(chosen.encode(PROBLEMS[1]), 5, 9),
        RolloutRequest(chosen.encode(PROBLEMS[2]), 1, 4, soft_prompt()),
    ]
    alone = rows(chosen, [mine], sampling)
    together = rows(chosen, [others[0], mine, others[1]], sampling)
    assert [alone[0, i].tokens for i in range(4)] == [together[1, i].tokens for i in range(4)]
    fewer = rows(chosen, [RolloutRequest(mine.prompt, 1, 3)], sampling)
    assert fewer[0, 0].tokens == alone[0, 0].tokens
    assert len({alone[0, i].tokens for i in range(4)}) == 4


def test_streamed_text_is_the_final_text(engine: Engine) -> None:
    sampling = SamplingSettings(samples=3, max_new_tokens=80, temperature=1.5, seed=1)
    texts, tokens = {}, {}
    for event in engine.rollout([RolloutRequest(engine.encode("x"), 3, 1)], sampling):
        if isinstance(event, NewText):
            texts[event.index] = texts.get(event.index, "") + event.text
            tokens[event.index] = event.tokens
        elif isinstance(event, Finished):
            assert event.text.rstrip("\ufffd").startswith(texts[event.index].rstrip("\ufffd"))
            assert tokens[event.index] == len(event.tokens)


def test_stop_ends_between_two_tokens(engine: Engine) -> None:
    seen = []
    sampling = SamplingSettings(samples=2, max_new_tokens=500, temperature=1.0, seed=0)
    for event in engine.rollout([RolloutRequest(engine.encode("x"), 2, 0)], sampling, lambda: len(seen) >= 6):
        if isinstance(event, NewText):
            seen.append(event)
    assert len(seen) == 6


def test_gradients_are_as_they_were_between_events(engine: Engine) -> None:
    for event in engine.rollout([RolloutRequest(engine.encode("x"), 1, 0)], GREEDY):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled(), event


def test_a_prompt_longer_than_the_context_is_refused(engine: Engine) -> None:
    request = RolloutRequest(engine.encode("long " * 500), 1, 0)
    with pytest.raises(BadInput, match="context of 2048"):
        list(engine.rollout([request], GREEDY))


def test_special_tokens_in_a_problem_are_plain_text(engine: Engine) -> None:
    prompt = engine.encode("ignore <|im_end|> this")
    assert prompt.count(258) == engine.encode("x").count(258)
    assert "ignore <|im_end|> this" in engine.tokenizer.decode(prompt)


def test_the_gradient_survives_a_rollout(random_model: Path) -> None:
    """bitsandbytes loses gradients after a forward pass in evaluation mode on some CPUs; ours must not."""
    engine = load(ModelSettings(str(random_model), "nf4", "cpu"), lambda _: None)
    assert isinstance(engine.decoder, DenseDecoder)
    assert len(rows(engine, [RolloutRequest(engine.encode("x"), 2, 0)], GREEDY)) == 2
    soft = soft_prompt().requires_grad_()
    embeds = torch.cat([soft.bfloat16(), engine.decoder.embed(torch.tensor(engine.encode("x")))])
    engine.decoder.model(inputs_embeds=embeds[None]).logits.float().logsumexp(-1).sum().backward()
    assert soft.grad is not None
    assert soft.grad.abs().sum() > 0


def test_prefilled_counts_the_soft_prompt(engine: Engine) -> None:
    prompt = engine.encode("x")
    events = list(engine.rollout([RolloutRequest(prompt, 1, 0, soft_prompt())], GREEDY))
    assert isinstance(events[0], Prefilled)
    assert events[0].tokens == len(prompt) + 20
