"""Looking memories up for a text: for which model, by which key; nothing is loaded, sampled or counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from remembering import WordEmbedder, tools
from store.made import card

from elm_app.core.config import ModelSettings, RouteSettings
from elm_app.core.errors import BadInput
from elm_app.core.types import ModelInfo
from elm_app.engine.loader import Models
from elm_app.engine.question_keys import question_key
from elm_app.pipelines.lookup import look_up
from elm_app.pipelines.resources import Tools

PROBLEM = "A farmer packs 7 crates with 24 eggs each how many eggs are that"
OTHER = ModelInfo("other", "none", "cpu", "f" * 64)
INPUT, KV, BOTH = (RouteSettings(retrieval=name) for name in ("input", "kv", "both"))


@pytest.fixture
def loaded(kit: Tools, random_model: Path) -> ModelInfo:
    """The random model, loaded."""
    return kit.models.get(ModelSettings(str(random_model), "none", "cpu"), lambda _: None).info


def stored(kit: Tools, id: str, problem: str, model: ModelInfo, kv: np.ndarray | None = None) -> str:
    keys = {"input": WordEmbedder().encode([problem])[0]} | ({} if kv is None else {"kv": kv})
    memory = card(id, problem=problem, model=model, virtual_tokens=3, hidden_size=64)
    kit.store.add_many([(memory, np.zeros((3, 64), np.float32), keys)])
    return id


def test_the_nearest_are_named_and_nothing_is_counted(kit: Tools) -> None:
    near, far = stored(kit, "near", f"{PROBLEM} now", OTHER), stored(kit, "far", "What is a derivative?", OTHER)
    before = [kit.store.get(id) for id in (near, far)]
    info, found = look_up(f"  {PROBLEM} ", INPUT, kit, "other")
    assert info is not None
    assert (info.id, info.weights_sha256) == ("other", "f" * 64)
    assert [match.id for match in found.matches] == [near, far]
    assert (found.used, found.threshold, found.arms) == (near, 0.6, {})
    assert look_up(PROBLEM, RouteSettings(threshold=1.0), kit, "other", 1)[1].used is None
    assert [kit.store.get(id) for id in (near, far)] == before


def test_the_loaded_model_is_meant_where_none_is_named(kit: Tools, loaded: ModelInfo) -> None:
    stored(kit, "others", PROBLEM, OTHER)
    mine = stored(kit, "mine", PROBLEM, loaded)
    info, found = look_up(PROBLEM, INPUT, kit)
    assert (info, [match.id for match in found.matches]) == (loaded, [mine])
    assert [match.id for match in look_up(PROBLEM, INPUT, kit, "ffffffff")[1].matches] == ["others"]


@pytest.mark.parametrize("how", [KV, BOTH])
def test_its_own_key_is_made_if_it_is_loaded(kit: Tools, loaded: ModelInfo, how: RouteSettings) -> None:
    engine = kit.models.loaded()
    assert engine is not None
    stored(kit, "mine", PROBLEM, loaded, question_key(engine, PROBLEM))
    (match,) = look_up(PROBLEM, how, kit)[1].matches
    assert match.kv == pytest.approx(1.0, abs=1e-4)
    stored(kit, "others", PROBLEM, OTHER)
    with pytest.raises(BadInput, match="that model is not loaded"):
        look_up(PROBLEM, how, kit, "other")


def test_what_cannot_be_looked_up_is_said(kit: Tools) -> None:
    with pytest.raises(BadInput, match="The problem is empty"):
        look_up(" ", INPUT, kit)
    with pytest.raises(BadInput, match="n is True"):
        look_up(PROBLEM, INPUT, kit, n=True)
    with pytest.raises(BadInput, match=r"no memories of 'other'\. Learn from a problem first"):
        look_up(PROBLEM, INPUT, kit, "other")
    stored(kit, "others", PROBLEM, OTHER)
    with pytest.raises(BadInput, match=r"no memories of 'third'. Name one of these: other \(ffffffffffff\)"):
        look_up(PROBLEM, INPUT, kit, "third")


def test_without_a_loaded_model_the_memories_say_which_is_meant(tmp_path: Path) -> None:
    kit = tools(tmp_path / "several", Models())
    assert look_up(PROBLEM, INPUT, kit)[1].reason == "There are no memories yet."
    stored(kit, "a", PROBLEM, OTHER)
    assert look_up(PROBLEM, INPUT, kit)[1].used == "a"
    stored(kit, "b", PROBLEM, ModelInfo("third", "none", "cpu", "e" * 64))
    with pytest.raises(BadInput, match="memories of several models"):
        look_up(PROBLEM, INPUT, kit)
    assert kit.models.loaded() is None
    kit.store.close()
