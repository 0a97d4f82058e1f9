"""What the Memories tab is told: list, search, map, changes and files."""

from __future__ import annotations

import re
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from shelves import TINY, WordEmbedder, WordEmbedders, evil, fill, memory
from test_card import harmless

from elm_app.core.config import LEARNS_BY, LearnSettings
from elm_app.core.errors import WeightsError
from elm_app.core.events import Progress
from elm_app.core.types import ModelInfo
from elm_app.store import archive, journal
from elm_app.store.store import Store
from elm_app.store.turn import turn
from elm_app.web import starters
from elm_app.web.components import memory_map
from elm_app.web.components.memory_map import Atlas, stamp
from elm_app.web.components.search_vector import Meaning
from elm_app.web.pages.memories.listing import PAGE, Wanted, pager, rows_html, told, wanted
from elm_app.web.pages.memories.panel import Memories
from elm_app.web.pages.memories.template import CABINET


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "memories")
    yield made
    made.close()


def desk(store: Store, embedders: Any = None) -> Memories:
    return Memories(store, cast(Any, embedders or WordEmbedders()), store.folder / "runs")


def ask(desk: Memories, name: str, **ask: Any) -> dict[str, Any]:
    """As the page asks: through the guarded function."""
    return next(function for function in desk.functions() if function.__name__ == name)(ask)


# list


def test_hostile_rows_are_text(store: Store) -> None:
    fill(store, [evil()])
    answer = ask(desk(store), "memories_list")
    for part in ("rows", "models", "told"):
        harmless(answer[part].replace("<option", "<p").replace("</option", "</p"))
    assert "&lt;script&gt;" in answer["rows"]
    harmless(ask(desk(store), "memory_glance", id=evil().id)["html"])


def test_the_empty_place_tells_of_the_default_recipe() -> None:
    usual = LearnSettings.by_recipe(recipe=LEARNS_BY, seed=0)
    assert (usual.recipe, usual.form) == ("distil", "prefix")
    assert f"a prefix of {usual.virtual_tokens} positions" in CABINET


def test_what_a_list_says() -> None:
    assert pager(Wanted(), PAGE) == ""
    assert pager(Wanted(offset=PAGE), 3 * PAGE).count(" disabled") == 0
    assert "page 2 of 3" in pager(Wanted(offset=PAGE), 3 * PAGE)
    assert pager(Wanted(), 3 * PAGE).count(" disabled") == 2
    assert told(Wanted(enabled=True), 120, 50, 200) == "1–50 of 120 memories, 200 in all"
    assert told(Wanted(enabled=True), 0, 0, 200) == "None of 200 memories fits."
    assert told(Wanted(text="x"), 200, 50, 1000) == "1–50, the 200 nearest of 1,000 memories"


@pytest.mark.parametrize(
    "bad", [{"sort": "bytes"}, {"sort": "id; drop"}, {"enabled": "maybe"}, {"enabled": ["yes"]}, {"offset": -1},
            {"offset": True}, {"offset": "1"}]
)  # fmt: skip
def test_a_nonsensical_question_is_an_error(store: Store, bad: dict[str, Any]) -> None:
    assert "Reload the page." in ask(desk(store), "memories_list", **bad)["error"]


def test_sort_and_filters_reach_the_store(store: Store) -> None:
    fill(store, [memory(number) for number in range(14)])
    page = desk(store)
    tiny = ask(page, "memories_list", model=TINY.weights_sha256)
    assert tiny["total"] == 2
    assert tiny["told"] == "2 of 14 memories"
    offered = ask(page, "memories_list", enabled="yes")["total"]
    assert 0 < offered < 14
    assert offered + ask(page, "memories_list", enabled="no")["total"] == 14
    order = re.findall('data-id="([^"]+)"', ask(page, "memories_list", sort="created:asc")["rows"])
    assert order == [memory(number).id for number in range(14)]
    assert re.findall('data-id="([^"]+)"', ask(page, "memories_list", sort="created:desc")["rows"]) == order[::-1]
    assert wanted({"text": 5}).text == "5"
    assert {"all models", "small", "tiny"} == set(re.findall(">([^<]+)</option>", tiny["models"]))


def test_searching_gives_scores_and_places_on_the_map(store: Store) -> None:
    fill(store, [memory(number) for number in range(24)])
    page = desk(store)
    found = ask(page, "memories_list", text=memory(7).problem)
    assert found["matches"][0] == (memory(7).id, 1.0)
    assert len(found["matches"]) == 5
    first = found["rows"].split("</li>")[0]
    assert f'data-id="{memory(7).id}"' in first
    assert "<b>1.00</b>" in first
    assert 'class="row' in first
    assert " far" not in first.split(">")[0]
    at = page.atlas.columns()
    place = at["ids"].index(memory(7).id)
    assert found["query"] == [at["x"][place], at["y"][place]]
    far = ask(page, "memories_list", text="quite another thing altogether")["rows"]
    assert far.count("too far to be used by itself") == 24


def test_searching_nothing_loads_nothing(store: Store) -> None:
    class Never:
        def get(self, *_: Any) -> Any:
            raise AssertionError

    assert ask(desk(store, Never()), "memories_list", text="eggs")["total"] == 0


# the map


def test_the_map_has_every_memory_and_changes_only_with_them(store: Store) -> None:
    atlas = Atlas(store)
    assert atlas.columns()["ids"] == []
    before = stamp(store)
    fill(store, [memory(number) for number in range(12)])
    assert stamp(store) != before
    columns = atlas.columns()
    assert len({len(columns[name]) for name in ("ids", "x", "y", "state", "gain", "created", "model")}) == 1
    assert max(map(abs, columns["x"] + columns["y"])) == 1000
    assert columns["models"][columns["model"][3]] == (TINY.weights_sha256, "tiny")
    for place, id in enumerate(columns["ids"]):
        made = store.get(id)
        assert columns["state"][place] == made.improved + 2 * made.enabled
        assert made.after is not None
        assert columns["gain"][place] == round(100 * (made.after.vote.agreement - made.before.vote.agreement))
    one = stamp(store)
    store.change(memory(0).id, enabled=not memory(0).enabled)
    assert stamp(store) != one
    again = atlas.columns()
    assert (again["x"], again["y"]) == (columns["x"], columns["y"])
    assert again["state"] != columns["state"]


def test_a_large_store_is_drawn_in_part_and_what_is_asked_for_always(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_map, "DRAWN", 8)
    fill(store, [memory(number) for number in range(40)])
    page = desk(store)
    drawn = ask(page, "memories_map")
    assert (len(drawn["ids"]), drawn["total"]) == (8, 40)
    left_out = next(id for id in store.vectors()[0] if id not in drawn["ids"])
    assert ask(page, "memory_card", id=left_out)["point"]["ids"] == [left_out]
    found = ask(page, "memories_list", text=store.get(left_out).problem)
    assert left_out in found["points"]["ids"]
    assert sorted(found["points"]["ids"]) == sorted(id for id, _ in found["matches"])
    at = found["points"]["ids"].index(left_out)
    assert [found["points"]["x"][at], found["points"]["y"][at]] == found["query"]
    ticked = [left_out, drawn["ids"][0], drawn["ids"][1]]
    store.delete(ticked[1:2])
    again = ask(page, "memories_map", picked=ticked)
    assert again["gone"] == ticked[1:2]
    assert len(set(again["ids"]) & set(drawn["ids"])) == 7  # the rest of the sample stays


# searching while the embedder is on its way


def test_a_search_does_not_wait_for_the_embedder() -> None:
    ready = threading.Event()

    class Slow:
        def get(self, report: Any) -> WordEmbedder:
            report(Progress("download", "Fetching it", 20e6, 91e6, "B"))
            assert ready.wait(20)
            return WordEmbedder()

    meaning = Meaning(cast(Any, Slow()))
    told = meaning.key("eggs")
    assert isinstance(told, Progress)
    assert told.done == 20e6
    ready.set()
    while isinstance(key := meaning.key("eggs"), Progress):
        pass
    assert np.array_equal(key, WordEmbedder().encode(["eggs"])[0])


def test_the_page_is_told_how_far_the_embedder_is(store: Store) -> None:
    fill(store, [memory(0)])
    ready = threading.Event()

    class Slow:
        def get(self, report: Any) -> WordEmbedder:
            report(Progress("download", "Fetching it", 20e6, 91e6, "B"))
            assert ready.wait(20)
            return WordEmbedder()

    page = desk(store, Slow())
    assert ask(page, "memories_list", text="eggs") == {
        "waiting": "Fetching it · 20 of 91 MB · searching by meaning needs this, once"
    }
    ready.set()


def test_an_embedder_that_cannot_be_had_is_a_sentence_and_tried_again(store: Store) -> None:
    fill(store, [memory(0)])
    fail = [True]

    class Flaky:
        def get(self, report: Any) -> WordEmbedder:  # noqa: ARG002
            if fail:
                fail.pop()
                raise WeightsError("No mirror has it.", "Check the connection.")
            return WordEmbedder()

    page = desk(store, Flaky())
    assert "No mirror has it." in ask(page, "memories_list", text="eggs")["error"]
    assert ask(page, "memories_list", text="eggs")["total"] == 1


# changes, files


def test_changes_are_stored_and_told(store: Store) -> None:
    fill(store, [memory(0, enabled=True, disabled_reason=""), memory(1, enabled=True, disabled_reason="")])
    page, one, two = desk(store), memory(0).id, memory(1).id
    assert ask(page, "memory_change", id=one, label="eggs") == {"told": "Label saved."}
    assert ask(page, "memory_change", id=one, note="a\nb")["told"] == "Note saved."
    assert (store.get(one).label, store.get(one).note) == ("eggs", "a\nb")
    assert ask(page, "memory_change", ids=[one, two], enabled=False)["told"] == "2 memories: Not offered any more."
    assert store.get(two).disabled_reason == "Disabled by hand."
    assert ask(page, "memory_change", id=two, enabled=True)["told"] == "Offered again."
    assert store.get(two).disabled_reason == ""
    for bad in ({"id": one}, {"id": one, "problem": "x"}, {"ids": [], "enabled": True}, {"id": one, "label": 3},
                {"ids": [one, two], "label": "x"}, {"id": "../x", "label": "x"}):  # fmt: skip
        assert "error" in ask(page, "memory_change", **bad), bad
    assert store.get(one).label == "eggs"


def test_deleting(store: Store) -> None:
    fill(store, [memory(0), memory(1), memory(2)])
    page = desk(store)
    assert "error" in ask(page, "memories_delete", ids=[memory(0).id, "gone"])
    assert store.count() == 3
    assert ask(page, "memories_delete", ids=[memory(0).id, memory(1).id])["told"] == "2 memories deleted."
    assert store.count() == 1
    assert "It may have been deleted" in ask(page, "memory_card", id=memory(0).id)["error"]


def test_a_damaged_memory_says_so_and_can_be_deleted(store: Store) -> None:
    fill(store, [memory(0), memory(1)])
    (store.adapters / memory(0).id / "card.json").write_text("{")
    page = desk(store)
    shown = ask(page, "memory_card", id=memory(0).id)["card"]
    assert "not JSON" in shown
    assert 'data-act="delete"' in shown
    assert "damaged" in ask(page, "memories_list")["rows"]
    assert ask(page, "memories_map")["ids"]
    assert "told" in ask(page, "memories_delete", ids=[memory(0).id])


def test_export_and_import_through_the_page(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = tmp_path / "uploads"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(uploads))
    fill(store, [memory(number) for number in range(5)])
    out = ask(desk(store), "memories_export", ids=[memory(1).id])
    assert (out["told"], out["name"]) == (f"1 memory exported as {memory(1).id}.elm.zip.", f"{memory(1).id}.elm.zip")
    out = ask(desk(store), "memories_export")
    assert out["told"] == "5 memories exported as memories.elm.zip."
    path = Path(out["file"])
    assert path.is_relative_to(uploads)
    other = Store(tmp_path / "other")
    page = desk(other)
    assert ask(page, "memories_import", path=str(path))["told"] == "5 memories added."
    assert not path.exists()
    assert store.get(memory(3).id) == other.get(memory(3).id)
    other.close()


def test_only_uploaded_files_are_taken_in(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    (tmp_path / "uploads").mkdir()
    fill(store, [memory(0)])
    elsewhere = tmp_path / "mine.elm.zip"
    archive.export(store, [memory(0).id], elsewhere)
    (tmp_path / "uploads" / "link.zip").symlink_to(elsewhere)
    for path in (elsewhere, tmp_path / "uploads" / "link.zip", tmp_path / "uploads" / ".." / "mine.elm.zip", ""):
        assert "The file did not arrive." in ask(desk(store), "memories_import", path=str(path))["error"]
    assert elsewhere.exists()


def test_a_refused_archive_says_why_and_nothing_is_stored(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    path = tmp_path / "evil.elm.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("manifest.json", "{}")
        packed.writestr("../<img src=x>.pkl", "x")
    error = ask(desk(store), "memories_import", path=str(path))["error"]
    assert "evil.elm.zip is not imported" in error
    assert "leads out of its folder" in error
    harmless(error)
    assert store.count() == 0


def test_starter_memories(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Store(tmp_path / "source")
    fill(source, [memory(number) for number in range(3)])
    path = tmp_path / "starter.elm.zip"
    archive.export(source, [memory(number).id for number in range(3)], path)
    source.close()
    page = desk(store)
    monkeypatch.setattr(starters, "STARTER", tmp_path / "none.zip")
    assert ask(page, "memories_list")["starter"] == 0
    assert "There are no starter memories" in ask(page, "memories_starter")["error"]
    monkeypatch.setattr(starters, "STARTER", path)
    assert ask(page, "memories_list")["starter"] == 3
    assert ask(page, "memories_starter")["told"] == "3 memories added."
    assert path.exists()
    assert ask(page, "memories_list")["starter"] == 0
    store.delete([memory(0).id])
    assert ask(page, "memories_starter")["told"] == "1 memory added. 2 memories were here already."


def test_another_process_that_keeps_its_turn_is_a_sentence(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, [memory(0)])
    second = Store(store.folder)
    page = desk(second)
    monkeypatch.setattr(journal, "PATIENCE", 0.05)
    with turn(store):
        assert "have been in use for a while" in ask(page, "memory_change", id=memory(0).id, label="x")["error"]
    assert "error" not in ask(page, "memory_change", id=memory(0).id, label="x")
    second.close()


def test_models_of_the_same_name_are_told_apart(store: Store) -> None:
    other = ModelInfo("small", "int8", "cpu", "f" * 64)
    fill(store, [memory(0), memory(1, model=other)])
    models = ask(desk(store), "memories_list")["models"]
    assert "small (ffffffff)" in models
    assert rows_html(store.rows([memory(0).id]), None, True).count(">small<") == 1
