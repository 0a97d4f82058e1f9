"""A context in few positions: with all of them it is the context itself, with fewer nearly so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from generators import whole
from torch import Tensor

from elm_app.core.config import ModelSettings
from elm_app.core.errors import ModelError
from elm_app.engine.attention import Attention
from elm_app.engine.engine import Engine
from elm_app.engine.loader import load
from elm_app.learning import compaction
from elm_app.learning.compaction import as_prefix, check, compacted

CONTEXT, READERS = b"Twelve and five are seventeen.", [b"What are nine and three?", b"And two and six are?"]


@pytest.fixture(scope="module", params=["none", "int8"])
def engine(request: pytest.FixtureRequest, random_model: Path) -> Engine:
    return load(ModelSettings(str(random_model), request.param, "cpu"), lambda _: None, dtype="float32")


def prefix(engine: Engine, size: int) -> Tensor:
    """The context in so many positions."""
    work = as_prefix(engine, list(CONTEXT), [list(reader) for reader in READERS], size, 0)
    told, found = whole(work)
    assert [(one.done, one.unit) for one in told] == [
        (0, "variants"), (1, "variants"), (0, "layers"), (1, "layers")
    ]  # fmt: skip
    assert found is not None
    return found


def test_a_stop_is_between_layers(engine: Engine) -> None:
    asked = iter([False, False, True])
    told, found = whole(as_prefix(engine, list(CONTEXT), [list(READERS[0])], 4, 0, lambda: next(asked)))
    assert found is None
    assert [(one.done, one.total) for one in told] == [(0, 1), (0, 2), (1, 2)]


def logprobs(engine: Engine, front: Tensor) -> Tensor:
    """Of the second half of each reader, behind a prefix or, as embeddings, a soft prompt."""
    with torch.no_grad():
        return torch.cat([engine.log_probs(list(one[:9]), front, [list(one[9:])]) for one in READERS])


def test_in_as_many_positions_a_context_is_itself(engine: Engine) -> None:
    whole = logprobs(engine, engine.decoder.embed(torch.tensor(list(CONTEXT))))
    same = logprobs(engine, prefix(engine, 64))  # there are only 30 to keep
    torch.testing.assert_close(same, whole, atol=0.02, rtol=0.02)


def test_in_few_positions_it_is_nearly_itself(engine: Engine) -> None:
    whole = logprobs(engine, engine.decoder.embed(torch.tensor(list(CONTEXT))))
    none = logprobs(engine, torch.zeros(0, 64))
    few = prefix(engine, 12)
    assert few.shape[0] == 12
    assert (logprobs(engine, few) - whole).abs().mean() < 0.4 * (none - whole).abs().mean()
    torch.testing.assert_close(prefix(engine, 12), few, atol=0, rtol=0)


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
@pytest.mark.parametrize("quantization", ["none", "int8"])
def test_what_attention_is_given_is_what_transformers_gives_it(
    family: str, quantization: str, tmp_path: Path, random_model: Path
) -> None:
    """Its softmax is the attention that transformers computes over context and reader together."""
    from random_models import make_folder
    from transformers import AutoModelForCausalLM

    folder = random_model if family == "qwen2" else make_folder(tmp_path / family, family, head_dim=16)
    made = load(ModelSettings(str(folder), quantization, "cpu"), lambda _: None, dtype="float32")
    past = made.decoder.prefill(made.decoder.embed(torch.tensor(list(CONTEXT))))[1]
    keys, reader = (
        made.decoder.to_tensors(past)[0],
        made.decoder.attention(made.decoder.embed(torch.tensor(list(READERS[0]))), past),
    )
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    with torch.no_grad():
        wanted = model(torch.tensor([[*CONTEXT, *READERS[0]]]), output_attentions=True).attentions
    for layer, given in enumerate(reader):
        whole = torch.cat([keys[layer], given.keys.float().transpose(0, 1)], 1).repeat_interleave(2, 0)
        scores = given.queries.float().transpose(0, 1) @ whole.transpose(1, 2) / 4
        later = torch.full(scores.shape[1:], -torch.inf).triu_(1 + len(CONTEXT))
        weights = (scores + later).softmax(2)
        assert (weights - wanted[layer][0, :, len(CONTEXT) :]).abs().max() < (0.15 if quantization == "int8" else 1e-3)
        assert given.values.shape == (len(READERS[0]), 2, 16)


def test_what_is_kept_gives_queries_the_same_output() -> None:
    """Ten equal copies of three positions have ten times the weight of the three that are kept, so these must gain."""
    torch.manual_seed(0)
    keys, values = (torch.randn(1, 3, 16).repeat(1, 10, 1) for _ in "kv")
    reader = Attention(torch.randn(300, 2, 16) + 2, torch.randn(300, 1, 16), torch.randn(300, 1, 16))

    def error(some_keys: Tensor, some_values: Tensor) -> float:
        def output(front: Tensor, values: Tensor) -> Tensor:
            both = [torch.cat([part.expand(2, -1, -1), own.transpose(0, 1).expand(2, -1, -1)], 1)
                    for part, own in ((front, reader.keys), (values, reader.values))]  # fmt: skip
            seen = torch.ones(300, both[0].shape[1], dtype=torch.bool).tril_(front.shape[1])
            return F.scaled_dot_product_attention(reader.queries.transpose(0, 1), *both, attn_mask=seen)

        return float((output(some_keys, some_values) - output(keys, values)).square().mean())

    few_keys, few_values = compacted(keys, values, [reader], 3, 0)
    assert few_keys.shape == few_values.shape == (1, 3, 16)
    assert error(few_keys, few_values) < 0.3 * error(keys[:, :3], values[:, :3])


def test_values_are_solved_for() -> None:
    """Where the wanted output can be had with the keys that there are, the values are found exactly."""
    torch.manual_seed(1)
    keys, values = torch.randn(4, 8), torch.randn(4, 8)
    given = compaction._Queries(torch.randn(200, 8), torch.randn(200), torch.randn(200, 8), torch.zeros(200, 8))
    weights, own = compaction._mixed(given, keys)
    found = compaction._solved(given._replace(wanted=weights @ values + own), keys, torch.zeros(4, 8))
    torch.testing.assert_close(found, values, atol=0.05, rtol=0.05)


@pytest.mark.parametrize(
    ("family", "changes", "why"),
    [
        ("qwen2", {}, "watched"),
        ("stablelm", {"partial_rotary_factor": 0.5}, "moved"),
        ("gpt_neox", {}, "moved"),
        ("helium", {"head_dim": 16}, "turn"),
        ("smollm3", {"no_rope_layers": [1, 0]}, "turn"),
    ],
)
def test_a_model_that_will_not_do_is_refused_before_anything_is_done(
    family: str, changes: dict[str, Any], why: str, tmp_path: Path
) -> None:
    from random_models import make_folder

    made = load(ModelSettings(str(make_folder(tmp_path / family, family, **changes)), "none", "cpu"), lambda _: None)
    if why == "watched":
        made.decoder.model.set_attn_implementation("eager")  # type: ignore[attr-defined]
    usual = made.decoder.model.config._attn_implementation  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match=why) as refused:
        check(made)
    assert "--init text" in refused.value.remedy
    assert made.decoder.model.config._attn_implementation == usual  # type: ignore[attr-defined]
