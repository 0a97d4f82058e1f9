"""From a GGUF file to what transformers wants: its configuration and tokenizer, and floats for those who need them.

The CPU decoder multiplies the file's own blocks (`weights/gguf.py` reads them). For everything else the weights are
dequantised (by `gguf`, the format's own library) a few rows at a time straight into `model.safetensors`, and the
tokenizer is built by transformers' own GGUF reader. The result holds the same numbers as
`AutoModelForCausalLM.from_pretrained(gguf_file=…)` rounded to float16, in a fraction of the time and of the memory.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from elm_app.core.errors import Stopped, WeightsError
from elm_app.core.events import Progress
from elm_app.weights.gguf import OTHER, Gguf, name_of, read_gguf, read_tensor

VERSION = 2
"""Counts up whenever the folder that `convert` writes changes; folders of another version are made again."""

_NUMBER = np.dtype(np.float16).itemsize

_TOKENIZERS = {"qwen2": "Qwen2Tokenizer", "llama": "PreTrainedTokenizerFast"}
"""The architectures that can be converted, and transformers' tokenizer class for each."""

_STOPS = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>")
"""Tokens that end an answer besides the file's own end token, where the vocabulary has them."""


def config_of(gguf: Gguf) -> dict[str, Any]:
    """What transformers calls the file's settings: the arguments of the architecture's config class.

    Raises `WeightsError` for an architecture that cannot be converted or a setting that is missing.
    """
    if gguf.architecture not in _TOKENIZERS:
        raise WeightsError(f"{gguf.path.name} is a {gguf.architecture} model, which cannot be converted here.", OTHER)
    get, ids = gguf.get, {key: gguf.settings.get(f"tokenizer.ggml.{key}_token_id") for key in ("bos", "eos", "padding")}
    heads, hidden = get("attention.head_count"), get("embedding_length")
    settings: dict[str, Any] = {
        "model_type": gguf.architecture,
        "vocab_size": len(gguf.settings["tokenizer.ggml.tokens"]),
        "hidden_size": hidden,
        "intermediate_size": get("feed_forward_length"),
        "num_hidden_layers": get("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": gguf.settings.get(f"{gguf.architecture}.attention.head_count_kv", heads),
        "max_position_embeddings": get("context_length"),
        "rms_norm_eps": float(f"{get('attention.layer_norm_rms_epsilon'):.6g}"),  # 1e-06, stored as float32
        "rope_parameters": {"rope_type": "default", "rope_theta": get("rope.freq_base")},
        "tie_word_embeddings": all(tensor.name != "output.weight" for tensor in gguf.tensors),
        "bos_token_id": ids["bos"],
        "eos_token_id": ids["eos"],
        "pad_token_id": ids["padding"],
        "dtype": "float16",
    }
    if gguf.architecture == "llama":
        settings["head_dim"] = gguf.settings.get("llama.rope.dimension_count", hidden // heads)
    return settings


def stop_ids(gguf: Gguf) -> list[int]:
    """The ids of the tokens that end an answer, the file's own end token first."""
    tokens = gguf.settings["tokenizer.ggml.tokens"]
    known = {token: index for index, token in enumerate(tokens) if token in _STOPS}
    own = gguf.settings.get("tokenizer.ggml.eos_token_id")
    return list(dict.fromkeys([*([] if own is None else [own]), *(known[s] for s in _STOPS if s in known)]))


def convert(path: Path, folder: Path) -> None:
    """Writes what transformers wants to know of a GGUF file besides its weights: configuration and tokenizer.

    Raises:
        WeightsError: the file is not a GGUF, or of a kind that cannot be used.
    """
    gguf = read_gguf(path)
    settings = config_of(gguf)
    _check_whole(gguf)
    _write_texts(gguf, settings, folder)


def float_bytes(path: Path) -> int:
    """Bytes of the weights that `write_floats` makes of a GGUF file; raises `WeightsError` where it is not one."""
    return sum(_NUMBER * tensor.size for tensor in read_gguf(path).tensors)


def write_floats(
    path: Path, target: Path, *, progress: Callable[[Progress], None], cancelled: Callable[[], bool] = lambda: False
) -> None:
    """Writes the weights of a GGUF file as safetensors in float16.

    Raises:
        WeightsError: the file is not a GGUF, or of a kind that cannot be converted.
        Stopped: `cancelled()` became true; the file is incomplete.
    """
    _write_tensors(read_gguf(path), target, progress, cancelled)


def _write_tensors(
    gguf: Gguf, target: Path, progress: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in gguf.tensors:
        name = name_of(tensor.name)
        header[name] = {"dtype": "F16", "shape": tensor.shape, "data_offsets": (end, end + _NUMBER * tensor.size)}
        end += _NUMBER * tensor.size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with target.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for done, tensor in enumerate(gguf.tensors):
            progress(Progress("convert", "Converting the weights", done, len(gguf.tensors), "tensors"))
            for part in read_tensor(gguf, tensor).slices():
                if cancelled():
                    raise Stopped("Stopped while converting the weights.")
                file.write(part.astype(np.float16).data)
        file.flush()
        os.fsync(file.fileno())
    progress(Progress("convert", "Converting the weights", len(gguf.tensors), len(gguf.tensors), "tensors"))


def _check_whole(gguf: Gguf) -> None:
    """Raises `WeightsError` for a tensor that has no place in the model, or lies beyond the end of the file."""
    for tensor in gguf.tensors:
        try:
            name_of(tensor.name)
        except KeyError:
            raise WeightsError(f"{gguf.path.name} holds an unknown tensor, {tensor.name}.", OTHER) from None
        if tensor.end > gguf.path.stat().st_size:
            raise WeightsError(f"{gguf.path.name} ends inside {tensor.name}.", OTHER)


def _write_texts(gguf: Gguf, settings: dict[str, Any], folder: Path) -> None:
    import transformers

    config = transformers.AutoConfig.for_model(**settings)
    config.architectures = [f"{settings['model_type'].capitalize()}ForCausalLM"]
    config.save_pretrained(folder)
    ids = {key: settings[key] for key in ("bos_token_id", "pad_token_id")}
    transformers.GenerationConfig(**ids, eos_token_id=stop_ids(gguf)).save_pretrained(folder)
    kind = getattr(transformers, _TOKENIZERS[gguf.architecture])
    tokenizer = kind.from_pretrained(gguf.path.parent, gguf_file=gguf.path.name)
    tokenizer.model_max_length = settings["max_position_embeddings"]
    tokenizer.save_pretrained(folder)
    for file in folder.iterdir():
        with suppress(OSError), file.open("rb") as handle:
            os.fsync(handle.fileno())
