"""Settings: what is refused is named, with what fits; the environment has its say."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from elm_app.core import config, environment
from elm_app.core.config import LearnSettings, ModelSettings, SamplingSettings
from elm_app.core.errors import BadInput


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ELM_CACHE", "ELM_MEMORIES", "ELM_MODEL", "ELM_HUB", "ELM_DEBUG", "HF_ENDPOINT", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


class TestLearning:
    def test_the_defaults_are_those_of_the_paper_where_it_says_them(self) -> None:
        settings = LearnSettings()
        assert (settings.steps, settings.rollouts, settings.virtual_tokens) == (10, 8, 20)
        assert (settings.reward, settings.loss) == ("majority", "dr_grpo")

    @pytest.mark.parametrize(
        ("name", "values", "fits"),
        [
            ("steps", [0, 1001, 2.0, None, True], "a whole number from 1 to 1000"),
            ("rollouts", [1, 257, "8"], "a whole number from 2 to 256"),
            ("virtual_tokens", [0, 513], "a whole number from 1 to 512"),
            ("learning_rate", [0, -1.0, 1.1, float("nan"), "1e-3", None, True], "above 0 and at most 1"),
            ("temperature", [0, 5.1, float("inf")], "above 0 and at most 5"),
            ("max_new_tokens", [0, 32769], "a whole number from 1 to 32768"),
            ("init", ["random", None], "one of text, vocabulary, example"),
            ("loss", ["ppo"], "one of dr_grpo, grpo"),
            (
                "reward",
                ["silver", "", None],
                "one of majority, vote, gold, random, inverted, certainty, entropy, reference",
            ),
            ("min_agreement", [-0.1, 1.1], "from 0 to 1"),
            ("clip_norm", [0, float("inf")], "above 0"),
            ("norm_cap", [-1], "0 (no cap) or above"),
            ("measure_samples", [0, 257], "a whole number from 1 to 256"),
            ("measure_temperature", [-0.1, 6], "from 0 (greedy) to 5"),
            ("keep", [1, None], "true or false"),
            ("seed", [-1, 2**63], "a whole number from 0 to 2^63 − 1"),
        ],
    )
    def test_nonsense_is_refused_by_name(self, name: str, values: list[Any], fits: str) -> None:
        for value in values:
            with pytest.raises(BadInput) as caught:
                LearnSettings(**{name: value})
            assert caught.value.message == f"{name} is {value!r}."
            assert caught.value.remedy == f"It must be {fits}."


class TestSampling:
    def test_the_defaults_fit(self) -> None:
        settings = SamplingSettings()
        assert (settings.samples, settings.max_new_tokens, settings.temperature, settings.top_k) == (8, 512, 0.7, 0)

    def test_a_seed_of_its_own_unless_given(self) -> None:
        assert len({SamplingSettings().seed for _ in range(20)}) == 20
        assert SamplingSettings(seed=42).seed == 42

    @pytest.mark.parametrize(
        "fits",
        [
            {"samples": 1},
            {"samples": 256},
            {"max_new_tokens": 1},
            {"max_new_tokens": 32768},
            {"temperature": 0},
            {"temperature": 0.0},
            {"temperature": 5},
            {"top_k": 0},
            {"top_k": 10**6},
            {"seed": 0},
            {"seed": 2**63 - 1},
        ],
    )
    def test_the_edges_fit(self, fits: dict[str, Any]) -> None:
        (name, value), *_ = fits.items()
        assert getattr(SamplingSettings(**fits), name) == value

    @pytest.mark.parametrize(
        ("name", "values", "fits"),
        [
            ("samples", [0, -1, 257, 2.0, "8", None, True], "a whole number from 1 to 256"),
            ("max_new_tokens", [0, 32769, 1.5, "512", None, True], "a whole number from 1 to 32768"),
            ("temperature", [-0.1, 5.1, float("nan"), float("inf"), "0.7", None, True], "from 0 (greedy) to 5"),
            ("top_k", [-1, 0.5, "0", None, False], "a whole number from 0 (the whole vocabulary)"),
            ("seed", [-1, 2**63, 1.5, "7", None, True], "a whole number from 0 to 2^63 − 1"),
        ],
    )
    def test_what_does_not_fit_is_named_with_what_does(self, name: str, values: list[Any], fits: str) -> None:
        for value in values:
            with pytest.raises(BadInput) as raised:
                SamplingSettings(**{name: value})
            assert raised.value.message == f"{name} is {value!r}."
            assert raised.value.remedy == f"It must be {fits}."
            assert raised.value.exit_code == 2

    def test_settings_are_frozen(self) -> None:
        with pytest.raises(FrozenInstanceError):
            SamplingSettings().samples = 9  # type: ignore[misc]


class TestModel:
    def test_the_defaults_fit(self) -> None:
        assert ModelSettings() == ModelSettings("auto", "auto", "auto")

    @pytest.mark.parametrize("quantization", ["auto", "4-bit", "int8", "nf4", "none"])
    @pytest.mark.parametrize("device", ["auto", "cpu", "cuda"])
    def test_what_fits(self, quantization: Any, device: Any) -> None:
        settings = ModelSettings("tiny", quantization, device)
        assert (settings.quantization, settings.device) == (quantization, device)

    @pytest.mark.parametrize(
        ("name", "values", "fits"),
        [
            ("model", ["", "  ", "\n"], "a preset, a hub id or a local folder"),
            ("quantization", ["", "int4", "NF4", None, ["int8"]], "one of auto, 4-bit, int8, nf4, none"),
            ("device", ["", "gpu", "CPU", "cuda:0", None], "one of auto, cpu, cuda"),
        ],
    )
    def test_what_does_not_fit_is_named_with_what_does(self, name: str, values: list[Any], fits: str) -> None:
        for value in values:
            with pytest.raises(BadInput) as raised:
                ModelSettings(**{name: value})
            assert raised.value.message == f"{name} is {value!r}."
            assert raised.value.remedy == f"It must be {fits}."


class TestEnvironment:
    @pytest.mark.parametrize(
        ("variable", "read"), [("ELM_CACHE", environment.cache_dir), ("ELM_MEMORIES", environment.memories_dir)]
    )
    def test_folders(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, read: Any) -> None:
        default = read()
        assert default.is_absolute()
        monkeypatch.setenv(variable, str(tmp_path))
        assert read() == tmp_path
        monkeypatch.setenv(variable, "~/elm")
        assert read() == Path.home() / "elm"
        monkeypatch.setenv(variable, "")
        assert read() == default

    def test_memories_are_beside_the_app(self) -> None:
        assert environment.memories_dir() == Path(config.__file__).parents[2] / "memories"

    def test_the_model(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert environment.default_model() == "auto"
        monkeypatch.setenv("ELM_MODEL", "tiny")
        assert ModelSettings().model == "tiny"
        assert ModelSettings("small").model == "small"
        monkeypatch.setenv("ELM_MODEL", "")
        assert ModelSettings().model == "auto"

    @pytest.mark.parametrize(
        ("given", "endpoint"),
        [
            ({}, "https://huggingface.co"),
            ({"HF_ENDPOINT": "https://mirror.example/"}, "https://mirror.example"),
            ({"HF_ENDPOINT": "https://a.example", "ELM_HUB": "https://b.example/hub/"}, "https://b.example/hub"),
            ({"ELM_HUB": ""}, "https://huggingface.co"),
            ({"ELM_HUB": "off"}, None),
            ({"HF_ENDPOINT": "https://a.example", "ELM_HUB": "off"}, None),
            ({"HF_HUB_OFFLINE": "1"}, None),
            ({"HF_HUB_OFFLINE": "1", "ELM_HUB": "https://b.example"}, None),
            ({"HF_HUB_OFFLINE": "0"}, "https://huggingface.co"),
        ],
    )
    def test_the_hub(self, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], endpoint: str | None) -> None:
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        assert environment.hub_endpoint() == endpoint

    def test_debug(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert not environment.debug()
        monkeypatch.setenv("ELM_DEBUG", "1")
        assert environment.debug()
        monkeypatch.setenv("ELM_DEBUG", "")
        assert not environment.debug()
