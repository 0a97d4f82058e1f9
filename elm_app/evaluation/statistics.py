"""What a benchmark's lines say: shares with intervals, paired differences, and a comparison at equal tokens.

A method's *score* on a problem is in [0, 1]: whether its answer is right, but for `zero_shot` the share of its k traces
that are, because a single trace is the method (so are its tokens those of one). Several seeds of a problem are averaged
first. Intervals are 95%: bootstrap percentiles over problems (Efron 1979; 10,000 resamples, seed 0), but Wilson's
(1927) for a share of right answers, which has a width at 0 of 40 too. The bootstrap is too sure of a few wins against
no loss (4 to 0 of 40 excludes zero), so a difference comes with the p of a sign-flip test as well (Fisher 1935; 4 to 0
has 0.125).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elm_app.answers.compare import comparer
from elm_app.answers.vote import vote
from elm_app.core.results import Result

RESAMPLES = 10_000
SURE = 0.05
"""A difference is called one where p is below."""
SUBSETS = 2_000
"""Random subsets of the pool of traces that a vote over fewer of them is averaged over."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """A mean over problems with its interval; `p`, two-sided, is that of the mean being 0, for differences."""

    value: float
    low: float
    high: float
    p: float | None = None


def score(result: Result) -> float | None:
    """How a method did on a problem, in [0, 1]; None if the right answer is not known."""
    if result.right is None:
        return None
    return mean_right(result) if result.method == "zero_shot" else float(result.right)


def mean_right(result: Result) -> float:
    """Share of the k traces that are right."""
    return sum(bool(trace.right) for trace in result.traces) / max(len(result.traces), 1)


def any_right(result: Result) -> float:
    """pass@k: whether one of the k traces is right."""
    return float(any(trace.right for trace in result.traces))


def majority_right(result: Result) -> float:
    """maj@k: whether the majority of the k traces is right."""
    answer = vote([trace.answer for trace in result.traces]).answer
    return float(answer is not None and result.gold is not None and comparer().equivalent(answer, result.gold))


def share(values: Sequence[float]) -> Share:
    """The mean of one value a problem, and its interval."""
    found = np.asarray(values, np.float64)
    low, high = np.percentile(_resampled(found), [2.5, 97.5])
    return Share(float(found.mean()), float(low), float(high))


def proportion(values: Sequence[float]) -> Share:
    """The share of right answers with Wilson's interval; as `share` if a problem's value is neither 0 nor 1.

    >>> f"{proportion([0.0] * 40).high:.4f}"
    '0.0876'
    """
    if not set(values) <= {0.0, 1.0}:
        return share(values)
    n, z = len(values), 1.959964  # of the normal distribution 95% lie within z standard deviations
    mean = sum(values) / n
    middle, reach = mean + z * z / (2 * n), z * math.sqrt(mean * (1 - mean) / n + z * z / (4 * n * n))
    low, high = ((middle + way * reach) / (1 + z * z / n) for way in (-1, 1))
    return Share(mean, max(0.0, low), min(1.0, high))


def sign_flip(values: Sequence[float]) -> float:
    """Two-sided p of the mean difference if the sign of each problem's could as well be the other. Where all that
    differ differ by as much, as right answers do, this is the exact sign test (McNemar's); else exact up to 2^14
    patterns, and 10,000 at random beyond.

    >>> sign_flip([1.0] * 4 + [0.0] * 36), sign_flip([1.0, 1.0, -1.0]), sign_flip([])
    (0.125, 1.0, 1.0)
    """
    found = np.asarray([value for value in values if value], np.float64)
    if len(set(np.abs(found))) <= 1:
        few = min(int((found > 0).sum()), int((found < 0).sum()))
        return float(min(1.0, 2 * sum(math.comb(len(found), k) for k in range(few + 1)) / 2 ** len(found)))
    if len(found) <= 14:
        signs = 1 - 2 * (np.arange(2 ** len(found))[:, None] >> np.arange(len(found)) & 1)
    else:
        signs = np.random.default_rng(0).choice([-1, 1], (RESAMPLES, len(found)))
    sums = np.abs((signs * found).sum(1))
    return float(np.mean(sums >= abs(found.sum()) - 1e-9))


def _resampled(values: Floats) -> Floats:
    made = np.random.default_rng(0)
    places = made.integers(0, len(values), (RESAMPLES, len(values)))
    means: Floats = values[places].mean(1)
    return means


def by_problem(results: Sequence[Result], of: Any = score) -> dict[int, float]:
    """A value of each problem, averaged over the seeds; problems without one are left out."""
    found: dict[int, list[float]] = {}
    for result in results:
        value = of(result)
        if value is not None:
            found.setdefault(result.number, []).append(value)
    return {number: sum(values) / len(values) for number, values in sorted(found.items())}


def difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Share | None:
    """Mean difference on the problems that both have, paired; None if there are none."""
    both = sorted(set(ours) & set(theirs))
    if not both:
        return None
    gaps = [ours[number] - theirs[number] for number in both]
    return replace(share(gaps), p=sign_flip(gaps))


def at_samples(result: Result, count: int) -> float:
    """maj@n for n below the number of traces that a problem has: the share of random subsets of n traces whose majority
    is right.

    `detail["pool"]`, the traces beyond the k, counts if it is there.
    """
    classes, rights = _pool(result)
    n = min(count, len(classes))
    order = np.random.default_rng(result.number).random((1 if n == len(classes) else SUBSETS, len(classes))).argsort(1)
    drawn = np.sort(order[:, :n], 1)  # of equals the class of the earliest trace wins
    chosen = np.asarray([-1 if one is None else one for one in classes])[drawn]
    kinds = range(max((one for one in classes if one is not None), default=-1) + 1)
    if not kinds:
        return 0.0
    there = np.stack([chosen == kind for kind in kinds], 2)  # (subsets, n, classes)
    rank = there.sum(1) * (n + 1) - np.where(there.any(1), there.argmax(1), n)
    right = np.asarray([any(r for c, r in zip(classes, rights, strict=True) if c == kind) for kind in kinds])
    return float((right[rank.argmax(1)] & there.any((1, 2))).mean())


def _pool(result: Result) -> tuple[list[int | None], list[bool]]:
    """The class of each trace of the pool by its answer, None without one, and whether it is right."""
    answers = result.detail.get("pool") or [trace.answer for trace in result.traces]
    counts = vote(answers).counts
    place = {trace: number for number, count in enumerate(counts) for trace in count.traces}
    same = comparer().equivalent
    rights = [result.gold is not None and same(count.answer, result.gold) for count in counts]
    classes = [place.get(index) for index in range(len(answers))]
    return classes, [one is not None and rights[one] for one in classes]


def running(results: Sequence[Result]) -> list[tuple[int, float]]:
    """After each problem: its number, and the mean score so far."""
    scores = by_problem(results)
    means = (np.cumsum(list(scores.values())) / np.arange(1, len(scores) + 1)).tolist()
    return [(number, round(float(mean), 4)) for number, mean in zip(scores, means, strict=True)]


def mean_of(results: Sequence[Result], of: Any) -> float:
    """Mean over the lines."""
    return float(np.mean([of(result) for result in results]))


def row(method: str, results: Sequence[Result], others: Mapping[str, Sequence[Result]]) -> dict[str, Any]:
    """Everything that is told of a method, as JSON values; `others` are the lines of all methods.

    Shares are in [0, 1], None where right answers are not known.
    """
    first, again = [one for one in results if not one.again], [one for one in results if one.again]
    judged = [one for one in first if one.right is not None]
    known = bool(judged)
    scores = by_problem(judged)
    accuracy = proportion(list(scores.values())) if known else None
    alone = len(first[0].traces) if method == "zero_shot" else 1
    told: dict[str, Any] = {
        "method": method,
        "problems": len({one.number for one in first}),
        "seeds": len({one.seed for one in first}),
        "k": len(first[0].traces),
        "accuracy": accuracy.value if accuracy else None,
        "accuracy_interval": [accuracy.low, accuracy.high] if accuracy else None,
        "maj": mean_of(judged, majority_right) if known else None,
        "mean": mean_of(judged, mean_right) if known else None,
        "pass": mean_of(judged, any_right) if known else None,
        "answered": mean_of(first, lambda one: np.mean([trace.answer is not None for trace in one.traces])),
        "agreement": mean_of(first, lambda one: one.agreement),
        "tokens": mean_of(first, lambda one: one.tokens) / alone,
        "read_tokens": mean_of(first, lambda one: one.read_tokens),
        "seconds": mean_of(first, lambda one: one.seconds),
        "trainable": max(int(one.detail.get("trainable", 0)) for one in first),
        "stored_bytes": max(int(one.detail.get("stored_bytes", 0)) for one in first),
        "running": running(judged),
    }
    plain, votes = (
        [one for one in others.get(name, ()) if not one.again] for name in ("zero_shot", "self_consistency")
    )
    compared = {"difference": by_problem(plain), "difference_vote": by_problem(votes or plain, majority_right)}
    for name, theirs in compared.items():
        itself = method == "zero_shot" or (method, name) == ("self_consistency", "difference_vote")
        gap = None if itself or not known else difference(scores, theirs)
        told[name] = gap.value if gap else None
        told[f"{name}_interval"] = [gap.low, gap.high] if gap else None
        told[f"{name}_p"] = gap.p if gap else None
    told["equal_tokens"] = _equal_tokens(told, judged, others)
    labels = [one.detail["label_accuracy"] for one in first if one.detail.get("label_accuracy") is not None]
    told["label_accuracy"] = float(np.mean(labels)) if labels else None
    told["arms"] = _arms(judged)
    told["hits"] = sum(one.detail.get("retrieved") is not None for one in first)
    told["again"] = _again(judged, again)
    return told


def _arms(judged: Sequence[Result]) -> dict[str, Any] | None:
    """Where a memory was tried: right majorities without it, by it alone, and of the two the one that was chosen."""
    tried = [one for one in judged if one.detail.get("memory_right") is not None]
    if not tried:
        return None
    names = ("zero_shot_right", "memory_right")
    without, alone = (sum(bool(one.detail[name]) for one in tried) for name in names)
    return {"problems": len(tried), "without": without, "alone": alone, "chosen": sum(bool(one.right) for one in tried)}


def _equal_tokens(
    told: Mapping[str, Any], judged: Sequence[Result], others: Mapping[str, Sequence[Result]]
) -> dict[str, Any] | None:
    """Plain sampling with as many tokens: the majority over so many zero-shot traces, at most those that there are.

    None while some of the method's problems have no such traces: over fewer problems it would be another comparison.
    """
    pool = [one for one in others.get("self_consistency", ()) if not one.again and one.right is not None]
    asked = {(one.number, one.seed) for one in judged}
    pool = [one for one in pool if (one.number, one.seed) in asked]
    if not pool or {one.number for one in pool} != {one.number for one in judged}:
        return None
    each = mean_of(pool, lambda one: np.mean([trace.tokens for trace in one.traces]))
    wanted = max(1, round(told["tokens"] / each))
    most = min(len(_pool(one)[0]) for one in pool)
    samples = min(wanted, most)
    votes = by_problem(pool, lambda one: at_samples(one, samples))
    gap = None if told["method"] in ("zero_shot", "self_consistency") else difference(by_problem(judged), votes)
    return {
        "accuracy": float(np.mean(list(votes.values()))),
        "samples": samples,
        "wanted": wanted,
        "difference": gap.value if gap else None,
        "difference_interval": [gap.low, gap.high] if gap else None,
        "difference_p": gap.p if gap else None,
    }


def _again(judged: Sequence[Result], again: Sequence[Result]) -> dict[str, Any] | None:
    """The same problems the first time and once more at the end."""
    late = {(one.seed, one.number): score(one) for one in again if one.right is not None}
    early = {(one.seed, one.number): score(one) for one in judged if (one.seed, one.number) in late}
    if not late or set(early) != set(late):
        return None
    pairs = [(early[key] or 0.0, late[key] or 0.0) for key in sorted(late)]
    before, after = (float(np.mean(column)) for column in zip(*pairs, strict=True))
    return {"before": before, "after": after, "problems": len(pairs)}
