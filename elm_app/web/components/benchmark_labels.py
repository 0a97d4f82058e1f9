"""The methods of a benchmark, and how far it has come, in words."""

from __future__ import annotations

from elm_app.runs.state import RunView
from elm_app.web.components import labels

METHODS = {
    "zero_shot": "zero-shot", "self_consistency": "self-consistency", "icl": "ICL, raw traces",
    "icl_reflection": "ICL, reflected", "reasoning_bank": "ReasoningBank", "dynamic_cheatsheet": "Dynamic Cheatsheet",
    "ace": "ACE", "lag": "LAG", "elm": "ELM", "elm_lora": "ELM-LoRA", "elm_prefix": "ELM-Prefix",
    "elm_offline": "ELM offline", "grpo_gold": "GRPO, gold answers", "one_shot_rlvr": "one-shot RLVR", "ttrl": "TTRL",
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
    told = f"{name(now.method)}, seed {now.seed}: {bench.done_of_current} of {labels.count(now.total, 'problem')}"
    part = f"{now.place} of {labels.count(now.places, 'pair')} of method and seed"
    return f"{told}{labels.DOT}{part}"


def doing(view: RunView, ahead: int) -> str:
    """What a benchmark that runs, or waits for its turn, is at.

    Args:
        ahead: runs that come first.
    """
    now = view.bench.current if view.bench else None
    if view.status == "queued":
        return labels.waiting(ahead)
    if now is None or view.bench is None:
        return view.progress.message if view.progress and view.progress.message else "Starting"
    problem = min(view.bench.done_of_current + 1, now.total)
    return f"{name(now.method)}, seed {now.seed}: problem {problem} of {now.total}"


def standing(view: RunView | None, done: int, total: int) -> str:
    """How a benchmark stands that does not run.

    Args:
        view: its newest run, None if that is not known here.
        done: answers that there are, of `total`.

    >>> standing(None, 8, 8), standing(None, 3, 8)
    ('All 8 answers are in', '3 of 8 answers are in')
    """
    if done >= total:
        return f"All {labels.count(total, 'answer')} are in" if total != 1 else "The answer is in"
    if view is not None and view.status in ("stopped", "failed"):
        how = "Paused" if view.status == "stopped" else "Broke off"
        return f"{how} after {done} of {labels.count(total, 'answer')}"
    return f"{done} of {labels.count(total, 'answer')} are in"
