"""A stored memory is a standard PEFT adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from elm_app.store.store import Store

from .made import card, key, tensor

ARCHITECTURE = {"num_layers": 2, "num_attention_heads": 4, "base_model_name_or_path": "random"}


@pytest.mark.parametrize("settings", [{"architecture": ARCHITECTURE}, {}], ids=["with architecture", "without"])
@pytest.mark.filterwarnings("ignore")
def test_peft_loads_the_folder_and_has_the_same_tensor(
    store: Store, random_model: Path, settings: dict[str, Any]
) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    store.add(card("m1", virtual_tokens=5, hidden_size=64, settings=settings), tensor(3, 5, 64), key())
    base = AutoModelForCausalLM.from_pretrained(random_model)
    plain = base(input_ids=torch.tensor([[5, 6, 7]])).logits
    model = PeftModel.from_pretrained(base, store.adapters / "m1")
    learned = model.get_prompt_embedding_to_save("default")
    assert torch.equal(learned, torch.from_numpy(tensor(3, 5, 64)))
    assert learned.dtype == torch.float32
    behind = model(input_ids=torch.tensor([[5, 6, 7]])).logits
    assert behind.shape[1] == 5 + 3
    embedded = base.get_input_embeddings()(torch.tensor([[5, 6, 7]]))
    ours = base(inputs_embeds=torch.cat([torch.from_numpy(store.soft_prompt("m1"))[None], embedded], dim=1)).logits
    assert torch.allclose(behind, ours, atol=1e-5)
    assert not torch.allclose(behind[:, 5:], plain, atol=1e-2)


def test_the_config_is_what_peft_itself_writes(store: Store, random_model: Path, tmp_path: Path) -> None:
    """Field by field, but for the version."""
    import json

    from peft import PromptTuningConfig, TaskType, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(random_model)
    base.name_or_path = "random"
    get_peft_model(base, PromptTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=5)).save_pretrained(
        tmp_path / "theirs"
    )
    store.add(
        card("m1", virtual_tokens=5, hidden_size=64, settings={"architecture": ARCHITECTURE}), tensor(3, 5, 64), key()
    )
    theirs = json.loads((tmp_path / "theirs" / "adapter_config.json").read_bytes())
    ours = json.loads((store.adapters / "m1" / "adapter_config.json").read_bytes())
    version = theirs.pop("peft_version")
    assert version
    theirs["base_model_name_or_path"] = "random"
    assert ours == theirs
