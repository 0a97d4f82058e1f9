"""Every form of memory learns a planted task, which a reward by chance does not teach; all start as the model is."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from elm_app.config import LearnSettings, ModelSettings, SamplingSettings
from elm_app.errors import DamagedMemory
from elm_app.learning.grpo import Learner
from elm_app.learning.policies import Full, Lora, Policy, Prefix, SoftPrompt, own_engine, read, restore, snapshot, write
from elm_app.llm.engine import Engine, Finished, RolloutRequest
from elm_app.llm.loader import load

SETTINGS = LearnSettings(
    rollouts=32, virtual_tokens=8, max_new_tokens=3, temperature=1.0, learning_rate=0.03, init="vocabulary", seed=1
)
FORMS: dict[str, Callable[[Engine, LearnSettings], Any]] = {
    "soft prompt": SoftPrompt, "prefix": Prefix, "lora": Lora, "full": Full
}  # fmt: skip
OWN = ("lora", "full")


@pytest.fixture(scope="module")
def model(random_model: Path) -> ModelSettings:
    return ModelSettings(str(random_model), "int8", "cpu")


def made(form: str, model: ModelSettings) -> Policy:
    engine = own_engine(model, lambda _: None) if form in OWN else load(model, lambda _: None)
    policy: Policy = FORMS[form](engine, SETTINGS)
    if form in OWN:
        policy.rate = 0.01  # a random model moves as a trained one must not
    return policy


def rollouts(policy: Policy, prompt: list[int], samples: int, seed: int) -> list[Finished]:
    sampling = SamplingSettings(samples, SETTINGS.max_new_tokens, 1.0, 0, seed)
    done = policy.engine.rollout([policy.request(prompt, samples, seed)], sampling)
    return sorted((event for event in done if isinstance(event, Finished)), key=lambda event: event.index)


def share(policy: Policy, prompt: list[int], letter: str) -> float:
    """How many of 128 fresh rollouts begin with that letter."""
    return sum(event.text[:1] == letter for event in rollouts(policy, prompt, 128, 999)) / 128


def train(policy: Policy, prompt: list[int], reward: Callable[[str], float], steps: int) -> None:
    learner = Learner(policy, SETTINGS)
    for step in range(steps):
        made = rollouts(policy, prompt, SETTINGS.rollouts, step)
        learner.learn(prompt, [event.tokens for event in made], [reward(event.text[:1]) for event in made])


@pytest.mark.parametrize("form", FORMS)
def test_the_majority_is_learned_and_chance_is_not(form: str, model: ModelSettings) -> None:
    """The planted task: the first letter that most rollouts begin with. Rewarded for it, nearly all do; rewarded by
    the toss of a coin as often, they do not."""
    prompt = made(form, model).engine.encode("1?")
    ends = {}
    for source in ("majority", "random"):
        policy, coin = made(form, model), random.Random(7)
        first = [event.text[:1] for event in rollouts(policy, prompt, 128, 999)]
        letter = max(sorted(set(first)), key=first.count)
        before = first.count(letter) / 128

        def by_chance(_: str, coin: random.Random = coin) -> float:
            return float(coin.random() < 0.5)

        reward = by_chance if source == "random" else lambda found, letter=letter: float(found == letter)
        train(policy, prompt, reward, 25)
        ends[source] = share(policy, prompt, letter)
        assert before < 0.6
    assert ends["majority"] > 0.7
    assert ends["random"] < 0.6


@pytest.mark.parametrize("form", OWN)
def test_a_change_that_is_nothing_is_the_model_itself(form: str, model: ModelSettings) -> None:
    bare, policy = own_engine(model, lambda _: None), made(form, model)
    prompt = bare.encode("1?")
    sampling = SamplingSettings(8, 10, 1.0, 0, 3)
    texts = [
        [
            event.text
            for event in engine.rollout([RolloutRequest(prompt, 8, 3)], sampling)
            if isinstance(event, Finished)
        ]
        for engine in (bare, policy.engine)
    ]
    assert texts[0] == texts[1]


def test_lora_is_on_every_linear_layer_and_full_on_every_layer(model: ModelSettings) -> None:
    lora, full = made("lora", model), made("full", model)
    assert len(lora.parameters) == 2 * 2 * 7  # two layers, seven matrices, A and B
    assert all(part.requires_grad for part in lora.parameters)
    bare: Any = own_engine(model, lambda _: None)
    names = [
        name
        for name, _ in bare.decoder.model.named_parameters()
        if "embed_tokens" not in name and "lm_head" not in name
    ]
    assert len(full.parameters) == len(names)


def test_a_prefix_starts_as_the_text_that_a_soft_prompt_starts_from(model: ModelSettings) -> None:
    soft, prefix = made("soft prompt", model), made("prefix", model)
    prompt = soft.engine.encode("1?")
    assert [event.text for event in rollouts(soft, prompt, 8, 3)] == [
        event.text for event in rollouts(prefix, prompt, 8, 3)
    ]


@pytest.mark.parametrize("form", FORMS)
def test_what_was_learned_can_be_written_and_read(form: str, model: ModelSettings, tmp_path: Path) -> None:
    policy = made(form, model)
    start, prompt = snapshot(policy), policy.engine.encode("1?")
    train(policy, prompt, lambda found: float(found < "n"), 2)
    learned = [event.text for event in rollouts(policy, prompt, 8, 3)]
    path = tmp_path / "policy.safetensors"
    assert write(policy, path) == path.stat().st_size
    restore(policy, start)
    assert all(torch.equal(part, value) for part, value in zip(policy.parameters, start, strict=True))
    restore(policy, read(policy, path))
    assert [event.text for event in rollouts(policy, prompt, 8, 3)] == learned
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DamagedMemory, match="cannot be read"):
        read(policy, path)


def test_equal_rewards_teach_nothing(model: ModelSettings) -> None:
    policy = made("soft prompt", model)
    start, prompt = snapshot(policy), policy.engine.encode("1?")
    rows = [event.tokens for event in rollouts(policy, prompt, 4, 3)]
    assert Learner(policy, SETTINGS).learn(prompt, rows, [1.0] * 4) is False
    assert Learner(policy, SETTINGS).learn(prompt, rows, [None] * 4) is False
    assert torch.equal(policy.parameters[0], start[0])
