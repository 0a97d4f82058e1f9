"""The methods of a benchmark, and how far it has come, in words."""

from __future__ import annotations

from elm_app.runs.state import RunView
from elm_app.web.components import labels

METHODS = {
    "zero_shot": "zero-shot", "self_consistency": "self-consistency", "icl": "ICL, raw traces",
    "icl_reflection": "ICL, reflected", "reasoning_bank": "ReasoningBank", "dynamic_cheatsheet": "Dynamic Cheatsheet",
    "lag": "LAG", "elm": "ELM", "elm_lora": "ELM-LoRA", "elm_prefix": "ELM-Prefix", "elm_offline": "ELM offline",
    "grpo_gold": "GRPO, gold answers", "ttrl": "TTRL",
}  # fmt: skip


def name(method: str) -> str:
    """What a method is called.

    >>> name("zero_shot"), name("elm_random_reward")
    ('zero-shot', 'ELM random reward')
    """
    if method in METHODS:
        return METHODS[method]
    first, _, rest = method.partition("_")
    return " ".join(["ELM" if first == "elm" else first, *rest.split("_")]).strip()


def progress(view: RunView) -> str:
    """How far a benchmark has come, while it runs or after it ended."""
    bench = view.bench
    if bench is None or bench.current is None:
        return "This benchmark has only begun." if not view.ended else ""
    now = bench.current
    answered = sum(one.method == now.method and one.seed == now.seed for one in bench.answered)
    told = f"{name(now.method)}, seed {now.seed}: {now.done + answered} of {labels.count(now.total, 'problem')}"
    part = f"{now.place} of {labels.count(now.places, 'pair')} of method and seed"
    return f"{told}{labels.DOT}{part}"
