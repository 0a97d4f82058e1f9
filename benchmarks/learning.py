"""Learning one memory against a peer: same model, problem, steps, rollouts and tokens; rollouts and updates apart.

    python benchmarks/learning.py                      table
    python benchmarks/learning.py --json               one JSON document
    python benchmarks/learning.py --engines ours,trl-bf16 --rounds 2 --steps 2

Every measurement is a process of its own; the first step, which compiles and packs, is made before the clock starts.
All rollouts have exactly `--new-tokens` tokens (nobody may stop early), and the rewards are the same made-up ones (1,
0, 1, 0, …), because what is compared is work, not luck. The settings are those of the method: k rollouts a step,
advantage = reward − mean, constant divisor, one on-policy update, AdamW on P = 20 virtual tokens, the model frozen.

    ours        this package: one prompt pass, rollouts and gradients in 4-bit blocks
    ours-int8, ours-none   this package otherwise: int8, or transformers in bfloat16, one prompt pass
    trl-fp32, trl-bf16   TRL's GRPOTrainer with PEFT's prompt tuning, loss_type dr_grpo
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
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

PROBLEM = "A baker sells 3 boxes of 12 rolls and 5 single rolls. How many rolls is that?"
ENGINES = ("ours", "trl-fp32", "trl-bf16")
VIRTUAL_TOKENS = 20
LEARNING_RATE = 1e-3


def ours(options: argparse.Namespace, quantization: str) -> list[tuple[float, float]]:
    """Seconds of rollouts and of the update, step by step, the first one for warming up."""
    from elm_app.core.config import LearnSettings, ModelSettings
    from elm_app.core.learning_events import StepFinished
    from elm_app.engine.engine import Engine
    from elm_app.engine.loader import load
    from elm_app.learning import checkpoint
    from elm_app.learning.trainer import Trainer

    loaded = load(ModelSettings(options.model, quantization, "cpu"), lambda _: None)
    engine = Engine(loaded.decoder, loaded.tokenizer, loaded.info, loaded.context, frozenset())
    settings = LearnSettings(
        steps=options.steps + 1,
        rollouts=options.rollouts,
        virtual_tokens=VIRTUAL_TOKENS,
        learning_rate=LEARNING_RATE,
        max_new_tokens=options.new_tokens,
        seed=1,
    )
    state = checkpoint.fresh(engine, PROBLEM, settings, {})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.safetensors"
        trainer = Trainer(
            engine, engine.encode(PROBLEM), settings, state, path, reward=lambda judged: rewards(judged.traces)
        )
        steps = [event.step for event in trainer.train() if isinstance(event, StepFinished)]
    assert all(step.tokens == options.new_tokens and step.grad_norm for step in steps)
    return [(step.rollout_seconds, step.seconds - step.rollout_seconds) for step in steps]


def rewards(rollouts: Any) -> list[float | None]:
    return [float(index % 2 == 0) for index, _ in enumerate(rollouts)]


def trl(options: argparse.Namespace, dtype: str) -> list[tuple[float, float]]:
    """The same with TRL's trainer; what it does around generation counts as rollouts, the rest as update."""
    import torch
    from datasets import Dataset
    from peft import PromptTuningConfig, PromptTuningInit, TaskType
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    from elm_app.engine.chat_template import INSTRUCTION
    from elm_app.weights.resolve import resolve, with_floats

    folder = with_floats(resolve(options.model, progress=lambda _: None), progress=lambda _: None)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    times: list[list[float]] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            times.append([0.0, time.perf_counter()])

        def on_step_end(self, *_: Any, **__: Any) -> None:
            times[-1][1] = time.perf_counter() - times[-1][1]

    class Timed(GRPOTrainer):  # type: ignore[misc]
        def _generate_and_score_completions(self, inputs: Any) -> Any:
            began = time.perf_counter()
            out = super()._generate_and_score_completions(inputs)
            assert out["completion_ids"].shape == (options.rollouts, options.new_tokens)
            times[-1][0] += time.perf_counter() - began
            return out

    with tempfile.TemporaryDirectory() as work:
        arguments = GRPOConfig(
            output_dir=work,
            max_steps=options.steps + 1,
            per_device_train_batch_size=options.rollouts,
            num_generations=options.rollouts,
            max_completion_length=options.new_tokens,
            generation_kwargs={"min_new_tokens": options.new_tokens},
            temperature=1.0,
            learning_rate=LEARNING_RATE,
            lr_scheduler_type="constant",
            loss_type="dr_grpo",
            scale_rewards="none",
            beta=0.0,
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            mask_truncated_completions=False,
            report_to=[],
            logging_strategy="no",
            save_strategy="no",
            disable_tqdm=True,
        )
        question = [{"role": "user", "content": f"{PROBLEM}\n\n{INSTRUCTION}"}]
        trainer = Timed(
            model=model,
            reward_funcs=lambda completions, **_: rewards(completions),
            args=arguments,
            train_dataset=Dataset.from_list([{"prompt": question}] * (options.steps + 1)),
            processing_class=tokenizer,
            callbacks=[Clock()],
            peft_config=PromptTuningConfig(
                task_type=TaskType.CAUSAL_LM,
                num_virtual_tokens=VIRTUAL_TOKENS,
                prompt_tuning_init=PromptTuningInit.SAMPLE_VOCAB,
                tokenizer_name_or_path=str(folder),
            ),
        )
        trainer.train()
    return [(rolled, whole - rolled) for rolled, whole in times]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Run one engine in this process."""
    name = options.measure
    steps = (
        trl(options, {"fp32": "float32", "bf16": "bfloat16"}[name[4:]])
        if name.startswith("trl")
        else ours(options, name[5:] or "auto")
    )
    timed = steps[1:]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "engine": name,
        "rollout_seconds": statistics.median(step[0] for step in timed),
        "update_seconds": statistics.median(step[1] for step in timed),
        "first_step_seconds": sum(steps[0]),
        "peak_bytes": peak,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="small")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--steps", type=int, default=2, help="timed steps of one measurement")
    parser.add_argument("--rollouts", type=int, default=8)
    parser.add_argument("--new-tokens", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options)))
        return
    found: dict[str, list[dict[str, Any]]] = {}
    for number in range(options.rounds):
        for engine in options.engines.split(","):
            print(f"round {number + 1} of {options.rounds}: {engine}", file=sys.stderr, flush=True)
            found.setdefault(engine, []).append(child(engine, options))
    document = summary(found, options)
    print(json.dumps(document, indent=2) if options.json else table(document))


def child(engine: str, options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--measure", engine, "--model", options.model, "--steps", str(options.steps)]
    command += ["--rollouts", str(options.rollouts), "--new-tokens", str(options.new_tokens)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=True)
    document: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return document


def summary(found: dict[str, list[dict[str, Any]]], options: argparse.Namespace) -> dict[str, Any]:
    rows = []
    for engine, runs in found.items():
        middle = {
            key: statistics.median(run[key] for run in runs)
            for key in ("rollout_seconds", "update_seconds", "first_step_seconds")
        }
        step = middle["rollout_seconds"] + middle["update_seconds"]
        peak = max(run["peak_bytes"] for run in runs)
        rows.append({"engine": engine, **middle, "step_seconds": step, "peak_bytes": peak, "runs": runs})
    peers = [row for row in rows if row["engine"].startswith("trl")]
    mine = next((row for row in rows if row["engine"] == "ours"), None)
    ratios = {row["engine"]: row["step_seconds"] / mine["step_seconds"] for row in peers} if mine else {}
    asked = {key: getattr(options, key) for key in ("model", "steps", "rollouts", "new_tokens", "rounds")}
    machine = {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    return {"settings": asked, "machine": machine, "engines": rows, "times_faster_than": ratios}


def table(document: dict[str, Any]) -> str:
    lines = [f"{'engine':<12}{'rollouts s':>12}{'update s':>12}{'step s':>12}{'peak GiB':>12}"]
    for row in document["engines"]:
        seconds = (row["rollout_seconds"], row["update_seconds"], row["step_seconds"])
        lines.append(
            f"{row['engine']:<12}" + "".join(f"{value:>12.1f}" for value in (*seconds, row["peak_bytes"] / 2**30))
        )
    lines += [f"ours is {ratio:.1f} times faster than {name}" for name, ratio in document["times_faster_than"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
