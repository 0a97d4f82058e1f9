"""How fast are answers compared, and what became of recorded votes?

    python benchmarks/answers.py --data DIR [--json]      10,000 comparisons of benchmarks' gold answers with each other
    python benchmarks/answers.py --recorded DIR [--json]  a benchmark's recorded traces, extracted and voted on anew

The first compares every gold answer of DIR's JSON lines with itself written a little differently and with answers of
other problems, as a vote would: without anything remembered, then again. The second takes the results.jsonl of a folder
that `python -m elm_app bench` wrote and tells how many answers, votes and judgements differ from what was recorded.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from elm_app.answers.compare import Comparer
from elm_app.answers.extract import extract
from elm_app.answers.reading import read
from elm_app.answers.vote import vote


def golds(folder: Path) -> list[str]:
    """The answers of all problems there, each once."""
    lines = (line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines())
    return list(dict.fromkeys(str(json.loads(line)["answer"]) for line in lines))


def respelled(answer: str) -> str:
    """The same, between dollars, with other spaces and another fraction sign."""
    return f"${answer.replace(chr(92) + 'frac', chr(92) + 'dfrac').replace(',', ', ').replace('+', ' + ')}$"


def speed(answers: list[str], pairs: int = 10_000) -> dict[str, Any]:
    """Seconds for so many comparisons, and how many needed a computer algebra."""
    source = random.Random(0)
    asked = [
        (one, respelled(one) if turn % 2 else source.choice(answers))
        for turn, one in enumerate(source.choices(answers, k=pairs))
    ]
    with Comparer() as comparer:
        comparer.equivalent(r"\sqrt{8}", r"2\sqrt{2}")  # its worker has started
        comparer.asked = 0
        times = []
        for _ in range(2):
            began = time.perf_counter()
            equal = sum(comparer.equivalent(a, b) for a, b in asked)
            times.append(round(time.perf_counter() - began, 3))
        return {
            "comparisons": pairs, "answers": len(answers), "seconds": times[0], "seconds_again": times[1],
            "equal": equal, "asked_of_algebra": comparer.asked, "timeouts": comparer.timeouts,
        }  # fmt: skip


def revoted(folder: Path) -> dict[str, Any]:
    """What differs from the record, with every difference of a vote or a judgement by its problem."""
    lines = [json.loads(line) for line in (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    changes: list[dict[str, Any]] = []
    answers = {"traces": 0, "extracted_differently": 0, "judged_differently": 0}
    with Comparer() as comparer:
        for line in lines:
            found = [extract(trace["text"]) for trace in line["traces"]]
            now = vote(found, comparer.classes)
            gold = line["gold"]
            for trace, answer in zip(line["traces"], found, strict=True):
                answers["traces"] += 1
                answers["extracted_differently"] += answer != trace["answer"]
                right = answer is not None and gold is not None and comparer.equivalent(answer, gold)
                answers["judged_differently"] += trace["right"] is not None and right != trace["right"]
            right = None if gold is None else now.answer is not None and comparer.equivalent(now.answer, gold)
            was = (line["answer"], line["agreement"], line["right"])
            if was[1:] != (now.agreement, right) or read(was[0] or "") != read(now.answer or ""):
                then = dict(zip(("answer", "agreement", "right"), was, strict=True))
                after = {"answer": now.answer, "agreement": now.agreement, "right": right}
                changes.append({"id": line["id"], "gold": gold, "recorded": then, "now": after})
    return {
        "votes": len(lines),
        "changed": len(changes),
        "agreement_rose": sum(one["now"]["agreement"] > one["recorded"]["agreement"] for one in changes),
        "agreement_fell": sum(one["now"]["agreement"] < one["recorded"]["agreement"] for one in changes),
        "now_right": sum(one["now"]["right"] is True and one["recorded"]["right"] is False for one in changes),
        "now_wrong": sum(one["now"]["right"] is False and one["recorded"]["right"] is True for one in changes),
        **answers,
        "changes": changes,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, help="folder of problems with answers, as JSON lines")
    what.add_argument("--recorded", type=Path, help="folder of a benchmark")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args()
    result = speed(golds(options.data)) if options.data else revoted(options.recorded)
    if options.json:
        print(json.dumps(result, ensure_ascii=False))
        return
    for name, value in result.items():
        print(f"{name.replace('_', ' ')}: {value}" if name != "changes" else "")
    for change in result.get("changes", ()):
        then, now = change["recorded"], change["now"]
        print(
            f"  {change['id']}: {then['answer']} ({then['agreement']:.0%}) → {now['answer']} ({now['agreement']:.0%})"
        )


if __name__ == "__main__":
    main()
