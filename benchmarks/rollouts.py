"""Rollouts against peers: tokens per second for 8 samples × 256 new tokens of one problem, same weights, same prompt.

    python benchmarks/rollouts.py                 table
    python benchmarks/rollouts.py --json          one JSON document
    python benchmarks/rollouts.py --engines ours,ours-32,bf16 --rounds 1

Every measurement is a process of its own (so no engine's threads or memory disturb another's), warmed up by a short
generation before the clock starts; the engines take turns for `--rounds` rounds and medians are reported. Tokens per
second are all new tokens over the whole time from prompt to last token; nobody may stop early. Peak memory is the
process's largest resident set. KL is KL(fp32 ‖ engine) per token over text that the engine itself wrote.

    ours, ours-32    this package, 4-bit (8 and 32 samples); another --quantization changes both
    ours-nf4         this package, bitsandbytes NF4 (slow on a CPU; on CUDA the default)
    bf16, fp32       transformers.generate
    llama.cpp        xllamacpp's prebuilt wheel on the very GGUF file, one slot per sample
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

PROBLEM = "A baker sells 3 boxes of 12 rolls and 5 single rolls. How many rolls is that?"
ENGINES = ("ours", "ours-32", "bf16", "fp32", "llama.cpp")
TEMPERATURE = 0.7


def ours(options: argparse.Namespace, samples: int, quantization: str) -> Callable[[int], int]:
    """This package's engine; returns a function from new tokens to tokens made."""
    from elm_app.core.config import ModelSettings, SamplingSettings
    from elm_app.engine.engine import Engine, NewText, RolloutRequest
    from elm_app.engine.loader import load

    loaded = load(ModelSettings(options.model, quantization, options.device), lambda _: None)
    engine = Engine(loaded.decoder, loaded.tokenizer, loaded.info, loaded.context, frozenset())
    request = RolloutRequest(engine.encode(PROBLEM), samples, seed=1)

    def generate(new_tokens: int) -> int:
        settings = SamplingSettings(samples, new_tokens, TEMPERATURE, seed=1)
        return sum(isinstance(event, NewText) for event in engine.rollout([request], settings))

    return generate


def transformers_generate(options: argparse.Namespace, samples: int, dtype: str) -> Callable[[int], int]:
    """`transformers.generate`, sampling over the whole vocabulary."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from elm_app.engine.chat_template import chat_prompt
    from elm_app.weights.resolve import resolve, with_floats

    folder = with_floats(resolve(options.model, progress=lambda _: None), progress=lambda _: None)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
    prompt = torch.tensor([chat_prompt(AutoTokenizer.from_pretrained(folder), PROBLEM)])

    def generate(new_tokens: int) -> int:
        out = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            do_sample=True,
            temperature=TEMPERATURE,
            top_k=0,
            top_p=1.0,
            repetition_penalty=1.0,
            num_return_sequences=samples,
            min_new_tokens=new_tokens,
            max_new_tokens=new_tokens,
        )
        return int(out.shape[0] * (out.shape[1] - prompt.shape[1]))

    return generate


def llama_cpp(options: argparse.Namespace, samples: int) -> Callable[[int], int]:
    """llama.cpp through xllamacpp: one server slot per sample, prompt cache on."""
    import xllamacpp
    from transformers import AutoTokenizer

    from elm_app.engine.chat_template import chat_prompt
    from elm_app.weights.resolve import resolve

    tokenizer = AutoTokenizer.from_pretrained(resolve(options.model, progress=lambda _: None).path)
    prompt = chat_prompt(tokenizer, PROBLEM)
    params = xllamacpp.CommonParams()
    params.model.path = str(checkpoint(options.model))
    params.n_ctx = samples * (len(prompt) + options.new_tokens + 32)
    params.n_parallel = samples
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = os.cpu_count() or 1
    params.verbosity = -1
    server = xllamacpp.Server(params)

    def generate(new_tokens: int) -> int:
        answer = server.handle_completions(
            {
                "prompt": prompt,
                "n": samples,
                "n_predict": new_tokens,
                "ignore_eos": True,
                "temperature": TEMPERATURE,
                "top_k": 0,
                "top_p": 1.0,
                "min_p": 0.0,
                "repeat_penalty": 1.0,
                "samplers": ["temperature"],
                "cache_prompt": True,
            }
        )
        return len(answer["choices"]) * int(answer["usage"]["completion_tokens"])  # `usage` is that of one choice

    return generate


def checkpoint(model: str) -> Path:
    """The preset's GGUF file."""
    from elm_app.weights.resolve import resolve

    found = resolve(model, progress=lambda _: None).checkpoint
    assert found is not None, f"{model} has no GGUF"
    return found


def kl(options: argparse.Namespace) -> dict[str, float]:
    """KL(fp32 ‖ ours) in nats per token over our own rollouts, and how often the likeliest token is the same."""
    import torch
    from transformers import AutoModelForCausalLM

    from elm_app.core.config import ModelSettings, SamplingSettings
    from elm_app.engine.engine import Finished, RolloutRequest
    from elm_app.engine.loader import load
    from elm_app.weights.resolve import resolve, with_floats

    engine = load(ModelSettings(options.model, options.quantization, options.device), lambda _: None)
    prompt = engine.encode(PROBLEM)
    settings = SamplingSettings(4, options.new_tokens, TEMPERATURE, seed=1)
    texts = [e.tokens for e in engine.rollout([RolloutRequest(prompt, 4, 1)], settings) if isinstance(e, Finished)]
    folder = with_floats(resolve(options.model, progress=lambda _: None), progress=lambda _: None)
    reference = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    divergences, same = [], []
    for tokens in texts:
        ids = torch.tensor([*prompt, *tokens])
        with torch.inference_mode():
            theirs = reference(ids[None]).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        mine = engine.decoder.logits(engine.decoder.embed(ids))[len(prompt) - 1 : -1].log_softmax(-1).cpu()
        divergences.append((theirs.exp() * (theirs - mine)).sum(-1))
        same.append((theirs.argmax(-1) == mine.argmax(-1)).float())
    return {
        "kl_per_token": float(torch.cat(divergences).mean()),
        "top1_agreement": float(torch.cat(same).mean()),
        "tokens": len(torch.cat(divergences)),
    }


def work(options: argparse.Namespace) -> dict[str, Any]:
    """What one process measures."""
    name = options.worker
    if name == "kl":
        return kl(options)
    samples = 32 if name == "ours-32" else options.samples
    if name.startswith("ours"):
        generate = ours(options, samples, "nf4" if name == "ours-nf4" else options.quantization)
    elif name == "llama.cpp":
        generate = llama_cpp(options, samples)
    else:
        generate = transformers_generate(options, samples, {"bf16": "bfloat16", "fp32": "float32"}[name])
    generate(32)
    began = time.perf_counter()
    tokens = generate(options.new_tokens)
    seconds = time.perf_counter() - began
    assert tokens == samples * options.new_tokens, f"{name} made {tokens} tokens"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if platform.system() == "Darwin" else 1024)
    return {"tokens_per_second": tokens / seconds, "seconds": seconds, "peak_bytes": peak}


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run one measurement in a process of its own."""
    command = [sys.executable, __file__, "--worker", name, "--model", options.model, "--device", options.device]
    command += ["--quantization", options.quantization]
    command += ["--samples", str(options.samples), "--new-tokens", str(options.new_tokens)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measure, then print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="small")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--quantization", default="auto", help="of ours: 4-bit, int8, nf4, none or auto")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--new-tokens", type=int, default=256)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(work(options)))
        return
    names = list(dict.fromkeys(options.engines.split(",")))
    if "llama.cpp" in names:
        checkpoint(options.model)
    measured: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for number in range(options.rounds):
        for name in names:
            result = measure(name, options)
            measured[name].append(result)
            print(f"round {number + 1} {name}: {result['tokens_per_second']:.1f} tokens/s", file=sys.stderr, flush=True)
    report = summary(measured, measure("kl", options) if "ours" in names else {}, options)
    print(json.dumps(report, indent=2)) if options.json else table(report)


def summary(measured: dict[str, list[dict[str, Any]]], divergence: dict[str, float], options: Any) -> dict[str, Any]:
    """Medians, and the ratios to ours round by round."""
    engines = {}
    for name, rounds in measured.items():
        rates = [one["tokens_per_second"] for one in rounds]
        engines[name] = {
            "tokens_per_second": round(statistics.median(rates), 1),
            "rates": [round(rate, 1) for rate in rates],
            "peak_gib": round(statistics.median(one["peak_bytes"] for one in rounds) / 2**30, 2),
        }
    base = measured.get("ours", [])
    ratios = {
        f"ours_over_{name}": round(
            statistics.median(
                a["tokens_per_second"] / b["tokens_per_second"] for a, b in zip(base, rounds, strict=True)
            ),
            2,
        )
        for name, rounds in measured.items()
        if base and not name.startswith("ours")
    }
    if base and "ours-32" in measured:
        pairs = zip(measured["ours-32"], base, strict=True)
        ratios["rate_of_32_rows_over_8"] = round(
            statistics.median(a["tokens_per_second"] / b["tokens_per_second"] for a, b in pairs), 2
        )
    settings = {"model": options.model, "samples": options.samples, "new_tokens": options.new_tokens}
    return {"settings": settings, "engines": engines, "ratios": ratios, "kl": divergence}


def table(report: dict[str, Any]) -> None:
    """The report for people."""
    print(f"{'engine':<12}{'tokens/s':>10}{'peak GiB':>10}   rounds")
    for name, engine in report["engines"].items():
        rates = ", ".join(f"{rate:.1f}" for rate in engine["rates"])
        print(f"{name:<12}{engine['tokens_per_second']:>10.1f}{engine['peak_gib']:>10.2f}   {rates}")
    for name, ratio in report["ratios"].items():
        print(f"{name.replace('_', ' ')}: {ratio:.2f}")
    if report["kl"]:
        kl_value, same = report["kl"]["kl_per_token"], report["kl"]["top1_agreement"]
        print(
            f"KL to fp32: {kl_value:.4f} nats a token, same likeliest token {same:.1%} of {report['kl']['tokens']:.0f}"
        )


if __name__ == "__main__":
    main()
