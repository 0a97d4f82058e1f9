"""What is left of a benchmark while workers are at it, and the lines that have come before their turn."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from elm_app.core.errors import RunError
from elm_app.core.events import Event, MethodStarted, ProblemAnswered
from elm_app.core.results import Result
from elm_app.evaluation.answering import answered
from elm_app.evaluation.cluster.pieces import Pair, Piece, pieces
from elm_app.evaluation.folder import BenchFolder

_DEATHS = 3
"""Workers that a method and seed may cost."""


class Work:
    """Lines of a folder grow in the order of the problems, whoever was done first.

    Attributes:
        left: pieces that are not done, those that a worker is at included.
    """

    def __init__(self, folder: BenchFolder, pairs: Sequence[Pair], workers: int) -> None:
        self.folder, self._pairs, plan = folder, list(pairs), folder.plan()
        self._total, self._first = len(plan.problems) + plan.again, len(plan.problems)
        self._kept = {pair: len(folder.results(*pair)) for pair in pairs}
        self._early: dict[Pair, dict[int, Result]] = defaultdict(dict)
        self._given: list[Piece] = []
        self._told: set[Pair] = set()
        self._deaths: Counter[Pair] = Counter()
        self.left = pieces(self._kept, self._total, workers)

    def begin(self) -> Piece | None:
        """The next piece that can be begun, if there is one; it is given away with this."""
        free = (one for one in self.left if one not in self._given)
        found = next((one for one in free if one.after is None or self._kept[one.after] == self._total), None)
        if found is not None:
            self._given.append(found)
        return found

    def started(self, piece: Piece) -> Iterator[Event]:
        """A worker is at a piece."""
        if piece.pair not in self._told:
            self._told.add(piece.pair)
            place, places = self._pairs.index(piece.pair) + 1, len(self._pairs)
            yield MethodStarted(*piece.pair, place, places, self._kept[piece.pair], self._total)

    def heard(self, piece: Piece, event: Event, line: Result | None) -> Iterator[Event]:
        """What a worker says of its piece: a line is kept when it is its turn; without one the worker has kept it."""
        if not isinstance(event, ProblemAnswered) or line is None:
            self._kept[piece.pair] += isinstance(event, ProblemAnswered)
            yield event
            return
        early = self._early[piece.pair]
        early[line.number + self._first * line.again] = line
        while (turn := early.pop(self._kept[piece.pair] + 1, None)) is not None:
            self.folder.append(turn)
            self._kept[piece.pair] += 1
            yield answered(turn, self._total)

    def ended(self, piece: Piece) -> Iterator[Event]:
        """A worker is through with a piece, or was told to stop."""
        self._given.remove(piece)
        self.left[self.left.index(piece)] = rest = self._rest(piece)
        if not rest.numbers:
            self.left.remove(rest)
        yield from ()

    def died(self, piece: Piece) -> Iterator[Event]:
        """Its worker has died: what is left of the piece is to be begun anew. Lines that the worker had kept without
        saying so are told.

        Raises:
            RunError: it was not the first.
        """
        self._deaths[piece.pair] += 1
        if self._deaths[piece.pair] == _DEATHS:
            told = f"{_DEATHS} workers have died at {piece.method}, seed {piece.seed}."
            raise RunError(told, "Look at the memory of their machines; the same command goes on.")
        if piece.alone:
            lines = self.folder.results(*piece.pair)
            for line in lines[self._kept[piece.pair] :]:
                self._kept[piece.pair] += 1
                yield answered(line, self._total)
        yield from self.ended(piece)

    def _rest(self, piece: Piece) -> Piece:
        """What is not answered of a piece: a worker goes from its first problem to its last."""
        kept, early = self._kept[piece.pair], self._early[piece.pair]
        return replace(piece, numbers=tuple(n for n in piece.numbers if n > kept and n not in early))
