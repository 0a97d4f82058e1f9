"""Generators, run to their end."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

Told = TypeVar("Told")
Result = TypeVar("Result")


def whole(work: Generator[Told, None, Result]) -> tuple[list[Told], Result]:
    """What a generator yields, and what it returns."""
    told = []
    while True:
        try:
            told.append(next(work))
        except StopIteration as done:
            return told, done.value
