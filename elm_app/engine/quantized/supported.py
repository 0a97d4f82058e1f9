"""Which models the quantised decoder is written for."""

from __future__ import annotations

from typing import Any

FAMILIES = ("qwen2", "llama", "mistral", "qwen3")


def supported(config: Any) -> bool:
    """Whether a model of this configuration has the structure that is written out here."""
    rope = getattr(config, "rope_parameters", None) or {}
    return (
        config.model_type in FAMILIES
        and rope.get("rope_type") in ("default", "linear", "llama3", "yarn")
        and not getattr(config, "use_sliding_window", False)
        and not (config.model_type == "mistral" and getattr(config, "sliding_window", None))
        and not getattr(config, "mlp_bias", False)
        and config.hidden_act == "silu"
        and config.hidden_size % 32 == 0
        and config.intermediate_size % 32 == 0
        and config.num_attention_heads * head_dim(config) % 32 == 0
        and head_dim(config) % 16 == 0
    )


def head_dim(config: Any) -> int:
    """D, the width of a head."""
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
