"""What is left of a benchmark, in pieces that can be done at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elm_app.evaluation.baselines import INDEPENDENT
from elm_app.evaluation.variants import VARIANTS

Pair = tuple[str, int]
"""A method and a seed."""
MOST = 16
"""Problems in a piece of an independent method: as many are done again, at most, when a worker dies."""


@dataclass(frozen=True)
class Piece:
    """Some problems of a method and seed.

    Attributes:
        numbers: of the problems, counted from 1 as they are asked.
        alone: whether it is all that is left of a method that goes from problem to problem; its worker keeps the lines.
        after: method and seed that must be through first.
    """

    method: str
    seed: int
    numbers: tuple[int, ...]
    alone: bool = False
    after: Pair | None = None

    @property
    def pair(self) -> Pair:
        return self.method, self.seed


def pieces(done: Mapping[Pair, int], total: int, workers: int) -> list[Piece]:
    """What is left, in the order in which it is to be begun.

    Args:
        done: lines that there are already, of every method and seed in their order.
        total: lines that each will have.

    >>> pieces({("zero_shot", 0): 1, ("icl", 0): 0}, 4, 1)[1:]
    [Piece(method='zero_shot', seed=0, numbers=(4,), alone=False, after=None), \
Piece(method='icl', seed=0, numbers=(1, 2, 3, 4), alone=True, after=None)]
    """
    found, before = [], set()
    for (method, seed), there in done.items():
        left = range(there + 1, total + 1)
        if method in INDEPENDENT:
            size = max(1, min(MOST, -(-len(left) // (2 * workers))))
            found += [Piece(method, seed, tuple(left[at : at + size])) for at in range(0, len(left), size)]
        elif left:
            donor = method in VARIANTS and VARIANTS[method].donor and ("elm", seed) in before
            found.append(Piece(method, seed, tuple(left), alone=True, after=("elm", seed) if donor else None))
        before.add((method, seed))
    return found
