"""GGUF files: everything of a model in one file, settings and vocabulary first, then tensors in blocks of a few bits.

The header is read in one pass. Tensors are read one at a time, without mapping the file, so that no more than one is in
memory besides what is made of it; their rows stand in the order of transformers, under its names.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elm_app.core.errors import WeightsError

_SLICE = 1 << 18
"""Numbers dequantised at a time: the temporaries stay in the processor's cache."""
OTHER = "Use another file, or a folder that transformers can load."
_FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9

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


@dataclass(frozen=True)
class Tensor:
    """One tensor in the file: its `shape` as torch counts (rows first), and its bytes in its own `kind` of blocks."""

    name: str
    shape: tuple[int, ...]
    kind: int
    start: int

    @property
    def rows(self) -> int:
        """How many rows it has, one for a vector."""
        return math.prod(self.shape[:-1])

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    @property
    def row_bytes(self) -> int:
        """Bytes of a row. Raises `WeightsError` for a kind of blocks that the format's library does not know."""
        from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

        try:
            block, block_bytes = GGML_QUANT_SIZES[GGMLQuantizationType(self.kind)]
        except (ValueError, KeyError):
            raise WeightsError(f"{self.name} is in blocks of an unknown kind, {self.kind}.", OTHER) from None
        return int(self.shape[-1] // block * block_bytes)

    @property
    def end(self) -> int:
        """Where its bytes end."""
        return self.start + self.rows * self.row_bytes


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
            raise WeightsError(f"{self.path.name} says nothing about {key}.", OTHER) from None


def read_gguf(path: Path) -> Gguf:
    """Reads the header of a GGUF file (version 2 or 3); raises `WeightsError` where it is not one."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _read_header(path, data)
    except (struct.error, UnicodeDecodeError, KeyError, ValueError) as error:
        raise WeightsError(f"{path.name} is not a GGUF file that can be read ({error}).", OTHER) from error


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


def name_of(tensor: str) -> str:
    """`blk.3.attn_q.weight` → `model.layers.3.self_attn.q_proj.weight`; raises `KeyError` for an unknown tensor."""
    stem, suffix = tensor.rsplit(".", 1)
    if not stem.startswith("blk."):
        return f"{_TOP[stem]}.{suffix}"
    _, layer, part = stem.split(".")
    return f"model.layers.{layer}.{_BLOCK[part]}.{suffix}"


@dataclass(frozen=True)
class RawBlocks:
    """A tensor as the file holds it: its `kind` of blocks, its `shape`, `data` uint8 (rows, bytes a row)."""

    kind: int
    shape: tuple[int, ...]
    data: NDArray[np.uint8]

    def slices(self) -> Iterator[NDArray[np.float32]]:
        """Its numbers a few rows at a time, fp32 (rows, width): the library copies what it is given more than once."""
        from gguf.constants import GGMLQuantizationType
        from gguf.quants import dequantize

        kind = GGMLQuantizationType(self.kind)
        step = max(1, _SLICE // self.shape[-1])
        for first in range(0, len(self.data), step):
            yield np.asarray(dequantize(self.data[first : first + step], kind), np.float32)

    def floats(self) -> NDArray[np.float32] | NDArray[np.float16]:
        """Its numbers (shape): fp32 as they are if the file has them so, else float16, as a float copy has them."""
        from gguf.constants import GGMLQuantizationType

        exact = self.kind == GGMLQuantizationType.F32
        numbers = np.empty((len(self.data), self.shape[-1]), np.float32 if exact else np.float16)
        done = 0
        for part in self.slices():
            numbers[done : done + len(part)] = part
            done += len(part)
        return numbers.reshape(self.shape)


def read_tensor(gguf: Gguf, tensor: Tensor) -> RawBlocks:
    """One tensor's bytes, rows in the order of transformers. Raises `WeightsError` where the file ends too early."""
    rows, row_bytes = tensor.rows, tensor.row_bytes
    with gguf.path.open("rb") as file:
        file.seek(tensor.start)
        data = np.fromfile(file, np.uint8, rows * row_bytes)
    if data.size < rows * row_bytes:
        raise WeightsError(f"{gguf.path.name} ends inside {tensor.name}.", OTHER)
    data = data.reshape(rows, row_bytes)
    if gguf.architecture == "llama" and (".attn_q." in tensor.name or ".attn_k." in tensor.name):
        # llama.cpp keeps each head's rotary pairs side by side, transformers in two halves
        heads = gguf.get("attention.head_count" if ".attn_q." in tensor.name else "attention.head_count_kv")
        data = data[np.arange(rows).reshape(heads, -1, 2).swapaxes(1, 2).reshape(-1)]
    return RawBlocks(tensor.kind, tensor.shape, data)


class GgufTensors:
    """The tensors of a checkpoint by transformers' names, each read when it is asked for."""

    def __init__(self, path: Path) -> None:
        self._gguf = read_gguf(path)
        self._tensors = {name_of(tensor.name): tensor for tensor in self._gguf.tensors}

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def read(self, name: str) -> RawBlocks:
        """The tensor of that name. Raises `KeyError`, or `WeightsError` where the file ends too early."""
        return read_tensor(self._gguf, self._tensors[name])
