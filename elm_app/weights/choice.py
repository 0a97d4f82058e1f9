"""Which model `auto` is on this machine, and why. Importing this file is cheap: torch is imported by `here`."""

from __future__ import annotations

from dataclasses import dataclass

from elm_app.weights.instructions import Instructions, instructions
from elm_app.weights.presets import PRESETS

BASE_MEMORY = 6 << 30
"""Bytes of memory, all told, that the 1.5B wants on a CPU: solving with it takes some 2 GiB, learning some 4."""


@dataclass(frozen=True)
class Choice:
    """A preset, and why it is this one: a sentence for a visitor.

    Attributes:
        largest: the largest preset that the machine can run on its memory, be it slowly.
    """

    preset: str
    reason: str
    largest: str = "small"


def choose(device: str, memory: int, has: Instructions | None) -> Choice:
    """What `auto` means on a machine: the 1.5B wherever it is quick enough and fits, else the 0.5B.

    Args:
        device: `cpu` or `cuda`.
        memory: bytes, of the machine or of the container.
        has: the instructions that the CPU has for it.

    >>> choose("cpu", 24 << 30, "AVX2").reason
    'The 1.5B: this machine has 24 GB of memory and AVX2.'
    >>> choose("cpu", 4 << 30, "AVX2").reason
    'The 0.5B, because this machine has 4 GB of memory and the 1.5B wants 6.'
    """
    if device == "cuda":
        return Choice("base", "The 1.5B: this machine has a GPU.", "base")
    fits = f"this machine has {_gigabytes(memory)} GB of memory"
    if memory < BASE_MEMORY:
        return Choice("small", f"The 0.5B, because {fits} and the 1.5B wants {_gigabytes(BASE_MEMORY)}.")
    if has is None:
        return Choice(
            "small",
            "The 0.5B, because this CPU lacks AVX2 instructions, without which the 1.5B would be slow.",
            "base",
        )
    return Choice("base", f"The 1.5B: {fits} and {has}.", "base")


def larger(model: str, choice: Choice) -> str | None:
    """The largest preset that this machine can run, if it is larger than a model; None if not, or if the model is
    none of the presets.

    Args:
        model: a preset, or the hub id of one.

    >>> larger("small", choose("cpu", 24 << 30, "AVX2")), larger("small", choose("cpu", 4 << 30, "AVX2"))
    ('base', None)
    """
    mine = next((preset for name, preset in PRESETS.items() if model in (name, preset.repo)), None)
    there = PRESETS.get(choice.largest)
    return choice.largest if mine and there and there.parameters > mine.parameters else None


def here(device: str) -> Choice:
    """What `auto` means on this machine."""
    from elm_app.weights.free_memory import total_memory

    return choose(device, total_memory(), instructions())


def _gigabytes(count: int) -> str:
    """Never rounded up, so that what is too little also reads so.

    >>> _gigabytes(6 << 30), _gigabytes((6 << 30) - 1), _gigabytes(25_100_000_000)
    ('6', '5.9', '23')
    """
    tenths = (count * 10) >> 30
    return str(tenths // 10) if tenths >= 100 or tenths % 10 == 0 else f"{tenths / 10:.1f}"
