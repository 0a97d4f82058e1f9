"""A read-only page: what would change anything is not shown, and the functions behind it refuse."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import scripted_bench
from browser import EGGS, Site, Window, answered
from gradio_client import Client
from gradio_client.exceptions import AppError
from playwright.sync_api import expect
from remembering import WordEmbedder, WordEmbedders, answers_by_length
from scripted_learn import actions
from served import served
from shelves import fill, memory
from store.made import card

from elm_app.cli.main import main
from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput, StoreError
from elm_app.core.events import Credited, Retrieved, RunFinished
from elm_app.engine.loader import Models
from elm_app.pipelines.resources import Tools
from elm_app.pipelines.solve import solve
from elm_app.runs.runner import Runner
from elm_app.store import archive
from elm_app.store.store import Store
from elm_app.web import launch
from elm_app.web.readonly import NOTICE, ReadOnlyStore, check_model, readonly
from elm_app.web.theme import MOST_UPLOADED, launch_options

Ask = Callable[[str, str, dict[str, Any]], dict[str, Any]]
KEPT = memory(800)
ROWS = base64.b64encode(b'{"problem": "What is 2 + 2?", "answer": "4"}\n').decode()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("memories")
    runner = Runner(folder / "runs")
    with closing(Store(folder)) as store:
        fill(store, [KEPT, memory(801)])
        made = actions(runner, folder, pace=0.01, store=store)
        runner.wait(made.learn(EGGS, ModelSettings(), LearnSettings(steps=2), None))
    made = readonly(actions(runner, folder, pace=0.02, store=ReadOnlyStore(folder)))
    with served(runner, made, readonly=True) as page:
        yield page


@pytest.fixture
def ask(site: Site) -> Ask:
    """Call a server function of the page as its script does, by the id of the component that has it."""
    components = httpx.get(f"{site.url}/config").json()["components"]
    numbers = {one["props"].get("elem_id"): one["id"] for one in components}

    def asked(component: str, name: str, data: dict[str, Any]) -> dict[str, Any]:
        body = {"session_hash": "test", "component_id": numbers[component], "fn_name": name, "data": data}
        answer = httpx.post(f"{site.url}/gradio_api/component_server", json=body).raise_for_status().json()
        assert isinstance(answer, dict)
        return answer

    return asked


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Everything under a folder but for the logs of runs, and what opening Chroma and taking turns write anyway."""
    own = {"runs", "chroma", ".lock.json"}
    files = (path for path in folder.rglob("*") if path.is_file() and not own & {*path.relative_to(folder).parts})
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def learned(site: Site) -> str:
    return next(run.stem for run in sorted(site.runner.folder.glob("*.jsonl")) if '"learn"' in run.read_text("utf-8"))


@pytest.mark.parametrize(
    ("component", "name", "data", "told"),
    [
        ("elm-cabinet", "memory_change", {"id": KEPT.id, "enabled": False}, "memories are read-only"),
        ("elm-cabinet", "memory_change", {"id": KEPT.id, "note": "mine"}, "memories are read-only"),
        ("elm-cabinet", "memories_delete", {"ids": [KEPT.id]}, "memories are read-only"),
        ("elm-cabinet", "memories_starter", {}, "memories are read-only"),
        ("elm-live", "learn", {"run": "learned"}, "Nothing is learned here"),
        ("elm-live", "keep", {"run": "learned"}, "memories are read-only"),
        ("elm-live", "resume", {"run": "learned"}, "Nothing is learned here"),
        ("elm-explanation", "explain_switch", {"memory": KEPT.id, "on": False}, "memories are read-only"),
        ("elm-explanation", "explain_act", {"run": "learned"}, "Where a memory acts is not worked out here"),
        ("elm-comparing", "compare_zip", {"folder": "/"}, "Nothing is compared here"),
        ("elm-streaming", "stream_check", {"name": "a.jsonl", "data": ROWS}, "No files are taken in here"),
        ("elm-streaming", "stream_start", {"name": "a.jsonl", "data": ROWS, "fields": {}}, "No files are taken in"),
        ("elm-comparing", "compare_check", {"name": "a.jsonl", "data": ROWS}, "No files are taken in here"),
        ("elm-comparing", "compare_start", {"name": "a.jsonl", "data": ROWS, "fields": {}}, "No files are taken in"),
        ("elm-comparing", "compare_pause", {"what": "r"}, "Nothing is compared here"),
        ("elm-comparing", "compare_stop", {"what": "r"}, "Nothing is compared here"),
        ("elm-comparing", "compare_resume", {"folder": "x"}, "Nothing is compared here"),
    ],
)
def test_the_functions_behind_the_buttons_refuse(
    site: Site, ask: Ask, component: str, name: str, data: dict[str, Any], told: str
) -> None:
    before, runs = bytes_of(site.actions.store.folder), sorted(site.runner.folder.iterdir())
    answer = ask(component, name, data | ({"run": learned(site)} if "run" in data else {}))
    assert told in answer["error"]
    assert "Run ELM yourself, without --readonly" in answer["error"]
    assert bytes_of(site.actions.store.folder) == before
    assert sorted(site.runner.folder.iterdir()) == runs


def test_an_import_is_refused_even_if_a_file_arrived(site: Site, ask: Ask, tmp_path: Path) -> None:
    from gradio.utils import get_upload_folder

    with closing(Store(tmp_path / "other")) as other:
        fill(other, [memory(5)])
        archive.export(other, [memory(5).id], tmp_path / "one.elm.zip")
    place = Path(get_upload_folder())
    place.mkdir(parents=True, exist_ok=True)
    arrived = Path(shutil.copy(tmp_path / "one.elm.zip", place / "readonly-test.elm.zip"))
    before = bytes_of(site.actions.store.folder)
    assert "memories are read-only" in ask("elm-cabinet", "memories_import", {"path": str(arrived)})["error"]
    assert bytes_of(site.actions.store.folder) == before
    assert not arrived.exists()


def test_the_server_takes_no_upload(site: Site) -> None:
    answer = httpx.post(f"{site.url}/gradio_api/upload", files={"files": ("a.txt", b"x")})
    assert answer.status_code == 413
    assert (launch_options(readonly=True)["max_file_size"], launch_options()["max_file_size"]) == (0, MOST_UPLOADED)


def test_programs_can_solve_but_not_learn(site: Site) -> None:
    client = Client(site.url, verbose=False, analytics_enabled=False)
    before = bytes_of(site.actions.store.folder)
    with pytest.raises(AppError, match=r"Nothing is learned here.* without --readonly"):
        client.predict(EGGS, api_name="/learn")
    result = client.predict(EGGS, chunks=False, api_name="/solve")
    assert result["status"] == "done"
    assert result["memory"] is not None
    assert bytes_of(site.actions.store.folder) == before
    client.close()


@pytest.mark.parametrize("model", ["owner/name", "/etc"])
def test_a_visitor_cannot_have_another_model_fetched(site: Site, ask: Ask, model: str) -> None:
    client, runs = Client(site.url, verbose=False, analytics_enabled=False), sorted(site.runner.folder.iterdir())
    for how in ({"model": model}, {"quantization": "none"}, {"verifier": "prm"}):
        with pytest.raises(AppError, match=r"it solves with what is on its machine|it fetches no reward model"):
            client.predict(EGGS, **how, api_name="/solve")
    client.close()
    ask("elm-live", "fetch", {"model": model})
    asked = ModelSettings(model)
    site.actions.fetching.close()
    assert "it solves with what is on its machine" in str(site.actions.fetching.left(asked))
    assert sorted(site.runner.folder.iterdir()) == runs


def test_a_visitor_is_told_of_comparisons_by_name_and_of_no_others(site: Site, ask: Ask) -> None:
    folder = site.actions.store.folder / "bench" / "first"
    scripted_bench.write(folder)
    for what in ("", "first"):
        told = ask("elm-comparing", "compare_show", {"what": what})
        assert (told["known"], told["folder"], told["parts"]["where"]) == ([["first", "first"]], "first", "")
        assert str(site.actions.store.folder) not in json.dumps(told)
    for what in (str(folder), "/etc"):
        assert "There is no such comparison here." in ask("elm-comparing", "compare_show", {"what": what})["error"]
    shutil.rmtree(folder.parent)


def test_a_preset_can_be_used_once_it_is_here(site: Site) -> None:
    weights = site.actions.fetching.weights
    check_model(ModelSettings("small"), replace(weights, here=lambda _: True))
    check_model(ModelSettings("auto"), replace(weights, here=lambda _: False))
    with pytest.raises(BadInput, match="what is on its machine"):
        check_model(ModelSettings("small"), replace(weights, here=lambda _: False))


def test_solving_with_a_memory_writes_nothing_into_it(
    tmp_path: Path, models: Models, random_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers_by_length(monkeypatch)
    settings = ModelSettings(str(random_model), "none", "cpu")
    engine = models.get(settings, lambda _: None)
    with closing(Store(tmp_path)) as store:
        mine = card("mine", problem=EGGS, model=engine.info, virtual_tokens=3, hidden_size=64)
        store.add(mine, np.zeros((3, 64), np.float32), WordEmbedder().encode([EGGS])[0])
    before = bytes_of(tmp_path)
    embedders: Any = WordEmbedders()
    with closing(ReadOnlyStore(tmp_path)) as store:
        for retrieval in ("input", "both"):
            how = RouteSettings(retrieval=retrieval, threshold=-1.0)
            said = list(solve(EGGS, settings, SamplingSettings(3, 8, seed=5), how, Tools(models, store, embedders)))
            (found,) = (event for event in said if isinstance(event, Retrieved))
            assert isinstance(said[-1], RunFinished)
            if retrieval == "input":
                assert found.used == "mine"
                assert "Its use is not counted: The memories are read-only here." in found.reason
                assert [one.problem for one in said if isinstance(one, Credited)] == [
                    "The memories are read-only here."
                ]
        assert store.get("mine").retrieved == 0
    assert bytes_of(tmp_path) == before


def test_every_way_to_write_is_refused(tmp_path: Path) -> None:
    with closing(Store(tmp_path)) as store:
        fill(store, [KEPT])
    before = bytes_of(tmp_path)
    with closing(ReadOnlyStore(tmp_path)) as store:
        ways: tuple[Callable[[], object], ...] = (
            lambda: store.change(KEPT.id, retrieved=9), lambda: store.credit(KEPT.id, None, "won"),
            lambda: store.delete([KEPT.id]), lambda: store.set_keys("kv", {KEPT.id: np.ones(4, np.float32)}),
            lambda: fill(store, [memory(1)]), store.writing, store.check_writable,
        )  # fmt: skip
        for way in ways:
            with pytest.raises(StoreError, match="read-only"):
                way()
        assert store.get(KEPT.id) == memory(800, bytes=store.get(KEPT.id).bytes)
    assert bytes_of(tmp_path) == before


def test_a_page_over_a_store_that_can_be_written_is_not_called_read_only(site: Site, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        readonly(actions(site.runner, tmp_path))


@pytest.mark.parametrize(
    ("options", "environment", "asked"),
    [([], None, False), (["--readonly"], None, True), ([], "1", True), ([], "0", False), ([], "", False)],
)
def test_it_is_asked_for_by_an_option_or_the_environment(
    monkeypatch: pytest.MonkeyPatch, options: list[str], environment: str | None, asked: bool
) -> None:
    given: list[bool] = []
    monkeypatch.setattr(launch, "launch", lambda _, **given_to: given.append(given_to["read_only"]))
    monkeypatch.delenv("ELM_READONLY", raising=False)
    if environment is not None:
        monkeypatch.setenv("ELM_READONLY", environment)
    assert main(["app", *options]) == 0
    assert given == [asked]


@pytest.mark.browser
def test_the_page_says_so_and_shows_no_button_that_changes_anything(window: Window, site: Site) -> None:
    page = window()
    expect(page.locator("#elm-readonly")).to_have_text(NOTICE)
    answered(page, EGGS)
    expect(page.locator(".elm-run .headline")).to_be_visible()
    expect(page.locator('[data-ask="learn"]')).to_be_hidden()
    page.goto(f"{site.url}/?memory={KEPT.id}")
    expect(page.locator('.specimen [data-act="export"]')).to_be_visible()
    for act in ("disable", "ask"):
        expect(page.locator(f'.specimen [data-act="{act}"]')).to_be_hidden()
    expect(page.locator('.carry [data-act="import"]')).to_be_hidden()
    page.goto(f"{site.url}/?stream")
    expect(page.locator(".elm-stream .setup .intro")).to_be_visible()
    for part in (".drop", ".fields >> nth=0", ".go"):
        expect(page.locator(f".elm-stream .setup {part}")).to_be_hidden()
    page.goto(f"{site.url}/?compare")
    expect(page.locator(".elm-compare .empty .lead")).to_be_visible()
    expect(page.locator('.elm-compare [data-act="new"] >> nth=1')).to_be_hidden()
