"""A prefix is a matrix like a soft prompt, told apart by its width; PEFT's own prefix tuning does the same with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from elm_app.core.config import ModelSettings, SamplingSettings
from elm_app.core.types import ModelInfo
from elm_app.engine.dense_decoder import DenseDecoder
from elm_app.engine.engine import Engine, Finished, Prefilled, RolloutRequest
from elm_app.engine.loader import load
from elm_app.engine.prefix import packed, unpacked

WORDS, PROMPT, ROWS = list(b"Earlier words."), list(b"A question?"), [list(b"so 7"), list(b"no"), [65]]
WIDTH = 2 * 2 * 2 * 16
"""Of the random model: layers, keys and values, heads, numbers in a head."""


def dense(folder: Path) -> Engine:
    """In fp32."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    info = ModelInfo("random", "none", "cpu", "0" * 64)
    return Engine(DenseDecoder(model), AutoTokenizer.from_pretrained(folder), info, 2048, frozenset({258}))


@pytest.fixture(scope="module", params=["dense", "4-bit", "int8"])
def engine(request: pytest.FixtureRequest, random_model: Path) -> Engine:
    if request.param == "dense":
        return dense(random_model)
    return load(ModelSettings(str(random_model), request.param, "cpu"), lambda _: None)


def prefix_of(engine: Engine, tokens: list[int]) -> Tensor:
    """The keys and values of words that stand at the front."""
    _, cache = engine.decoder.prefill(engine.decoder.embed(torch.tensor(tokens)))
    return packed(*engine.decoder.to_tensors(cache))


def written(engine: Engine, soft_prompt: Any, prompt: list[int], temperature: float = 0.0) -> list[int]:
    request = RolloutRequest(prompt, 1, 5, soft_prompt)
    events = list(engine.rollout([request], SamplingSettings(1, 30, temperature, seed=5)))
    (done,) = (event for event in events if isinstance(event, Finished))
    return list(done.tokens)


def test_packing_and_unpacking_lose_nothing() -> None:
    keys, values = torch.randn(2, 3, 2, 7, 16).unbind()
    prefix = packed(keys, values)
    assert prefix.shape == (7, 3 * 2 * 2 * 16)
    assert all(torch.equal(one, other) for one, other in zip(unpacked(prefix, 3, 2), (keys, values), strict=True))
    with pytest.raises(ValueError, match="is not of 5 layers"):
        unpacked(prefix, 5, 2)


def test_words_as_a_prefix_are_as_good_as_the_words(engine: Engine) -> None:
    prefix = prefix_of(engine, WORDS)
    assert prefix.shape == (len(WORDS), WIDTH)
    assert written(engine, prefix, PROMPT, 0.7) == written(engine, None, [*WORDS, *PROMPT], 0.7)
    assert written(engine, prefix.numpy(), PROMPT) == written(engine, None, [*WORDS, *PROMPT])
    assert written(engine, prefix, PROMPT) != written(engine, None, PROMPT)


def test_every_engine_has_the_same_order(random_model: Path) -> None:
    """So a prefix learned by one works with another: keys of the first layer depend on the token and its place only."""
    engines = [dense(random_model), *(load(ModelSettings(str(random_model), some, "cpu"), lambda _: None)
                                      for some in ("4-bit", "int8"))]  # fmt: skip
    first, *others = (unpacked(prefix_of(engine, WORDS), 2, 2) for engine in engines)
    for other in others:
        for one, two in zip(first, other, strict=True):
            assert torch.nn.functional.cosine_similarity(one[0].flatten(), two[0].flatten(), 0) > 0.98


def test_its_length_counts(engine: Engine) -> None:
    request = RolloutRequest(PROMPT, 1, 5, prefix_of(engine, WORDS))
    (read,) = (e for e in engine.rollout([request], SamplingSettings(1, 1, seed=5)) if isinstance(e, Prefilled))
    assert read.tokens == len(WORDS) + len(PROMPT)


def test_it_stands_at_the_front(engine: Engine) -> None:
    prefix = prefix_of(engine, WORDS)
    _, past = engine.decoder.prefill(engine.decoder.embed(torch.tensor(WORDS)))
    with pytest.raises(ValueError, match="nothing in front"):
        list(engine.rollout([RolloutRequest(PROMPT, 1, 5, prefix, past)], SamplingSettings(1, 1, seed=5)))


def test_gradients_reach_it_and_are_right(engine: Engine) -> None:
    prefix = prefix_of(engine, WORDS).requires_grad_()
    before = engine.log_probs(PROMPT, prefix, ROWS).sum()
    before.backward()
    gradient = prefix.grad
    assert gradient is not None
    assert bool((gradient.norm(dim=1) > 0).all())
    step = 0.05 * gradient / gradient.norm()
    after = engine.log_probs(PROMPT, (prefix + step).detach(), ROWS).sum()
    assert float(after - before.detach()) == pytest.approx(0.05 * float(gradient.norm()), rel=0.5)


def test_peft_does_the_same_with_it(random_model: Path, tmp_path: Path) -> None:
    from peft import PeftModel, PrefixTuningConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    engine = dense(random_model)
    model = AutoModelForCausalLM.from_pretrained(random_model, dtype=torch.float32)
    made: Any = get_peft_model(model, PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=len(WORDS)))
    table = made.prompt_encoder["default"].embedding.weight
    assert table.shape == (len(WORDS), WIDTH)
    with torch.no_grad():
        table.copy_(
            prefix_of(engine, WORDS) + 0.1 * torch.randn(table.shape, generator=torch.Generator().manual_seed(3))
        )
    made.save_pretrained(tmp_path)
    bare = AutoModelForCausalLM.from_pretrained(random_model, dtype=torch.float32)
    adapted: Any = PeftModel.from_pretrained(bare, str(tmp_path)).eval()
    with torch.no_grad():
        theirs = adapted.generate(
            input_ids=torch.tensor([PROMPT]), attention_mask=torch.ones(1, len(PROMPT), dtype=torch.long),
            max_new_tokens=30, do_sample=False, eos_token_id=258, pad_token_id=256,
        )[0].tolist()  # fmt: skip
    theirs = theirs[len(PROMPT) :] if theirs[: len(PROMPT)] == PROMPT else theirs
    assert theirs == written(engine, adapted.get_prompt_embedding_to_save("default"), PROMPT)
