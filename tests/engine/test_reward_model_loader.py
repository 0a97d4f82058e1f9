"""Finding a process reward model, refusing what is none, and where it goes if memory is short."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from random_models import make_prm
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel

from elm_app.core.errors import BadInput, ModelError, OutOfMemory, WeightsError
from elm_app.engine import reward_model_loader
from elm_app.engine.reward_model_loader import load
from elm_app.weights import free_memory

STEPS = [["One.", "Two.", "So \\boxed{2}."], ["\\boxed{3}"]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_prm(tmp_path_factory.mktemp("prm") / "random-prm")


def shape(folder: Path) -> object:
    with torch.device("meta"):
        return AutoModel.from_config(AutoConfig.from_pretrained(folder))


def needs(folder: Path, dtype: torch.dtype, numbers: float) -> int:
    """Free bytes that leave room for so many of the model's numbers."""
    config = AutoConfig.from_pretrained(folder)
    working = 2048 * (4 * config.intermediate_size + 12 * config.hidden_size)
    return int(dtype.itemsize * (numbers + working)) + (256 << 20)


def parameters(folder: Path) -> int:
    return sum(parameter.numel() for parameter in shape(folder).parameters())  # type: ignore[attr-defined]


def test_code_that_comes_with_the_weights_is_not_run(tmp_path: Path) -> None:
    folder = make_prm(tmp_path / "p")
    flag = tmp_path / "run"
    for name in ("configuration_qwen2_rm", "modeling_qwen2_rm"):
        (folder / f"{name}.py").write_text(f"open({str(flag)!r}, 'w').close()\n")
    assert load(str(folder), "cpu").score("p", STEPS)[1] is not None
    assert not flag.exists()


def test_a_model_that_writes_text_is_refused_by_name(random_model: Path) -> None:
    with pytest.raises(
        ModelError, match=r"random is not a process reward model: .* \(score.0.weight is missing\)"
    ) as caught:
        load(str(random_model), "cpu")
    assert "--verifier agreement" in caught.value.remedy


def test_a_head_for_whole_solutions_is_refused(tmp_path: Path) -> None:
    folder = make_prm(tmp_path / "outcome")
    tensors = load_file(folder / "model.safetensors")
    tensors["score.2.weight"], tensors["score.2.bias"] = tensors["score.2.weight"][:1], tensors["score.2.bias"][:1]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="outcome is not a process reward model"):
        load(str(folder), "cpu")


def test_weights_that_are_not_all_there_are_not_made_up(tmp_path: Path) -> None:
    folder = make_prm(tmp_path / "holed")
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"holed lacks weights .*layers.1.mlp.up_proj"):
        load(str(folder), "cpu")


def test_weights_in_several_files_are_one_model(folder: Path, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    for path in folder.iterdir():
        if path.name != "model.safetensors":
            (parts / path.name).write_bytes(path.read_bytes())
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    where = {name: f"model-0000{1 + place % 2}-of-00002.safetensors" for place, name in enumerate(names)}
    for file in set(where.values()):
        save_file({n: tensors[n] for n in names if where[n] == file}, parts / file, metadata={"format": "pt"})
    (parts / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    whole, split = (load(str(path), "cpu", dtype=torch.float32).score("p", STEPS) for path in (folder, parts))
    assert whole == split


def test_without_the_hub_it_is_said_how_to_give_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELM_CACHE", str(tmp_path))
    monkeypatch.setenv("ELM_HUB", "off")
    with pytest.raises(WeightsError, match=r"Qwen/Qwen2.5-Math-PRM-7B is not on this machine") as caught:
        load("Qwen/Qwen2.5-Math-PRM-7B", "cpu")
    assert "--prm /path/to/folder" in caught.value.remedy


@pytest.mark.parametrize("name", ["small", "no/such/folder", "./nowhere"])
def test_a_name_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="no process reward model called") as caught:
        load(name, "cpu")
    assert "--prm" in caught.value.remedy


def test_an_unfinished_folder_is_refused(tmp_path: Path) -> None:
    folder = make_prm(tmp_path / "half")
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadInput, match=r"weights .* missing"):
        load(str(folder), "cpu")


@pytest.mark.parametrize("share", [0.01, 0.9])
def test_what_does_not_fit_is_read_from_disk(folder: Path, monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    expected = load(str(folder), "cpu", dtype=torch.float32).score("p", STEPS)
    free = needs(folder, torch.float32, share * parameters(folder))
    monkeypatch.setattr(reward_model_loader, "free_memory", lambda _: free)
    made: list[Path] = []

    class Noted(reward_model_loader.tempfile.TemporaryDirectory):  # type: ignore[type-arg]
        def __enter__(self) -> str:
            made.append(Path(self.name))
            return super().__enter__()

    monkeypatch.setattr(reward_model_loader.tempfile, "TemporaryDirectory", Noted)
    prm = load(str(folder), "cpu", dtype=torch.float32)
    on_disk = [name for name, tensor in prm._base.named_parameters() if tensor.device.type == "meta"]
    assert on_disk
    assert (len(on_disk) < len(list(prm._base.parameters()))) == (share > 0.5)
    assert prm.score("p", STEPS) == expected
    assert made
    assert made[0].is_dir()
    prm.close()
    assert not made[0].exists()


def test_nothing_is_left_on_disk_if_loading_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_prm(tmp_path / "p")
    monkeypatch.setattr(reward_model_loader.tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(reward_model_loader, "free_memory", lambda _: 0)

    def fails(*_: object, **__: object) -> None:
        assert len(list((tmp_path / "tmp").iterdir())) == 1
        raise MemoryError

    monkeypatch.setattr(AutoModel, "from_pretrained", fails)
    with pytest.raises(OutOfMemory, match="not enough memory for p"):
        load(str(folder), "cpu")
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("able", "share", "dtype", "where"),
    [
        ({"avx512_bf16": True}, 9.0, torch.bfloat16, {"": "cpu"}),
        ({}, 9.0, torch.float32, {"": "cpu"}),
        ({}, 0.8, torch.bfloat16, "sequential"),
    ],
)
def test_numbers_are_those_the_cpu_multiplies_fastest_if_they_fit(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    able: dict[str, bool],
    share: float,
    dtype: torch.dtype,
    where: object,
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    free = needs(folder, dtype, share * parameters(folder))
    monkeypatch.setattr(reward_model_loader, "free_memory", lambda _: free)
    placing = reward_model_loader._placing(shape(folder), "cpu", None)
    assert (placing["dtype"], placing["device_map"]) == (dtype, where)


def test_a_gpu_too_small_is_filled_first_and_then_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real model's shape, 7.07 billion numbers without the vocabulary head, on GPUs of 24 and of 12 GiB."""
    config = AutoConfig.for_model(
        "qwen2",
        hidden_size=3584,
        intermediate_size=18944,
        num_hidden_layers=28,
        num_attention_heads=28,
        num_key_value_heads=4,
        vocab_size=152064,
        max_position_embeddings=4096,
    )
    with torch.device("meta"):
        real = AutoModel.from_config(config)
    free = {"cuda": 24 << 30, "cpu": 8 << 30}
    monkeypatch.setattr(reward_model_loader, "free_memory", free.get)
    assert reward_model_loader._placing(real, "cuda", None) == {"dtype": torch.bfloat16, "device_map": {"": "cuda"}}
    free["cuda"] = 12 << 30
    placing = reward_model_loader._placing(real, "cuda", None)
    assert (placing["dtype"], placing["device_map"]) == (torch.bfloat16, "sequential")
    assert list(placing["max_memory"]) == [0, "cpu"]
    assert 8 << 30 < placing["max_memory"][0] < 11 << 30
    assert placing["max_memory"]["cpu"] == (8 << 30) - (256 << 20)


def test_free_memory_is_within_the_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_memory, "CGROUP", tmp_path)
    whole = free_memory.free_memory("cpu")
    assert whole > 1 << 20
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory.free_memory("cpu") > 1 << 20
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("700000\n")
    assert free_memory.free_memory("cpu") == 300000
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 50000\nactive_file 7\n")
    assert free_memory.free_memory("cpu") == 350000
    (tmp_path / "memory.current").write_text("1200000\n")
    assert free_memory.free_memory("cpu") == 0
