"""From a name to a loaded process reward model, where there is room for it."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from elm_app.core.config import Device
from elm_app.core.errors import BadInput, ModelError, WeightsError
from elm_app.core.events import Progress
from elm_app.engine.loader import Report, Tensors, device_for
from elm_app.engine.reward_model import ANOTHER, BATCH_TOKENS, Prm, readable_errors
from elm_app.weights.free_memory import free_memory
from elm_app.weights.resolve import HUB_ID, LocalModel, resolve

_HEAD = ("score.0.weight", "score.0.bias", "score.2.weight", "score.2.bias")


def load(
    name: str,
    device: Device = "auto",
    report: Report = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    dtype: torch.dtype | None = None,
) -> Prm:
    """Fetch (if need be) and load a process reward model.

    Args:
        name: a hub id or a local folder.
        dtype: of the base model; by default bfloat16, but float32 on a CPU without bfloat16 arithmetic if it fits.

    What does not fit the GPU's free memory goes to the CPU's, and what does not fit there is read from disk each time.

    Raises:
        BadInput: nothing is called so, or the folder is no model.
        WeightsError: the weights cannot be had.
        ModelError: it is not a process reward model; OutOfMemory: it does not fit.
        Stopped: `stopped()` became true.
    """
    source = _find(name, report, stopped)
    report(Progress("load", f"Loading {source.id}", 0, 0))
    from transformers import AutoConfig, AutoModel, AutoTokenizer
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("accelerate.big_modeling").setLevel(logging.ERROR)  # warns of what is done here on purpose
    with readable_errors(source.id), ExitStack() as stack:
        try:
            config = AutoConfig.from_pretrained(source.path, trust_remote_code=False)
            weights = _head_weights(source, config.hidden_size)
            tokenizer = AutoTokenizer.from_pretrained(source.path, trust_remote_code=False)
            with torch.device("meta"):
                shape = AutoModel.from_config(config, trust_remote_code=False)
            placing = _placing(shape, device_for(device), dtype)
            if isinstance(placing["device_map"], str):
                placing["offload_folder"] = stack.enter_context(tempfile.TemporaryDirectory(prefix="elm-prm-"))
            base, info = AutoModel.from_pretrained(
                source.path, trust_remote_code=False, use_safetensors=True, output_loading_info=True, **placing
            )
        except (ValueError, KeyError, OSError, AttributeError) as error:
            raise ModelError(f"{source.id} cannot be loaded: {error}.", ANOTHER) from error
        if lacks := sorted({*info["missing_keys"], *(key[0] for key in info["mismatched_keys"])}):
            raise ModelError(f"{source.id} lacks weights that it needs, such as {lacks[0]}.", "Fetch it again.")
        prm = Prm(source.id, base, _head(weights, device_for(device)), tokenizer)
        prm.kept = stack.pop_all()
        return prm


def _find(name: str, report: Report, stopped: Callable[[], bool]) -> LocalModel:
    """Where the model is; the presets are models that write text, so their names mean nothing here."""
    if not Path(name).expanduser().is_dir() and not HUB_ID.fullmatch(name):
        raise BadInput(
            f"There is no process reward model called {name!r}.", "Give a hub id (owner/name) or a folder with --prm."
        )
    folder = Path(name).expanduser()
    try:
        return resolve(
            str(folder.resolve()) if folder.is_dir() else name, progress=report, cancelled=stopped, causal=False
        )
    except (WeightsError, BadInput) as error:
        raise type(error)(error.message, error.remedy.replace("--model", "--prm")) from error


def _head_weights(source: LocalModel, hidden: int) -> list[Tensor]:
    """W₀ (H, H), b₀ (H,), W₂ (2, H), b₂ (2,), fp32."""
    tensors = Tensors(source)
    try:
        weights = [tensors(name).float() for name in _HEAD]
    except KeyError as error:
        raise ModelError(
            f"{source.id} is not a process reward model: it has no score head ({error.args[0]} is missing).", ANOTHER
        ) from error
    finally:
        tensors.close()
    shapes = [tuple(weight.shape) for weight in weights]
    if shapes != [(hidden, hidden), (hidden,), (2, hidden), (2,)]:
        raise ModelError(
            f"{source.id} is not a process reward model: its score head has {shapes[2][0]} classes of {shapes[2][1:]} "
            "numbers, not 2.",
            ANOTHER,
        )
    return weights


def _head(weights: Sequence[Tensor], device: str) -> nn.Module:
    first, second = nn.Linear(1, 1), nn.Linear(1, 1)
    first.weight, first.bias, second.weight, second.bias = (nn.Parameter(w, requires_grad=False) for w in weights)
    return nn.Sequential(first, nn.ReLU(), second).to(device)


def _placing(shape: Any, device: str, dtype: torch.dtype | None) -> dict[str, Any]:
    """How `from_pretrained` is to place a model, of which `shape` has the shapes only: as which numbers, and where."""
    numbers = sum(parameter.numel() for parameter in shape.parameters())
    rows = max(BATCH_TOKENS[device], min(shape.config.max_position_embeddings, 4096))
    # Of one pass: gate, up, activation and product in one layer's MLP, and some hidden states.
    working = rows * (4 * shape.config.intermediate_size + 12 * shape.config.hidden_size)
    spare = 256 << 20

    def room(kind: torch.dtype) -> int:
        return free_memory(device) - int(kind.itemsize * working) - spare

    if dtype is None:
        # Where a CPU multiplies bfloat16 itself it is 2.7 times as fast as float32 (2,048 rows × 3,584 × 18,944: 401
        # against 151 GFLOP/s, measured on 2 cores); where it does not, float32 is faster.
        able = torch.cpu.get_capabilities()
        slow = device == "cpu" and not (able.get("avx512_bf16") or able.get("amx_bf16"))
        dtype = torch.float32 if slow and 4 * numbers <= room(torch.float32) else torch.bfloat16
    if dtype.itemsize * numbers <= room(dtype):
        return {"dtype": dtype, "device_map": {"": device}}
    most: dict[str | int, int] = {"cpu": max(0, room(dtype) if device == "cpu" else free_memory("cpu") - spare)}
    if device == "cuda":
        most = {0: max(0, room(dtype)), **most}
    return {"dtype": dtype, "device_map": "sequential", "max_memory": most}
