"""Keys and values in front of a prompt: read before, cut out, moved, and learned."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from elm_app.core.config import ModelSettings, SamplingSettings
from elm_app.core.types import ModelInfo
from elm_app.engine.dense_decoder import DenseDecoder
from elm_app.engine.engine import Engine, Finished, RolloutRequest
from elm_app.engine.loader import load

FIRST, SECOND, ROWS = list(b"Earlier words."), list(b"A question?"), [list(b"so 7"), list(b"no"), [65]]


@pytest.fixture(scope="module", params=["dense", "int8"])
def engine(request: pytest.FixtureRequest, random_model: Path) -> Engine:
    if request.param == "int8":
        return load(ModelSettings(str(random_model), "int8", "cpu"), lambda _: None)
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(random_model, dtype=torch.float32)
    info = ModelInfo("random", "none", "cpu", "0" * 64)
    tokenizer = AutoTokenizer.from_pretrained(random_model)
    return Engine(DenseDecoder(model), tokenizer, info, 2048, frozenset({258}))


def embeds(engine: Engine, tokens: list[int]) -> Tensor:
    return engine.decoder.embed(torch.tensor(tokens))


def texts(engine: Engine, request: RolloutRequest) -> list[str]:
    sampling = SamplingSettings(request.samples, 12, 0.7, 0, request.seed)
    done = [event for event in engine.rollout([request], sampling) if isinstance(event, Finished)]
    return [event.text for event in sorted(done, key=lambda event: event.index)]


def test_a_past_is_as_good_as_the_tokens_themselves(engine: Engine) -> None:
    _, past = engine.decoder.prefill(embeds(engine, FIRST))
    whole = texts(engine, RolloutRequest([*FIRST, *SECOND], 3, 5))
    assert texts(engine, RolloutRequest(SECOND, 3, 5, past=past)) == whole
    assert texts(engine, RolloutRequest(SECOND, 3, 5, past=past)) == whole  # it has not grown
    assert texts(engine, RolloutRequest(SECOND, 3, 5)) != whole


def test_positions_that_were_cut_out_stand_at_the_front(engine: Engine) -> None:
    """The first layer's keys depend on the token and its place only, so there a cut shows the tokens read alone."""
    decoder = engine.decoder
    _, cache = decoder.prefill(embeds(engine, FIRST))
    keys, values = decoder.to_tensors(decoder.cut(cache, slice(4, 9)))
    own_keys, own_values = decoder.to_tensors(decoder.prefill(embeds(engine, FIRST[4:9]))[1])
    assert keys.shape == own_keys.shape == (2, 2, 5, 16)
    assert F.cosine_similarity(keys[0].flatten(), own_keys[0].flatten(), 0) > 0.9999
    assert F.cosine_similarity(values[0].flatten(), own_values[0].flatten(), 0) > 0.9999
    assert not torch.allclose(values[1], own_values[1], atol=1e-2)  # the second layer knows what stood before


@pytest.mark.parametrize("quantization", ["none", "int8"])
def test_keys_keep_their_length_where_they_move(quantization: str, tmp_path: Path) -> None:
    """YaRN scales what it rotates; a key that moves has been scaled already."""
    from random_models import make_folder

    rope = {"rope_type": "yarn", "factor": 4.0, "rope_theta": 10000.0, "original_max_position_embeddings": 512}
    folder = make_folder(tmp_path / "yarn", rope_parameters=rope)
    decoder = load(ModelSettings(str(folder), quantization, "cpu"), lambda _: None, dtype="float32").decoder
    whole, part = (decoder.prefill(decoder.embed(torch.tensor(some)))[1] for some in (FIRST, FIRST[4:9]))
    keys, wanted = (decoder.to_tensors(cache)[0][0] for cache in (decoder.cut(whole, slice(4, 9)), part))
    torch.testing.assert_close(keys, wanted, atol=0.02, rtol=0.02)
    there_and_back = decoder.to_tensors(decoder.moved(decoder.moved(part, 7), -7))[0][0]
    torch.testing.assert_close(there_and_back, wanted, atol=1e-4, rtol=1e-4)


def test_log_probs_behind_a_past_are_those_of_the_whole(engine: Engine) -> None:
    decoder, rows = engine.decoder, [torch.tensor(row) for row in ROWS]
    _, past = decoder.prefill(embeds(engine, FIRST))
    past = decoder.to_cache(*decoder.to_tensors(past))
    with torch.no_grad():
        behind = decoder.log_probs(embeds(engine, SECOND), rows, 0.7, past)
        whole = decoder.log_probs(embeds(engine, [*FIRST, *SECOND]), rows, 0.7)
    assert torch.allclose(behind, whole, atol=0.05)


def test_gradients_reach_the_past_and_are_right(engine: Engine) -> None:
    decoder, rows = engine.decoder, [torch.tensor(row) for row in ROWS]
    keys, values = decoder.to_tensors(decoder.prefill(embeds(engine, FIRST))[1])
    keys.requires_grad_()
    values.requires_grad_()
    total = decoder.log_probs(embeds(engine, SECOND), rows, 1.0, decoder.to_cache(keys, values)).sum()
    total.backward()
    for leaf in (keys, values):
        assert leaf.grad is not None
        assert float(leaf.grad.norm()) > 0
        step = 0.05 * leaf.grad / leaf.grad.norm()
        with torch.no_grad():
            moved = [keys + step, values] if leaf is keys else [keys, values + step]
            after = decoder.log_probs(embeds(engine, SECOND), rows, 1.0, decoder.to_cache(*moved)).sum()
        assert float(after - total.detach()) == pytest.approx(0.05 * float(leaf.grad.norm()), rel=0.5)
