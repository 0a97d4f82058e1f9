"""The majority vote over answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from elm_app.answers.compare import comparer
from elm_app.types import AnswerCount, Vote

Equivalent = Callable[[str, str], bool]


def vote(
    answers: Sequence[str | None], equivalent: Equivalent | None = None, indices: Sequence[int] | None = None
) -> Vote:
    """The vote over the answers of k traces, None where a trace has none.

    Answers are taken by trace index. An answer joins the first class whose first answer it is equivalent to, or opens a
    class; a class is named by its most frequent spelling, the first seen of those equally frequent. The class with the
    most traces wins. **Tie rule: of the classes with the most traces the one with the lowest trace index wins**, and
    `tied` is True. So the order in which traces finish changes nothing. Traces without an answer abstain: they never
    win, and they count in the denominator of the agreement.

    Args:
        answers: one per trace; a blank one counts as None.
        equivalent: whether two answers mean the same; by default that of the shared `comparer()`.
        indices: the traces' indices where they are not 0 … k−1, as among those that have finished so far.

    >>> vote(["1/2", None, "0.5", "3"]).agreement
    0.5
    """
    same = equivalent or comparer().equivalent
    pairs = zip(range(len(answers)) if indices is None else indices, answers, strict=True)
    classes: list[list[tuple[int, str]]] = []
    known: dict[str, list[tuple[int, str]]] = {}  # a spelling seen before needs no comparison
    for index, answer in sorted(pairs, key=lambda pair: pair[0]):
        if answer is None or not answer.strip():
            continue
        if answer not in known:
            known[answer] = next((members for members in classes if same(members[0][1], answer)), [])
            if not known[answer]:
                classes.append(known[answer])
        known[answer].append((index, answer))
    counts = tuple(sorted((_count(members) for members in classes), key=lambda c: (-c.count, c.traces)))
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
