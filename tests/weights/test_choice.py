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
from elm_app.weights.presets import PRESETS


@pytest.mark.parametrize(
    ("device", "bytes", "vnni", "preset", "said"),
    [
        ("cpu", BASE_MEMORY, True, "base", "6 GB of memory and AVX512-VNNI."),
        ("cpu", BASE_MEMORY - 1, True, "small", "5.9 GB of memory and the 1.5B wants 6."),
        ("cpu", BASE_MEMORY, False, "small", "lacks AVX512-VNNI"),
        ("cpu", BASE_MEMORY - 1, False, "small", "wants 6"),
        ("cuda", 0, False, "base", "GPU"),
    ],
)
def test_the_larger_model_where_it_fits_and_is_quick(
    device: str, bytes: int, vnni: bool, preset: str, said: str
) -> None:
    chosen = choose(device, bytes, vnni)
    assert chosen.preset == preset
    assert said in chosen.reason
    assert chosen.reason.startswith("The " + PRESETS[preset].title.split()[1])


@pytest.mark.parametrize(
    ("model", "machine", "wanted"),
    [
        ("small", ("cpu", 24 << 30, True), "base"),
        ("small", ("cpu", 24 << 30, False), "base"),  # slowly
        ("small", ("cpu", BASE_MEMORY - 1, True), None),
        ("small", ("cuda", 0, False), "base"),
        (PRESETS["small"].repo, ("cpu", 24 << 30, True), "base"),
        ("tiny", ("cpu", BASE_MEMORY - 1, True), "small"),
        ("base", ("cpu", 24 << 30, True), None),
        ("paper-qwen", ("cuda", 0, False), None),
        ("my/own", ("cpu", 24 << 30, True), None),
    ],
)
def test_a_larger_model_is_named_only_if_the_machine_can_run_it(
    model: str, machine: tuple[str, int, bool], wanted: str | None
) -> None:
    assert choice.larger(model, choose(*machine)) == wanted


def test_a_presets_size_is_that_of_its_name() -> None:
    assert [preset.size for preset in PRESETS.values()] == ["135M", "0.5B", "1.5B", "7B", "8B"]


def test_the_machine_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_vnni": True})
    monkeypatch.setattr(free_memory, "CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory.total_memory() == psutil.virtual_memory().total
    monkeypatch.setattr(free_memory, "total_memory", lambda: 24 << 30)
    assert choice.here("cpu").preset == "base"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_vnni": False})
    assert choice.here("cpu").preset == "small"
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)  # another kind of processor
    assert choice.here("cpu").preset == "small"


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
