"""Decode steps against what memory allows: milliseconds for 1 to 32 rows, and the ratio to reading the weights once.

    python benchmarks/roofline.py                 table
    python benchmarks/roofline.py --json          one JSON document
    python benchmarks/roofline.py --model small --rows 1,8,32

The limit of a step is its weights' bytes over the machine's read bandwidth, which is measured first, with the same
threads, on memory far larger than the caches, and again before every round, because neighbours use the same memory. One
process; the numbers of rows take turns for `--rounds` rounds of `--steps` steps, and medians are reported (of the
ratios too), so that what else the machine does falls on all of them. Rows share a prompt of 100 positions.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

ROWS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32)
PROMPT = 100
SPAN = 1 << 30
"""Bytes that are read to measure bandwidth."""


def bandwidth() -> float:
    """Bytes a second that torch's threads read together, the median of seven passes."""
    import torch

    numbers = torch.ones(SPAN // 4)
    return SPAN / statistics.median(timed(numbers.sum) for _ in range(7))


def timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds a step by rows, and how far they are from the limit."""
    import torch

    from elm_app.core.config import ModelSettings
    from elm_app.engine.loader import load

    engine = load(ModelSettings(options.model, options.quantization, "cpu"), lambda _: None)
    decoder: Any = engine.decoder
    rows = [int(number) for number in options.rows.split(",")]
    _, cache = decoder.prefill(decoder.embed(torch.arange(PROMPT) + 100))
    seconds: dict[int, list[float]] = {number: [] for number in rows}
    ratios: dict[int, list[float]] = {number: [] for number in rows}
    speeds = []
    for _ in range(options.rounds):
        speeds.append(bandwidth())
        for number in rows:
            batch, tokens = decoder.begin([(cache, number)]), torch.arange(number) + 500
            decoder.step(batch, tokens)
            times = [timed(lambda b=batch, t=tokens: decoder.step(b, t)) for _ in range(options.steps)]
            seconds[number] += times
            ratios[number].append(statistics.median(times) * speeds[-1] / decoder.step_bytes)
    speed = statistics.median(speeds)
    found = [
        {
            "rows": number,
            "ms": round(1e3 * statistics.median(times), 2),
            "tokens_per_second": round(number / statistics.median(times), 1),
            "times_the_limit": round(statistics.median(ratios[number]), 2),
        }
        for number, times in seconds.items()
    ]
    return {
        "settings": {"model": options.model, "quantization": engine.info.quantization, "rounds": options.rounds},
        "machine": {"cpu": processor(), "cores": os.cpu_count(), "read_gb_per_second": round(speed / 1e9, 1)},
        "bytes_a_step": decoder.step_bytes,
        "limit_ms": round(1e3 * decoder.step_bytes / speed, 2),
        "steps": found,
    }


def processor() -> str:
    """The maker and model of the CPU, as Linux names it."""
    names = Path("/proc/cpuinfo")
    lines = names.read_text(encoding="utf-8").splitlines() if names.is_file() else []
    known = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    told = [known[key].strip() for line in ("model name", "cpu family") for key in known if key.strip() == line]
    return ", family ".join(told) or platform.processor() or platform.machine()


def table(document: dict[str, Any]) -> str:
    machine = document["machine"]
    lines = [
        f"{document['settings']['model']}, {document['settings']['quantization']}, {machine['cpu']}: "
        f"{document['bytes_a_step'] / 1e6:.0f} MB a step at {machine['read_gb_per_second']} GB/s "
        f"are {document['limit_ms']} ms",
        f"{'rows':>6}{'ms':>10}{'tokens/s':>12}{'× limit':>10}",
    ]
    for step in document["steps"]:
        lines.append(
            f"{step['rows']:>6}{step['ms']:>10.1f}{step['tokens_per_second']:>12.0f}{step['times_the_limit']:>10.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="base")
    parser.add_argument("--quantization", default="auto", help="4-bit or int8")
    parser.add_argument("--rows", default=",".join(map(str, ROWS)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=7, help="steps of a round")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    document = measure(options)
    print(json.dumps(document, indent=2) if options.json else table(document))


if __name__ == "__main__":
    main()
