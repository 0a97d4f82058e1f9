"""The majority vote over answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from elm_app.answers.compare import comparer
from elm_app.core.types import AnswerCount, Vote

Equivalent = Callable[[str, str], bool]
Classes = Callable[[Sequence[str]], Sequence[int]]
"""For each of the answers the number of its class."""


def vote(answers: Sequence[str | None], classes: Classes | None = None, indices: Sequence[int] | None = None) -> Vote:
    """The vote over the answers of k traces, None where a trace has none.

    Answers are taken by trace index. Which of them form a class depends on what they are, not on their order; a class
    is named by its most frequent spelling, the first seen of those equally frequent. The class with the most traces
    wins. **Tie rule: of the classes with the most traces the one with the lowest trace index wins**, and
    `tied` is True. So the order in which traces finish changes nothing. Traces without an answer abstain: they never
    win, and they count in the denominator of the agreement.

    Args:
        answers: one per trace; a blank one counts as None.
        classes: which answers mean the same; by default as the shared `comparer()` has it.
        indices: the traces' indices where they are not 0 … k−1, as among those that have finished so far.

    >>> vote(["1/2", None, "0.5", "3"]).agreement
    0.5
    """
    pairs = zip(range(len(answers)) if indices is None else indices, answers, strict=True)
    given = sorted((index, answer) for index, answer in pairs if answer is not None and answer.strip())
    members: dict[int, list[tuple[int, str]]] = {}
    for number, voter in zip((classes or comparer().classes)([answer for _, answer in given]), given, strict=True):
        members.setdefault(number, []).append(voter)
    counts = tuple(sorted((_count(each) for each in members.values()), key=lambda c: (-c.count, c.traces)))
    return Vote(
        answer=counts[0].answer if counts else None,
        agreement=counts[0].count / len(answers) if counts else 0.0,
        counts=counts,
        abstained=len(answers) - sum(c.count for c in counts),
        tied=len(counts) > 1 and counts[0].count == counts[1].count,
    )


def _count(members: list[tuple[int, str]]) -> AnswerCount:
    spelling = Counter(answer for _, answer in members).most_common(1)[0][0]  # the first seen of equals
    return AnswerCount(spelling, len(members), tuple(index for index, _ in members))
