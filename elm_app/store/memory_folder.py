"""One memory as files: a standard PEFT adapter, its card and its keys.

    adapter_model.safetensors   one float32 tensor `prompt_embeddings`: (P, H), or a prefix (P, L · 2 · kv heads · D)
    adapter_config.json         a PEFT PROMPT_TUNING or PREFIX_TUNING adapter; peft loads the folder as it is
    card.json                   the `Memory`
    keys.safetensors            the vectors it is found by: `input` (384,) float32 of length 1; others may follow

The same memory always gives the same bytes. Whatever is read is checked, because files are damaged or made by
strangers: anything that is not as above is a `DamagedMemory` that says what is wrong. Nothing here unpickles.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from elm_app.core.errors import BadInput, DamagedMemory
from elm_app.core.types import Memory
from elm_app.store.adapter import description

TENSOR, CONFIG, CARD, KEYS = "adapter_model.safetensors", "adapter_config.json", "card.json", "keys.safetensors"
FILES = (TENSOR, CONFIG, CARD, KEYS)
WIDTH = 384
"""Numbers in the key `input`."""
MOST_TOKENS, MOST_HIDDEN, CARD_BYTES = 4096, 1 << 18, 4 << 20
"""The largest P, width of a soft prompt or prefix, and card that are taken for a memory."""
TENSOR_BYTES = 256 << 20
SCHEMA = 1
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HASH = re.compile(r"[A-Za-z0-9._-]{1,64}")
_cards = TypeAdapter(Memory)
_NOT_PLAIN = "it holds NaN, infinity or broken text"
_DOCTOR = "See `memories doctor`; `memories doctor --rebuild` sets it aside."

Vector = NDArray[np.float32]


def is_id(id: object) -> bool:
    """Whether a memory can be called so."""
    return isinstance(id, str) and _ID.fullmatch(id) is not None


def most_bytes(name: str) -> int:
    """How large one of a memory's files may be."""
    return CARD_BYTES if name in (CARD, CONFIG) else TENSOR_BYTES


def pack(
    memory: Memory, soft_prompt: NDArray[Any], keys: Mapping[str, NDArray[Any]]
) -> tuple[Memory, dict[str, bytes]]:
    """The files of a memory by name, and its card with `bytes` set.

    Args:
        soft_prompt: (P, H) float32.
        keys: name to (n,) float32; `input` is (384,). They are brought to length 1.

    Raises:
        BadInput: the card is not one that could be read again.
        DamagedMemory: NaN or infinite numbers, another shape or dtype than the card's.
    """
    _check_tensor(soft_prompt, memory)
    tensor = safetensors.numpy.save({"prompt_embeddings": np.ascontiguousarray(soft_prompt)}, {"format": "pt"})
    memory = replace(memory, bytes=len(tensor))
    card = card_bytes(memory)
    return parse_card(memory.id, card), {
        TENSOR: tensor,
        CONFIG: json.dumps(description(memory), indent=2, ensure_ascii=False).encode() + b"\n",
        CARD: card,
        KEYS: pack_keys(memory.id, keys),
    }


def pack_keys(id: str, keys: Mapping[str, NDArray[Any]]) -> bytes:
    """The keys of a memory as a file: name to (n,) float32, brought to length 1; raises `DamagedMemory`."""
    units = {name: _unit(key, f"the key {name!r}", id) for name, key in keys.items()}
    _check_keys(units, id)
    data: bytes = safetensors.numpy.save(dict(sorted(units.items())))
    return data


def unpack(id: str, files: Mapping[str, bytes]) -> tuple[Memory, Vector, dict[str, Vector]]:
    """Card, soft prompt (P, H) and keys from the bytes of all four files; raises `DamagedMemory`."""
    memory = parse_card(id, files[CARD])
    soft_prompt = parse_soft_prompt(files[TENSOR], memory)
    if memory.bytes != len(files[TENSOR]):
        raise _damaged(id, f"its tensor has {len(files[TENSOR])} bytes, its card says {memory.bytes}")
    try:
        config = json.loads(files[CONFIG])
        said = (config["peft_type"], config["num_virtual_tokens"], config["token_dim"])
        ours = description(memory)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise _damaged(id, f"{CONFIG} cannot be read") from error
    if said != (ours["peft_type"], memory.virtual_tokens, ours["token_dim"]):
        raise _damaged(id, f"{CONFIG} describes another adapter than the card")
    return memory, soft_prompt, parse_keys(id, files[KEYS])


def card_bytes(memory: Memory) -> bytes:
    """The card as JSON; raises `BadInput` if it could not be read again."""
    why = None if _is_plain(_cards.dump_python(memory, warnings=False)) else _NOT_PLAIN
    if why is None and (why := _fault(memory)) is None:
        data = _cards.dump_json(memory, indent=1, warnings=False) + b"\n"
        if len(data) <= CARD_BYTES:
            return data
        why = f"its card is longer than {CARD_BYTES >> 20} MiB"
    raise BadInput(f"Memory {memory.id!r} cannot be stored so: {why}.", "Correct that field of its card.")


def parse_card(id: str, data: bytes) -> Memory:
    """A card from JSON; raises `DamagedMemory`."""
    try:
        value = json.loads(data)
        if isinstance(value, dict) and isinstance(value.get("schema"), int) and value["schema"] > SCHEMA:
            raise _damaged(id, f"its card is of version {value['schema']}, made by a newer program")
        memory = _cards.validate_python(value)
        if not _is_plain(value):
            raise _damaged(id, _NOT_PLAIN)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _damaged(id, f"its card has no good {where or 'form'} ({first['msg']})") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(id, "its card is not JSON") from error
    if why := _fault(memory):
        raise _damaged(id, why)
    if memory.id != id:
        raise _damaged(id, f"its card is that of {memory.id}")
    return memory


def parse_soft_prompt(data: bytes, memory: Memory) -> Vector:
    """The soft prompt, (P, H) float32 as the card says; raises `DamagedMemory`."""
    tensors = _tensors(memory.id, TENSOR, data)
    if set(tensors) != {"prompt_embeddings"}:
        raise _damaged(memory.id, f"{TENSOR} holds {', '.join(sorted(tensors)) or 'nothing'}, not prompt_embeddings")
    _check_tensor(tensors["prompt_embeddings"], memory)
    return tensors["prompt_embeddings"]


def parse_keys(id: str, data: bytes) -> dict[str, Vector]:
    """The keys by name, float32, finite, of length 1; raises `DamagedMemory`."""
    keys = _tensors(id, KEYS, data)
    _check_keys(keys, id)
    return keys


def read(folder: Path, name: str) -> bytes:
    """The bytes of one file of a memory's folder; raises `DamagedMemory` if it cannot be read, or is too large."""
    path = folder / name
    try:
        if path.stat().st_size > most_bytes(name):
            raise _damaged(folder.name, f"{name} is too large")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise _damaged(folder.name, f"{name} is missing") from error
    except OSError as error:
        raise _damaged(folder.name, f"{name} cannot be read ({error.strerror or error})") from error


def read_card(folder: Path) -> Memory:
    """The card in a memory's folder; raises `DamagedMemory`."""
    return parse_card(folder.name, read(folder, CARD))


def read_problem(folder: Path) -> str:
    """The problem in a memory's card, which for the rest is only seen to be JSON: five times as fast as `read_card`.

    Raises:
        DamagedMemory: no such card, or its id or problem is not what it should be.
    """
    data = read(folder, CARD)
    try:
        card = json.loads(data)
        id, problem = card["id"], card["problem"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return read_card(folder).problem  # which says what is wrong
    if id != folder.name or not isinstance(problem, str) or not problem.strip() or not _is_plain(problem):
        return read_card(folder).problem
    return problem


def read_whole(folder: Path) -> tuple[Memory, Vector, dict[str, Vector]]:
    """All of a memory's folder, checked; raises `DamagedMemory`."""
    return unpack(folder.name, {name: read(folder, name) for name in FILES})


def _fault(memory: Memory) -> str | None:
    """What is wrong with a card, in words; None if nothing is."""
    agreements = [one.vote.agreement for one in (memory.before, memory.after) if one]
    credit = [count for one in memory.credit for count in (one.won, one.lost, one.agreed)]
    whole = (memory.seconds, memory.tokens, memory.bytes, memory.retrieved, memory.helped, memory.hurt, *credit)
    checks = (
        (is_id(memory.id), "its id is not letters, digits, '.', '_' and '-', at most 64"),
        (memory.schema == SCHEMA, f"its card is of version {memory.schema}, not {SCHEMA}"),
        (bool(memory.problem.strip()), "its problem is empty"),
        (1 <= memory.virtual_tokens <= MOST_TOKENS, f"it says {memory.virtual_tokens} virtual tokens"),
        (1 <= memory.hidden_size <= MOST_HIDDEN, f"it says a hidden size of {memory.hidden_size}"),
        (memory.virtual_tokens * memory.hidden_size * 4 <= TENSOR_BYTES // 2, "its tensor would be too large"),
        (memory.dtype == "float32", f"its tensor is said to be {memory.dtype}, not float32"),
        (_HASH.fullmatch(memory.model.weights_sha256) is not None, "the hash of its model is not a hash"),
        (all(0 <= one <= 1 for one in agreements), "an agreement is not between 0 and 1"),
        (all(0 <= one < 2**53 for one in whole), "a count, a time or a size is negative or too large"),
        (_is_time(memory.created), f"its time {memory.created!r} is not ISO 8601"),
    )
    return next((why for good, why in checks if not good), None)


def _tensors(id: str, name: str, data: bytes) -> dict[str, NDArray[Any]]:
    try:
        tensors: dict[str, NDArray[Any]] = safetensors.numpy.load(data)
        return tensors
    except Exception as error:  # the library has an error of its own, and numpy and JSON theirs: all mean the same
        raise _damaged(id, f"{name} is not safetensors") from error


def _check_tensor(tensor: NDArray[Any], memory: Memory) -> None:
    shape = (memory.virtual_tokens, memory.hidden_size)
    if tensor.shape != shape:
        raise _damaged(memory.id, f"its soft prompt has shape {tensor.shape}, not {shape}")
    if tensor.dtype != np.float32:
        raise _damaged(memory.id, f"its soft prompt is {tensor.dtype}, not float32")
    if not np.isfinite(tensor).all():
        raise _damaged(memory.id, "its soft prompt holds NaN or infinity")


def _check_keys(keys: Mapping[str, NDArray[Any]], id: str) -> None:
    if "input" not in keys or keys["input"].shape != (WIDTH,):
        raise _damaged(id, f"its key 'input' is not a vector of {WIDTH} numbers")
    for name, key in keys.items():
        if not re.fullmatch(r"[a-z0-9_]{1,32}", name) or key.ndim != 1 or key.size > MOST_HIDDEN:
            raise _damaged(id, f"its key {name[:40]!r} is not a vector")
        if key.dtype != np.float32:
            raise _damaged(id, f"its key {name!r} is {key.dtype}, not float32")
        if not np.isfinite(key).all() or abs(float(np.linalg.norm(key)) - 1) > 1e-4:
            raise _damaged(id, f"its key {name!r} is not of length 1")


def _unit(key: NDArray[Any], what: str, id: str) -> Vector:
    """The vector as float32 of length 1. One that already is stays as it is, bit by bit."""
    length = float(np.linalg.norm(key.astype(np.float64)))
    if not math.isfinite(length) or length == 0:
        raise _damaged(id, f"{what} is zero, NaN or infinite")
    return np.asarray(key if abs(length - 1) < 1e-6 else key / length, dtype=np.float32)


def _is_time(text: str) -> bool:
    try:
        return len(text) <= 32 and datetime.fromisoformat(text) is not None
    except ValueError:
        return False


def _is_plain(value: Any) -> bool:
    """Whether there is only what JSON can hold: finite numbers, and text that is text."""
    match value:
        case float():
            return math.isfinite(value)
        case str():
            return value.isascii() or not re.search("[\ud800-\udfff]", value)
        case dict():
            return all(isinstance(name, str) and _is_plain(name) and _is_plain(one) for name, one in value.items())
        case list() | tuple():
            return all(map(_is_plain, value))
        case _:
            return value is None or isinstance(value, int)


def _damaged(id: str, what: str) -> DamagedMemory:
    return DamagedMemory(f"Memory {id} is damaged: {what}.", _DOCTOR)
