"""A memory as PEFT describes it: a PROMPT_TUNING adapter, or a PREFIX_TUNING one."""

from __future__ import annotations

from typing import Any

from elm_app.core.types import Memory


def description(memory: Memory) -> dict[str, Any]:
    """What peft 0.21 writes for such an adapter; `settings["architecture"]` fills in what the card does not have."""
    given = memory.settings.get("architecture")
    known = (
        {name: value for name, value in given.items() if isinstance(value, str | int)}
        if isinstance(given, dict)
        else {}
    )
    prefix = memory.form == "prefix"
    layers = known.get("num_layers") if prefix else None
    kind: dict[str, Any] = {
        "peft_type": "PROMPT_TUNING", "prompt_tuning_init": "RANDOM", "prompt_tuning_init_text": None,
        "token_dim": memory.hidden_size, "tokenizer_kwargs": None, "tokenizer_name_or_path": None,
    }  # fmt: skip
    if prefix:
        kind = {"encoder_hidden_size": None, "peft_type": "PREFIX_TUNING", "prefix_projection": False}
        kind["token_dim"] = memory.hidden_size // (2 * layers) if isinstance(layers, int) and layers > 0 else None
    config = kind | {
        "auto_mapping": None,
        "base_model_name_or_path": known.get("base_model_name_or_path"),
        "inference_mode": True,
        "modules_to_save": None,
        "num_attention_heads": known.get("num_key_value_heads" if prefix else "num_attention_heads"),
        "num_layers": known.get("num_layers"),
        "num_transformer_submodules": 1,
        "num_virtual_tokens": memory.virtual_tokens,
        "revision": None,
        "task_type": "CAUSAL_LM",
    }
    return dict(sorted(config.items()))
