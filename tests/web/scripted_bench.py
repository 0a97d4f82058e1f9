"""A benchmark's report by hand, as `python -m elm_app bench` writes one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

METHODS = (
    ("zero_shot", 0.22, 0.07, 8 * 210), ("self_consistency", 0.3, 0.13, 8 * 210), ("icl", 0.28, 0.12, 8 * 232),
    ("icl_reflection", 0.33, 0.14, 8 * 360), ("elm", 0.38, 0.14, 8 * 1450), ("elm_random_reward", 0.25, 0.13, 8 * 1420),
    ("elm_random_memory", 0.28, 0.13, 8 * 210),
)  # fmt: skip


def method(name: str, accuracy: float, half: float, tokens: float) -> dict[str, Any]:
    """A row of the report."""
    learns, base = name.startswith("elm"), name == "zero_shot"
    return {
        "method": name, "problems": 40, "seeds": 2, "k": 8, "accuracy": accuracy,
        "accuracy_interval": [accuracy - half, accuracy + half], "maj": accuracy, "mean": accuracy - 0.05,
        "pass": min(1.0, accuracy + 0.2), "answered": 0.83, "agreement": 0.41, "tokens": tokens,
        "read_tokens": 110.0, "seconds": tokens / 120, "trainable": 20 * 896 if learns else 0,
        "stored_bytes": 71_680 * 31 if learns else 0, "running": [[1, 0.0], [2, 0.5], [40, accuracy]],
        "difference": None if base else accuracy - 0.22,
        "difference_interval": None if base else [accuracy - 0.22 - half, accuracy - 0.22 + half],
        "difference_vote": None, "difference_vote_interval": None,
        "equal_tokens": {"accuracy": 0.31, "samples": 16, "wanted": 55, "difference": accuracy - 0.31,
                         "difference_interval": [accuracy - 0.43, accuracy - 0.19]} if learns else None,
        "label_accuracy": 0.35 if learns else None, "hits": 21 if learns else 0,
        "again": {"before": 0.4, "after": 0.35, "problems": 10} if name == "elm" else None,
    }  # fmt: skip


def write(folder: Path, name: str = "gsm8k_test.jsonl") -> None:
    """Make the folder with its report."""
    folder.mkdir(parents=True, exist_ok=True)
    report = {
        "schema": 1, "name": name, "problems": 40, "seeds": [0, 1],
        "model": {"id": "small", "quantization": "int8", "device": "cpu", "weights_sha256": "1d96" * 16},
        "settings": {"samples": 8}, "methods": [method(*one) for one in METHODS],
        "sentences": ["elm: +16.0 to a single trace [+2.0, +30.0], p = 0.021, better.",
                      "icl: +6.0 to a single trace [-6.0, +18.0], p = 0.41, not told apart."],
    }  # fmt: skip
    (folder / "report.json").write_text(json.dumps(report))
