"""Classes of answers by a relation of one's own."""

from __future__ import annotations

from collections.abc import Sequence

from elm_app.answers.equivalence import connected
from elm_app.answers.vote import Classes, Equivalent


def by(equivalent: Equivalent) -> Classes:
    """The classes that a relation between two answers connects."""

    def classes(answers: Sequence[str]) -> list[int]:
        different = list(dict.fromkeys(answers))
        number = dict(zip(different, connected(different, equivalent), strict=True))
        return [number[answer] for answer in answers]

    return classes
