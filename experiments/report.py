"""What the ladder's files say: right traces before and after, by rung, with intervals.

A family counts where all its problems of the rung are done. Its value is the mean over its problems of the share of
right traces; differences are paired by problem, and intervals, 95%, are bootstrapped over families, because the
problems of one family are not independent of each other (`elm_app/evaluation/statistics.py`). A family of which nothing
was learned counts with a difference of 0: that is what a user would get.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from elm_app.answers.vote import vote
from elm_app.evaluation import statistics
from elm_app.routing.agreement import margin
from experiments.lines import Line, read

PLAIN = "plain.jsonl"
Value = Callable[[Line], float]


@dataclass(frozen=True)
class Results:
    """One file of the ladder.

    Attributes:
        head: what was run, and on what.
        before, after: the line of each problem, by its id; `before` has more problems than `after`, perhaps.
        learned: the line of each family.
    """

    head: Line
    before: dict[str, Line]
    after: dict[str, Line]
    learned: dict[str, Line]

    @staticmethod
    def of(path: Path) -> Results:
        """Read a file, and the traces without help beside it."""
        head, *rest = read(path)
        before = {line["problem"]: line for line in read(path.with_name(PLAIN)) if line["how"] == head["how"]}
        after = {line["problem"]: line for line in rest if "problem" in line}
        return Results(head, before, after, {line["learned"]: line for line in rest if "learned" in line})

    def rung(self, rung: int) -> dict[str, list[str]]:
        """The problems of each family that is done on a rung."""
        found: dict[str, list[str]] = {}
        for problem in self.after:
            family, number = problem.split("/")
            if min(int(number), 1) == rung:
                found.setdefault(family, []).append(problem)
        most = max(map(len, found.values()), default=0)
        return {family: problems for family, problems in found.items() if len(problems) == most}


def right(line: Line) -> float:
    """Share of right traces."""
    return float(mean(line["right"]))


def by_family(lines: dict[str, Line], families: dict[str, list[str]], of: Value = right) -> dict[str, float]:
    """A value of each family, the mean over its problems."""
    return {family: mean(of(lines[problem]) for problem in problems) for family, problems in families.items()}


def routed(before: Line, after: Line) -> bool:
    """Whether the answer is right that the product gives: of two different votes the one with the larger margin; that
    without help where these are equal (`elm_app/routing/router.py`)."""
    if None in (before["vote"], after["vote"]):
        taken = before if after["vote"] is None else after
    else:
        ours, theirs = (margin(vote(line["answers"]), len(line["answers"])) for line in (after, before))
        taken = after if ours > theirs else before
    return bool(taken["vote_right"])


def told(share: statistics.Share | None) -> dict[str, float | None] | None:
    """A share in points."""
    if share is None:
        return None
    points = {"value": share.value, "low": share.low, "high": share.high}
    return {name: round(100 * value, 2) for name, value in points.items()} | {"p": share.p}


def difference(after: dict[str, float], before: dict[str, float]) -> dict[str, float | None] | None:
    """The mean difference over families, paired, in points."""
    names = {family: place for place, family in enumerate(sorted(set(after) & set(before)))}
    ours, theirs = ({names[one]: side[one] for one in names} for side in (after, before))
    return told(statistics.difference(ours, theirs))


def group(results: Results, families: dict[str, list[str]]) -> dict[str, Any] | None:
    """Numbers of some families on a rung; shares and differences in percent and points."""
    if not families:
        return None
    before, after = results.before, results.after
    shares = {"before": by_family(before, families), "after": by_family(after, families)}
    numbers: dict[str, Any] = {
        "families": len(families),
        "problems": sum(map(len, families.values())),
        "samples": len(next(iter(after.values()))["right"]),
        **{name: told(statistics.share(list(values.values()))) for name, values in shares.items()},
        "difference": difference(shares["after"], shares["before"]),
    }
    values: dict[str, Value] = {
        "vote_right": lambda line: line["vote_right"],
        "answered": lambda line: mean(answer is not None for answer in line["answers"]),
        "agreement": lambda line: line["agreement"],
        "tokens": lambda line: mean(line["tokens"]),
        "read": lambda line: line["read"],
    }
    for name, of in values.items():
        ours, theirs = by_family(after, families, of), by_family(before, families, of)
        scale, digits = (1, 1) if name in ("tokens", "read") else (100, 2)
        numbers[name] = {
            "before": round(scale * mean(theirs.values()), digits),
            "after": round(scale * mean(ours.values()), digits),
        }
        if name == "vote_right":
            numbers[name]["difference"] = difference(ours, theirs)
            given = {id: {"given": routed(before[id], after[id])} for problems in families.values() for id in problems}
            final = by_family(given, families, lambda line: line["given"])
            was = [(bool(before[id]["vote_right"]), line["given"]) for id, line in given.items()]
            numbers["routed"] = {
                "right": round(100 * mean(final.values()), 2),
                "difference": difference(final, theirs),
                "won": was.count((False, True)),
                "lost": was.count((True, False)),
            }
    return numbers


def cost(results: Results, families: Sequence[str]) -> dict[str, Any]:
    """What learning took, mean over the families; how many memories there are, and how many from a right vote."""
    lines = [results.learned[family] for family in families]
    return {
        "memories": sum(line["made"] for line in lines),
        "labels_right": sum(line["label_right"] for line in lines),
        "seconds": round(mean(line["seconds"] for line in lines), 1),
        "tokens": round(mean(line["tokens"] for line in lines), 1),
    }


def report(files: Sequence[Path]) -> list[dict[str, Any]]:
    """A row for each file and rung; with several files also the paired difference to each of the others."""
    everything = [Results.of(path) for path in files]
    rows = []
    for path, results in zip(files, everything, strict=True):
        for rung in (0, 1):
            families = results.rung(rung)
            if not families:
                continue
            groups = {
                "all": families,
                "label_right": {one: families[one] for one in families if results.learned[one]["label_right"]},
                "label_wrong": {one: families[one] for one in families if not results.learned[one]["label_right"]},
                "memory": {one: families[one] for one in families if results.learned[one]["made"]},
            }
            row = {"file": path.name, "rung": rung, **results.head, "learning": cost(results, list(families))}
            row |= {name: group(results, some) for name, some in groups.items()}
            row["beside"] = {
                other_path.name: beside(results, other, rung)
                for other_path, other in zip(files, everything, strict=True)
                if other is not results and other.head["how"] == results.head["how"]
            }
            rows.append(row)
    return rows


def beside(results: Results, other: Results, rung: int) -> dict[str, Any] | None:
    """Right traces after this recipe minus those after another, on the families that both have, problem by problem."""
    ours, theirs = results.rung(rung), other.rung(rung)
    both = {family: problems for family, problems in ours.items() if sorted(theirs.get(family, ())) == sorted(problems)}
    if not both:
        return None
    mine, its, plain = (by_family(lines, both) for lines in (results.after, other.after, results.before))
    gain = mean(its.values()) - mean(plain.values())
    reached = (mean(mine.values()) - mean(plain.values())) / gain if gain > 0 else None
    return {
        "families": len(both),
        **{name: told(statistics.share(list(one.values()))) for name, one in (("before", plain), ("after", mine))},
        "gain": difference(mine, plain),
        "its_gain": difference(its, plain),
        "difference": difference(mine, its),
        "share_of_its_gain": None if reached is None else round(reached, 4),
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as text."""
    head = "rung  recipe                families  memories  right before → after     difference (95%)"
    told = [f"{head}            votes right → routed, won, lost    tokens       learning"]
    for row in rows:
        for name in ("all", "label_right", "label_wrong"):
            one = row[name]
            if one is None:
                continue
            gap, cost = one["difference"], row["learning"]
            what = row["recipe"] if name == "all" else f"  {name.replace('_', ' ')}"
            told.append(
                f"{row['rung']:4}  {what:20}  {one['families']:8}  {cost['memories'] if name == 'all' else '':8}"
                f"  {one['before']['value']:8.1f}% → {one['after']['value']:5.1f}%"
                f"  {gap['value']:+9.1f} ({gap['low']:+.1f} to {gap['high']:+.1f}), p {gap['p']:.3f}"
                f"  {one['vote_right']['before']:5.1f} → {one['vote_right']['after']:5.1f}"
                f" → {one['routed']['right']:5.1f}%, {one['routed']['won']:3}, {one['routed']['lost']:3}"
                f"  {one['tokens']['before']:4.0f} → {one['tokens']['after']:4.0f}"
                + (f"  {cost['seconds']:6.1f} s" if name == "all" else "")
            )
    return "\n".join(told)
