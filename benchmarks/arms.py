"""What a second arm costs: traces without and with a memory in one batch, against one arm, and against two runs.

    python benchmarks/arms.py                 table
    python benchmarks/arms.py --json          one JSON document
    python benchmarks/arms.py --samples 16 --new-tokens 128

One process, one loaded model; the three ways take turns for `--rounds` rounds and medians are reported. Seconds are
from the prompt to the last token, reading the prompts included; no row may stop early, so all ways make the same number
of tokens a row. The memory is 20 virtual tokens, rows of the model's own vocabulary.

    one      the arm without a memory alone
    batch    both arms in one batch, as `solve` does it
    runs     the arm without, then the arm with, one after the other
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

PROBLEM = "A baker sells 3 boxes of 12 rolls and 5 single rolls. How many rolls is that?"
VIRTUAL_TOKENS = 20


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of each way, round by round, and their ratios."""
    import torch

    from elm_app.core.config import ModelSettings, SamplingSettings
    from elm_app.engine.engine import Engine, NewText, RolloutRequest
    from elm_app.engine.loader import load

    loaded = load(ModelSettings(options.model, options.quantization, options.device), lambda _: None)
    engine = Engine(loaded.decoder, loaded.tokenizer, loaded.info, loaded.context, frozenset())
    prompt = engine.encode(PROBLEM)
    rows = torch.randint(1000, 20000, (VIRTUAL_TOKENS,), generator=torch.Generator().manual_seed(0))
    memory = engine.decoder.embed(rows)
    bare = RolloutRequest(prompt, options.samples, 1)
    behind = RolloutRequest(prompt, options.samples, 1, memory)

    def seconds(*batches: list[RolloutRequest], new_tokens: int) -> float:
        sampling, began, made = SamplingSettings(options.samples, new_tokens, seed=1), time.perf_counter(), 0
        for batch in batches:
            made += sum(isinstance(event, NewText) for event in engine.rollout(batch, sampling))
        assert made == sum(len(batch) for batch in batches) * options.samples * new_tokens
        return time.perf_counter() - began

    ways = {"one": [[bare]], "batch": [[bare, behind]], "runs": [[bare], [behind]]}
    for batches in ways.values():
        seconds(*batches, new_tokens=8)
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(options.rounds):
        for name, batches in ways.items():
            took[name].append(seconds(*batches, new_tokens=options.new_tokens))
            print(f"round {number + 1}: {name} {took[name][-1]:.1f} s", file=sys.stderr, flush=True)
    median = {name: statistics.median(times) for name, times in took.items()}
    tokens = {name: sum(map(len, batches)) * options.samples * options.new_tokens for name, batches in ways.items()}
    return {
        "model": loaded.info.id,
        "samples": options.samples,
        "new_tokens": options.new_tokens,
        "seconds": took,
        "tokens_per_second": {name: round(tokens[name] / median[name], 1) for name in ways},
        "batch_to_one": round(statistics.median(map(_ratio, took["batch"], took["one"])), 3),
        "batch_to_runs": round(statistics.median(map(_ratio, took["batch"], took["runs"])), 3),
    }


def _ratio(one: float, other: float) -> float:
    return one / other


def main() -> None:
    """Measure, then print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="small")
    parser.add_argument("--quantization", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--new-tokens", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = measure(options)
    if options.json:
        print(json.dumps(report, indent=2))
        return
    for name, times in report["seconds"].items():
        rate = report["tokens_per_second"][name]
        print(f"{name:<8}{statistics.median(times):>8.2f} s{rate:>9.1f} tokens/s")
    print(
        f"both arms in one batch take {report['batch_to_one']:.2f} times one arm, "
        f"{report['batch_to_runs']:.2f} times two runs"
    )


if __name__ == "__main__":
    main()
