"""A checkpoint from its download to the decoder: kept as it is, in blocks and in floats."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from random_gguf import HEADS, KV_HEADS, make_gguf
from safetensors.torch import load_file
from transformers import AutoConfig

from elm_app.core.config import ModelSettings
from elm_app.core.errors import Stopped, WeightsError
from elm_app.core.events import Progress
from elm_app.engine.loader import Tensors, load
from elm_app.engine.quantized.choose_kernels import choose
from elm_app.engine.quantized.decoder import QuantizedDecoder
from elm_app.weights import resolve
from elm_app.weights.download import RemoteFile
from elm_app.weights.gguf import name_of
from elm_app.weights.presets import PRESETS, Preset


def quiet(_: Progress) -> None:
    pass


@pytest.fixture(params=["qwen2", "llama"])
def model(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> resolve.LocalModel:
    """A preset in a cache of its own, resolved from a file that was downloaded before."""
    monkeypatch.setenv("ELM_CACHE", str(tmp_path))
    return resolved(tmp_path, request.param)


def resolved(cache: Path, architecture: str) -> resolve.LocalModel:
    made = make_gguf(cache / "made.gguf", architecture, "Q5_0")
    sha256 = hashlib.sha256(made.read_bytes()).hexdigest()
    folder = cache / "downloads" / sha256[:12]
    folder.mkdir(parents=True)
    made.rename(folder / made.name)
    file = RemoteFile(made.name, "Test", sha256, (folder / made.name).stat().st_size, ())
    PRESETS["test"] = Preset("Test", 1, "none", "a/b", file)
    try:
        return resolve.resolve("test", progress=quiet, cache=cache)
    finally:
        del PRESETS["test"]


def numbers(checkpoint: Path) -> dict[str, NDArray[np.float32]]:
    """All tensors as the format's own library reads them, by transformers' names, rows in its order."""
    reader, found = gguf.GGUFReader(checkpoint), {}
    llama = bytes(reader.fields["general.architecture"].parts[-1]) == b"llama"
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        heads = {"attn_q": HEADS, "attn_k": KV_HEADS}.get(tensor.name.split(".")[-2], 0)
        if llama and heads:
            rows, width = values.shape
            values = values.reshape(heads, rows // heads // 2, 2, width).swapaxes(1, 2).reshape(rows, width)
        found[name_of(tensor.name)] = values.copy()  # torch wants arrays that can be written
    return found


def test_the_file_is_moved_and_no_floats_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = []
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda path, to: moved.append(path.stat().st_ino) or replace(path, to))
    model = resolved(tmp_path, "qwen2")
    assert model.checkpoint == model.path / "model.gguf"
    assert model.checkpoint.stat().st_ino in moved
    assert not list(tmp_path.rglob("*.safetensors"))
    assert {"config.json", "generation_config.json", "tokenizer.json"} <= {path.name for path in model.path.iterdir()}


def test_floats_are_those_of_the_formats_library(model: resolve.LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elm_app.weights.gguf._SLICE", 200)  # three rows at a time
    assert model.checkpoint is not None
    said: list[Progress] = []
    folder = resolve.with_floats(model, progress=said.append)
    assert {event.stage for event in said} == {"convert"}
    written, expected = load_file(folder / "model.safetensors"), numbers(model.checkpoint)
    assert written.keys() == expected.keys()
    for name, values in expected.items():
        assert torch.equal(written[name], torch.from_numpy(values).half()), name
    said.clear()
    assert resolve.with_floats(model, progress=said.append) == folder
    assert resolve.resolve(str(model.path), progress=said.append).sha256 == model.sha256  # the seal is whole
    assert said == []


def test_tensors_come_as_blocks_and_as_floats(model: resolve.LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elm_app.weights.gguf._SLICE", 200)
    assert model.checkpoint is not None
    tensors = Tensors(model)
    for name, values in numbers(model.checkpoint).items():
        found, raw = tensors(name), tensors.blocks(name)
        if values.ndim == 1:
            assert raw is None
            assert torch.equal(found, torch.from_numpy(values)), name  # to the last bit of fp32
            continue
        assert raw is not None
        assert (raw.shape, len(raw.data)) == (values.shape, len(values))
        by_library = gguf.quants.dequantize(raw.data, gguf.GGMLQuantizationType(raw.kind))
        assert np.array_equal(by_library, values), name
        assert torch.equal(found, torch.from_numpy(by_library).half()), name
        raw.data[:] = 0  # a copy of one's own
        assert torch.equal(tensors(name), found)
    tensors.close()
    assert tensors("model.norm.weight").any()


def test_a_folder_of_floats_has_no_blocks(random_model: Path) -> None:
    tensors = Tensors(resolve.resolve(str(random_model), progress=quiet))
    assert tensors.blocks("lm_head.weight") is None


class Rounded(Tensors):
    """With norms and biases in float16, as the floats have them."""

    def __call__(self, name: str) -> torch.Tensor:
        return super().__call__(name).half()


def test_int8_of_a_checkpoint_is_int8_of_its_floats(model: resolve.LocalModel) -> None:
    if choose() is None:
        pytest.skip("this CPU has no AVX2")
    floats = resolve.resolve(str(resolve.with_floats(model, progress=quiet)), progress=quiet)
    config, tokens = AutoConfig.from_pretrained(model.path), torch.arange(40, 60)
    decoders = [QuantizedDecoder(config, tensors) for tensors in (Rounded(model), Tensors(floats))]
    ours, theirs = (decoder.logits(decoder.embed(tokens)) for decoder in decoders)
    assert torch.equal(ours, theirs)


def test_the_dense_decoder_asks_for_floats(model: resolve.LocalModel, tmp_path: Path) -> None:
    engine = load(ModelSettings(str(model.path), "none", "cpu"), quiet)
    assert engine.info.weights_sha256 == model.sha256
    assert [path.parent.name for path in tmp_path.rglob("*.safetensors")] == [f"floats-2-{model.sha256[:12]}"]


def models_in(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "models").iterdir())


def test_a_stop_in_the_middle_leaves_nothing(model: resolve.LocalModel, tmp_path: Path) -> None:
    asked: list[None] = []

    def cancelled() -> bool:
        asked.append(None)
        return len(asked) > 8

    with pytest.raises(Stopped):
        resolve.with_floats(model, progress=quiet, cancelled=cancelled)
    assert models_in(tmp_path) == [model.path.name]


def test_a_long_tensor_can_be_stopped(model: resolve.LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between slices, not between tensors only: those of a vocabulary take seconds."""
    monkeypatch.setattr("elm_app.weights.gguf._SLICE", 200)
    said, asked = list[Progress](), list[None]()

    def cancelled() -> bool:
        asked.append(None)
        return len(asked) > 20

    with pytest.raises(Stopped):
        resolve.with_floats(model, progress=said.append, cancelled=cancelled)
    assert said[-1].done == 0


SCRIPT = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from elm_app.weights import resolve

def die(event):
    if event.done == 5:
        os.kill(os.getpid(), signal.SIGKILL)

model = resolve.resolve(sys.argv[1], progress=lambda _: None)
resolve.with_floats(model, progress=die)
"""


def test_after_a_kill_in_the_middle_they_are_made_whole(model: resolve.LocalModel, tmp_path: Path) -> None:
    script = SCRIPT.format(root=str(Path(resolve.__file__).parents[2]))
    child = subprocess.run([sys.executable, "-c", script, str(model.path)], timeout=60)
    assert child.returncode == -signal.SIGKILL
    half = tmp_path / "models" / f".floats-2-{model.sha256[:12]}"
    assert (half / "model.safetensors").exists()
    assert half.name[1:] not in models_in(tmp_path)
    folder = resolve.with_floats(model, progress=quiet)
    assert models_in(tmp_path) == sorted([folder.name, model.path.name])
    assert model.checkpoint is not None
    assert load_file(folder / "model.safetensors").keys() == numbers(model.checkpoint).keys()


def test_room_is_asked_for_what_is_written(
    model: resolve.LocalModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert model.checkpoint is not None
    need = 2 * sum(values.size for values in numbers(model.checkpoint).values()) + (32 << 20) + (64 << 20)
    free = [need - 1]
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": free[0]}))
    with pytest.raises(WeightsError, match="needs"):
        resolve.with_floats(model, progress=quiet)
    assert models_in(tmp_path) == [model.path.name]
    free[0] = need
    assert resolve.with_floats(model, progress=quiet).is_dir()
