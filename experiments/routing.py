"""Do memories help other problems than their own? Retrieval, arms and verifiers over a file of problems with answers.

    python experiments/routing.py --memories DIR --problems FILE [--limit 60] --out DIR    a table; goes on if stopped
    python experiments/routing.py … --json                                                        one JSON document

For every problem the nearest memory by input and the nearest by KV are found among all memories of the model, enabled
or not, near or far, and the problem is sampled in one batch: without a memory, with the first, and with the second if
it is another one. FILE is JSON lines with `id`, `problem`, `answer`. DIR/routing.jsonl keeps one line for a problem.

    won, lost      the answers differ and the memory's is right, or the other one is; by the gold answer
    neither        they differ and both are wrong
    agreed         both are the same
    routed         how often the answer is right that a verifier's router takes
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from elm_app.answers.compare import comparer
from elm_app.core.config import ModelSettings, SamplingSettings
from elm_app.engine.engine import RolloutRequest
from elm_app.engine.loader import Models
from elm_app.engine.question_keys import question_key
from elm_app.retrieval.embedder import Embedders
from elm_app.retrieval.retriever import THRESHOLD
from elm_app.rollouts.collect import Sampled, sample
from elm_app.routing.agreement import Agreement
from elm_app.routing.confidence import Confidence
from elm_app.routing.router import route
from elm_app.routing.sides import side
from elm_app.store.store import Store

ARMS = {"input": "memory", "kv": "memory_2"}
VERIFIERS = (Agreement(), Confidence())


def solved(row: dict[str, Any], engine: Any, found: dict[str, tuple[str, float]], store: Store, seed: int) -> Any:
    """All arms of one problem, in one batch."""
    sampling = SamplingSettings(samples=8, max_new_tokens=320, seed=seed)
    prompt = engine.encode(row["problem"])
    requests = {"zero_shot": RolloutRequest(prompt, 8, seed)}
    for kind, (id, _) in found.items():
        if kind == "input" or id != found["input"][0]:
            requests[ARMS[kind]] = RolloutRequest(prompt, 8, seed, store.soft_prompt(id))
    sampled = Sampled({arm: request.samples for arm, request in requests.items()})
    for _ in sample(engine, requests, sampling, into=sampled):
        pass
    return sampled


def judged(row: dict[str, Any], sampled: Sampled, found: dict[str, tuple[str, float]]) -> dict[str, Any]:
    """How it ended: right or wrong by arm, and what each verifier would take."""

    def right(answer: str | None) -> bool:
        return answer is not None and comparer().equivalent(answer, row["answer"])

    bare = side("zero_shot", sampled, ["zero_shot"])
    outcome: dict[str, Any] = {
        "zero_shot": right(bare.vote.answer),
        "zero_shot_measured": asdict(sampled.measured("zero_shot")),
    }
    for kind in found:
        arm = ARMS[kind] if ARMS[kind] in sampled.traces else "memory"
        with_it = side("memory", sampled, [arm])
        routed = {one.name: route(row["problem"], bare, with_it, one) for one in VERIFIERS}
        ours, theirs = with_it.vote.answer, bare.vote.answer
        same = (ours is None and theirs is None) or (
            ours is not None and theirs is not None and comparer().equivalent(ours, theirs)
        )
        ended = "agreed" if same else "won" if right(ours) else "lost" if right(theirs) else "neither"
        outcome[kind] = {
            "memory": found[kind][0],
            "score": found[kind][1],
            "right": right(ours),
            "ended": ended,
            "measured": asdict(sampled.measured(arm)),
            "routed": {name: right(one.decision.answer) for name, one in routed.items()},
        }
    return outcome


def run(options: argparse.Namespace, out: Path) -> list[dict[str, Any]]:
    """One line for every problem; those that are there already are not made again."""
    done = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    known = {line["id"] for line in done}
    rows = [json.loads(line) for line in options.problems.read_text().splitlines()][: options.limit]
    store, engine = Store(options.memories), Models().get(ModelSettings(options.model), lambda _: None)
    embedder = Embedders().get(lambda _: None)
    ids = sorted(id for id in store.vectors(model=engine.info.weights_sha256)[0])
    problems = [store.get(id).problem for id in ids]
    keys = {"input": np.stack([store.keys(id)["input"] for id in ids])}
    keys["kv"] = np.stack([question_key(engine, problem) for problem in problems])
    for number, row in enumerate(rows):
        if row["id"] in known:
            continue
        began = time.perf_counter()
        asked = {"input": embedder.encode([row["problem"]])[0], "kv": question_key(engine, row["problem"])}
        found = {}
        for kind, key in asked.items():
            scores = keys[kind] @ key
            best = int(scores.argmax())
            found[kind] = (ids[best], round(float(scores[best]), 4))
        outcome = judged(row, solved(row, engine, found, store, 1000 + number), found)
        done.append({"id": row["id"], **outcome, "seconds": round(time.perf_counter() - began, 1)})
        with out.open("a") as file:
            file.write(json.dumps(done[-1]) + "\n")
        print(f"{len(done)} of {len(rows)}: {done[-1]['seconds']} s", file=sys.stderr, flush=True)
    store.close()
    return done


def report(lines: list[dict[str, Any]], improved: set[str]) -> dict[str, Any]:
    """The counts."""

    def arm(kind: str, some: Iterable[dict[str, Any]]) -> dict[str, Any]:
        cases = [line[kind] for line in some]
        return {
            "problems": len(cases),
            **{name: Counter(case["ended"] for case in cases)[name] for name in ("won", "lost", "neither", "agreed")},
            "right": sum(case["right"] for case in cases),
            "routed": {one.name: sum(case["routed"][one.name] for case in cases) for one in VERIFIERS},
            "answered": float(np.mean([case["measured"]["answered"] for case in cases])) if cases else None,
            "tokens": float(np.mean([case["measured"]["tokens"] for case in cases])) if cases else None,
        }

    bare = [line["zero_shot_measured"] for line in lines]
    return {
        "problems": len(lines),
        "same_memory": sum(line["input"]["memory"] == line["kv"]["memory"] for line in lines),
        "zero_shot": {
            "right": sum(line["zero_shot"] for line in lines),
            "answered": float(np.mean([one["answered"] for one in bare])),
            "tokens": float(np.mean([one["tokens"] for one in bare])),
        },
        "input": arm("input", lines),
        "kv": arm("kv", lines),
        "input, above the threshold": arm("input", [line for line in lines if line["input"]["score"] >= THRESHOLD]),
        "input, memory improved": arm("input", [line for line in lines if line["input"]["memory"] in improved]),
        "input, memory did not": arm("input", [line for line in lines if line["input"]["memory"] not in improved]),
    }


def table(found: dict[str, Any]) -> None:
    """The counts for people."""
    bare, total = found["zero_shot"], found["problems"]
    print(f"{total} problems; input and KV retrieval give the same memory for {found['same_memory']}")
    print(f"without a memory: {bare['right']} right, {bare['answered']:.0%} answered, {bare['tokens']:.0f} tokens each")
    names = ("problems", "won", "lost", "neither", "agreed", "right")
    print(f"{'':<28}" + "".join(f"{name:>9}" for name in (*names, "answered", "tokens", "routed by")))
    for kind, one in found.items():
        if isinstance(one, dict) and one.get("problems"):
            routed = ", ".join(f"{name} {count}" for name, count in one["routed"].items())
            numbers = "".join(f"{one[name]:>9}" for name in names)
            print(f"{kind:<28}{numbers}{one['answered']:>9.0%}{one['tokens']:>9.0f}  {routed}")


def main() -> None:
    """Measure what is missing, then print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memories", type=Path, required=True)
    parser.add_argument("--problems", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--model", default="small")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    lines = run(options, options.out / "routing.jsonl")
    store = Store(options.memories)
    used = {line[kind]["memory"] for line in lines for kind in ("input", "kv")}
    found = report(lines, {id for id in used if store.get(id).improved})
    print(json.dumps(found, indent=2)) if options.json else table(found)


if __name__ == "__main__":
    main()
