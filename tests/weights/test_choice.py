"""Which model `auto` is, and why."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
import torch

from elm_app.core.config import ModelSettings
from elm_app.engine import loader
from elm_app.weights import choice, free_memory
from elm_app.weights.choice import BASE_MEMORY, choose
from elm_app.weights.instructions import Instructions, instructions
from elm_app.weights.presets import PRESETS


@pytest.mark.parametrize(
    ("device", "bytes", "has", "preset", "said"),
    [
        ("cpu", BASE_MEMORY, "AVX512-VNNI", "base", "6 GB of memory and AVX512-VNNI."),
        ("cpu", BASE_MEMORY, "AVX2", "base", "6 GB of memory and AVX2."),
        ("cpu", BASE_MEMORY - 1, "AVX2", "small", "5.9 GB of memory and the 1.5B wants 6."),
        ("cpu", BASE_MEMORY, None, "small", "lacks AVX2"),
        ("cpu", BASE_MEMORY - 1, None, "small", "wants 6"),
        ("cuda", 0, None, "base", "GPU"),
    ],
)
def test_the_larger_model_where_it_fits_and_is_quick(
    device: str, bytes: int, has: Instructions | None, preset: str, said: str
) -> None:
    chosen = choose(device, bytes, has)
    assert chosen.preset == preset
    assert said in chosen.reason
    assert chosen.reason.startswith("The " + PRESETS[preset].title.split()[1])


@pytest.mark.parametrize(
    ("model", "machine", "wanted"),
    [
        ("small", ("cpu", 24 << 30, "AVX2"), "base"),
        ("small", ("cpu", 24 << 30, None), "base"),  # slowly
        ("small", ("cpu", BASE_MEMORY - 1, "AVX2"), None),
        ("small", ("cuda", 0, None), "base"),
        (PRESETS["small"].repo, ("cpu", 24 << 30, "AVX2"), "base"),
        ("tiny", ("cpu", BASE_MEMORY - 1, "AVX2"), "small"),
        ("base", ("cpu", 24 << 30, "AVX2"), None),
        ("paper-qwen", ("cuda", 0, None), None),
        ("my/own", ("cpu", 24 << 30, "AVX2"), None),
    ],
)
def test_a_larger_model_is_named_only_if_the_machine_can_run_it(
    model: str, machine: tuple[str, int, Instructions | None], wanted: str | None
) -> None:
    assert choice.larger(model, choose(*machine)) == wanted


def test_a_presets_size_is_that_of_its_name() -> None:
    assert [preset.size for preset in PRESETS.values()] == ["135M", "0.5B", "1.5B", "7B", "8B"]


def test_the_machine_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    every = {"avx2": True, "fma3": True, "f16c": True}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: every)
    monkeypatch.setattr(free_memory, "CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory.total_memory() == psutil.virtual_memory().total
    monkeypatch.setattr(free_memory, "total_memory", lambda: 24 << 30)
    assert choice.here("cpu").preset == "base"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: every | {"f16c": False})
    assert choice.here("cpu").preset == "small"
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)  # another kind of processor
    assert choice.here("cpu").preset == "small"


def test_the_fastest_instructions_are_taken_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    able = {"avx2": True, "fma3": True, "f16c": True, "avx512_vnni": True, "avx512_vl": True}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    monkeypatch.delenv("ELM_AVX2", raising=False)
    assert instructions() == "AVX512-VNNI"
    monkeypatch.setenv("ELM_AVX2", "1")
    assert instructions() == "AVX2"
    del able["avx2"]
    assert instructions() is None


def test_a_container_is_as_large_as_its_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(free_memory, "CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("1000000\n")
    assert free_memory.total_memory() == 1000000
    assert choice.here("cpu").preset == "small"


def test_auto_is_loaded_as_it_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(loader, "resolve", lambda model, **_: asked.append(model))
    for kind in ("base", "small"):
        monkeypatch.setattr(loader, "here", lambda _, kind=kind: choice.Choice(kind, ""))
        loader.fetch(ModelSettings("auto", device="cpu"), lambda _: None, lambda: False)
    loader.fetch(ModelSettings("tiny", device="cpu"), lambda _: None, lambda: False)
    assert asked == ["base", "small", "tiny"]
