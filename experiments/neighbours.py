"""Rung 2: what retrieval finds in a store of many memories, near and far, and whether it helps.

    python experiments/neighbours.py --learned out/distil.jsonl --strangers gsm8k_test.jsonl --out out/neighbours.jsonl
    python experiments/neighbours.py --json out/neighbours.jsonl             every number of a file

Stored are the memories of a ladder's run (`--learned`, with what it learned beside it), one of each family, keyed as
the product keys them. Asked are siblings of each family (1 … M) and, with `--strangers`, problems that are of none. A
problem whose nearest memory is at `--least` or above is sampled without it, with it, and, as a control, with another
one that is drawn by its seed; with the same seeds all three. The others get no memory, which changes nothing.

A line of the file is a problem that was asked. What it would be at a higher threshold can be told from it: `by
threshold` has for each the problems that get a memory, their right traces, and the votes before and after routing.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray

from elm_app.core.config import SamplingSettings
from elm_app.evaluation import statistics
from experiments.ladder import Plan, Run, say
from experiments.lines import Line, append, read
from experiments.recipes import Learned
from experiments.report import right, routed, told
from experiments.sampling import judged, problem_seed, sampled

ARMS = ("without", "with", "random")
KINDS = ("sibling", "stranger")
THRESHOLDS = (0.6, 0.65, 0.7, 0.75, 0.8)


@dataclass(frozen=True)
class Asked:
    """A problem: its id, what it says, its right answer, and whether a stored memory is of its family."""

    id: str
    text: str
    gold: str
    kind: str


def siblings(run: Run, stored: Sequence[str], members: int) -> list[Asked]:
    """Problems 1 … M of the families with a memory."""
    chosen = [one for one in run.plan.chosen if one.id in stored]
    problems = [one.member(number) for one in chosen for number in range(1, members + 1)]
    return [Asked(str(one.id), one.text, str(one.answer), "sibling") for one in problems]


def strangers(path: Path | None, limit: int) -> list[Asked]:
    """The first problems of a file of JSON lines that have an answer; none without a file."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path else []
    known = [(number, row) for number, row in enumerate(rows) if row.get("answer") is not None]
    return [
        Asked(f"stranger/{number}", row["problem"], str(row["answer"]), "stranger") for number, row in known[:limit]
    ]


def nearest(asked: Sequence[str], stored: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Of each text the place of the stored one that is nearest, and the cosine, (asked,)."""
    from elm_app.retrieval.embedder import Embedders

    encode = Embedders().get(lambda _: None).encode
    cosines = encode(asked) @ encode(stored).T
    return cosines.argmax(1), cosines.max(1)


def measure(run: Run, problems: Sequence[Asked], least: float, out: Path) -> None:
    """Write a line for each problem that is not there yet."""
    learned = {one.id: run.learn(one) for one in run.plan.chosen if run.saved(one).is_file()}
    memories = {id: one for id, one in learned.items() if one.helps}
    if len(memories) < 2:
        sys.exit("There is no memory to choose from: give a run of the ladder that has learned two or more.")
    texts = [one.member(0).text for one in run.plan.chosen if one.id in memories]
    places, scores = nearest([one.text for one in problems], texts)
    names = list(memories)
    done = {line["problem"] for line in read(out) if "problem" in line}
    if not read(out):
        append(out, {"learned": run.out.name, "how": run.how, "stored": names, "least": least})
    for problem, place, score in zip(problems, places, scores, strict=True):
        if problem.id in done:
            continue
        found = names[place]
        line: Line = {"problem": problem.id, "kind": problem.kind, "nearest": found, "score": round(float(score), 4)}
        line["own"] = int(problem.id.split("/")[0] == found)
        if score >= least:
            seed = problem_seed(run.plan.seed, problem.id)
            other = random.Random(seed).choice([name for name in names if name != found])
            arms = {"without": Learned(), "with": memories[found], "random": memories[other]}
            line |= {"drawn": other, **dict(by_arm(run, problem, arms, seed))}
        append(out, line)
        say(
            f"  {problem.id}: {found}, {score:.2f}"
            + "".join(f", {sum(line[arm]['right'])}" for arm in ARMS if arm in line)
        )


def by_arm(run: Run, problem: Asked, arms: dict[str, Learned], seed: int) -> Iterator[tuple[str, Line]]:
    """The traces of each arm, judged; all in one batch."""
    sampling = run.plan.sampling
    requests = {arm: one.request(run.engine, problem.text, sampling.samples, seed) for arm, one in arms.items()}
    for arm, traces in sampled(run.engine, requests, sampling):
        yield arm, judged(traces, problem.gold)


def report(path: Path) -> dict[str, Any]:
    """Every number of a file."""
    head, *rest = read(path)
    numbers: dict[str, Any] = {**head, "asked": len(rest)}
    for kind in KINDS:
        some = [line for line in rest if line["kind"] == kind]
        if some:
            levels = [least for least in THRESHOLDS if least >= head["least"]]
            numbers[kind] = {"asked": len(some), "by threshold": {f"{least:.2f}": at(some, least) for least in levels}}
    return numbers


def at(some: Sequence[Line], least: float) -> dict[str, Any]:
    """What becomes of problems of a kind where memories are used from a score on; shares in percent, over problems of
    any family alike, differences over families (a stranger is its own)."""
    found = [line for line in some if line["score"] >= least]
    numbers: dict[str, Any] = {"found": len(found), "own": sum(line["own"] for line in found)}
    if not found:
        return numbers
    for arm in ARMS:
        numbers[arm] = round(100 * mean(right(line[arm]) for line in found), 2)
    for arm in ARMS[1:]:
        gain = by_unit(found, lambda line, arm=arm: right(line[arm]) - right(line["without"]))
        was = [(bool(line["without"]["vote_right"]), routed(line["without"], line[arm])) for line in found]
        numbers[f"{arm} − without"] = told(statistics.difference(gain, dict.fromkeys(gain, 0.0)))
        numbers[f"{arm} routed"] = {
            "right before": sum(one for one, _ in was), "right": sum(one for _, one in was),
            "won": was.count((False, True)), "lost": was.count((True, False)),
        }  # fmt: skip
    return numbers


def by_unit(found: Sequence[Line], of: Any) -> dict[int, float]:
    """A value's mean over the problems of a family; a stranger is a family of its own."""
    units: dict[str, list[float]] = {}
    for line in found:
        unit = line["problem"].split("/")[0] if line["kind"] == "sibling" else line["problem"]
        units.setdefault(unit, []).append(of(line))
    return {place: mean(values) for place, values in enumerate(units.values())}


def table(numbers: dict[str, Any]) -> str:
    """The numbers as text."""
    lines = [f"{len(numbers['stored'])} memories stored, {numbers['asked']} problems asked"]
    for kind in (kind for kind in KINDS if kind in numbers):
        lines.append(
            f"\n{kind}s, {numbers[kind]['asked']} asked; right traces in percent; won and lost are votes, routed"
        )
        lines.append(
            "from  found   own  without     with  random  difference (95%)           won  lost  random: won  lost"
        )
        for least, row in numbers[kind]["by threshold"].items():
            if not row["found"]:
                lines.append(f"{least}  {0:5}")
                continue
            gap, near, drawn = row["with − without"], row["with routed"], row["random routed"]
            span = f"{gap['value']:+.1f} ({gap['low']:+.1f} to {gap['high']:+.1f})"
            lines.append(
                f"{least}  {row['found']:5}  {row['own']:4}  {row['without']:7}  {row['with']:7}  {row['random']:6}"
                f"  {span:24}  {near['won']:4}  {near['lost']:4}  {drawn['won']:11}  {drawn['lost']:4}"
            )
    return "\n".join(lines)


def main(given: Sequence[str] | None = None) -> None:
    """Measure, and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="results to print the numbers of")
    parser.add_argument("--learned", type=Path, metavar="FILE.jsonl", help="a run of the ladder")
    parser.add_argument("--out", type=Path, metavar="FILE.jsonl")
    parser.add_argument("--members", type=int, default=3, metavar="M", help="siblings of each family")
    parser.add_argument("--strangers", type=Path, metavar="FILE.jsonl", help="problems of no family")
    parser.add_argument("--limit", type=int, default=200, help="of these (default: %(default)s)")
    parser.add_argument("--least", type=float, default=THRESHOLDS[0], help="score from which a problem is sampled")
    parser.add_argument("--model", default="base")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(given)
    if (options.out is None) == (options.file is None) or (options.out is None) != (options.learned is None):
        parser.error("give --learned and --out to measure, or a file to print the numbers of")
    if options.out is not None:
        run = Run(plan_of(options.learned, options.model, options.members), options.learned)
        stored = [one.id for one in run.plan.chosen if run.saved(one).is_file()]
        problems = siblings(run, stored, options.members) + strangers(options.strangers, options.limit)
        measure(run, problems, options.least, options.out)
    numbers = report(options.out or options.file)
    print(json.dumps(numbers, indent=1) if options.json else table(numbers))


def plan_of(path: Path, model: str, members: int) -> Plan:
    """The plan of a run of the ladder, from its first line."""
    known = read(path)
    if not known:
        sys.exit(f"There is no run of the ladder in {path}.")
    head, how = known[0], known[0]["how"]
    sampling = SamplingSettings(
        how["samples"], how["max_new_tokens"], how["temperature"], how["top_k"], seed=how["seed"]
    )
    return Plan(head["recipe"], head["settings"], head["split"], how["seed"], sampling, model, 30, members, (0, 1))


if __name__ == "__main__":
    main()
