"""The agreement margin: the side whose traces are more of one mind is believed. It needs no model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from elm_app.core.events import Progress
from elm_app.core.scores import SideScore
from elm_app.core.types import Vote
from elm_app.routing.verifier import Side


def margin(vote: Vote, samples: int) -> float:
    """(votes of the winner − votes of the second class) / samples, in [0, 1]; traces without an answer count below."""
    first, second = [*(count.count for count in vote.counts[:2]), 0, 0][:2]
    return (first - second) / samples


class Agreement:
    """See `margin`."""

    name = "agreement"

    def weigh(
        self,
        problem: str,  # noqa: ARG002
        sides: Sequence[Side],
        report: Callable[[Progress], None],  # noqa: ARG002
        stopped: Callable[[], bool],  # noqa: ARG002
    ) -> tuple[SideScore, ...]:
        """See `Verifier.weigh`; it looks at votes only, so there are no scores of traces."""
        return tuple(SideScore(side.side, side.vote.answer, margin(side.vote, len(side.samples))) for side in sides)
