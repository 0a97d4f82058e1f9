"""The ladder: does what a recipe makes of a problem help, on the problem itself (rung 0) and on its siblings (rung 1)?

    python experiments/ladder.py --recipe icl --rungs 0,1 --families 30 --members 5 --out out/icl.jsonl
    python experiments/ladder.py --recipe paper --set steps=6 --out out/paper.jsonl
    python experiments/ladder.py --recipe another:paper --out out/another-paper.jsonl
    python experiments/ladder.py --json out/icl.jsonl out/paper.jsonl            every number of these files

For each family: k traces of its problem number 0 without help, of which the recipe makes something, then k traces with
it of that problem and of the problems 1 … M, which nothing was learned from. Seeds are the same with and without help,
as the product measures a memory. Right answers are for grading only.

Recipes stand in `recipes.py`, families in `families.py`. What is done is a line in a file at once: start the same
command again to go on, or with more families, members or rungs. Traces without help are shared by all recipes of a
folder (`plain.jsonl`), and so is what was learned (`learned/`: remove it when a recipe's code has changed). Plan the
numbers before looking: the standard error of a family's difference is 6 to 9 points; `held-out` is for the last run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from elm_app.core.config import SamplingSettings
from elm_app.core.errors import ElmError
from elm_app.core.types import Problem, Trace, from_json, to_json
from experiments import lines
from experiments.families import families
from experiments.family import SPLITS, Family, Split
from experiments.recipes import ANOTHER, RECIPES, Learned
from experiments.report import PLAIN, report, table
from experiments.sampling import judged, load, machine, problem_seed, sampled


@dataclass(frozen=True)
class Plan:
    """What is run. Only `families`, `members` and `rungs` may differ when a file is gone on with."""

    recipe: str
    settings: dict[str, Any]
    split: Split
    seed: int
    sampling: SamplingSettings
    model: str
    families: int
    members: int
    rungs: tuple[int, ...]

    @property
    def base(self) -> str:
        """The recipe without `another:`."""
        return self.recipe.removeprefix(ANOTHER)

    @cached_property
    def problems(self) -> dict[str, list[Problem]]:
        """Of each family number 0, and the siblings if they are asked for."""
        count = 1 + self.members if 1 in self.rungs else 1
        return {one.id: [one.member(number) for number in range(count)] for one in self.chosen}

    @cached_property
    def chosen(self) -> list[Family]:
        return families(self.split)[: self.families]

    def donor(self, family: Family) -> Family:
        """The family whose problem is learned from: itself, or for `another:` the next one."""
        everyone = families(self.split)
        return everyone[(everyone.index(family) + self.recipe.startswith(ANOTHER)) % len(everyone)]


class Run:
    """A run of a plan in a file, and beside it what recipes share.

    Lines of the file: first what was run and on what; `learned` for a family, then `problem` for each of its problems.
    """

    def __init__(self, plan: Plan, out: Path) -> None:
        self.plan, self.out, self.engine = plan, out, load(plan.model)
        self.plain = out.with_name(PLAIN)
        self.how = {
            "weights": self.engine.info.weights_sha256, "quantization": self.engine.info.quantization,
            "seed": plan.seed, **{key: value for key, value in vars(plan.sampling).items() if key != "seed"},
        }  # fmt: skip
        told = {"recipe": plan.recipe, "settings": plan.settings, "split": plan.split, "how": self.how}
        known = lines.read(out)
        if known and {key: known[0].get(key) for key in told} != told:
            sys.exit(f"{out} holds another run: {json.dumps({key: known[0].get(key) for key in told})}")
        if not known:
            lines.append(out, {**told, "model": self.engine.info.id, "machine": machine()})
        self.done = {line["problem"] for line in known if "problem" in line and self.is_of(line)}
        self.told = {line["learned"] for line in known if "learned" in line}
        shared = [line for line in lines.read(self.plain) if line["how"] == self.how and self.is_of(line)]
        self.known = {line["problem"]: line for line in shared}

    def is_of(self, line: lines.Line) -> bool:
        """Whether a line is of a problem as it is told now; templates change."""
        family, number = line["problem"].split("/")
        found = [one for one in families(self.plan.split) if one.id == family]
        return bool(found) and line["text"] == digest(found[0].member(int(number)).text)

    def go(self) -> None:
        """Everything that is not done yet."""
        began = time.perf_counter()
        for number, family in enumerate(self.plan.chosen, 1):
            problems = {str(one.id): one for one in self.plan.problems[family.id]}
            if 0 not in self.plan.rungs:
                del problems[f"{family.id}/0"]
            left = {id: one for id, one in problems.items() if id not in self.done}
            if left:
                self.sample_plain(problems)
                learned = self.learn(family)
                self.sample_with(learned, left)
            minutes = (time.perf_counter() - began) / 60
            say(f"{number} of {len(self.plan.chosen)}: {family.id} is done, after {minutes:.1f} minutes")

    def sample_plain(self, problems: Mapping[str, Problem]) -> None:
        """Traces without help, where there are none yet; those of a problem to learn from are kept in words."""
        left = {id: one for id, one in problems.items() if id not in self.known}
        for line, traces in self.sampled(Learned(), left):
            id, line = line["problem"], {"how": self.how, **line}
            if id.endswith("/0"):
                line["traces"] = [to_json(trace) for trace in traces]
            self.known[id] = line
            lines.append(self.plain, line)
            say(f"  {id} without help: {sum(line['right'])} of {len(traces)} right")

    def saved(self, family: Family) -> Path:
        """Where what the recipe made for a family is kept."""
        plan = self.plan
        what = json.dumps([plan.base, plan.settings, plan.donor(family).member(0).text, self.how], sort_keys=True)
        return self.out.parent / "learned" / f"{plan.base}-{digest(what)}.safetensors"

    def learn(self, family: Family) -> Learned:
        """What the recipe makes, now or earlier, of the problem that it learns from."""
        plan, donor, path = self.plan, self.plan.donor(family).member(0), self.saved(family)
        self.sample_plain({str(donor.id): donor})
        line = self.known[str(donor.id)]
        if path.is_file():
            learned = Learned.read(path)
        else:
            say(f"  learning from {donor.id}: {line['vote']}, agreement {line['agreement']:.0%}")
            traces = [from_json(Trace, trace) for trace in line["traces"]]
            began, seed = time.perf_counter(), problem_seed(plan.seed, str(donor.id))
            learned = RECIPES[plan.base](self.engine, donor.text, traces, seed, **plan.settings)
            seconds = round(time.perf_counter() - began, 1)
            learned = replace(learned, detail={**learned.detail, "seconds": seconds})
            learned.save(path)
        if family.id not in self.told:
            self.told.add(family.id)
            label = {"label": line["vote"], "label_right": line["vote_right"], "agreement": line["agreement"]}
            told = {"made": learned.helps, "reason": learned.reason, "tokens": learned.tokens, **learned.detail}
            lines.append(self.out, {"learned": family.id, "from": donor.id, **label, **told})
        return learned

    def sample_with(self, learned: Learned, problems: Mapping[str, Problem]) -> None:
        """Traces with what was learned; where nothing was, those without help are what the product would give."""
        if not learned.helps:
            for id in problems:
                line = {key: value for key, value in self.known[id].items() if key not in ("how", "traces")}
                lines.append(self.out, line)
            return
        for line, traces in self.sampled(learned, problems):
            id = line["problem"]
            lines.append(self.out, line)
            say(f"  {id} with help: {sum(self.known[id]['right'])} → {sum(line['right'])} of {len(traces)} right")

    def sampled(self, learned: Learned, problems: Mapping[str, Problem]) -> Iterator[tuple[lines.Line, list[Trace]]]:
        """The line of each problem with what was learned, and its traces; `read` is the length of what was read."""
        requests = {
            id: learned.request(self.engine, one.text, self.plan.sampling.samples, problem_seed(self.plan.seed, id))
            for id, one in problems.items()
        }
        virtual = 0 if learned.soft_prompt is None else len(learned.soft_prompt)
        for id, traces in sampled(self.engine, requests, self.plan.sampling):
            read = len(requests[id].prompt) + virtual
            text = digest(problems[id].text)
            yield {"problem": id, "text": text, **judged(traces, str(problems[id].answer)), "read": read}, traces


def digest(text: str) -> str:
    """A short name for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


def setting(text: str) -> tuple[str, Any]:
    """`steps=6` as a name and a JSON value, or a word."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def rungs(text: str) -> tuple[int, ...]:
    """`0,1` as numbers."""
    found = tuple(int(one) for one in text.split(","))
    if not set(found) <= {0, 1}:
        raise ValueError
    return found


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line, checked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="results to print the numbers of")
    parser.add_argument("--recipe", help=f"{', '.join(RECIPES)}, or {ANOTHER} and one of these")
    parser.add_argument("--set", nargs="+", type=setting, default=[], metavar="NAME=VALUE", help="of the recipe")
    parser.add_argument("--rungs", type=rungs, default=(0, 1))
    parser.add_argument("--split", choices=SPLITS, default="develop")
    parser.add_argument("--families", type=int, default=30, metavar="N", help="the first so many of the split")
    parser.add_argument("--members", type=int, default=5, metavar="M", help="siblings of a problem")
    parser.add_argument("--samples", type=int, default=8, metavar="K", help="traces of a problem")
    parser.add_argument("--max-new-tokens", type=int, default=512, metavar="T")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="base")
    parser.add_argument("--out", type=Path, metavar="FILE.jsonl")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(given)
    if options.recipe and options.recipe.removeprefix(ANOTHER) not in RECIPES:
        parser.error(f"there is no recipe {options.recipe}")
    if options.recipe and (options.out is None or options.out.name == PLAIN):
        parser.error(f"a recipe needs --out, a file that is not {PLAIN}")
    if not options.recipe and not options.files:
        parser.error("give --recipe and --out, or files to print the numbers of")
    return options


def main(given: Sequence[str] | None = None) -> None:
    """Run, and print the numbers of the files."""
    options = arguments(given)
    files: list[Path] = options.files
    if options.recipe:
        plan = Plan(
            options.recipe, dict(options.set), options.split, options.seed,
            SamplingSettings(options.samples, options.max_new_tokens, seed=options.seed),
            options.model, options.families, options.members, options.rungs,
        )  # fmt: skip
        try:
            Run(plan, options.out).go()
        except KeyboardInterrupt:
            say("Stopped; the same command goes on.")
            sys.exit(130)
        except ElmError as error:
            sys.exit(str(error))
        files = [options.out, *files]
    told = report(files)
    print(json.dumps(told, indent=1) if options.json else table(told))


if __name__ == "__main__":
    main()
