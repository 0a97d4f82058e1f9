"""A stored memory is a PEFT adapter: PEFT itself loads the folder, and its greedy text is ours."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from remembering import answers_by_length, tools

from elm_app.core.config import LearnSettings, ModelSettings, SamplingSettings
from elm_app.engine.engine import Finished, RolloutRequest
from elm_app.engine.loader import Models
from elm_app.pipelines.learn import learn

PROBLEM = "A farmer packs 7 crates with 24 eggs each. How many eggs is that?"
SHORT = LearnSettings(
    steps=2, rollouts=4, virtual_tokens=5, max_new_tokens=12, measure_samples=4, seed=3, learning_rate=0.05
)


@pytest.fixture(params=["soft", "prefix"])
def learned(
    request: pytest.FixtureRequest, tmp_path: Path, random_model: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Any]:
    """The folder of a memory that was learned, and the engine that learned it."""
    monkeypatch.setenv("ELM_CACHE", str(tmp_path / "cache"))
    answers_by_length(monkeypatch)
    models, model = Models(), ModelSettings(str(random_model), "none", "cpu")
    kit = tools(tmp_path / "memories", models)
    with closing(kit.store):
        list(learn("r1", PROBLEM, model, replace(SHORT, form=request.param), kit))
        memory = kit.store.get("r1")
        assert (bool(memory.steps), memory.form, bool(memory.words)) == (True, request.param, request.param == "soft")
    return tmp_path / "memories" / "adapters" / "r1", models.get(model, lambda _: None)


def test_peft_loads_the_folder_and_writes_what_we_write(learned: tuple[Path, Any], random_model: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    folder, engine = learned
    model = AutoModelForCausalLM.from_pretrained(random_model, dtype=torch.bfloat16)
    adapted = PeftModel.from_pretrained(model, str(folder)).eval()
    prompt = engine.encode(PROBLEM)
    with torch.no_grad():
        theirs = adapted.generate(
            input_ids=torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=30,
            do_sample=False,
            eos_token_id=258,
            pad_token_id=256,
        )[0].tolist()
    theirs = theirs[len(prompt) :] if theirs[: len(prompt)] == prompt else theirs
    soft_prompt = adapted.get_prompt_embedding_to_save("default")
    request = RolloutRequest(prompt, 1, 1, soft_prompt)
    (ours,) = (e for e in engine.rollout([request], SamplingSettings(1, 30, 0, seed=1)) if isinstance(e, Finished))
    assert theirs == list(ours.tokens)
    bare = RolloutRequest(prompt, 1, 1)
    (without,) = (e for e in engine.rollout([bare], SamplingSettings(1, 30, 0, seed=1)) if isinstance(e, Finished))
    assert without.tokens != ours.tokens
