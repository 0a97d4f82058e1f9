"""How hard is a family? A few traces of a few members of each, by the model alone, one JSON line a family.

    python experiments/screen.py --out docs/results/families-screen.jsonl
    python experiments/screen.py --families outfits,shuttle --members 4 --out /tmp/again.jsonl

Only families of `develop`: those held out are not looked at. The first line says what was run, and on what. Families
that have a line already are passed over.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from elm_app.core.config import SamplingSettings
from experiments.families import families
from experiments.lines import Line, append, read
from experiments.sampling import judged, load, machine, problem_seed, sampled


def main() -> None:
    """Append a line a family, and print each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--families", help="ids, by default all of develop")
    parser.add_argument("--members", type=int, default=2)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="base")
    options = parser.parse_args()
    wanted = options.families.split(",") if options.families else None
    left = [one for one in families("develop") if wanted is None or one.id in wanted]
    left = [one for one in left if one.id not in {line.get("family") for line in read(options.out)}]
    if not left:
        return
    from elm_app.engine.engine import RolloutRequest

    engine = load(options.model)
    sampling = SamplingSettings(samples=options.samples, seed=options.seed)
    if not read(options.out):
        append(options.out, {"model": engine.info.id, "weights": engine.info.weights_sha256, "machine": machine(),
                             "sampling": vars(sampling)})  # fmt: skip
    problems = {str(problem.id): problem for one in left for problem in map(one.member, range(options.members))}
    requests = {
        id: RolloutRequest(engine.encode(problem.text), options.samples, problem_seed(options.seed, id))
        for id, problem in problems.items()
    }
    done: dict[str, list[Line]] = {}
    for id, traces in sampled(engine, requests, sampling):
        family = id.split("/")[0]
        members = done.setdefault(family, [])
        members.append(judged(traces, problems[id].answer or ""))
        if len(members) == options.members:
            rights = [one for member in members for one in member["right"]]
            share = round(sum(rights) / len(rights), 4)
            append(options.out, {"family": family, "topic": problems[id].source, "right": share, "members": members})
            print(
                f"{family:20} {share:6.1%}  {[sum(one['right']) for one in members]}  {members[0]['tokens']}",
                flush=True,
            )


if __name__ == "__main__":
    main()
