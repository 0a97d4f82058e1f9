"""Every form of memory learns a planted task, which a reward by chance does not teach; all start as the model is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from classes import by

from elm_app.answers.vote import vote
from elm_app.core.config import LearnSettings, ModelSettings, SamplingSettings
from elm_app.core.errors import DamagedMemory
from elm_app.core.types import Trace
from elm_app.engine.engine import Finished, RolloutRequest
from elm_app.engine.loader import load
from elm_app.learning.policies import Full, Lora, Policy, Prefix, SoftPrompt, own_engine, read, restore, snapshot, write
from elm_app.learning.rewards import SOURCES, Judged
from elm_app.learning.update import Learner

SETTINGS = LearnSettings(
    rollouts=32, virtual_tokens=8, max_new_tokens=3, temperature=1.0, learning_rate=0.03, init="vocabulary", seed=1
)
FORMS: dict[str, Callable[..., Any]] = {
    "soft prompt": SoftPrompt, "prefix": Prefix, "lora": Lora, "full": Full
}  # fmt: skip
OWN = ("lora", "full")


@pytest.fixture(scope="module")
def model(random_model: Path) -> ModelSettings:
    return ModelSettings(str(random_model), "int8", "cpu")


def made(form: str, model: ModelSettings, quantization: str = "int8") -> Policy:
    if form not in OWN:
        policy: Policy = FORMS[form](load(model, lambda _: None), SETTINGS)
        return policy
    policy = FORMS[form](own_engine(model, lambda _: None), SETTINGS, quantization)
    policy.rate = 0.01  # a random model moves as a trained one must not
    return policy


def rollouts(policy: Policy, prompt: list[int], samples: int, seed: int) -> list[Finished]:
    sampling = SamplingSettings(samples, SETTINGS.max_new_tokens, 1.0, 0, seed)
    done = policy.engine.rollout([policy.request(prompt, samples, seed)], sampling)
    return sorted((event for event in done if isinstance(event, Finished)), key=lambda event: event.index)


def share(policy: Policy, prompt: list[int], letter: str) -> float:
    """How many of 128 fresh rollouts begin with that letter."""
    return sum(event.text[:1] == letter for event in rollouts(policy, prompt, 128, 999)) / 128


def train(policy: Policy, prompt: list[int], source: str, steps: int, seed: int = 0) -> None:
    """Learn with a source of reward; a rollout's answer is its first letter."""
    learner = Learner(policy, SETTINGS)
    for step in range(seed, seed + steps):
        made = rollouts(policy, prompt, SETTINGS.rollouts, step)
        traces = [Trace("memory", e.index, e.seed, e.text, f"_{e.text[:1]}", len(e.tokens), True, 0.0) for e in made]
        outcome = vote([trace.answer for trace in traces], by(lambda a, b: a == b))
        rewards = SOURCES[source](Judged(traces, outcome, outcome, seed=step))
        learner.learn(prompt, [event.tokens for event in made], rewards)


def gain(form: str, model: ModelSettings, source: str, seed: int = 0, steps: int = 25) -> tuple[float, float]:
    """The planted task is the first letter that most rollouts begin with: its share before and after learning."""
    policy = made(form, model)
    prompt = policy.engine.encode("1?")
    first = [event.text[:1] for event in rollouts(policy, prompt, 128, 999)]
    letter = max(sorted(set(first)), key=first.count)
    train(policy, prompt, source, steps, 1000 * seed)
    return first.count(letter) / 128, share(policy, prompt, letter)


@pytest.mark.parametrize(("form", "steps"), [("soft prompt", 25), ("prefix", 60), ("lora", 25), ("full", 25)])
def test_every_form_learns_the_majority(form: str, steps: int, model: ModelSettings) -> None:
    before, after = gain(form, model, "majority", steps=steps)
    assert before < 0.6
    assert after > 0.7


@pytest.mark.slow
def test_the_majority_helps_and_chance_does_not(model: ModelSettings) -> None:
    """Rewarded by the majority nearly all rollouts end in it, whatever the seed; rewarded by the toss of a coin they
    wander, and on average they are where they began."""
    ends = {
        source: [gain("soft prompt", model, source, seed) for seed in range(4)] for source in ("majority", "random")
    }
    before, by_majority = (sum(column) / 4 for column in zip(*ends["majority"], strict=True))
    by_chance = sum(after for _, after in ends["random"]) / 4
    assert min(after for _, after in ends["majority"]) > 0.9
    assert abs(by_chance - before) < 0.25
    assert by_majority > by_chance + 0.25


@pytest.mark.parametrize("quantization", ["int8", "none"])
@pytest.mark.parametrize("form", OWN)
def test_a_change_that_is_nothing_is_the_model_itself(form: str, quantization: str, model: ModelSettings) -> None:
    bare = load(model, lambda _: None) if quantization == "int8" else own_engine(model, lambda _: None)
    policy = made(form, model, quantization)
    assert policy.engine.info == bare.info
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


@pytest.mark.parametrize("form", OWN)
def test_it_is_sampled_in_int8_as_it_is_learned(form: str, model: ModelSettings) -> None:
    """After every change; what int8 rounds away is small beside what was learned."""
    policy: Any = made(form, model)
    prompt = policy.engine.encode("1?")
    packed = policy.engine
    train(policy, prompt, "majority", 8)
    assert policy.engine is not packed
    assert policy.engine is policy.engine
    now, learned, before = (
        engine.decoder.logits(engine.decoder.embed(torch.tensor(prompt))).log_softmax(-1)
        for engine in (policy.engine, policy.learned, packed)
    )
    assert float((now - learned).abs().mean()) < 0.2 * float((now - before).abs().mean())


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
    train(policy, prompt, "random", 2)
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
