"""Does learning do what its labels say? What became of each problem's own traces, and of those of the problems that
its memory was tried on, by whether the majority was right.

    python -m elm_app bench FILE --methods elm --keep --out DIR        learns, and measures before and after
    python experiments/labels.py DIR [--method elm] [--seed 0] [--json]      reads the logs of that
    python experiments/labels.py DIR --beside elm_random_reward              on the same problems, what another made

What a step is rewarded for is its label: its majority, or with `--reward vote` the vote before learning. Where that is
the right answer, learning should make right traces more frequent; where it is a wrong one, less. A problem belongs to
`right` or `wrong` by the label of its *first* update, which no update has moved yet (later majorities are partly what
was learned), and to `none` if there was no update. Shares are means over problems, in [0, 1], of the samples drawn
before and after learning, or without and with the memory of another problem; the interval is of the difference in
right traces, 95%, bootstrap over problems.
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

from elm_app.core.types import LearnStep, Measured
from elm_app.evaluation import statistics
from elm_app.evaluation.answering import right
from elm_app.evaluation.folder import BenchFolder
from elm_app.pipelines.stream.folder import StreamFolder
from elm_app.runs.event_log import read
from elm_app.runs.state import view_of

GROUPS = ("right", "wrong", "none")


def share(measured: Measured, gold: str) -> float:
    """The right ones among the sampled traces."""
    counts = measured.vote.counts
    return sum(count.count for count in counts if right(count.answer, gold)) / measured.samples


def group(steps: list[LearnStep], gold: str, vote: str | None = None) -> tuple[str, int]:
    """Where a problem belongs, and how many updates it had; `vote` is the label of all of them, if they had one."""
    labels = [step.answer if vote is None else vote for step in steps if step.skipped is None]
    if not labels:
        return "none", 0
    return "right" if right(labels[0], gold) else "wrong", len(labels)


def compared(id: str, gold: str, before: Measured, after: Measured, **more: Any) -> dict[str, Any]:
    """What two samples of a problem were."""
    both = {"before": before, "after": after}
    return (
        {"id": id, **more}
        | {f"right_{name}": share(one, gold) for name, one in both.items()}
        | {f"agreement_{name}": one.vote.agreement for name, one in both.items()}
        | {f"vote_{name}": bool(right(one.vote.answer, gold)) for name, one in both.items()}
    )


def problems(own: Path) -> dict[str, list[dict[str, Any]]]:
    """One entry for every problem that was learned from and measured on both sides."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in StreamFolder(own / "stream").rows():
        if row.learn is None or row.gold is None:
            continue
        view = view_of(read(own / "memories" / "runs", row.learn)[0])
        learn = view.learn
        if learn is None or learn.before is None or learn.after is None:
            continue
        vote = learn.before.vote.answer if view.settings["reward"] == "vote" else None
        name, updates = group(learn.finished, row.gold, vote)
        found[name].append(compared(row.id, row.gold, learn.before, learn.after, updates=updates, memory=row.learned))
    return found


def others(own: Path, learned: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """One entry for every problem that a memory of another was tried on, by the label of that memory."""
    labels = {entry["memory"]: name for name, entries in learned.items() for entry in entries}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in StreamFolder(own / "stream").rows():
        if row.retrieved not in labels or row.gold is None:
            continue
        view = view_of(read(own / "memories" / "runs", row.solve)[0])
        sides = [Measured(view.votes[arm].vote, view.votes[arm].finished, 0.0, 0.0) for arm in ("zero_shot", "memory")]
        found[labels[row.retrieved]].append(compared(row.id, row.gold, *sides, memory=row.retrieved))
    return found


def report(found: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, float]]:
    """Means by group, and of all."""
    groups = {name: found[name] for name in GROUPS if found.get(name)}
    groups["all"] = [entry for entries in groups.values() for entry in entries]
    told: dict[str, dict[str, float]] = {}
    for name, entries in groups.items():
        if not entries:
            continue
        gain = statistics.share([entry["right_after"] - entry["right_before"] for entry in entries])
        told[name] = {"problems": len(entries)}
        numbers = [key for key in entries[0] if key not in ("id", "memory")]
        told[name] |= {key: round(mean(entry[key] for entry in entries), 4) for key in numbers}
        told[name] |= {"gain": round(gain.value, 4), "gain_low": round(gain.low, 4), "gain_high": round(gain.high, 4)}
    return told


def shared(
    found: dict[str, list[dict[str, Any]]], other: dict[str, list[dict[str, Any]]]
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, list[dict[str, Any]]]]:
    """The problems that both learned from, in the groups of the first."""
    theirs = {entry["id"]: entry for entries in other.values() for entry in entries}
    mine = {name: [entry for entry in entries if entry["id"] in theirs] for name, entries in found.items()}
    return mine, {name: [theirs[entry["id"]] for entry in entries] for name, entries in mine.items()}


def table(found: dict[str, dict[str, float]]) -> str:
    """Means by group, as text."""
    lines = ["label   problems  right traces   difference (95%)            agreement      right votes"]
    for name, row in found.items():
        lines.append(
            f"{name:6}  {row['problems']:8}"
            f"  {row['right_before']:.3f} → {row['right_after']:.3f}"
            f"  {row['gain']:+.3f} ({row['gain_low']:+.3f} to {row['gain_high']:+.3f})"
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
    own = BenchFolder(options.folder).of(options.method, options.seed)
    learned = problems(own)
    told = {f"{options.method}: the problems learned from": learned}
    told[f"{options.method}: the problems that a memory of another was tried on"] = others(own, learned)
    if options.beside:
        mine, theirs = shared(learned, problems(BenchFolder(options.folder).of(options.beside, options.seed)))
        told[f"{options.method}: the problems that both learned from"] = mine
        told[f"{options.beside}: the same"] = theirs
    found = {what: report(groups) for what, groups in told.items()}
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print("\n\n".join(f"{what}\n{table(rows)}" for what, rows in found.items()))


if __name__ == "__main__":
    main()
