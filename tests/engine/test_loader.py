"""Which model is loaded, and how one waits for it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from elm_app.core.config import ModelSettings
from elm_app.core.errors import BadInput, Stopped
from elm_app.core.events import Progress
from elm_app.engine.loader import Models, load


def test_a_model_is_loaded_once_and_another_takes_its_place(random_model: Path) -> None:
    models = Models()
    settings = ModelSettings(str(random_model), "none", "cpu")
    first = models.get(settings, lambda _: None)
    assert models.get(settings, lambda _: None) is first
    other = models.get(ModelSettings(str(random_model), "nf4", "cpu"), lambda _: None)
    assert other.info.quantization == "nf4"
    assert models.get(settings, lambda _: None) is not first


def test_whoever_comes_while_a_model_loads_is_told_and_may_leave(random_model: Path) -> None:
    models, told, inside, go_on = Models(), [], threading.Event(), threading.Event()
    settings = ModelSettings(str(random_model), "none", "cpu")

    def slow(_: Progress) -> None:
        inside.set()
        go_on.wait(30)

    thread = threading.Thread(target=lambda: models.get(settings, slow))
    thread.start()
    assert inside.wait(30)
    with pytest.raises(Stopped):
        models.get(settings, told.append, lambda: len(told) > 0)
    go_on.set()
    thread.join(60)
    assert told[0].message == "Loading the model"


def test_progress_is_told_layer_by_layer(random_model: Path) -> None:
    told: list[Progress] = []
    load(ModelSettings(str(random_model), "int8", "cpu"), told.append)
    assert [event.done for event in told if event.unit == "layers"] == [1, 2]
    assert {event.stage for event in told} <= {"load", "verify"}


def test_a_device_that_is_not_there_is_refused(random_model: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(BadInput, match="no CUDA device"):
        load(ModelSettings(str(random_model), "auto", "cuda"), lambda _: None)


def test_int8_is_refused_for_other_families(tmp_path: Path) -> None:
    from random_models import make_folder

    folder = make_folder(tmp_path / "gpt", "gpt_neox", tie_word_embeddings=False)
    with pytest.raises(BadInput, match="int8 needs"):
        load(ModelSettings(str(folder), "int8", "cpu"), lambda _: None)
    assert load(ModelSettings(str(folder), "auto", "cpu"), lambda _: None).info.quantization == "none"


def test_preloading_fetches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELM_CACHE", str(tmp_path / "cache"))
    assert Models().preload(ModelSettings("tiny", "auto", "cpu")) is False
    assert not list((tmp_path / "cache").rglob("*.part")), "a preload must not start a download"
