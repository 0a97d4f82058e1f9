"""The converter against transformers' own reading of the same GGUF file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_gguf import HEADS, HIDDEN, QUANTS, make_gguf

from elm_app.core.errors import Stopped, WeightsError
from elm_app.core.events import Progress
from elm_app.weights import resolve
from elm_app.weights.convert_gguf import config_of, convert, stop_ids, write_floats
from elm_app.weights.gguf import GgufTensors, name_of, read_gguf

TEXTS = [
    "What is 12 + 30?",
    "Zwölf  Äpfel\n\n\tΣ x² ≤ 7 😀",
    "<|im_start|>user\nhi<|im_end|>\n",
    "",
    " \\boxed{1,234.50}",
]


def converted(path: Path, folder: Path) -> tuple[Path, list[Progress]]:
    said: list[Progress] = []
    folder.mkdir()
    convert(path, folder)
    write_floats(path, folder / "model.safetensors", progress=said.append)
    return folder, said


def same_model(path: Path, folder: Path) -> Any:
    """Asserts that both load to the same float16 weights, settings and tokens; returns the converted model."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    theirs = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    ours, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not any(info.values()), info
    assert ours.dtype == torch.float16
    expected, found = theirs.state_dict(), ours.state_dict()
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        assert torch.equal(tensor.half(), found[name]), name
    own = {
        "_name_or_path",
        "_model_name_or_path",
        "architectures",
        "dtype",
        "rms_norm_eps",
        "transformers_version",
        "unk_token_id",
    }
    settings = [{k: v for k, v in m.config.to_dict().items() if k not in own} for m in (theirs, ours)]
    for one in settings:
        one.pop("quantization_config", None)
    assert settings[0] == settings[1]
    assert ours.config.rms_norm_eps == pytest.approx(theirs.config.rms_norm_eps, rel=1e-6)
    tokenizers = [
        AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name),
        AutoTokenizer.from_pretrained(folder),
    ]
    chat = [{"role": "user", "content": "hi there"}]
    assert tokenizers[0].chat_template
    for text in [*TEXTS, tokenizers[0].apply_chat_template(chat, tokenize=False)]:
        ids = [tokenizer(text)["input_ids"] for tokenizer in tokenizers]
        assert ids[0] == ids[1], text
        assert tokenizers[0].decode(ids[0]) == tokenizers[1].decode(ids[1]), text
    assert tokenizers[0].apply_chat_template(chat) == tokenizers[1].apply_chat_template(chat)
    assert tokenizers[0].special_tokens_map == tokenizers[1].special_tokens_map
    return ours


@pytest.mark.parametrize("quant", QUANTS)
@pytest.mark.parametrize("architecture", ["qwen2", "llama"])
def test_a_random_model_is_what_transformers_reads(tmp_path: Path, architecture: str, quant: str) -> None:
    path = make_gguf(tmp_path / "model.gguf", architecture, quant)
    same_model(path, converted(path, tmp_path / "out")[0])


@pytest.mark.parametrize("architecture", ["qwen2", "llama"])
def test_a_tied_model_stays_tied(tmp_path: Path, architecture: str) -> None:
    path = make_gguf(tmp_path / "model.gguf", architecture, tied=True)
    model = same_model(path, converted(path, tmp_path / "out")[0])
    assert model.config.tie_word_embeddings
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()


def test_generation_stops_at_every_end_token_and_progress_counts_tensors(tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "model.gguf", "qwen2")
    folder, said = converted(path, tmp_path / "out")
    assert json.loads((folder / "generation_config.json").read_text())["eos_token_id"] == [260, 258]
    counted = [event for event in said if event.unit == "tensors"]
    assert [event.done for event in counted] == list(range(len(read_gguf(path).tensors) + 1))
    assert {event.stage for event in said} == {"convert"}


def test_names() -> None:
    assert name_of("blk.12.attn_k.bias") == "model.layers.12.self_attn.k_proj.bias"
    assert name_of("output.weight") == "lm_head.weight"
    for unknown in ("blk.0.ssm_a.weight", "rope_freqs.weight"):
        with pytest.raises(KeyError):
            name_of(unknown)


@pytest.mark.parametrize("cut", [0, 3, 20, 400, 5000, -1])
def test_a_file_that_is_no_whole_gguf_is_refused(tmp_path: Path, cut: int) -> None:
    path = make_gguf(tmp_path / "model.gguf", "qwen2")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(WeightsError, match=r"model\.gguf (is not a GGUF file|ends inside|says nothing)"):
        converted(path, tmp_path / "out")


def test_another_architecture_is_refused_by_name(tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "model.gguf", "qwen2")
    path.write_bytes(path.read_bytes().replace(b"qwen2", b"mamba"))
    with pytest.raises(WeightsError, match="is a mamba model"):
        converted(path, tmp_path / "out")


def test_a_stop_is_heard_between_tensors(tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "model.gguf", "llama")
    with pytest.raises(Stopped):
        write_floats(path, tmp_path / "floats", progress=lambda _: None, cancelled=lambda: True)
    assert (tmp_path / "floats").stat().st_size < 10_000


@pytest.mark.parametrize("architecture", ["qwen2", "llama"])
def test_a_tensor_read_from_the_file_is_what_is_converted(tmp_path: Path, architecture: str) -> None:
    """Its blocks, and the floats that they stand for, rows that llama.cpp keeps in another order included."""
    from safetensors.numpy import load_file

    path = make_gguf(tmp_path / "model.gguf", architecture, "Q5_0")
    folder, _ = converted(path, tmp_path / "out")
    tensors, written = GgufTensors(path), load_file(folder / "model.safetensors")
    for name, expected in written.items():
        raw = tensors.read(name)
        assert name in tensors
        assert raw.shape == expected.shape
        assert np.array_equal(raw.floats().astype(np.float16), expected)
        assert raw.kind == QUANTS["Q5_0" if raw.data.shape[0] > 1 else "F32"]
    assert "lm_head.bias" not in tensors


@pytest.mark.model
def test_tiny_is_what_transformers_reads(tmp_path: Path) -> None:
    import torch

    model = resolve.resolve("tiny", progress=lambda _: None)
    assert model.checkpoint is not None
    alone = tmp_path / "alone" / "model.gguf"  # transformers prefers the files that lie beside it
    alone.parent.mkdir()
    alone.symlink_to(model.checkpoint)
    ours = same_model(alone, resolve.with_floats(model, progress=lambda _: None, cache=tmp_path))
    assert ours.config.tie_word_embeddings
    assert stop_ids(read_gguf(model.checkpoint)) == [2, 0]
    assert all(torch.isfinite(tensor).all() for tensor in ours.state_dict().values())


@pytest.mark.model
def test_small_has_the_settings_of_the_original() -> None:
    model = resolve.resolve("small", progress=lambda _: None)
    settings = json.loads((model.path / "config.json").read_text())
    expected = {
        "architectures": ["Qwen2ForCausalLM"],
        "dtype": "float16",
        "eos_token_id": 151645,
        "hidden_size": 896,
        "intermediate_size": 4864,
        "max_position_embeddings": 32768,
        "num_attention_heads": 14,
        "num_hidden_layers": 24,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_theta": 1000000.0, "rope_type": "default"},
        "tie_word_embeddings": False,
        "vocab_size": 151936,
    }
    assert {name: settings[name] for name in expected} == expected
    assert json.loads((model.path / "generation_config.json").read_text())["eos_token_id"] == [151645, 151643]
    assert "<|im_start|>" in (model.path / "chat_template.jinja").read_text()


def test_settings_of_a_llama_have_a_head_size(tmp_path: Path) -> None:
    assert config_of(read_gguf(make_gguf(tmp_path / "model.gguf", "llama")))["head_dim"] == HIDDEN // HEADS
