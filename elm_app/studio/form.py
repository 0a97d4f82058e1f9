"""What the fields hold, as settings; a field that cannot be used is a `BadInput` with the field's own name."""

from __future__ import annotations

from typing import Any

from elm_app.config import ModelSettings, SamplingSettings
from elm_app.errors import BadInput

LABELS = {
    "model": "Model",
    "quantization": "Numbers",
    "samples": "Samples",
    "max_new_tokens": "New tokens",
    "temperature": "Temperature",
    "seed": "Seed",
}
MODELS = [
    ("automatic: what suits this machine", "auto"),
    ("tiny: SmolLM2-135M, to try things out", "tiny"),
    ("small: Qwen2.5-Coder-0.5B", "small"),
    ("base: Qwen2.5-Coder-1.5B", "base"),
    ("paper: Qwen2.5-Math-7B, needs a GPU", "paper-qwen"),
    ("paper: Llama-3.1-8B, needs a GPU", "paper-llama"),
]
NUMBERS = [
    ("automatic", "auto"),
    ("4-bit weights in int8 arithmetic (CPU)", "int8"),
    ("4-bit NF4", "nf4"),
    ("full precision", "none"),
]


def model_settings(model: str | None, quantization: Any) -> ModelSettings:
    """
    >>> model_settings("small", "auto").model
    'small'
    """
    if not (model or "").strip():
        raise BadInput("Model is empty.", "Choose one from the list, or type a hub id or a local folder.")
    try:
        return ModelSettings(model=str(model).strip(), quantization=quantization)
    except BadInput as error:
        raise _labelled(error) from error


def sampling_settings(samples: Any, max_new_tokens: Any, temperature: Any, seed: str | None) -> SamplingSettings:
    """
    >>> sampling_settings(8, 512, 0.7, " 42 ").seed
    42
    """
    given: dict[str, Any] = {
        "samples": _whole(samples, "samples"),
        "max_new_tokens": _whole(max_new_tokens, "max_new_tokens"),
        "temperature": _number(temperature, "temperature"),
    }
    if (seed or "").strip():
        try:
            given["seed"] = int(str(seed).strip())
        except ValueError:
            raise BadInput(f"Seed is {seed!r}.", "It must be a whole number, or blank for a random one.") from None
    try:
        return SamplingSettings(**given)
    except BadInput as error:
        raise _labelled(error) from error


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadInput(f"{LABELS[name]} is {'empty' if value in (None, '') else repr(value)}.", "It must be a number.")
    return float(value)


def _whole(value: Any, name: str) -> int:
    number = _number(value, name)
    if not number.is_integer():
        raise BadInput(f"{LABELS[name]} is {number:g}.", "It must be a whole number.")
    return int(number)


def _labelled(error: BadInput) -> BadInput:
    name, _, rest = error.message.partition(" ")
    return BadInput(f"{LABELS.get(name, name)} {rest}", error.remedy)
