"""Settings as frozen dataclasses that refuse nonsense where they are made."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from elm_app.core.environment import default_model
from elm_app.core.errors import BadInput

Quantization = Literal["auto", "4-bit", "int8", "nf4", "none"]
Device = Literal["auto", "cpu", "cuda"]
Recipe = Literal["paper", "distil"]
Lessons = Literal["all", "agreed"]
Form = Literal["soft", "prefix"]
Init = Literal["text", "vocabulary", "example"]
Loss = Literal["dr_grpo", "grpo"]
Reward = Literal["majority", "vote", "gold", "random", "inverted", "certainty", "entropy", "reference"]
Retrieval = Literal["input", "kv", "both"]
Rank = Literal["similarity", "utility"]
Compose = Literal["parallel", "join"]
Verifier = Literal["agreement", "confidence", "prm"]
PRM = "Qwen/Qwen2.5-Math-PRM-7B"
MOST_SAMPLES, MOST_TOKENS = 256, 32768
"""Samples of a problem, and new tokens of a trace, that can be asked for."""
FORMS: dict[Form, str] = {"soft": "soft prompt", "prefix": "prefix"}
"""What a memory is, in words."""


def _check(ok: bool, name: str, value: object, fits: str) -> None:
    if not ok:
        raise BadInput(f"{name} is {value!r}.", f"It must be {fits}.")


def _check_choice(name: str, value: object, kind: Any) -> None:
    _check(value in get_args(kind), name, value, f"one of {', '.join(get_args(kind))}")


def _check_whole(name: str, value: object, low: int, high: int, fits: str) -> None:
    ok = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    _check(ok, name, value, f"a whole number {fits}")


def _check_number(name: str, value: object, low: float, high: float, fits: str, above: bool = False) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    _check(number and (low < value if above else low <= value) and value <= high, name, value, fits)  # type: ignore[operator]


@dataclass(frozen=True)
class ModelSettings:
    """Which model, as which numbers, where.

    Attributes:
        model: a preset (`tiny`, `small`, `base`, …), a hub id, a local folder, or `auto`.
        quantization: `4-bit` (the checkpoint's own blocks) or `int8` on a CPU, `nf4` (bitsandbytes), `none`, or `auto`.
        device: `cpu`, `cuda` or `auto`.
    """

    model: str = field(default_factory=default_model)
    quantization: Quantization = "auto"
    device: Device = "auto"

    def __post_init__(self) -> None:
        _check(bool(self.model.strip()), "model", self.model, "a preset, a hub id or a local folder")
        _check_choice("quantization", self.quantization, Quantization)
        _check_choice("device", self.device, Device)


@dataclass(frozen=True)
class SamplingSettings:
    """How traces are sampled.

    Attributes:
        samples: k, traces for one problem.
        max_new_tokens: T, where a trace is cut off.
        temperature: 0 is greedy; otherwise logits are divided by it.
        top_k: sample among the k likeliest tokens; 0 is the whole vocabulary.
        seed: with the trace's index it fixes a trace's randomness.
    """

    samples: int = 8
    max_new_tokens: int = 512
    temperature: float = 0.7
    top_k: int = 0
    seed: int = field(default_factory=lambda: secrets.randbelow(2**31))

    def __post_init__(self) -> None:
        _check_whole("samples", self.samples, 1, MOST_SAMPLES, f"from 1 to {MOST_SAMPLES}")
        _check_whole("max_new_tokens", self.max_new_tokens, 1, MOST_TOKENS, f"from 1 to {MOST_TOKENS}")
        _check_number("temperature", self.temperature, 0, 5, "from 0 (greedy) to 5")
        _check_whole("top_k", self.top_k, 0, 2**63 - 1, "from 0 (the whole vocabulary)")
        _check_whole("seed", self.seed, 0, 2**63 - 1, "from 0 to 2^63 − 1")


@dataclass(frozen=True)
class RouteSettings:
    """Which memories a problem is tried with, and who decides if the answers differ.

    Attributes:
        memory: `auto` (the nearest, if it is near enough), `off`, or a memory's id. Three more are controls: `random`
            (any memory of the model), `farthest` (the least similar), `untrained` (a soft prompt as learning starts).
        retrieval: found by the problem's embedding (`input`), by the model's own keys (`kv`), or by `both`.
        rank: by `similarity`, or by `utility`: similarity and credit.
        top_n: so many memories, if they are near enough.
        compose: more than one: each in an arm of its own (`parallel`), or joined to one longer soft prompt (`join`).
        verifier: who decides if the answers without and with memories differ.
        prm: the process reward model of the verifier `prm`, a hub id or a local folder.
        threshold: the least similarity, from -1 to 1, at which a memory is used by itself; None is the one measured
            for this retrieval (docs/RETRIEVAL.md), -1 always uses the nearest.
    """

    memory: str = "auto"
    retrieval: Retrieval = "input"
    rank: Rank = "similarity"
    top_n: int = 1
    compose: Compose = "parallel"
    verifier: Verifier = "agreement"
    prm: str = PRM
    threshold: float | None = None

    def __post_init__(self) -> None:
        for name, kind in (("retrieval", Retrieval), ("rank", Rank), ("compose", Compose), ("verifier", Verifier)):
            _check_choice(name, getattr(self, name), kind)
        _check(bool(self.memory.strip()), "memory", self.memory, "auto, off or a memory's id")
        if self.threshold is not None:
            _check_number("threshold", self.threshold, -1, 1, "from -1 (always the nearest) to 1")
        _check_whole("top_n", self.top_n, 1, 8, "from 1 to 8")
        _check(bool(self.prm.strip()), "prm", self.prm, "a hub id or a local folder")


@dataclass(frozen=True)
class LearnSettings:
    """How a memory is learned.

    Attributes:
        recipe: `paper`, policy gradient on the problem itself, rewarded by the vote; `distil`, likelihood of what the
            model writes about variants of the problem with a majority trace in view. `by_recipe` gives each what
            suits it (`RECIPES`).
        form: what is learned: `soft`, P vectors in front of the prompt's embeddings; `prefix`, the keys and values of P
            positions in every layer.
        steps: gradient steps at most.
        variants: of `distil`: variants of the problem, numbers and names changed by rule (`learning/variants.py`).
        variant_traces: of `distil`: traces of each variant, written with the example in view.
        lessons: of `distil`: which of these are learned: `all` that ended, or those of which two or more `agreed`.
        rollouts: k, rollouts of a step; this one, `updates`, `loss` and `reward` are of `paper` only.
        updates: steps of the optimizer from one batch of rollouts, the ratio to the policy that sampled them clipped.
        virtual_tokens: P, length of the soft prompt or prefix.
        learning_rate: of AdamW, in fp32; `distil` lowers it step by step to a tenth.
        temperature: of the rollouts; at 1.0 a small model often has no two that agree (docs/TRAINING.md).
        max_new_tokens: T, where a rollout is cut off.
        init: where the soft prompt starts: the embeddings of a `text`, or those of random `vocabulary` rows; or, for
            a prefix by `distil`, the keys and values of the worked `example` in P positions (`learning/compaction.py`).
        loss: `dr_grpo`, advantage = reward − mean and a constant divisor; `grpo`, the published formula.
        reward: `majority`, the class with most of the step's rollouts; `vote`, the answer of the vote before learning;
            the others are for comparison, see `learning/rewards.py`.
        min_agreement: least share of the traces that a majority needs to be learned from, in [0, 1]; two at least.
        clip_norm: the gradient's norm is cut to this.
        norm_cap: no virtual token grows longer than so many mean lengths of a word's embedding; 0 is no cap.
        measure_samples: fresh samples before and after, at `measure_temperature`.
        keep: store the memory enabled even if it does not help.
        seed: fixes everything that is random.
    """

    recipe: Recipe = "paper"
    form: Form = "soft"
    steps: int = 10
    variants: int = 16
    variant_traces: int = 1
    lessons: Lessons = "all"
    rollouts: int = 8
    updates: int = 1
    virtual_tokens: int = 20
    learning_rate: float = 3e-3
    temperature: float = 0.7
    max_new_tokens: int = 320
    init: Init = "text"
    loss: Loss = "dr_grpo"
    reward: Reward = "majority"
    min_agreement: float = 0.0
    clip_norm: float = 1.0
    norm_cap: float = 0.0
    measure_samples: int = 16
    measure_temperature: float = 0.7
    keep: bool = False
    seed: int = field(default_factory=lambda: secrets.randbelow(2**31))

    def __post_init__(self) -> None:
        _check_whole("steps", self.steps, 1, 1000, "from 1 to 1000")
        _check_whole("variants", self.variants, 1, 64, "from 1 to 64")
        _check_whole("variant_traces", self.variant_traces, 1, 64, "from 1 to 64")
        _check_whole("rollouts", self.rollouts, 2, 256, "from 2 to 256")
        _check_whole("updates", self.updates, 1, 100, "from 1 to 100")
        _check_whole("virtual_tokens", self.virtual_tokens, 1, 512, "from 1 to 512")
        _check_number("learning_rate", self.learning_rate, 0, 1, "above 0 and at most 1", above=True)
        _check_number("temperature", self.temperature, 0, 5, "above 0 and at most 5", above=True)
        _check_whole("max_new_tokens", self.max_new_tokens, 1, MOST_TOKENS, f"from 1 to {MOST_TOKENS}")
        choices = (
            ("recipe", Recipe), ("form", Form), ("lessons", Lessons), ("init", Init), ("loss", Loss), ("reward", Reward)
        )  # fmt: skip
        for name, kind in choices:
            _check_choice(name, getattr(self, name), kind)
        _check_number("min_agreement", self.min_agreement, 0, 1, "from 0 to 1")
        _check_number("clip_norm", self.clip_norm, 0, 1e6, "above 0", above=True)
        _check_number("norm_cap", self.norm_cap, 0, 1e6, "0 (no cap) or above")
        _check_whole("measure_samples", self.measure_samples, 1, 256, "from 1 to 256")
        _check_number("measure_temperature", self.measure_temperature, 0, 5, "from 0 (greedy) to 5")
        _check(isinstance(self.keep, bool), "keep", self.keep, "true or false")
        _check_whole("seed", self.seed, 0, 2**63 - 1, "from 0 to 2^63 − 1")
        alone = self.lessons == "agreed" and self.variant_traces == 1
        _check(not alone, "lessons", self.lessons, "all where variant_traces is 1")
        by_vote = self.recipe == "paper" or self.reward in ("majority", "vote")
        _check(by_vote, "reward", self.reward, "majority or vote where the recipe is distil")
        by_example = self.recipe == "distil" and self.form == "prefix"
        _check(by_example or self.init != "example", "init", self.init, "text or vocabulary but for a distilled prefix")
        if self.form == "prefix":
            _check(self.reward not in ("certainty", "entropy"), "reward", self.reward, "another where form is prefix")
            _check(self.norm_cap == 0, "norm_cap", self.norm_cap, "0 where form is prefix")

    @classmethod
    def by_recipe(cls, **given: Any) -> LearnSettings:
        """Settings that are not given as they suit the recipe.

        >>> LearnSettings.by_recipe(recipe="distil").steps, LearnSettings.by_recipe(recipe="distil", steps=8).steps
        (16, 8)
        """
        usual = RECIPES.get(given.get("recipe", cls.recipe), {})
        if given.get("form") == "soft":
            usual = {**usual, "init": "text"}  # there is no other start for it
        return cls(**{**usual, **given})


RECIPES: dict[str, dict[str, Any]] = {
    "distil": {
        "form": "prefix",
        "init": "example",
        "variants": 12,
        "steps": 16,
        "learning_rate": 5e-3,
        "max_new_tokens": 512,
    }
}
"""What differs from the defaults of `LearnSettings` in a recipe."""
LEARNS_BY: Recipe = "distil"
"""The recipe of `learn` and of the page's Learn where none is named. Streams and benchmarks keep to the paper's."""
OF_PAPER = frozenset({"rollouts", "updates", "loss", "reward"})
"""Settings that only the paper's recipe has: on the command line they choose it."""


def settings_from(kind: type[Any], settings: dict[str, Any]) -> Any:
    """Settings of a kind out of a run's settings, where they stand among others."""
    return kind(**{field.name: settings[field.name] for field in fields(kind) if field.name in settings})
