"""More than one memory: the best alone, the best n side by side with one vote over all, and the best n joined.

    python experiments/compose.py --memories DIR --problems FILE [--limit 30] [--top-n 2] --out DIR     a table; goes on
    python experiments/compose.py … --json                                                            one JSON document

For every problem the memories nearest by both keys are tried in one batch, however far they are: without a memory, each
of the n in an arm of its own, and all n soft prompts joined to one. FILE is JSON lines with `id`, `problem`, `answer`.
DIR/compose.jsonl keeps one line for a problem. Votes with more traces have more tokens behind them: the table says how
many, and gives the vote without a memory over as many traces.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from elm_app.answers.compare import comparer
from elm_app.core.config import ModelSettings, RouteSettings, SamplingSettings
from elm_app.engine.engine import RolloutRequest
from elm_app.engine.loader import Models
from elm_app.engine.question_keys import question_key
from elm_app.retrieval.embedder import Embedders
from elm_app.retrieval.retriever import retrieve
from elm_app.rollouts.collect import Sampled, sample
from elm_app.routing.agreement import Agreement
from elm_app.routing.router import route
from elm_app.routing.sides import side
from elm_app.store.store import Store

SAMPLES, NEW_TOKENS = 8, 320


def solved(row: dict[str, Any], engine: Any, embedder: Any, store: Store, top_n: int, seed: int) -> dict[str, Any]:
    """Right or wrong, and tokens, of each way."""
    keys = {"input": embedder.encode([row["problem"]])[0], "kv": question_key(engine, row["problem"])}
    found = retrieve(store, keys, engine.info, RouteSettings(retrieval="both"), top_n)
    prompt, soft_prompts = engine.encode(row["problem"]), [store.soft_prompt(match.id) for match in found.matches]
    names = ["memory", *(f"memory_{place}" for place in range(2, top_n + 2))]
    requests = {"zero_shot": RolloutRequest(prompt, SAMPLES * top_n, seed)}
    for arm, soft_prompt in zip(names, [*soft_prompts, np.concatenate(soft_prompts)], strict=True):
        requests[arm] = RolloutRequest(prompt, SAMPLES, seed, soft_prompt)
    sampled = Sampled({arm: request.samples for arm, request in requests.items()})
    sampling = SamplingSettings(SAMPLES, NEW_TOKENS, seed=seed)
    for _ in sample(engine, requests, sampling, into=sampled):
        pass
    many = side("zero_shot", sampled, ["zero_shot"])
    sampled.traces["zero_shot"] = {index: sampled.traces["zero_shot"][index] for index in range(SAMPLES)}
    bare = side("zero_shot", sampled, ["zero_shot"])
    ways = {
        "without a memory": bare,
        f"without a memory, {SAMPLES * top_n} traces": many,
        "the best alone": side("memory", sampled, names[:1]),
        f"the best {top_n} side by side": side("memory", sampled, names[:top_n]),
        f"the best {top_n} joined": side("memory", sampled, names[top_n:]),
    }
    result = {}
    for name, one in ways.items():
        routed = route(row["problem"], bare, one, Agreement()) if one.side == "memory" else None
        result[name] = {
            "right": _right(one.vote.answer, row["answer"]),
            "routed": None if routed is None else _right(routed.decision.answer, row["answer"]),
            "tokens": sum(one.trace.tokens for one in one.samples),
        }
    return result


def _right(answer: str | None, gold: str) -> bool:
    return answer is not None and comparer().equivalent(answer, gold)


def run(options: argparse.Namespace, out: Path) -> list[dict[str, Any]]:
    """One line for every problem; those that are there already are not made again."""
    done = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    known = {line["id"] for line in done}
    rows = [json.loads(line) for line in options.problems.read_text().splitlines()][: options.limit]
    store, engine = Store(options.memories), Models().get(ModelSettings(options.model), lambda _: None)
    embedder = Embedders().get(lambda _: None)
    lacking = store.missing_kv(engine.info.weights_sha256, question_key(engine, rows[0]["problem"]).size)
    store.set_keys("kv", {id: question_key(engine, store.get(id).problem) for id in lacking})
    for number, row in enumerate(rows):
        if row["id"] in known:
            continue
        began = time.perf_counter()
        ways = solved(row, engine, embedder, store, options.top_n, 1000 + number)
        done.append({"id": row["id"], "ways": ways, "seconds": round(time.perf_counter() - began, 1)})
        with out.open("a") as file:
            file.write(json.dumps(done[-1]) + "\n")
        print(f"{len(done)} of {len(rows)}: {done[-1]['seconds']} s", file=sys.stderr, flush=True)
    store.close()
    return done


def main() -> None:
    """Measure what is missing, then print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memories", type=Path, required=True)
    parser.add_argument("--problems", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=30)
    parser.add_argument("--top-n", type=int, default=2)
    parser.add_argument("--model", default="small")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    lines = run(options, options.out / "compose.jsonl")
    found = {
        name: {
            "right": sum(line["ways"][name]["right"] for line in lines),
            "routed": sum(bool(line["ways"][name]["routed"]) for line in lines) if "best" in name else None,
            "tokens": round(float(np.mean([line["ways"][name]["tokens"] for line in lines]))),
        }
        for name in lines[0]["ways"]
    }
    if options.json:
        print(json.dumps({"problems": len(lines), "ways": found}, indent=2))
        return
    print(f"{len(lines)} problems{'right':>34}{'routed':>9}{'tokens':>9}")
    for name, one in found.items():
        print(f"{name:<40}{one['right']:>5}{'' if one['routed'] is None else one['routed']:>9}{one['tokens']:>9}")


if __name__ == "__main__":
    main()
