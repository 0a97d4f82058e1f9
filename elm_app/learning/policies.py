"""What can be learned besides the soft prompt of a memory: every form behind one interface.

    SoftPrompt   P vectors in front of the prompt's embeddings (Lester et al., arXiv 2104.08691)
    Prefix       keys and values of P positions in every layer (Li and Liang, arXiv 2101.00190; without their MLP)
    Lora         low-rank changes of all linear layers (Hu et al., arXiv 2106.09685), made by PEFT
    Full         all weights of all layers; embeddings and vocabulary head stay as they are

The first two leave the model alone and work with every engine. The other two change what the model computes, so they
have a model of their own (`own_engine`), learned in fp32; nobody else's is touched. Where others are sampled with
quantised weights, they are sampled in int8: after a change the weights are packed anew, which takes a second and saves
a minute, and eight bits keep what was learned. Learning rates are those of the literature, not tuned here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from elm_app.core.config import Form, LearnSettings, ModelSettings
from elm_app.core.errors import DamagedMemory, StoreError
from elm_app.core.events import Progress
from elm_app.engine.engine import Engine, RolloutRequest
from elm_app.engine.loader import load
from elm_app.engine.quantized.decoder import QuantizedDecoder
from elm_app.learning.soft_prompt import start
from elm_app.weights.free_memory import free_memory

RANK = 8
"""r of LoRA; α is twice that."""
_BYTES_FULL = 16
"""A weight that is learned takes so many: itself, its gradient, and two moments of AdamW, in fp32."""


class Policy(Protocol):
    """Something that is learned, and how to sample with it."""

    parameters: list[Tensor]
    """Leaves, fp32."""
    rate: float
    """The learning rate."""

    @property
    def engine(self) -> Engine:
        """What it is sampled with, as it is now."""

    def request(self, prompt: Sequence[int], samples: int, seed: int) -> RolloutRequest:
        """k rollouts of a prompt with what has been learned so far."""

    def log_probs(self, prompt: Sequence[int], rows: Sequence[Sequence[int]], temperature: float) -> Tensor:
        """Log-probabilities of rollouts, fp32 (ΣT,), differentiable with respect to `parameters`."""


class SoftPrompt:
    """P vectors, (P, H)."""

    form: Form = "soft"

    def __init__(self, engine: Engine, settings: LearnSettings) -> None:
        self.engine, self.rate = engine, settings.learning_rate
        vectors = start(engine, settings.virtual_tokens, settings.init, settings.seed, self.form)
        self.parameters = [vectors.requires_grad_()]

    def request(self, prompt: Sequence[int], samples: int, seed: int) -> RolloutRequest:
        return RolloutRequest(prompt, samples, seed, self.parameters[0].detach())

    def log_probs(self, prompt: Sequence[int], rows: Sequence[Sequence[int]], temperature: float) -> Tensor:
        return self.engine.log_probs(prompt, self.parameters[0], rows, temperature)


class Prefix(SoftPrompt):
    """Keys and values, (P, L · 2 · kv heads · D); they start as those of the text that a soft prompt starts from."""

    form = "prefix"


class _Weights:
    """A policy that is the model of its own engine.

    Args:
        engine: from `own_engine`.
        quantization: that of the engine it is compared with: quantised (sampled in int8), or not (as it is learned).
    """

    parameters: list[Tensor]

    def __init__(self, engine: Engine, quantization: str) -> None:
        self.learned, self.quantization = engine, quantization
        self._packed: Engine | None = None
        self._version = 0

    @property
    def engine(self) -> Engine:
        if self.quantization not in ("4-bit", "int8"):
            return self.learned
        version = sum(part._version for part in self.parameters)  # counts changes in place, as optimizers make them
        if self._packed is None or version != self._version:
            self._packed = None  # there need not be room for two
            self._packed, self._version = _in_int8(self.learned), version
        return self._packed

    def request(self, prompt: Sequence[int], samples: int, seed: int) -> RolloutRequest:
        return RolloutRequest(prompt, samples, seed)

    def log_probs(self, prompt: Sequence[int], rows: Sequence[Sequence[int]], temperature: float) -> Tensor:
        return _log_probs(self.learned, prompt, rows, temperature)


class Lora(_Weights):
    """Matrices A (r, in) and B (out, r) for every linear layer; B starts at zero, so it starts as the model itself.

    A second `Lora` on an engine would start from the first one's layers.
    """

    rate = 2e-4

    def __init__(self, engine: Engine, settings: LearnSettings, quantization: str = "none") -> None:
        from peft import LoraConfig, inject_adapter_in_model

        super().__init__(engine, quantization)
        model: Any = engine.decoder.model  # type: ignore[attr-defined]
        torch.manual_seed(settings.seed)  # PEFT draws A from the global generator
        config = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", lora_dropout=0.0)
        inject_adapter_in_model(_with_targets(config, model), model)
        model.eval()
        named = [(name, value) for name, value in model.named_parameters() if ".lora_" in name]
        self.parameters = [value.requires_grad_() for _, value in named]


class Full(_Weights):
    """Every weight of every layer."""

    rate = 1e-6

    def __init__(self, engine: Engine, settings: LearnSettings, quantization: str = "none") -> None:  # noqa: ARG002
        super().__init__(engine, quantization)
        model: Any = engine.decoder.model  # type: ignore[attr-defined]
        outside = {id(model.get_input_embeddings().weight), id(model.get_output_embeddings().weight)}
        self.parameters = [value.requires_grad_() for value in model.parameters() if id(value) not in outside]


def own_engine(settings: ModelSettings, report: Callable[[Progress], None]) -> Engine:
    """The model once more, unquantised in fp32, for a policy that changes it."""
    return load(replace(settings, quantization="none"), report, dtype="float32")


def room_for_full(engine: Engine) -> bool:
    """Whether all weights of this engine's model can be learned in the memory that is left."""
    model: Any = engine.decoder.model  # type: ignore[attr-defined]
    count = sum(int(value.numel()) for value in model.parameters())
    return bool(count * _BYTES_FULL < 0.8 * (free_memory(engine.info.device) + count * 4))


def snapshot(policy: Policy) -> list[Tensor]:
    """What has been learned so far, to be put back with `restore`."""
    return [part.detach().clone() for part in policy.parameters]


@torch.no_grad()
def restore(policy: Policy, parts: Sequence[Tensor]) -> None:
    """Put back what `snapshot` or `read` gave."""
    for part, value in zip(policy.parameters, parts, strict=True):
        part.copy_(value)


def write(policy: Policy, path: Path) -> int:
    """Write what was learned into a file, whole or not at all; returns its bytes. Raises `StoreError`."""
    half = path.with_name(f".{path.name}")
    try:
        save_file({str(place): part for place, part in enumerate(snapshot(policy))}, half)
        half.replace(path)
        return path.stat().st_size
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{path} cannot be written: {error}.", "Free some room there.") from error


def read(policy: Policy, path: Path) -> list[Tensor]:
    """What `write` wrote. Raises `DamagedMemory` if it does not fit this policy."""
    try:
        found = load_file(path)
        parts = [found[str(place)] for place in range(len(policy.parameters))]
        if [part.shape for part in parts] != [part.shape for part in policy.parameters]:
            raise ValueError("its shapes are those of another model")
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise DamagedMemory(f"{path} cannot be read: {error}.", "Remove it to learn it anew.") from error
    return parts


def _log_probs(engine: Engine, prompt: Sequence[int], rows: Sequence[Sequence[int]], temperature: float) -> Tensor:
    embeds = engine.decoder.embed(torch.tensor(prompt, dtype=torch.long)).detach()
    tokens = [torch.tensor(row, dtype=torch.long, device=embeds.device) for row in rows]
    return engine.decoder.log_probs(embeds, tokens, temperature).cpu()


class _Live:
    """The weights of a model as they are now, LoRA's change added, for an `QuantizedDecoder`."""

    def __init__(self, model: Any) -> None:
        self.model = model

    @torch.no_grad()
    def __call__(self, name: str) -> Tensor:
        path, what = name.rsplit(".", 1)
        module = self.model.get_submodule(path)
        tensor: Tensor = getattr(getattr(module, "base_layer", module), what).detach()
        if what == "weight" and hasattr(module, "get_delta_weight"):
            (adapter,) = module.active_adapters
            return tensor + module.get_delta_weight(adapter)
        return tensor

    def blocks(self, name: str) -> None:
        """There are floats only."""

    def close(self) -> None:
        """There is nothing to let go of."""


def _in_int8(engine: Engine) -> Engine:
    """The same model as an int8 engine."""
    model: Any = engine.decoder.model  # type: ignore[attr-defined]
    decoder = QuantizedDecoder(model.config, _Live(model))
    return Engine(
        decoder, engine.tokenizer, replace(engine.info, quantization="int8"), engine.context, engine.stop_tokens,
        engine.architecture,
    )  # fmt: skip


def _with_targets(config: Any, model: Any) -> Any:
    """`all-linear` as the names of these layers; `inject_adapter_in_model` does not resolve it for a bare model."""
    head = model.get_output_embeddings()
    names = {
        name.rsplit(".", 1)[-1]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not head
    }
    config.target_modules = names
    return config
