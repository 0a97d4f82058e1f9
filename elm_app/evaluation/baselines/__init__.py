"""What ELM is compared with: one method, one file, all on the same `Desk` (engine, sampling, account of tokens).

ELM online itself, and its controls, are the stream (`pipelines/stream/stream.py`); everything else that answers
problems is here.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from elm_app.evaluation.method import Desk, Method

_CLASSES = {
    "zero_shot": "ZeroShot",
    "self_consistency": "SelfConsistency",
    "icl": "Icl",
    "icl_reflection": "IclReflection",
    "reasoning_bank": "ReasoningBank",
    "dynamic_cheatsheet": "DynamicCheatsheet",
    "ace": "Ace",
    "lag": "Lag",
    "elm_lora": "ElmLora",
    "elm_prefix": "ElmPrefix",
    "elm_offline": "ElmOffline",
    "grpo_gold": "GrpoGold",
    "one_shot_rlvr": "OneShotRlvr",
    "ttrl": "Ttrl",
}
"""The class of each method, in the module of its name."""
INDEPENDENT = ("zero_shot", "self_consistency")
"""Methods that answer every problem by itself."""
BY_GOLD = ("grpo_gold", "one_shot_rlvr")
"""Methods that are told right answers."""
LEARNED = ("elm_lora", "elm_prefix", "elm_offline", "ttrl")
"""Methods that are rewarded by the majority, or by the right answers if `LearnSettings.reward` is `gold`."""


def _maker(name: str) -> Callable[[Desk], Method]:
    """Imports the method when it is made: some need torch."""

    def make(desk: Desk) -> Method:
        method: Method = getattr(import_module(f"elm_app.evaluation.baselines.{name}"), _CLASSES[name])(desk)
        return method

    return make


METHODS: dict[str, Callable[[Desk], Method]] = {name: _maker(name) for name in _CLASSES}
"""How to make each method, by name."""
