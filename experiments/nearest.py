"""Does retrieval find a memory of the same kind, and leave alone one of another? A family's problems are of one kind.

    python experiments/nearest.py --out out/nearest.jsonl                    the develop families, by input, KV and both
    python experiments/nearest.py --out out/nearest.jsonl --others gsm8k_train.jsonl --unknown gsm8k_test.jsonl
    python experiments/nearest.py --out out/input.jsonl --without-kv         the sentence embedding alone, in seconds
    python experiments/nearest.py --json out/nearest.jsonl                   every number of a file

What would be stored is problem number 0 of each family, and with `--others` problems that are of none. What is asked is
the problems 1 … M of each family, and with `--unknown` problems that are of none. Nothing is sampled and nothing is
learned: this is about keys. `masked` is the text with every number as 7 and every name as Sam, before it is embedded.

A line of the file is a problem that was asked: of each key the cosine to its own family's problem, and the highest one
to another. Of a threshold the numbers say `found`, the share of siblings whose nearest is their own and near enough;
`wrong`, of siblings, and `strange`, of problems of no family, the share that would get a memory of another kind.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray

from elm_app.learning.names import names_in
from experiments.families import families
from experiments.family import SPLITS
from experiments.lines import Line, append, read
from experiments.sampling import load

Vectors = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]
KEYS = ("input", "masked", "kv", "kv masked", "both", "both masked")
THRESHOLDS = tuple(round(0.40 + 0.05 * step, 2) for step in range(12))


def masked(text: str) -> str:
    """The text without what differs between problems of one kind.

    >>> masked("Yara and Tom pay $1,250.50 for 12 eggs. Yara's share is 30%.")
    "Sam and Sam pay $7 for 7 eggs. Sam's share is 7%."
    """
    for name in names_in(text):
        text = re.sub(rf"\b{name}\b", "Sam", text)
    return re.sub(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?", "7", text)


def encoders(model: str | None) -> dict[str, Encode]:
    """How texts become rows of length 1, by the key's name; without a model the embedder's alone."""
    from elm_app.retrieval.embedder import Embedders

    embedder = Embedders().get(lambda _: None)
    by_text: dict[str, Encode] = {
        "input": embedder.encode,
        "masked": lambda texts: embedder.encode([masked(text) for text in texts]),
    }
    if model is None:
        return by_text
    from elm_app.engine.question_keys import question_key

    engine = load(model)

    def keys(texts: Sequence[str]) -> Vectors:
        return np.stack([question_key(engine, text) for text in texts])

    return {**by_text, "kv": keys, "kv masked": lambda texts: keys([masked(text) for text in texts])}


def texts_of(path: Path | None, limit: int) -> list[str]:
    """The first problems of a file of JSON lines."""
    lines = path.read_text(encoding="utf-8").splitlines() if path else []
    return [json.loads(line)["problem"] for line in lines[:limit]]


def compare(encode: dict[str, Encode], stored: Sequence[str], asked: Sequence[str]) -> dict[str, Vectors]:
    """Cosines (asked, stored) by each key; `both` is the mean of two, as retrieval takes it."""
    cosines = {name: of(asked) @ of(stored).T for name, of in encode.items()}
    if "kv" in cosines:
        cosines["both"] = (cosines["input"] + cosines["kv"]) / 2
        cosines["both masked"] = (cosines["masked"] + cosines["kv masked"]) / 2
    return cosines


def measure(options: argparse.Namespace) -> None:
    """Write a line for each problem that is asked."""
    chosen = families(options.split)
    stored = [one.member(0).text for one in chosen] + texts_of(options.others, options.limit)
    siblings = [one.member(number) for one in chosen for number in range(1, options.members + 1)]
    asked = [problem.text for problem in siblings] + texts_of(options.unknown, options.limit)
    own = {one.id: place for place, one in enumerate(chosen)}
    cosines = compare(encoders(None if options.without_kv else options.model), stored, asked)
    append(options.out, {"split": options.split, "stored": len(stored), "families": len(chosen), "asked": len(asked)})
    for row in range(len(asked)):
        id = str(siblings[row].id) if row < len(siblings) else None
        place = own[id.split("/")[0]] if id else None
        line: Line = {"problem": id}
        for name in cosines:
            others = cosines[name][row].copy()
            if place is not None:
                line[f"{name}: own"] = round(float(others[place]), 4)
                others[place] = -1
            line[f"{name}: other"] = round(float(others.max()), 4)
        append(options.out, line)


def report(path: Path) -> dict[str, Any]:
    """Every number of a file."""
    head, *rest = read(path)
    siblings, strangers = ([line for line in rest if bool(line["problem"]) is known] for known in (True, False))
    numbers: dict[str, Any] = dict(head)
    for name in (name for name in KEYS if f"{name}: other" in rest[0]):
        own, other = (np.array([line[f"{name}: {whose}"] for line in siblings]) for whose in ("own", "other"))
        strange = np.array([line[f"{name}: other"] for line in strangers])
        numbers[name] = {
            "own": quantiles(own), "other": quantiles(other), "strange": quantiles(strange),
            "nearest is own": share(own > other),
            "by threshold": {
                f"{least:.2f}": {
                    "found": share((own > other) & (own >= least)),
                    "wrong": share((other >= own) & (other >= least)),
                    "strange": share(strange >= least),
                }
                for least in THRESHOLDS
            },
        }  # fmt: skip
    return numbers


def quantiles(values: NDArray[Any]) -> list[float] | None:
    """5% below, median, 5% above."""
    return [round(float(one), 3) for one in np.quantile(values, (0.05, 0.5, 0.95))] if values.size else None


def share(holds: NDArray[np.bool_]) -> float | None:
    """In percent."""
    return round(100 * float(holds.mean()), 1) if holds.size else None


def table(numbers: dict[str, Any]) -> str:
    """The numbers as text."""
    told = [f"{numbers['split']}: {numbers['stored']} stored, {numbers['asked']} asked"]
    for name in (name for name in KEYS if name in numbers):
        one = numbers[name]
        told.append(f"\n{name}: own {one['own']}, other {one['other']}, strange {one['strange']}")
        told.append(f"nearest is own: {one['nearest is own']}%\nfrom  found  wrong  strange, %")
        told += [
            f"{least}  {row['found']:5}  {row['wrong']:5}  {'' if row['strange'] is None else row['strange']:7}"
            for least, row in one["by threshold"].items()
        ]
    return "\n".join(told)


def main() -> None:
    """Measure, and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="results to print the numbers of")
    parser.add_argument("--out", type=Path, metavar="FILE.jsonl")
    parser.add_argument("--split", choices=SPLITS, default="develop")
    parser.add_argument("--members", type=int, default=5)
    parser.add_argument("--others", type=Path, metavar="FILE.jsonl", help="problems of no family, stored as well")
    parser.add_argument("--unknown", type=Path, metavar="FILE.jsonl", help="problems of no family, asked as well")
    parser.add_argument("--limit", type=int, default=200, help="of each such file (default: %(default)s)")
    parser.add_argument("--model", default="base")
    parser.add_argument("--without-kv", action="store_true", help="no language model is loaded")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if (options.out is None) == (options.file is None):
        parser.error("give --out to measure, or a file to print the numbers of")
    if options.out is not None:
        if read(options.out):
            parser.error(f"{options.out} is there already")
        measure(options)
    numbers = report(options.out or options.file)
    print(json.dumps(numbers, indent=1) if options.json else table(numbers))


if __name__ == "__main__":
    main()
