"""All families: sixty templates of our own wording, ten topics, half to develop on and half held out.

    python experiments/families.py [--split develop] [--members 12]      prints them as JSON lines

The difficulty is aimed at the default model, which should have a fifth to four fifths of its traces right. It is
screened on families of `develop` only (docs/results/families-screen.jsonl says which); those held out follow the same
pattern and are to be run once, at the end. What a family is, and how to add one, stands in `family.py`.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import chain, zip_longest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from experiments.family import SPLITS, Family, Split
from experiments.templates import (
    ages,
    counting,
    geometry,
    mixtures,
    money,
    numbers,
    percentages,
    rates,
    schedules,
    sharing,
)

TOPICS = (money, percentages, rates, ages, geometry, counting, numbers, mixtures, schedules, sharing)
MEMBERS = 12
"""So many members of every family are known to differ from each other."""


def families(split: Split) -> list[Family]:
    """The families of a split, topics taking turns, so that the first ten have one of each."""
    found = [
        [one for one in vars(topic).values() if isinstance(one, Family) and one.split == split] for topic in TOPICS
    ]
    return [one for one in chain(*zip_longest(*found)) if one is not None]


def main() -> None:
    """Print the problems as the command line reads them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=SPLITS, default="develop")
    parser.add_argument("--members", type=int, default=MEMBERS)
    options = parser.parse_args()
    for family in families(options.split):
        for problem in map(family.member, range(options.members)):
            row = {"id": problem.id, "problem": problem.text, "answer": problem.answer, "source": problem.source}
            print(json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()
