"""What the fields hold, as settings; a field that cannot be used is a `BadInput` with the field's own name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from elm_app.core.config import LEARNS_BY, PRM, LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput
from elm_app.evaluation.bench import seeds_of
from elm_app.pipelines.stream.settings import StreamSettings

LABELS = {
    "model": "Model",
    "quantization": "Numbers",
    "samples": "Samples",
    "max_new_tokens": "New tokens",
    "temperature": "Temperature",
    "seed": "Seed",
    "seeds": "Seeds",
    "recipe": "Recipe",
    "steps": "Steps",
    "variants": "Variants",
    "variant_traces": "Traces of each",
    "lessons": "Learned are",
    "rollouts": "Rollouts",
    "virtual_tokens": "Virtual tokens",
    "learning_rate": "Learning rate",
    "init": "Start from",
    "loss": "Loss",
    "reward": "Reward",
    "memory": "Memory",
    "retrieval": "Found by",
    "rank": "Ranked by",
    "top_n": "Memories",
    "compose": "More than one",
    "verifier": "Verifier",
    "prm": "Reward model",
    "limit": "Problems",
    "order": "Order",
    "threshold": "Memory from",
}
RETRIEVALS = [("the problem's meaning", "input"), ("the model's own keys (KV)", "kv"), ("both", "both")]
RANKS = [("similarity", "similarity"), ("similarity and credit", "utility")]
COMPOSES = [("side by side", "parallel"), ("joined to one", "join")]
VERIFIERS = [
    ("agreement: the larger margin", "agreement"),
    ("confidence: the surer traces", "confidence"),
    ("reward model: the sounder steps", "prm"),
]
MODELS = [
    ("automatic: what suits this machine", "auto"),
    ("tiny: SmolLM2-135M, to try things out", "tiny"),
    ("small: Qwen2.5-Coder-0.5B", "small"),
    ("base: Qwen2.5-Coder-1.5B", "base"),
    ("paper: Qwen2.5-Math-7B, needs a GPU", "paper-qwen"),
    ("paper: Llama-3.1-8B, needs a GPU", "paper-llama"),
]
NUMBERS = [
    ("automatic", "auto"),
    ("4-bit: the checkpoint's own blocks (CPU)", "4-bit"),
    ("8-bit arithmetic (CPU)", "int8"),
    ("4-bit NF4", "nf4"),
    ("full precision", "none"),
]


def model_settings(model: str | None, quantization: Any) -> ModelSettings:
    """
    >>> model_settings("small", "auto").model
    'small'
    """
    if not (model or "").strip():
        raise BadInput("Model is empty.", "Choose one from the list, or type a hub id or a local folder.")
    try:
        return ModelSettings(model=str(model).strip(), quantization=quantization)
    except BadInput as error:
        raise _labelled(error) from error


def sampling_settings(samples: Any, max_new_tokens: Any, temperature: Any, seed: str | None) -> SamplingSettings:
    """
    >>> sampling_settings(8, 512, 0.7, " 42 ").seed
    42
    """
    given: dict[str, Any] = {
        "samples": _whole(samples, "samples"),
        "max_new_tokens": _whole(max_new_tokens, "max_new_tokens"),
        "temperature": _number(temperature, "temperature"),
    }
    given |= _seed(seed)
    try:
        return SamplingSettings(**given)
    except BadInput as error:
        raise _labelled(error) from error


def route_settings(
    memory: str, retrieval: Any, rank: Any, top_n: Any, compose: Any, verifier: Any, prm: str | None
) -> RouteSettings:
    """
    >>> route_settings("auto", "kv", "similarity", 1, "parallel", "agreement", "").prm == PRM
    True
    """
    count = _whole(top_n, "top_n")
    try:
        return RouteSettings(memory, retrieval, rank, count, compose, verifier, (prm or "").strip() or PRM)
    except BadInput as error:
        raise _labelled(error) from error


_LEARN_NUMBERS = (
    "steps", "rollouts", "variants", "variant_traces", "virtual_tokens", "max_new_tokens", "learning_rate"
)  # fmt: skip


def learn_settings(fields: dict[str, Any]) -> LearnSettings:
    """The fields of the drawer "Learn from this problem", as the browser sends them: texts, by name.

    >>> learn_settings({"steps": "4", "learning_rate": "1e-3", "init": "vocabulary"}).steps
    4
    """
    given: dict[str, Any] = dict(_seed(str(fields.get("seed", ""))))
    for name in _LEARN_NUMBERS:
        if name not in fields:
            continue
        value = _parsed(str(fields[name]))
        given[name] = _number(value, name) if name == "learning_rate" else _whole(value, name)
    choices = ("recipe", "lessons", "init", "loss", "reward")
    given |= {name: str(fields[name]) for name in choices if name in fields}
    given |= {"keep": fields["keep"] == "all"} if "keep" in fields else {}
    try:
        return LearnSettings.by_recipe(**{"recipe": LEARNS_BY, **given})
    except BadInput as error:
        raise _labelled(error) from error


@dataclass(frozen=True)
class StreamFields:
    """What the form of the Stream page holds. `limit` is None where all problems are wanted."""

    limit: int | None
    order: Literal["file", "shuffled"]
    model: ModelSettings
    sampling: SamplingSettings
    routing: RouteSettings
    learning: LearnSettings


def stream_fields(fields: dict[str, Any]) -> StreamFields:
    """The fields of the Stream page, as the browser sends them: texts, by name. One seed is for everything.

    >>> stream_fields({"limit": "12", "steps": "4", "samples": "8", "order": "shuffled", "seed": "7"}).learning.seed
    7
    """
    order = str(fields.get("order", "file"))
    if order not in ("file", "shuffled"):
        raise BadInput(f"Order is {order!r}.", "Choose one from the list.")
    made = _sampled(fields, _seed(str(fields.get("seed", ""))))
    learning = learn_settings({"recipe": LearnSettings.recipe, **fields, "seed": str(made.seed)})
    shuffled = order == "shuffled"
    return StreamFields(
        _limit(fields), "shuffled" if shuffled else "file", _model(fields), made, _near(fields), learning
    )


@dataclass(frozen=True)
class BenchFields:
    """What the form of the Compare page holds. `limit` is None where all problems are wanted."""

    limit: int | None
    seeds: tuple[int, ...]
    settings: StreamSettings


def bench_fields(fields: dict[str, Any]) -> BenchFields:
    """The fields of the Compare page, as the browser sends them: texts, by name. What is learned is learned as on the
    command line.

    >>> bench_fields({"samples": "4", "seeds": "1, 2"}).seeds
    (1, 2)
    """
    try:
        seeds = tuple(seeds_of(str(fields.get("seeds") or "1")))
    except BadInput as error:
        raise _labelled(error) from error
    learning = LearnSettings.by_recipe(seed=seeds[0])
    settings = StreamSettings(_model(fields), _sampled(fields, {"seed": seeds[0]}), RouteSettings(), learning)
    return BenchFields(_limit(fields), seeds, settings)


def _limit(fields: dict[str, Any]) -> int | None:
    limit = None
    if (text := str(fields.get("limit", "")).strip()) and (limit := _whole(_parsed(text), "limit")) < 1:
        raise BadInput(f"Problems is {limit}.", "It must be a whole number from 1, or blank for all of them.")
    return limit


def _model(fields: dict[str, Any]) -> ModelSettings:
    return model_settings(str(fields["model"]), "auto") if "model" in fields else ModelSettings()


def _sampled(fields: dict[str, Any], seed: dict[str, int]) -> SamplingSettings:
    given: dict[str, Any] = dict(seed)
    for name in ("samples", "max_new_tokens"):
        if name in fields:
            given[name] = _whole(_parsed(str(fields[name])), name)
    try:
        return SamplingSettings(**given)
    except BadInput as error:
        raise _labelled(error) from error


def _near(fields: dict[str, Any]) -> RouteSettings:
    """How near a memory must be; blank is what was measured for this retrieval."""
    text = str(fields.get("threshold", "")).strip()
    try:
        return RouteSettings(threshold=_number(_parsed(text), "threshold") if text else None)
    except BadInput as error:
        raise _labelled(error) from error


def _parsed(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text.strip()


def _seed(text: str | None) -> dict[str, int]:
    if not (text or "").strip():
        return {}
    try:
        return {"seed": int(str(text).strip())}
    except ValueError:
        raise BadInput(f"Seed is {text!r}.", "It must be a whole number, or blank for a random one.") from None


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadInput(f"{LABELS[name]} is {'empty' if value in (None, '') else repr(value)}.", "It must be a number.")
    return float(value)


def _whole(value: Any, name: str) -> int:
    number = _number(value, name)
    if not number.is_integer():
        raise BadInput(f"{LABELS[name]} is {number:g}.", "It must be a whole number.")
    return int(number)


def _labelled(error: BadInput) -> BadInput:
    name, _, rest = error.message.partition(" ")
    return BadInput(f"{LABELS.get(name, name)} {rest}", error.remedy)
