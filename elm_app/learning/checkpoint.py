"""What a learning run has made so far, as one file that is replaced as a whole after every step.

`<memories>/checkpoints/<run>.safetensors`: the soft prompt, the best one so far, AdamW's moments, and in the metadata
everything else as JSON. It is removed when the memory is in the store; a run that was interrupted goes on from it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from elm_app.core.config import LearnSettings
from elm_app.core.errors import BadInput, DamagedMemory, StoreError
from elm_app.core.types import LearnStep, Lesson, Measured, from_json, to_json
from elm_app.engine.engine import Engine
from elm_app.learning.soft_prompt import start


@dataclass
class Checkpoint:
    """The state of learning after `len(steps)` steps.

    Attributes:
        soft_prompt, best: fp32 (P, H), or a prefix, (P, W); `best` had the highest mean reward so far.
        best_reward: that reward, or None before the first step has been judged.
        first_moment, second_moment: of AdamW, of the same shape, after `updates` updates.
        seconds, tokens: spent so far, measuring included.
        reference: the answer of a reference solution, if the reward is by one.
        example, lessons: of the recipe `distil`: the trace that was shown, and what was written with it in view.
        fitted: whether the prefix has been made to start as the example.
    """

    problem: str
    settings: dict[str, Any]
    soft_prompt: Tensor
    best: Tensor
    first_moment: Tensor
    second_moment: Tensor
    updates: int = 0
    best_reward: float | None = None
    before: Measured | None = None
    steps: list[LearnStep] = field(default_factory=list)
    seconds: float = 0.0
    tokens: int = 0
    model_sha256: str = ""
    reference: str | None = None
    example: str | None = None
    lessons: list[Lesson] = field(default_factory=list)
    fitted: bool = False

    def save(self, path: Path) -> None:
        """Write it whole or not at all. Raises `StoreError` if the disk refuses."""
        tensors = {name: getattr(self, name).clone() for name in _TENSORS}  # they may share memory
        rest = {name: getattr(self, name) for name in ("problem", "settings", "updates", "best_reward", "seconds")}
        rest |= {"tokens": self.tokens, "model_sha256": self.model_sha256, "reference": self.reference}
        rest |= {"example": self.example, "lessons": [to_json(lesson) for lesson in self.lessons]}
        rest |= {"fitted": self.fitted}
        rest |= {
            "before": to_json(self.before) if self.before else None,
            "steps": [to_json(step) for step in self.steps],
        }
        half = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file(tensors, half, metadata={"elm": json.dumps(rest, ensure_ascii=False)})
            with half.open("rb+") as file:
                os.fsync(file.fileno())
            half.replace(path)
        except (OSError, SafetensorError) as error:
            half.unlink(missing_ok=True)
            raise StoreError(f"The checkpoint {path} cannot be written: {error}.", "Free some room there.") from error


def fresh(engine: Engine, problem: str, learning: LearnSettings, settings: dict[str, Any]) -> Checkpoint:
    """The state before anything was learned; `settings` is what the checkpoint tells about itself."""
    soft_prompt = start(engine, learning.virtual_tokens, learning.init, learning.seed, learning.form)
    zero = torch.zeros_like(soft_prompt)
    sha256 = engine.info.weights_sha256
    return Checkpoint(problem, settings, soft_prompt, soft_prompt, zero, zero, model_sha256=sha256)


_TENSORS = ("soft_prompt", "best", "first_moment", "second_moment")


def path_of(memories: Path, run: str) -> Path:
    """Where the checkpoint of a run is."""
    return memories / "checkpoints" / f"{run}.safetensors"


def read(memories: Path, run: str) -> Checkpoint:
    """The checkpoint of a run.

    Raises:
        BadInput: there is none.
        DamagedMemory: it cannot be read.
    """
    path = path_of(memories, run)
    if Path(run).name != run or not path.is_file():
        raise BadInput(f"There is nothing to go on from for run {run!r}.", "Learn from the problem again.")
    try:
        with safe_open(path, framework="pt") as file:
            rest = json.loads(file.metadata()["elm"])
            tensors = {name: file.get_tensor(name) for name in _TENSORS}
        rest["before"] = from_json(Measured, rest["before"]) if rest["before"] else None
        rest["steps"] = [from_json(LearnStep, step) for step in rest["steps"]]
        rest["lessons"] = [from_json(Lesson, lesson) for lesson in rest.get("lessons", [])]
        if not all(torch.isfinite(tensor).all() for tensor in tensors.values()):
            raise ValueError("it holds numbers that are not finite")
        return Checkpoint(**tensors, **rest)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DamagedMemory(f"The checkpoint of run {run} cannot be read: {error}.", f"Remove {path}.") from error
