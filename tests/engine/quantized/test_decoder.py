"""The quantised decoder against transformers in fp32, and against itself, for every family it supports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from random_models import as_blocks, make_folder

from elm_app.core.config import ModelSettings
from elm_app.engine.loader import load
from elm_app.engine.quantized.choose_kernels import choose
from elm_app.engine.quantized.decoder import QuantizedDecoder
from elm_app.engine.quantized.formats import quantize
from elm_app.engine.quantized.kernels import Kernels, Matrix
from elm_app.engine.quantized.rotary import rotate
from elm_app.engine.quantized.supported import FAMILIES


@pytest.fixture(scope="module", params=[(f, q) for f in (*FAMILIES, "llama3-rope") for q in ("4-bit", "int8")])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """A random model in fp32, and its quantised decoder; in 4 bits the model has the weights that blocks stand for."""
    from transformers import AutoModelForCausalLM

    family, quantization = request.param
    if quantization == "4-bit" and choose(blocks=True) is None:
        pytest.skip("this CPU has no AVX2")
    changes: dict[str, Any] = {"tie_word_embeddings": True} if family == "llama" else {}
    if family == "mistral":
        changes["sliding_window"] = None
    if family == "llama3-rope":
        family = "llama"
        changes["rope_parameters"] = {
            "rope_type": "llama3",
            "rope_theta": 500000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 256,
        }
    if family == "qwen3":
        changes["head_dim"] = 32
    folder = make_folder(tmp_path_factory.mktemp("model") / family, family, **changes)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    if quantization == "4-bit":
        as_blocks(model)
    return model, load(ModelSettings(str(folder), quantization, "cpu"), lambda _: None).decoder


TOKENS = torch.randint(0, 256, (70,), generator=torch.Generator().manual_seed(0))


def test_logits_are_those_of_the_model(pair: tuple[Any, QuantizedDecoder]) -> None:
    model, decoder = pair
    with torch.no_grad():
        reference = model(TOKENS[None]).logits[0].log_softmax(-1)
    ours = decoder.logits(decoder.embed(TOKENS)).log_softmax(-1)
    spread = reference.std()
    assert (ours - reference).abs().mean() < 0.06 * spread
    kl = (reference.exp() * (reference - ours)).sum(-1).mean()
    assert kl < 0.01


def test_steps_equal_reading_at_once(pair: tuple[Any, QuantizedDecoder]) -> None:
    _, decoder = pair
    whole = decoder.logits(decoder.embed(TOKENS))
    first, cache = decoder.prefill(decoder.embed(TOKENS[:40]))
    torch.testing.assert_close(first, whole[39], atol=2e-2, rtol=1e-2)
    batch = decoder.begin([(cache, 2)])
    for place in range(40, 70):
        logits = decoder.step(batch, TOKENS[place].repeat(2))
        assert torch.equal(logits[0], logits[1])
        torch.testing.assert_close(logits[0], whole[place], atol=5e-2, rtol=2e-2)


def test_dropping_a_row_leaves_the_others_bit_for_bit(pair: tuple[Any, QuantizedDecoder]) -> None:
    _, decoder = pair

    def run(drop: bool) -> torch.Tensor:
        batch = decoder.begin([(decoder.prefill(decoder.embed(TOKENS[:n]))[1], 2) for n in (10, 25)])
        logits = decoder.step(batch, torch.tensor([1, 2, 3, 4]))
        if drop:
            batch = decoder.keep(batch, [1, 3])
            return decoder.step(batch, torch.tensor([6, 8]))
        logits = decoder.step(batch, torch.tensor([5, 6, 7, 8]))
        return logits[[1, 3]]

    assert torch.equal(run(True), run(False))


KERNELS = ["int8", "blocks"]


@pytest.fixture(params=KERNELS)
def kernels(request: pytest.FixtureRequest) -> Kernels:
    """Both sets of kernels, where this CPU can run them."""
    found = choose(blocks=request.param == "blocks")
    if found is None:
        pytest.skip("this CPU has no AVX2")
    return found


def taken(kernels: Kernels, weight: torch.Tensor) -> tuple[list[Matrix], torch.Tensor]:
    """A float matrix as the kernels take it, and the floats that it then stands for."""
    if not kernels.takes_blocks:
        return [weight], weight
    blocks = quantize(weight, fine=True)
    return [blocks], torch.from_numpy(blocks.floats())


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def close(ours: torch.Tensor, reference: torch.Tensor) -> None:
    assert (ours - reference).norm() / reference.norm() < 0.02


@pytest.mark.parametrize("rows", [1, 3, 8, 13, 32])
@pytest.mark.parametrize("outputs", [50, 64])
def test_products_are_those_of_the_matrices(kernels: Kernels, rows: int, outputs: int) -> None:
    given, weight = taken(kernels, randn(outputs, 96))
    bias, x = randn(outputs, seed=2), randn(rows, 96, seed=1)
    close(kernels.linear(given)(kernels.quantize(x)), x @ weight.T)
    close(kernels.linear(given, bias)(kernels.quantize(x)), x @ weight.T + bias)
    before = randn(rows, outputs, seed=3)
    close(kernels.linear(given)(kernels.quantize(x), add_to=before.clone()), before + x @ weight.T)


def test_every_row_has_its_own_scale(kernels: Kernels) -> None:
    """A row a thousand times larger, or of zeros, does not spoil its neighbours."""
    (given, weight), x = taken(kernels, randn(64, 96)), randn(4, 96, seed=1)
    x[1] *= 1000
    x[2] = 0
    ours = kernels.linear(given)(kernels.quantize(x))
    close(ours[0], x[0] @ weight.T)
    close(ours[3], x[3] @ weight.T)
    assert ours[2].abs().max() == 0


def test_norm_and_gate(kernels: Kernels) -> None:
    identity = kernels.linear(taken(kernels, torch.eye(96))[0])
    x, weight = randn(5, 96) * 30, randn(96, seed=1)
    close(identity(kernels.norm_quantize(x, weight, 1e-6)), F.rms_norm(x, (96,), weight, 1e-6))
    gate_up = randn(5, 192, seed=2) * 4
    close(identity(kernels.gate_quantize(gate_up)), F.silu(gate_up[:, :96]) * gate_up[:, 96:])


def test_attention_is_that_of_torch(kernels: Kernels) -> None:
    rows, kv, heads, size, length = 3, 2, 6, 32, 20
    keys, values = randn(rows, kv, size, 64), randn(rows, kv, 64, size, seed=1)
    qkv, angles = randn(rows, (heads + 2 * kv) * size, seed=2), randn(size // 2, seed=3)
    turn = torch.stack([angles.cos(), angles.sin()], -1).flatten()
    out = torch.empty(rows, heads * size)
    kernels.attend(qkv, turn, keys, values, length, out)
    query, key, value = qkv.unflatten(1, (-1, size)).split([heads, kv, kv], 1)
    torch.testing.assert_close(keys[..., length], rotate(key, turn))
    torch.testing.assert_close(values[:, :, length], value)
    seen = [part[:, :, : length + 1].repeat_interleave(heads // kv, 1) for part in (keys.mT, values)]
    reference = F.scaled_dot_product_attention(rotate(query, turn)[:, :, None], seen[0], seen[1])
    torch.testing.assert_close(out, reference.flatten(1), atol=1e-5, rtol=1e-5)


def test_the_cache_grows(random_model: Path) -> None:
    decoder = load(ModelSettings(str(random_model), "auto", "cpu"), lambda _: None).decoder
    batch = decoder.begin([(decoder.prefill(decoder.embed(TOKENS[:5]))[1], 1)])
    tokens = torch.randint(0, 256, (300,), generator=torch.Generator().manual_seed(1))
    for token in tokens:
        logits = decoder.step(batch, token[None])
    whole = decoder.logits(decoder.embed(torch.cat([TOKENS[:5], tokens])))
    torch.testing.assert_close(logits[0], whole[-1], atol=5e-2, rtol=2e-2)
