"""Which trace should be the worked example? How each does as a teacher, and what can be known of that without labels.

    python experiments/examples.py --families 12 --plain docs/results/ladder/plain.jsonl --out out/examples.jsonl
    python experiments/examples.py --json out/examples.jsonl        every number of it

For each family, the traces of its problem number 0 (those that the ladder sampled without help, `--plain`) are examples
one after the other: at most 2 of the majority and 2 of other answers, all of which ended by themselves. With an example
in view the model solves 12 variants of the problem once, and the siblings 1 … 3 four times each: the first is what
`distil` learns from, the second, graded, is how good a teacher it was. Without one it solves each variant twice.

What can be known: on how many variants a teacher's answer is that of the vote over everything that was written about
that variant, the teacher's own trace left out. `usual` is what `distil` shows (of the majority, by numbers named and
length), `chosen` the one that agrees most, `best` the bound. Right answers are for grading only. The same command goes
on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from elm_app.answers.compare import comparer
from elm_app.answers.vote import vote
from elm_app.core.config import SamplingSettings
from elm_app.core.types import Trace, from_json
from elm_app.engine.chat_template import asked, turns_prompt
from elm_app.engine.sampler import trace_seed
from elm_app.engine.shared_start import shared_start
from elm_app.learning.example import example_of
from elm_app.learning.variants import variants
from experiments import lines
from experiments.families import families
from experiments.family import Family
from experiments.sampling import judged, load, measured, problem_seed, sampled

if TYPE_CHECKING:
    from elm_app.engine.engine import Engine

TEACHERS, VARIANTS, SIBLINGS, EACH, FREE, NEW_TOKENS = 2, 12, 3, 4, 2, 512


def candidates(problem: str, traces: Sequence[Trace]) -> list[Trace]:
    """Up to 2 traces of the majority, the usual example among them, and 2 of other answers; by index."""
    found = measured(traces).vote
    ended = [trace for trace in traces if trace.finished and trace.answer is not None]
    major = set(found.counts[0].traces) if found.counts else set()
    ours = [trace for trace in ended if trace.index in major]
    usual = example_of(problem, traces, found)
    ours.sort(key=lambda trace: (trace.text != usual, trace.index))
    others = [trace for trace in ended if trace.index not in major]
    return sorted([*ours[:TEACHERS], *others[:TEACHERS]], key=lambda trace: trace.index)


def solved(
    engine: Engine, shown: Sequence[str], texts: dict[str, tuple[str, int]], seed: int
) -> dict[str, list[Trace]]:
    """So many traces of each text, by its name, with a finished conversation in front (or none)."""
    from elm_app.engine.engine import RolloutRequest

    prompts = [turns_prompt(engine.tokenizer, [*shown, asked(text)]) for text, _ in texts.values()]
    rest, past = shared_start(engine, prompts)
    requests = {
        name: RolloutRequest(prompt, samples, problem_seed(seed, name), past=past)
        for prompt, (name, (_, samples)) in zip(rest, texts.items(), strict=True)
    }
    return dict(sampled(engine, requests, SamplingSettings(max_new_tokens=NEW_TOKENS, seed=seed)))


def run(engine: Engine, family: Family, plain: lines.Line, out: Path, seed: int) -> None:
    """The lines of one family that are not there yet."""
    known = {(line["family"], line["trace"]) for line in lines.read(out)}
    problem = family.member(0).text
    traces = [from_json(Trace, trace) for trace in plain["traces"]]
    texts = {str(n): text for n, text in enumerate(variants(problem, VARIANTS, problem_seed(seed, family.id), True))}
    siblings = {str(one.id): one for one in (family.member(n) for n in range(1, SIBLINGS + 1))}
    usual = example_of(problem, traces, measured(traces).vote)
    for trace in [None, *candidates(problem, traces)]:
        if (family.id, trace.index if trace else None) in known:
            continue
        shown = [asked(problem), trace.text] if trace else []
        wanted = {name: (text, 1 if trace else FREE) for name, text in texts.items()}
        if trace:
            wanted |= {id: (one.text, EACH) for id, one in siblings.items()}
        made = solved(engine, shown, wanted, trace_seed(seed, trace.index if trace else -1))
        line: dict[str, Any] = {
            "family": family.id, "trace": trace.index if trace else None,
            "variants": {name: [one.answer for one in made[name]] for name in texts},
        }  # fmt: skip
        if trace:
            ours = trace.answer is not None and comparer().equivalent(trace.answer, str(plain["vote"]))
            line |= {
                "answer": trace.answer, "usual": trace.text == usual, "of_majority": ours, "tokens": trace.tokens,
                "own_right": plain["right"][trace.index],
                "siblings": {id: judged(made[id], str(one.answer))["right"] for id, one in siblings.items()},
            }  # fmt: skip
        lines.append(out, line)
        right = "" if not trace else f": {sum(map(sum, line['siblings'].values()))} of {SIBLINGS * EACH} siblings right"
        print(f"{family.id} trace {line['trace']}{right}", file=sys.stderr, flush=True)


def agreed(teacher: lines.Line, all_lines: Sequence[lines.Line]) -> float:
    """On what share of the variants its answer is that of the vote over all that others wrote about it; a variant of
    which no two others agree says nothing."""
    told: list[bool] = []
    for name, (own,) in teacher["variants"].items():
        others = [answer for line in all_lines if line is not teacher for answer in line["variants"][name]]
        found = vote(others)
        if found.agreed:
            told.append(own is not None and comparer().equivalent(own, str(found.answer)))
    return mean(told) if told else 0.0


def report(path: Path) -> dict[str, Any]:
    """Each teacher, and what choosing by agreement on the variants would give."""
    comparer().start()
    by_family: dict[str, list[lines.Line]] = {}
    for line in lines.read(path):
        by_family.setdefault(line["family"], []).append(line)
    found: list[dict[str, Any]] = []
    for family, some in by_family.items():
        teachers = [
            {
                "trace": line["trace"], "usual": line["usual"], "of_majority": line["of_majority"],
                "own_right": line["own_right"], "agreed": round(agreed(line, some), 3), "tokens": line["tokens"],
                "siblings": round(mean(mean(right) for right in line["siblings"].values()), 3),
            }
            for line in some if line["trace"] is not None
        ]  # fmt: skip
        if not teachers:
            continue
        usual = next((one for one in teachers if one["usual"]), None)
        chosen = max(teachers, key=lambda one: (one["agreed"], one["of_majority"], -one["tokens"]))
        best = max(one["siblings"] for one in teachers)
        entry = {"family": family, "teachers": teachers, "chosen": chosen["siblings"], "best": best}
        found.append({**entry, "usual": usual["siblings"] if usual else None})
    both = [one for one in found if one["usual"] is not None]
    whole = {name: round(mean(one[name] for one in both), 3) for name in ("usual", "chosen", "best")} if both else {}
    return {"families": found, "mean": whole}


def main() -> None:
    """Run, or print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="results to print the numbers of")
    parser.add_argument("--families", nargs="+", metavar="N|ID", default=["12"], help="the first N, or these")
    parser.add_argument("--plain", type=Path, help="the ladder's plain.jsonl")
    parser.add_argument("--model", default="base")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.out:
        everyone = families("develop")
        named = options.families
        chosen = everyone[: int(named[0])] if named[0].isdigit() else [one for one in everyone if one.id in named]
        plain = {line["problem"]: line for line in lines.read(options.plain) if "traces" in line}
        engine = load(options.model)
        for family in chosen:
            run(engine, family, plain[f"{family.id}/0"], options.out, options.seed)
    print(json.dumps(report(options.file or options.out), indent=1))


if __name__ == "__main__":
    main()
