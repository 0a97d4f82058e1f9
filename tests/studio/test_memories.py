"""What the Memories tab is told: list, map, card, curves; and that nothing of a stranger's card is markup."""

from __future__ import annotations

import doctest
import html
import importlib
import re
import threading
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from shelves import SMALL, TINY, WordEmbedder, WordEmbedders, fill, memory

from elm_app.errors import WeightsError
from elm_app.events import Progress
from elm_app.memory import archive
from elm_app.memory.store import Store
from elm_app.studio import memories as tab
from elm_app.studio.card import card
from elm_app.studio.curves import curve
from elm_app.studio.meaning import Meaning
from elm_app.studio.memories import Memories
from elm_app.studio.plane import Atlas, stamp
from elm_app.studio.shelf import PAGE, Wanted, pager, rows_html, told, wanted
from elm_app.types import Measured, ModelInfo, Vote

EVIL = '"><script>window.hacked=1</script><img src=x onerror="window.hacked=1"></textarea></article><svg onload=1>'
SPEAKS = re.compile(
    "article|div|span|button|p|strong|h2|h3|label|input|textarea|section|table|thead|tbody|tr|th|td|figure|figcaption"
    "|svg|line|text|path|circle|rect|dl|dt|dd|a|details|summary|ol|li|code|i|b"
)


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def harmless(text: str) -> None:
    found = Elements(text)
    assert not [tag for tag in found.tags if not SPEAKS.fullmatch(tag)]
    assert not [name for name, _ in found.attributes if name.startswith("on") or name == "src"]
    assert all((value or "").startswith("?") for name, value in found.attributes if name == "href")


def evil() -> Any:
    """A card whose every free text is hostile."""
    plain = memory(5)
    bad = replace(plain.before, vote=Vote(EVIL, 0.5, (replace(plain.before.vote.counts[0], answer=EVIL),), 8))
    steps = tuple(replace(step, answer=EVIL, skipped=EVIL) for step in plain.steps)
    return replace(
        plain, problem=EVIL + " evil", answer=EVIL, reward=EVIL, before=bad, after=bad, verdict=EVIL, steps=steps,
        settings={EVIL: EVIL, "model": [EVIL]}, model=replace(SMALL, id=EVIL, device=EVIL, quantization=EVIL),
        embedder=EVIL, words=((EVIL, "<b>"), ()), run=EVIL, label=EVIL, note=EVIL, enabled=False,
        disabled_reason=EVIL,
    )  # fmt: skip


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


@pytest.mark.parametrize("module", ["curves", "card", "shelf", "plane", "meaning", "memories"])
def test_the_examples_in_the_docstrings(module: str) -> None:
    assert doctest.testmod(importlib.import_module(f"elm_app.studio.{module}")).failed == 0


# curves


def test_a_curve_has_its_points_axes_and_last_values() -> None:
    series: Any = [("reward", [0.5, None, 0.75]), ("agreement", [0.25, 0.5, 1.0])]
    drawn = curve(series, low=0, high=1, unit="", title="A & B")
    picture = ElementTree.fromstring(drawn)
    assert len(picture.findall(".//circle[@class='mark s0']")) == 2
    assert len(picture.findall(".//rect[@class='mark s1']")) == 3
    assert picture.find(".//path[@class='line s0']").get("d").count("M") == 2  # type: ignore[union-attr]
    ticks = [each.text for each in picture.findall(".//text[@class='tick']")]
    assert ticks == ["0", "0.5", "1", "step 1", "2", "3"]
    assert picture.find(".//text[@class='last s0']").text == "0.75"  # type: ignore[union-attr]
    label = str(picture.find(".//svg").get("aria-label"))  # type: ignore[union-attr]
    assert label == "A & B: reward 0.5 at step 1, 0.75 at step 3; agreement 0.25 at step 1, 1 at step 3"


def test_a_curve_widens_for_what_lies_beyond_and_marks_what_goes_on() -> None:
    drawn = curve([("length", [90.0, 232.0])], low=0, high=100, unit="tokens", title="Length", live=True)
    picture = ElementTree.fromstring(drawn)
    assert [each.text for each in picture.findall(".//text[@class='tick']")][:3] == ["0", "120", "240"]
    assert len(picture.findall(".//circle[@class='ring s0']")) == 1
    for mark in picture.findall(".//circle"):
        assert 0 <= float(str(mark.get("cy"))) <= 172


@pytest.mark.parametrize(
    "series",
    [
        [],
        [("x", [])],
        [("x", [None, None])],
        [("x", [3.0])],
        [("x", [float("nan"), 1.0])],
        [("x", [1.0] * 1000)],
        [("<b>&", [-2.0, 5e9])],
    ],
)
def test_any_series_is_a_picture(series: Any) -> None:
    drawn = curve(series, low=0, high=1, unit="%", title=EVIL)
    ElementTree.fromstring(drawn)
    harmless(drawn)
    assert "nan" not in drawn


def test_two_last_values_do_not_lie_on_each_other() -> None:
    drawn = ElementTree.fromstring(curve([("a", [0.5]), ("b", [0.5])], low=0, high=1, unit="", title="t"))
    first, second = [float(str(each.get("y"))) for each in drawn.findall(".//text")[-2:]]
    assert abs(first - second) >= 12


# card


def test_a_card_says_everything() -> None:
    made = memory(46, label="the coat", note="two\nlines", retrieved=4, helped=3, hurt=1, bytes=71_760)
    said = html.unescape(re.sub(r"<[^>]+>", " ", card(made, True)))
    for part in (made.problem, made.verdict, "11 of 16 agree", "15 of 16 agree", "214 tokens a trace", "10,953 tokens",
                 "20 virtual tokens × 896 float32 numbers, 71.8 KB", "used 4 times, helped 3, hurt 1", made.run,
                 "int8, cpu, weights 1d9614638d18", "It helped its own problem.", "in 10 steps", "learning rate",
                 "therefore", "All tries had the same reward.", "offered", "two\nlines"):  # fmt: skip
        assert part in said, part
    assert 'value="the coat"' in card(made, True)
    assert card(made, True).count('class="curve"') == 4


def test_a_card_without_its_run_a_measure_or_steps() -> None:
    said = card(memory(1, after=None, improved=False, steps=(), answer=None, words=(), settings={}), False)
    assert "not on this machine" in said
    assert "data-run" not in said
    assert "Not measured after learning" in said
    assert "no answer" in said
    assert "curve" not in said


def test_a_hostile_card_is_text() -> None:
    made = evil()
    for text in (card(made, True), card(made, False)):
        harmless(text)
        assert "&lt;script&gt;" in text
    wild = Measured(Vote("1", 5.0, (replace(made.before.vote.counts[0], answer="1", count=-3),), 10**9), 0, 7.0, 1e300)
    harmless(card(replace(made, before=wild), False))


# list


def test_hostile_rows_are_text(store: Store) -> None:
    fill(store, [evil()])
    answer = ask(desk(store), "memories_list")
    for part in ("rows", "models", "told"):
        harmless(answer[part].replace("<option", "<p").replace("</option", "</p"))
    assert "&lt;script&gt;" in answer["rows"]
    harmless(ask(desk(store), "memory_glance", id=evil().id)["html"])


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
    assert found["matches"][0] == [memory(7).id, 1.0]
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
    assert columns["models"][columns["model"][3]] == [TINY.weights_sha256, "tiny"]
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
    assert ask(page, "memories_list", text="eggs") == {"waiting": "Fetching it · 20 of 91 MB"}
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
    monkeypatch.setattr(tab, "STARTER", tmp_path / "none.zip")
    assert ask(page, "memories_list")["starter"] == 0
    assert "There are no starter memories" in ask(page, "memories_starter")["error"]
    monkeypatch.setattr(tab, "STARTER", path)
    assert ask(page, "memories_list")["starter"] == 3
    assert ask(page, "memories_starter")["told"] == "3 memories added."
    assert path.exists()
    assert ask(page, "memories_list")["starter"] == 0
    store.delete([memory(0).id])
    assert ask(page, "memories_starter")["told"] == "1 memory added. 2 memories were here already."


def test_another_process_that_writes_is_a_sentence(store: Store) -> None:
    fill(store, [memory(0)])
    store.close()
    second = Store(store.folder)
    second.claim()
    third = Store(store.folder)
    assert "error" in ask(desk(third), "memory_change", id=memory(0).id, label="x")
    second.close()
    third.close()


def test_models_of_the_same_name_are_told_apart(store: Store) -> None:
    other = ModelInfo("small", "int8", "cpu", "f" * 64)
    fill(store, [memory(0), memory(1, model=other)])
    models = ask(desk(store), "memories_list")["models"]
    assert "small (ffffffff)" in models
    assert rows_html(store.rows([memory(0).id]), None, True).count(">small<") == 1
