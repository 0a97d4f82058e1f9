"""From a GGUF file to an ordinary transformers folder, once.

A GGUF holds everything in one file: settings and vocabulary, then the tensors in blocks of a few bits. Here its header
is read in one pass, its tensors are dequantised a slice at a time (by `gguf`, the format's own library) straight into
`model.safetensors`, and the tokenizer is built by transformers' own GGUF reader. The result holds the same numbers as
`AutoModelForCausalLM.from_pretrained(gguf_file=…)` rounded to float16, in a fraction of the time and of the memory.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elm_app.errors import Stopped, WeightsError
from elm_app.events import Progress

VERSION = 1
"""Counts up whenever the folder that `convert` writes changes; folders of another version are made again."""

_FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9

_TOKENIZERS = {"qwen2": "Qwen2Tokenizer", "llama": "PreTrainedTokenizerFast"}
"""The architectures that can be converted, and transformers' tokenizer class for each."""

_TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_BLOCK = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_STOPS = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>")
"""Tokens that end an answer besides the file's own end token, where the vocabulary has them."""

_SLICE = 1 << 18  # numbers dequantised at a time: the temporaries stay in the processor's cache


@dataclass(frozen=True)
class Tensor:
    """One tensor in the file: its `shape` as torch counts (rows first), and its bytes in its own `kind` of blocks."""

    name: str
    shape: tuple[int, ...]
    kind: int
    start: int

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Gguf:
    """The header of a GGUF file: its settings by their full names (arrays of text as `list[str]`) and its tensors."""

    path: Path
    settings: dict[str, Any]
    tensors: tuple[Tensor, ...]

    @property
    def architecture(self) -> str:
        """The family of the model, such as `qwen2`."""
        return str(self.settings.get("general.architecture"))

    def get(self, key: str) -> Any:
        """A setting of the architecture; raises `WeightsError` where the file lacks it."""
        try:
            return self.settings[f"{self.architecture}.{key}"]
        except KeyError:
            raise WeightsError(f"{self.path.name} says nothing about {key}.", _OTHER) from None


_OTHER = "Use another file, or a folder that transformers can load."


def read_gguf(path: Path) -> Gguf:
    """Reads the header of a GGUF file (version 2 or 3); raises `WeightsError` where it is not one."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _read_header(path, data)
    except (struct.error, UnicodeDecodeError, KeyError, ValueError) as error:
        raise WeightsError(f"{path.name} is not a GGUF file that can be read ({error}).", _OTHER) from error


def _read_header(path: Path, data: mmap.mmap) -> Gguf:
    at = 0

    def number(code: str) -> Any:
        nonlocal at
        (value,) = struct.unpack_from("<" + code, data, at)
        at += struct.calcsize("<" + code)
        return value

    def text() -> str:
        nonlocal at
        length = number("Q")
        at += length
        return data[at - length : at].decode()

    def value(kind: int) -> Any:
        nonlocal at
        if kind == _STRING:
            return text()
        if kind != _ARRAY:
            return number(_FORMATS[kind])
        inner, count = number("I"), number("Q")
        if inner in (_STRING, _ARRAY):
            return [value(inner) for _ in range(count)]
        code = f"<{count}{_FORMATS[inner]}"
        at += struct.calcsize(code)
        return list(struct.unpack_from(code, data, at - struct.calcsize(code)))

    if data[:4] != b"GGUF":
        raise ValueError("its first bytes are wrong")
    at = 4
    if (version := number("I")) not in (2, 3):
        raise ValueError(f"version {version}")
    tensor_count, setting_count = number("Q"), number("Q")
    settings = {text(): value(number("I")) for _ in range(setting_count)}
    found = []
    for _ in range(tensor_count):
        name = text()
        shape = tuple(reversed([number("Q") for _ in range(number("I"))]))
        found.append(Tensor(name, shape, number("I"), number("Q")))
    align = settings.get("general.alignment", 32)
    base = -(-at // align) * align
    return Gguf(path, settings, tuple(Tensor(t.name, t.shape, t.kind, base + t.start) for t in found))


def config_of(gguf: Gguf) -> dict[str, Any]:
    """What transformers calls the file's settings: the arguments of the architecture's config class.

    Raises `WeightsError` for an architecture that cannot be converted or a setting that is missing.
    """
    if gguf.architecture not in _TOKENIZERS:
        raise WeightsError(f"{gguf.path.name} is a {gguf.architecture} model, which cannot be converted here.", _OTHER)
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


def name_of(tensor: str) -> str:
    """`blk.3.attn_q.weight` → `model.layers.3.self_attn.q_proj.weight`; raises `KeyError` for an unknown tensor."""
    stem, suffix = tensor.rsplit(".", 1)
    if not stem.startswith("blk."):
        return f"{_TOP[stem]}.{suffix}"
    _, layer, part = stem.split(".")
    return f"model.layers.{layer}.{_BLOCK[part]}.{suffix}"


def slices(gguf: Gguf, tensor: Tensor, data: NDArray[np.uint8]) -> Iterator[NDArray[np.float16]]:
    """The numbers of a tensor in float16, a few rows at a time, in the order in which transformers stores them."""
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
    from gguf.quants import dequantize

    kind = GGMLQuantizationType(tensor.kind)
    block, block_bytes = GGML_QUANT_SIZES[kind]
    width = tensor.shape[-1]
    row_bytes = width // block * block_bytes
    end = tensor.start + tensor.size // width * row_bytes
    if end > len(data):
        raise WeightsError(f"{gguf.path.name} ends inside {tensor.name}.", _OTHER)
    rows = data[tensor.start : end].reshape(-1, row_bytes)
    turned = gguf.architecture == "llama" and (".attn_q." in tensor.name or ".attn_k." in tensor.name)
    if turned:
        # llama.cpp keeps each head's rotary pairs side by side, transformers in two halves
        heads = gguf.get("attention.head_count" if ".attn_q." in tensor.name else "attention.head_count_kv")
        order = np.arange(len(rows)).reshape(heads, -1, 2).swapaxes(1, 2).reshape(-1)
        rows = rows[order]
    step = max(1, _SLICE // width)
    for first in range(0, len(rows), step):
        yield dequantize(np.ascontiguousarray(rows[first : first + step]), kind).astype(np.float16)


def convert(
    path: Path, folder: Path, *, progress: Callable[[Progress], None], cancelled: Callable[[], bool] = lambda: False
) -> None:
    """Writes the model of a GGUF file into an empty folder, as `from_pretrained` likes it, weights in float16.

    Raises:
        WeightsError: the file is not a GGUF, or of a kind that cannot be converted.
        Stopped: `cancelled()` became true; the folder is incomplete.
    """
    gguf = read_gguf(path)
    settings = config_of(gguf)
    _write_tensors(gguf, folder / "model.safetensors", progress, cancelled)
    progress(Progress("convert", "Writing the tokenizer", 0, 0))
    _write_texts(gguf, settings, folder)


def _write_tensors(
    gguf: Gguf, target: Path, progress: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in gguf.tensors:
        try:
            name = name_of(tensor.name)
        except KeyError:
            raise WeightsError(f"{gguf.path.name} holds an unknown tensor, {tensor.name}.", _OTHER) from None
        header[name] = {"dtype": "F16", "shape": tensor.shape, "data_offsets": (end, end + 2 * tensor.size)}
        end += 2 * tensor.size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = np.memmap(gguf.path, dtype=np.uint8, mode="r")
    with target.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for done, tensor in enumerate(gguf.tensors):
            progress(Progress("convert", "Converting the weights", done, len(gguf.tensors), "tensors"))
            for part in slices(gguf, tensor, data):
                if cancelled():
                    raise Stopped("Stopped while converting the weights.")
                file.write(part.data)
        file.flush()
        os.fsync(file.fileno())
    progress(Progress("convert", "Converting the weights", len(gguf.tensors), len(gguf.tensors), "tensors"))


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
