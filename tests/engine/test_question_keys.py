"""The model's own key of a question: against transformers' modules, alike for every kind of numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from random_models import make_folder

from elm_app.core.config import ModelSettings
from elm_app.core.errors import BadInput, ModelError
from elm_app.engine.chat_template import INSTRUCTION, chat_prompt, located_prompt
from elm_app.engine.engine import Engine
from elm_app.engine.loader import load
from elm_app.engine.question_keys import TYPICAL, joined, layers_of, question_key

PROBLEM = "A farmer packs 7 crates of 12 eggs. How many eggs is that in all?"


@pytest.fixture(scope="module", params=["qwen2", "qwen3", "llama"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    deep = {"num_hidden_layers": 6, "head_dim": 16}
    return make_folder(tmp_path_factory.mktemp("deep") / request.param, request.param, **deep)


@pytest.fixture(scope="module")
def dense(folder: Path) -> Engine:
    return load(ModelSettings(str(folder), "none", "cpu"), lambda _: None)


@pytest.fixture(scope="module")
def int8(folder: Path) -> Engine:
    return load(ModelSettings(str(folder), "int8", "cpu"), lambda _: None)


def test_the_problems_own_tokens_are_found_in_the_prompt(dense: Engine) -> None:
    tokens, own = located_prompt(dense.tokenizer, f"  {PROBLEM}\n")
    assert tokens == chat_prompt(dense.tokenizer, PROBLEM)
    assert dense.tokenizer.decode(tokens[own]) == PROBLEM
    assert INSTRUCTION in dense.tokenizer.decode(tokens[own.stop :])


def test_also_without_a_chat_format(dense: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense.tokenizer, "chat_template", None)
    tokens, own = located_prompt(dense.tokenizer, PROBLEM)
    assert dense.tokenizer.decode(tokens) == f"Problem: {PROBLEM}\n\n{INSTRUCTION}\n\nSolution:"
    assert dense.tokenizer.decode(tokens[own]) == PROBLEM


def test_keys_are_those_of_transformers_before_they_are_rotated(folder: Path, dense: Engine) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dense.decoder.model.dtype)  # type: ignore[attr-defined]
    tokens = torch.tensor(dense.encode(PROBLEM))
    states = model(tokens[None], output_hidden_states=True).hidden_states
    found = dense.decoder.keys(dense.decoder.embed(tokens), [1, 4])
    for place, number in enumerate([1, 4]):
        layer = model.model.layers[number]
        wanted = layer.self_attn.k_proj(layer.input_layernorm(states[number]))
        if hasattr(layer.self_attn, "k_norm"):
            wanted = layer.self_attn.k_norm(wanted.unflatten(-1, (-1, 16))).flatten(2)
        assert torch.allclose(found[place], wanted[0].float(), atol=0.02, rtol=0.02)
    assert not any(module._forward_hooks for module in dense.decoder.model.modules())  # type: ignore[attr-defined]


def test_without_a_chat_format_a_token_may_begin_with_the_space_before() -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"?": 0, "▁What": 1, "▁is": 2}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Metaspace()
    tokens, own = located_prompt(PreTrainedTokenizerFast(tokenizer_object=words), "What is 2+2?")
    assert tokens[own] == [1, 2, 0]
    assert own.start == 1


def test_int8_reads_no_layer_in_vain(int8: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder: Any = int8.decoder
    tokens = torch.tensor([5, 6, 7])
    whole = decoder.keys(decoder.embed(tokens), [0, 2, 5])
    monkeypatch.setattr(decoder, "layers", [*decoder.layers[:3], None, None, None])
    assert torch.equal(decoder.keys(decoder.embed(tokens), [0, 2]), whole[:2])


def test_wide_keys_are_those_of_the_layers_in_the_middle() -> None:
    keys = torch.randn(4, 1024, generator=torch.Generator().manual_seed(0))
    made = joined(keys, torch.zeros(1024))
    assert made.shape == (2048,)
    assert float(made.norm()) == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close(made[:1024], keys[1] / keys[1].norm() / 2**0.5)
    assert joined(keys.repeat(1, 3), torch.zeros(3072)).shape == (3072,)
    assert joined(keys[:, :128], torch.zeros(128)).shape == (512,)


def test_int8_and_dense_have_the_same_key(dense: Engine, int8: Engine) -> None:
    one, other = question_key(dense, PROBLEM), question_key(int8, PROBLEM)
    assert one.shape == other.shape == (4 * 2 * 16,)
    assert one.dtype == other.dtype == np.float32
    assert float(one @ other) > 0.98


def test_it_is_of_length_1_and_the_same_each_time(int8: Engine) -> None:
    key = question_key(int8, PROBLEM)
    assert np.linalg.norm(key) == pytest.approx(1, abs=1e-6)
    assert np.array_equal(key, question_key(int8, f" {PROBLEM} "))
    other = question_key(int8, "Solve 3x + 7 = 25.")
    near = question_key(int8, PROBLEM.replace("7", "9"))
    assert float(key @ near) > 0.9 > float(key @ other)


def test_what_all_problems_share_is_taken_off(int8: Engine) -> None:
    keys = np.stack([question_key(int8, problem) for problem in TYPICAL])
    others = (keys @ keys.T)[~np.eye(len(keys), dtype=bool)]
    assert abs(float(others.mean())) < 0.2


@pytest.mark.parametrize(("count", "layers"), [(24, [9, 11, 13, 15]), (6, [0, 2, 4]), (2, [0, 1]), (1, [0])])
def test_the_layers_are_in_the_middle(count: int, layers: list[int]) -> None:
    found = layers_of(count)
    assert set(found) >= set(layers)
    assert all(0 <= layer < count for layer in found)


def test_a_problem_that_does_not_fit(int8: Engine) -> None:
    with pytest.raises(BadInput, match="does not fit"):
        question_key(int8, "1 + " * 600)


def test_a_model_that_does_not_show_its_keys(dense: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fused(torch.nn.Module):
        def __getattr__(self, name: str) -> Any:
            if name in ("k_proj", "k_norm"):
                raise AttributeError(name)
            return super().__getattr__(name)

    layer = dense.decoder.model.model.layers[2]  # type: ignore[attr-defined]
    monkeypatch.setitem(layer._modules, "self_attn", Fused())
    with pytest.raises(ModelError, match="does not show its keys"):
        dense.decoder.keys(dense.decoder.embed(torch.tensor([1, 2])), [2])
