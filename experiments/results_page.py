"""The tables and drawings of docs/RESULTS.md, and what the empty Compare page tells, from the lines in docs/results/.

    python experiments/results_page.py            writes them anew, between the page's marks
    python experiments/results_page.py --check    says whether they are what the raw lines say, and fails if not

A table stands between `<!-- table NAME -->` and `<!-- end -->`. What the numbers are: `report.py`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from elm_app.weights.presets import PRESETS
from experiments.ladder_plot import Dots, dots
from experiments.report import Results, report, right

PAGE = ROOT / "docs" / "RESULTS.md"
RAW = ROOT / "docs" / "results"
EVIDENCE = ROOT / "assets" / "evidence.json"
DEVELOP, HELD_OUT = RAW / "ladder", RAW / "held-out"
Row = dict[str, Any]

GROUPS = {
    "all": "",
    "label_right": "its majority right",
    "label_wrong": "its majority wrong, or none",
}
HEAD = (
    "| | families | problem itself: right before → after | difference (95%) | siblings: right before → after "
    "| difference (95%) | siblings' votes right: before → after → routed | won, lost | tokens a trace | learning |"
)


def paired(files: Sequence[Path]) -> Iterator[tuple[Path, dict[int, Row]]]:
    """The rows of each file, by rung."""
    rows = report(files)
    for path in files:
        yield path, {row["rung"]: row for row in rows if row["file"] == path.name}


def ladder_table(folder: Path, files: dict[str, str], split: Sequence[str] = ()) -> str:
    """A row for each file, named; the files in `split` also by whether the majority learned from is right."""
    told = [HEAD, "|" + "---|" * (HEAD.count("|") - 1)]
    found = {name: what for name, what in files.items() if (folder / name).is_file()}
    for path, rungs in paired([folder / name for name in found]):
        for group, what in GROUPS.items():
            if group == "all" or path.name in split:
                told.append(ladder_row(rungs, group, what or f"**{found[path.name]}**"))
    return "\n".join(told)


def ladder_row(rungs: dict[int, Row], group: str, name: str) -> str:
    """Both rungs of a group of families in one row."""
    own, siblings = (rungs.get(rung, {}).get(group) for rung in (0, 1))
    some = siblings or own
    if some is None:
        return f"| {name} | 0 |" + " |" * (HEAD.count("|") - 3)
    cells = [name, str(some["families"])]
    for one in (own, siblings):
        cells += ["", ""] if one is None else [arrow(one["before"], one["after"]), interval(one["difference"])]
    votes, tokens = some["vote_right"], some["tokens"]
    cells.append(f"{votes['before']:.0f} → {votes['after']:.0f} → {some['routed']['right']:.0f}%")
    cells.append(f"{some['routed']['won']}, {some['routed']['lost']}")
    cells.append(f"{tokens['before']:.0f} → {tokens['after']:.0f}")
    seconds = (rungs.get(1) or rungs[0])["learning"]["seconds"]
    cells.append(f"{seconds:.0f} s" if group == "all" and seconds else "")
    return "| " + " | ".join(cells) + " |"


def arrow(before: Row, after: Row) -> str:
    """Two shares."""
    return f"{before['value']:.0f} → {after['value']:.0f}%"


def interval(points: Row) -> str:
    """A difference in points with its interval and its p, as the pages write it."""
    value, low, high = (f"{points[name]:+.1f}".replace("-", "−") for name in ("value", "low", "high"))
    return f"{value} ({low} to {high}), p = {points['p']:.3f}"


def families(folder: Path, columns: dict[str, str]) -> list[Row]:
    """Each family of the first file: what was learned from, and right traces of its siblings in each file."""
    known = {name: Results.of(folder / name) for name in columns if (folder / name).is_file()}
    first = next(iter(known.values()))
    rows = []
    for family, problems in first.rung(1).items():
        rungs = {name: results.rung(1) for name, results in known.items()}
        traces = sum(len(first.before[one]["right"]) for one in problems)
        rows.append({
            "family": family, "label": first.learned[family], "of": traces,
            "without": mean(right(first.before[one]) for one in problems),
            "with": {
                name: mean(right(results.after[one]) for one in problems)
                for name, results in known.items() if sorted(rungs[name].get(family, ())) == sorted(problems)
            },
        })  # fmt: skip
    return rows


def family_table(folder: Path, columns: dict[str, str]) -> str:
    """Right traces of the siblings of each family, without help and by each file."""
    there = {name: what for name, what in columns.items() if (folder / name).is_file()}
    told = [
        f"| family | majority learned from | without | {' | '.join(there.values())} |",
        "|---|---|---|" + "---|" * len(there),
    ]
    for row in families(folder, there):
        cells = [f"{row['with'][name] * row['of']:.0f}" if name in row["with"] else "" for name in there]
        without = f"{row['without'] * row['of']:.0f} of {row['of']}"
        told.append("| " + " | ".join([f"`{row['family']}`", verdict(row["label"]), without, *cells]) + " |")
    return "\n".join(told)


def verdict(label: Row) -> str:
    """Whether the majority that was learned from is right, and its share of the traces."""
    if not label["made"]:
        return "none"
    return f"{'right' if label['label_right'] else 'wrong'}, {label['agreement']:.0%}"


def drawing(folder: Path, memory: str, teacher: str) -> str:
    """Siblings' right traces by family, as an SVG."""
    rows = families(folder, {memory: "", teacher: ""})
    return dots([Dots(row["family"], row["without"], row["with"][memory], row["with"].get(teacher)) for row in rows])


def evidence(folder: Path, memory: str, teacher: str, held_out: Path) -> str:
    """What the empty Compare page tells of it, as JSON: shares of right traces about siblings, the gain in points, and
    what that is so far in the families that are held out."""
    (_, ours), (_, example) = paired([folder / memory, folder / teacher])
    all, beside = ours[1]["all"], example[1]["all"]
    ((_, others),) = paired([held_out])
    rows = sorted(families(folder, {memory: "", teacher: ""}), key=lambda row: row["without"] - row["with"][memory])
    title, siblings = PRESETS[ours[1]["model"]].title, all["problems"] // all["families"]
    shares = {"without": all["before"], "memory": all["after"], "teacher": beside["after"]}
    return json.dumps({
        "model": title, "siblings": siblings,
        **{name: round(points["value"], 1) for name, points in shares.items()},
        **gained(all), "held_out": {"families": others[1]["all"]["families"], **gained(others[1]["all"])},
        "families": [
            {
                "name": row["family"].replace("_", " "), "without": round(row["without"], 4),
                "memory": round(row["with"][memory], 4), "teacher": round(row["with"][teacher], 4),
            }
            for row in rows
        ],
    }, indent=1) + "\n"  # fmt: skip


def gained(group: Row) -> Row:
    """The difference of right traces, in points, with its interval."""
    return {
        "gain": group["difference"]["value"],
        "low": group["difference"]["low"],
        "high": group["difference"]["high"],
    }


def tables() -> dict[str, str]:
    """Every table of the page by its name."""
    main = {"distil.jsonl": "`distil`, the default", "icl.jsonl": "`icl`: the example itself in context, the teacher"}
    controls = {
        "another.jsonl": "control: the next family's memory",
        "distil-text.jsonl": "`distil`, started from a text",
        "another-text.jsonl": "control: the next family's, from a text",
    }
    columns = {"icl.jsonl": "in context", "distil.jsonl": "**memory**"}
    return {
        "develop": ladder_table(DEVELOP, main | controls, split=tuple(main)),
        "develop-families": family_table(
            DEVELOP, columns | {"distil-text.jsonl": "from a text", "another.jsonl": "another's"}
        ),
        "held-out": ladder_table(HELD_OUT, main | controls, split=tuple(main)),
        "held-out-families": family_table(HELD_OUT, {"distil.jsonl": "**memory**", "icl.jsonl": "in context"}),
    }


def page(text: str, made: dict[str, str]) -> str:
    """The page with its tables as they are now.

    Raises:
        SystemExit: the page has no place for a table, or a place for none.
    """
    marks = re.findall(r"<!-- table (\S+) -->", text)
    if sorted(marks) != sorted(made):
        sys.exit(f"{PAGE.name} has places for the tables {sorted(marks)}, the raw lines make {sorted(made)}.")
    for name, table in made.items():
        pattern = rf"(<!-- table {re.escape(name)} -->\n).*?(<!-- end -->)"
        text = re.sub(pattern, lambda found, table=table: f"{found[1]}\n{table}\n\n{found[2]}", text, flags=re.DOTALL)  # type: ignore[misc]
    return text


def files() -> dict[Path, str]:
    """What belongs on the disk: the page and its drawings."""
    return {
        PAGE: page(PAGE.read_text(encoding="utf-8"), tables()),
        RAW / "ladder.svg": drawing(DEVELOP, "distil.jsonl", "icl.jsonl"),
        RAW / "held-out.svg": drawing(HELD_OUT, "distil.jsonl", "icl.jsonl"),
        EVIDENCE: evidence(DEVELOP, "distil.jsonl", "icl.jsonl", HELD_OUT / "distil.jsonl"),
    }


def main(given: Sequence[str] | None = None) -> None:
    """Write what changed, or say that something would."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(given)
    made = files()
    changed = [path for path, text in made.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if options.check and changed:
        sys.exit(f"Not what the raw lines say: {', '.join(path.name for path in changed)}.")
    for path in changed:
        path.write_text(made[path], encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
