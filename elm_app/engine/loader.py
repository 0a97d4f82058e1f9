"""From settings to a loaded engine. Importing this file is cheap: torch is imported when a model is asked for.

What is loaded where:
    CPU    `4-bit` for models of the Llama family (the checkpoint's own blocks; floats are quantised on loading), else,
           and where the processor has no AVX2, `none` in bfloat16
    CUDA   `nf4`: bitsandbytes NF4, double quantisation, bfloat16 compute
`nf4` and `none` can be chosen by hand on either, `int8` on a CPU.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from elm_app.core.config import Device, ModelSettings
from elm_app.core.errors import BadInput, ModelError, OutOfMemory, Stopped
from elm_app.core.events import Progress
from elm_app.core.types import ModelInfo
from elm_app.engine.quantized.formats import FORMATS
from elm_app.weights.choice import here
from elm_app.weights.gguf import GgufTensors, RawBlocks
from elm_app.weights.instructions import instructions
from elm_app.weights.presets import PRESETS
from elm_app.weights.resolve import LocalModel, resolve, with_floats

if TYPE_CHECKING:
    from elm_app.engine.engine import Engine

Report = Callable[[Progress], None]


@contextmanager
def turn(lock: threading.Lock, report: Report, cancelled: Callable[[], bool]) -> Iterator[None]:
    """Waits for a load that goes on elsewhere, saying so, and not longer than the user wants to."""
    while not lock.acquire(timeout=0.1):
        if cancelled():
            raise Stopped("Stopped while waiting for the model.")
        report(Progress("load", "Loading the model", 0, 0))
    try:
        yield
    finally:
        lock.release()


class Models:
    """Keeps the engine that was used last; another model takes its place. Thread-safe: one load at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._settings: ModelSettings | None = None
        self._engine: Engine | None = None

    def get(self, settings: ModelSettings, report: Report, cancelled: Callable[[], bool] = lambda: False) -> Engine:
        """The engine for these settings, loaded if need be. Raises what `load` raises."""
        with turn(self._lock, report, cancelled):
            if self._engine is None or settings != self._settings:
                self._engine = self._settings = None
                self._engine = load(settings, report, cancelled)
                self._settings = settings
            return self._engine

    def loaded(self) -> Engine | None:
        """The engine that is loaded now, if any; waits for nothing."""
        return self._engine

    def preload(self, settings: ModelSettings) -> bool:
        """Load a model ahead of its first use if its weights are on this machine; returns whether they were."""
        if not fetched(settings):
            return False
        self.get(settings, lambda _: None)
        return True


def load(
    settings: ModelSettings, report: Report, cancelled: Callable[[], bool] = lambda: False, dtype: str = "bfloat16"
) -> Engine:
    """Fetch (if need be) and load a model.

    Args:
        dtype: of the weights where they are not quantised.

    Raises:
        BadInput: the model, device and quantisation do not go together.
        WeightsError: the weights cannot be had.
        ModelError: transformers cannot run it; OutOfMemory: it does not fit.
        Stopped: `cancelled()` became true.
    """
    device = device_for(settings.device)
    source = fetch(settings, report, cancelled)
    report(Progress("load", f"Loading {source.id}", 0, 0))
    from transformers import AutoConfig, AutoTokenizer, GenerationConfig
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    from elm_app.engine.engine import Engine

    try:
        config = AutoConfig.from_pretrained(source.path)
        tokenizer = AutoTokenizer.from_pretrained(source.path)
        generation = (
            GenerationConfig.from_pretrained(source.path)
            if (source.path / "generation_config.json").is_file()
            else None
        )
        quantization = _quantization(settings, device, config)
        decoder = _decoder(source, config, quantization, device, dtype, report, cancelled)
    except (ValueError, KeyError, OSError, AttributeError) as error:
        raise ModelError(f"{source.id} cannot be loaded: {error}.", "Choose another model with --model.") from error
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError) or "memory" in str(error):
            raise OutOfMemory(f"{source.id} does not fit into memory.", "Choose a smaller model.") from error
        raise
    info = ModelInfo(source.id, quantization, device, source.sha256)
    context = int(getattr(config, "max_position_embeddings", 0) or 2048)
    architecture = {
        "base_model_name_or_path": _hub_name(source.id),
        "num_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "num_key_value_heads": decoder.kv_heads,
    }
    return Engine(decoder, tokenizer, info, context, _stop_tokens(config, generation, tokenizer), architecture)


def _hub_name(model: str) -> str:
    return PRESETS[model].repo if model in PRESETS else model


def fetched(settings: ModelSettings) -> bool:
    """Whether a model's weights are on this machine; a name that is no preset and no folder is asked for at the hub.

    Raises what `fetch` raises, but for `Stopped`.
    """
    try:
        fetch(settings, lambda _: None, lambda: True)
    except Stopped:
        return False
    return True


def fetch(settings: ModelSettings, report: Report, cancelled: Callable[[], bool]) -> LocalModel:
    """Bring a model's weights to this machine. Raises what `resolve` raises."""
    return resolve(_named(settings), progress=report, cancelled=cancelled)


def _named(settings: ModelSettings) -> str:
    return here(device_for(settings.device)).preset if settings.model == "auto" else settings.model


def device_for(wish: Device) -> str:
    """`cpu` or `cuda`; raises `BadInput` if there is no such device."""
    if wish == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wish == "cuda":
        raise BadInput("There is no CUDA device on this machine.", "Use --device cpu.")
    return "cpu"


def _quantization(settings: ModelSettings, device: str, config: Any) -> str:
    from elm_app.engine.quantized import supported

    able = device == "cpu" and supported.supported(config) and instructions() is not None
    if settings.quantization == "auto":
        return "nf4" if device == "cuda" else "4-bit" if able else "none"
    if settings.quantization in ("4-bit", "int8") and not able:
        families = ", ".join(supported.FAMILIES)
        raise BadInput(
            f"{settings.quantization} needs a CPU with AVX2 instructions and a model of one of these families: "
            f"{families}.",
            "Use --quantization nf4 or none.",
        )
    return settings.quantization


def _decoder(
    source: LocalModel,
    config: Any,
    quantization: str,
    device: str,
    dtype: str,
    report: Report,
    cancelled: Callable[[], bool],
) -> Any:
    import torch

    if quantization in ("4-bit", "int8"):
        from elm_app.engine.quantized.choose_kernels import choose
        from elm_app.engine.quantized.decoder import QuantizedDecoder

        def packed(done: int) -> None:
            report(Progress("load", f"Loading {source.id}", done, config.num_hidden_layers, "layers"))

        chosen = choose(blocks=quantization == "4-bit")
        decoder = QuantizedDecoder(config, Tensors(source), chosen, packed)
        report(Progress("load", "Preparing the kernels (slow the first time only)", 0, 0))
        _, cache = decoder.prefill(decoder.embed(torch.tensor([0])))
        decoder.step(decoder.begin([(cache, 1)]), torch.tensor([0]))
        return decoder
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    from elm_app.engine.dense_decoder import DenseDecoder

    options: dict[str, Any] = {"dtype": dtype, "device_map": {"": device}}
    if quantization == "nf4":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    folder = with_floats(source, progress=report, cancelled=cancelled)
    return DenseDecoder(AutoModelForCausalLM.from_pretrained(folder, **options))


class Tensors:
    """The tensors of a model by name, floats of any kind. Files are opened when asked, and again after `close`.

    Those of a checkpoint are read one at a time: what is in blocks comes in float16, as `with_floats` writes it, and
    fp32 as it is.
    """

    def __init__(self, source: LocalModel) -> None:
        self._source = source
        self._checkpoint: GgufTensors | None = None
        self._where: dict[str, Any] = {}

    def __call__(self, name: str) -> Any:
        if self._source.checkpoint is not None:
            import torch

            return torch.from_numpy(self._of_checkpoint().read(name).floats())
        if not self._where:
            from safetensors import safe_open

            files = [safe_open(path, framework="pt") for path in sorted(self._source.path.glob("*.safetensors"))]
            self._where = {name: file for file in files for name in file.keys()}  # noqa: SIM118
        return self._where[name].get_tensor(name)

    def blocks(self, name: str) -> RawBlocks | None:
        """A matrix in the blocks of the checkpoint; None where there are floats only."""
        if self._source.checkpoint is None:
            return None
        raw = self._of_checkpoint().read(name)
        return raw if raw.kind in FORMATS else None

    def close(self) -> None:
        """Let go of the files."""
        self._where = {}

    def _of_checkpoint(self) -> GgufTensors:
        assert self._source.checkpoint is not None
        self._checkpoint = self._checkpoint or GgufTensors(self._source.checkpoint)
        return self._checkpoint


def _stop_tokens(config: Any, generation: Any, tokenizer: Any) -> frozenset[int]:
    found: set[int] = set()
    for ids in (config.eos_token_id, generation and generation.eos_token_id, tokenizer.eos_token_id):
        found.update([ids] if isinstance(ids, int) else ids or [])
    return frozenset(found)
