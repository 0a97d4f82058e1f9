"""Models made on the spot: random weights and a byte tokenizer, in a folder as the hub would hold it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def make_folder(
    folder: Path, family: str = "qwen2", seed: int = 0, special: Sequence[str] = SPECIAL, **changes: Any
) -> Path:
    """Write a random model of that family, and its tokenizer, as a transformers folder."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={char: i for i, char in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(special))
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=CHAT_TEMPLATE
    )
    wrapped.save_pretrained(folder)
    settings: dict[str, Any] = {
        "vocab_size": 256 + len(special),
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "eos_token_id": 258,
        "pad_token_id": 256,
        "bos_token_id": None,
        "tie_word_embeddings": False,
        "initializer_range": 0.2,
    }
    torch.manual_seed(seed)
    config = AutoConfig.for_model(family, **{**settings, **changes})
    AutoModelForCausalLM.from_config(config, dtype=torch.float32).save_pretrained(folder)
    return folder


def as_blocks(model: Any) -> None:
    """Give a model the weights that blocks of 4 bits stand for, as the decoder quantises floats on loading."""
    import torch

    from elm_app.engine.quantized.formats import quantize

    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 2:
                fine = "embed_tokens" in name or "lm_head" in name
                weight.copy_(torch.from_numpy(quantize(weight, fine).floats()))


def make_prm(folder: Path, seed: int = 0, special: Sequence[str] = (*SPECIAL, "<extra_0>"), **changes: Any) -> Path:
    """Write a random process reward model as Qwen2.5-Math-PRM-7B is written: architecture and remote code named in the
    config, the head beside the model as `score.0` and `score.2`, an unused vocabulary head."""
    import torch
    from safetensors.torch import load_file, save_file

    make_folder(folder, "qwen2", seed, special, **changes)
    tensors = load_file(folder / "model.safetensors")
    hidden = tensors["model.norm.weight"].numel()
    made = torch.Generator().manual_seed(seed)
    for name, shape in {
        "0.weight": (hidden, hidden),
        "0.bias": (hidden,),
        "2.weight": (2, hidden),
        "2.bias": (2,),
    }.items():
        tensors[f"score.{name}"] = torch.randn(shape, generator=made) * 0.2
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["architectures"] = ["Qwen2ForProcessRewardModel"]
    config["auto_map"] = {
        "AutoConfig": "configuration_qwen2_rm.Qwen2RMConfig",
        "AutoModel": "modeling_qwen2_rm.Qwen2ForProcessRewardModel",
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder
