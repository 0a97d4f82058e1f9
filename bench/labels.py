"""Does learning do what its labels say? What became of each problem's own traces, by whether the majority was right.

    python -m elm_app bench FILE --methods elm --keep --out DIR        learns, and measures before and after
    python bench/labels.py DIR [--method elm] [--seed 0] [--json]      reads the logs of that
    python bench/labels.py DIR --beside elm_random_reward              on the same problems, what another reward made

The reward of a step is its majority. Where that is the right answer, learning should make right traces more frequent;
where it is a wrong one, less. A problem belongs to `right` if every update was towards the right answer, to `wrong` if
none was, to `mixed` otherwise, and to `none` if no step had anything to learn from. Agreement and shares are means over
problems, in [0, 1], of the samples drawn before and after learning (with the same seeds).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from elm_app.runs.bench_folder import BenchFolder
from elm_app.runs.bench_lines import right
from elm_app.runs.log import read
from elm_app.runs.stream_folder import StreamFolder
from elm_app.runs.view import view_of
from elm_app.types import LearnStep, Measured

GROUPS = ("right", "mixed", "wrong", "none")


def share(measured: Measured, gold: str) -> float:
    """The right ones among the sampled traces."""
    counts = measured.vote.counts
    return sum(count.count for count in counts if right(count.answer, gold)) / measured.samples


def group(steps: list[LearnStep], gold: str) -> tuple[str, int]:
    """Where a problem belongs, and how many updates it had."""
    labels = [right(step.answer, gold) for step in steps if step.skipped is None]
    if not labels:
        return "none", 0
    return "right" if all(labels) else "mixed" if any(labels) else "wrong", len(labels)


def problems(own: Path) -> dict[str, list[dict[str, Any]]]:
    """One entry for every problem that was learned from and measured on both sides."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in StreamFolder(own / "stream").rows():
        if row.learn is None or row.gold is None:
            continue
        learn = view_of(read(own / "memories" / "runs", row.learn)[0]).learn
        if learn is None or learn.before is None or learn.after is None:
            continue
        name, updates = group(learn.finished, row.gold)
        found[name].append(
            {
                "id": row.id,
                "updates": updates,
                "right_before": share(learn.before, row.gold),
                "right_after": share(learn.after, row.gold),
                "agreement_before": learn.before.vote.agreement,
                "agreement_after": learn.after.vote.agreement,
                "vote_before": bool(right(learn.before.vote.answer, row.gold)),
                "vote_after": bool(right(learn.after.vote.answer, row.gold)),
            }
        )
    return found


def report(found: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, float]]:
    """Means by group, and of all."""
    groups = {name: found[name] for name in GROUPS if found.get(name)}
    groups["all"] = [entry for entries in groups.values() for entry in entries]
    return {
        name: {"problems": len(entries)}
        | {key: round(mean(entry[key] for entry in entries), 4) for key in entries[0] if key != "id"}
        for name, entries in groups.items()
        if entries
    }


def shared(
    found: dict[str, list[dict[str, Any]]], other: dict[str, list[dict[str, Any]]]
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, list[dict[str, Any]]]]:
    """The problems that both learned from, in the groups of the first."""
    theirs = {entry["id"]: entry for entries in other.values() for entry in entries}
    mine = {name: [entry for entry in entries if entry["id"] in theirs] for name, entries in found.items()}
    return mine, {name: [theirs[entry["id"]] for entry in entries] for name, entries in mine.items()}


def table(found: dict[str, dict[str, float]]) -> str:
    """Means by group, as text."""
    lines = ["labels  problems  updates  right traces   agreement      right votes"]
    for name, row in found.items():
        lines.append(
            f"{name:6}  {row['problems']:8}  {row['updates']:7.1f}"
            f"  {row['right_before']:.3f} → {row['right_after']:.3f}"
            f"  {row['agreement_before']:.3f} → {row['agreement_after']:.3f}"
            f"  {row['vote_before']:.3f} → {row['vote_after']:.3f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--method", default="elm")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--beside", metavar="METHOD", help="another method's memories of the same problems")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    benchmark = BenchFolder(options.folder)
    told = {options.method: problems(benchmark.of(options.method, options.seed))}
    if options.beside:
        other = problems(benchmark.of(options.beside, options.seed))
        told[options.method], told[options.beside] = shared(told[options.method], other)
    found = {method: report(groups) for method, groups in told.items()}
    if options.json:
        print(json.dumps(found if options.beside else found[options.method], indent=2))
        return
    for method, rows in found.items():
        print(f"{method}\n{table(rows)}" if options.beside else table(rows))


if __name__ == "__main__":
    main()
