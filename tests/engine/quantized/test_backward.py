"""Log-probabilities and their gradients against transformers and autograd in fp32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from random_models import as_blocks, make_folder

from elm_app.core.config import ModelSettings, SamplingSettings
from elm_app.core.types import ModelInfo
from elm_app.engine import chosen_logprobs
from elm_app.engine.dense_decoder import DenseDecoder
from elm_app.engine.engine import Engine, Finished, RolloutRequest
from elm_app.engine.loader import load
from elm_app.engine.quantized import backward
from elm_app.engine.quantized.choose_kernels import choose

FAMILIES = ["qwen2", "llama", "qwen3"]
PROMPT = list(b"What is 6 times 12?")
ROWS = [list(b"It is 72."), list(b"7"), list(b"Six times twelve is seventy-two, so 72.")]
LENGTHS = [len(row) for row in ROWS]


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    changes: dict[str, Any] = {"tie_word_embeddings": request.param == "llama"}
    if request.param == "qwen3":
        changes["head_dim"] = 32
    return make_folder(tmp_path_factory.mktemp("model") / request.param, request.param, **changes)


def dense(folder: Path) -> Engine:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    info = ModelInfo("random", "none", "cpu", "0" * 64)
    return Engine(DenseDecoder(model), AutoTokenizer.from_pretrained(folder), info, 2048, frozenset({258}))


def soft_prompt() -> torch.Tensor:
    return (torch.randn(5, 64, generator=torch.Generator().manual_seed(1)) * 0.2).requires_grad_()


def reference(folder: Path, soft: torch.Tensor, temperature: float, blocks: bool = False) -> torch.Tensor:
    """Each rollout by itself, behind a prompt of its own, with whole logits."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).requires_grad_(False)
    if blocks:
        as_blocks(model)
    found = []
    for row in ROWS:
        embeds = torch.cat([soft, model.get_input_embeddings()(torch.tensor(PROMPT + row))])
        logits = model(inputs_embeds=embeds[None]).logits[0, -len(row) - 1 : -1] / temperature
        found.append(logits.log_softmax(-1).gather(1, torch.tensor(row)[:, None])[:, 0])
    return torch.cat(found)


def gradient(logprobs: torch.Tensor, soft: torch.Tensor) -> torch.Tensor:
    weights = torch.randn(len(logprobs), generator=torch.Generator().manual_seed(2))
    (found,) = torch.autograd.grad((logprobs * weights).sum(), soft)
    return found


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_dense_is_autograd(folder: Path, temperature: float) -> None:
    soft = soft_prompt()
    ours = dense(folder).log_probs(PROMPT, soft, ROWS, temperature)
    theirs = reference(folder, soft, temperature)
    torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(gradient(ours, soft), gradient(theirs, soft), atol=2e-5, rtol=1e-3)


QUANTIZED = ["int8", pytest.param("4-bit", marks=pytest.mark.skipif(choose(True) is None, reason="no AVX2"))]


@pytest.mark.parametrize("quantization", QUANTIZED)
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_quantised_is_near_to_it(folder: Path, temperature: float, quantization: Any) -> None:
    """In 4 bits, near to the model whose weights the blocks stand for."""
    soft = soft_prompt()
    engine = load(ModelSettings(str(folder), quantization, "cpu"), lambda _: None)
    ours = engine.log_probs(PROMPT, soft, ROWS, temperature)
    theirs = reference(folder, soft, temperature, blocks=quantization == "4-bit")
    assert (ours - theirs).abs().mean() < 0.05 * theirs.std()
    mine, its = gradient(ours, soft), gradient(theirs, soft)
    assert F.cosine_similarity(mine.flatten(), its.flatten(), 0) > 0.97
    assert 0.9 < mine.norm() / its.norm() < 1.1


@pytest.mark.parametrize("quantization", QUANTIZED)
def test_computing_gates_twice_changes_little(folder: Path, monkeypatch: pytest.MonkeyPatch, quantization: Any) -> None:
    engine = load(ModelSettings(str(folder), quantization, "cpu"), lambda _: None)
    soft = soft_prompt()
    once = gradient(engine.log_probs(PROMPT, soft, ROWS), soft)
    monkeypatch.setattr(backward, "_KEPT_BYTES", 0)
    again = gradient(engine.log_probs(PROMPT, soft, ROWS), soft)
    assert not torch.equal(again, once)
    assert F.cosine_similarity(again.flatten(), once.flatten(), 0) > 0.999


@pytest.mark.parametrize("quantization", QUANTIZED)
def test_few_rows_at_a_time_change_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch, quantization: Any) -> None:
    engine, soft = load(ModelSettings(str(folder), quantization, "cpu"), lambda _: None), soft_prompt()
    once = gradient(engine.log_probs(PROMPT, soft, ROWS), soft)
    monkeypatch.setattr(backward, "_ROWS", 16)
    torch.testing.assert_close(gradient(engine.log_probs(PROMPT, soft, ROWS), soft), once)


def test_small_chunks_of_the_vocabulary_change_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, soft = dense(folder), soft_prompt()
    once = engine.log_probs(PROMPT, soft, ROWS)
    monkeypatch.setattr(chosen_logprobs, "_CHUNK", 3)
    again = engine.log_probs(PROMPT, soft, ROWS)
    torch.testing.assert_close(again, once)
    torch.testing.assert_close(gradient(again, soft), gradient(once, soft))


@pytest.mark.parametrize("quantization", [*QUANTIZED, "nf4", "none"])
def test_there_is_a_gradient_after_a_rollout(random_model: Path, quantization: Any) -> None:
    """bitsandbytes can lose it: `Linear4bit` repacks itself when a forward pass in evaluation mode came first."""
    engine = load(ModelSettings(str(random_model), quantization, "cpu"), lambda _: None)
    soft = soft_prompt()
    sampling = SamplingSettings(2, 6, 1.0, seed=1)
    events = engine.rollout([RolloutRequest(PROMPT, 2, 1, soft)], sampling)
    rows = [event.tokens for event in events if isinstance(event, Finished)]
    found = gradient(engine.log_probs(PROMPT, soft, rows), soft)
    assert torch.isfinite(found).all()
    assert (found.abs().sum(1) > 0).all()


@pytest.mark.parametrize("quantization", QUANTIZED)
def test_log_probs_are_those_it_sampled_with(random_model: Path, quantization: Any) -> None:
    """The rollouts' arithmetic and the gradient's is the same, so the first update is on-policy."""
    engine = load(ModelSettings(str(random_model), quantization, "cpu"), lambda _: None)
    soft = soft_prompt()
    sampling = SamplingSettings(3, 20, 0.8, seed=3)
    finished = [
        event for event in engine.rollout([RolloutRequest(PROMPT, 3, 3, soft)], sampling) if isinstance(event, Finished)
    ]
    with torch.no_grad():
        found = engine.log_probs(PROMPT, soft, [event.tokens for event in finished], 0.8)
    means = [float(part.mean()) for part in found.split([len(event.tokens) for event in finished])]
    assert means == pytest.approx([sum(event.logprobs) / len(event.logprobs) for event in finished], abs=0.02)


def test_the_model_is_frozen(random_model: Path) -> None:
    engine = dense(random_model)
    before = {name: value.clone() for name, value in engine.decoder.model.state_dict().items()}  # type: ignore[attr-defined]
    soft = soft_prompt()
    engine.log_probs(PROMPT, soft, ROWS).sum().backward()
    model = engine.decoder.model  # type: ignore[attr-defined]
    assert soft.grad is not None
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
