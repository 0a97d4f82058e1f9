"""What a model may be called: presets, folders, hub ids, and everything else."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from elm_app.core.errors import BadInput, Stopped, WeightsError
from elm_app.core.events import Progress
from elm_app.weights import hub as hub_module
from elm_app.weights import resolve

CONFIG = '{"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2"}'
COMMIT = "c" * 40


def quiet(_: Progress) -> None:
    pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of a model in two shards, none of them real."""
    path = tmp_path / "my-model"
    path.mkdir()
    shards = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    (path / "config.json").write_text(CONFIG)
    (path / "tokenizer.json").write_text("{}")
    (path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    for name in shards.values():
        (path / name).write_bytes(name.encode())
    return path


# Folders


def test_a_folder_is_its_weights(folder: Path, tmp_path: Path) -> None:
    said: list[Progress] = []
    cache = tmp_path / "cache"
    model = resolve.resolve(str(folder), progress=said.append, cache=cache)
    sha256 = hashlib.sha256(b"model-1.safetensorsmodel-2.safetensors").hexdigest()
    assert model == resolve.LocalModel("my-model", folder, sha256)
    assert {(event.stage, event.unit) for event in said} == {("verify", "B")}
    assert said[-1].done == said[-1].total > 0


def test_the_hash_of_a_folder_is_remembered_until_a_file_changes(folder: Path, tmp_path: Path) -> None:
    cache, said = tmp_path / "cache", list[Progress]()
    first = resolve.resolve(str(folder), progress=quiet, cache=cache)
    assert resolve.resolve(str(folder), progress=said.append, cache=cache) == first
    assert said == []
    (folder / "model-2.safetensors").write_bytes(b"other weights")
    assert resolve.resolve(str(folder), progress=quiet, cache=cache).sha256 != first.sha256
    (cache / "hashes.json").write_text("damaged")
    assert resolve.resolve(str(folder), progress=quiet, cache=cache).sha256 != first.sha256


@pytest.mark.parametrize(
    ("gone", "named"),
    [
        (["config.json"], "config.json is missing"),
        (["model-2.safetensors"], "model-2.safetensors is missing"),
        (["tokenizer.json"], "a tokenizer (tokenizer.json) is missing"),
        (["model.safetensors.index.json"], "weights (model.safetensors) is missing"),
        (["config.json", "tokenizer.json"], "config.json and a tokenizer (tokenizer.json) are missing"),
    ],
)
def test_what_a_folder_lacks_is_named(folder: Path, tmp_path: Path, gone: list[str], named: str) -> None:
    for name in gone:
        (folder / name).unlink()
    with pytest.raises(BadInput) as caught:
        resolve.resolve(str(folder), progress=quiet, cache=tmp_path / "cache")
    assert caught.value.message == f"{folder} cannot be used: {named}."


def test_pickles_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors.index.json").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(BadInput) as caught:
        resolve.resolve(str(folder), progress=quiet, cache=tmp_path / "cache")
    assert "pickles, which can run code" in caught.value.remedy


@pytest.mark.parametrize(
    ("config", "named"),
    [('{"architectures": ["BertModel"]}', "a BertModel"), ("{}", "of no known kind"), ("[1]", "of no known kind")],
)
def test_other_kinds_of_models_are_refused(folder: Path, tmp_path: Path, config: str, named: str) -> None:
    (folder / "config.json").write_text(config)
    with pytest.raises(BadInput, match=f"is {named}, not a causal language model"):
        resolve.resolve(str(folder), progress=quiet, cache=tmp_path / "cache")


# Names that are nothing


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smal", "There is no model called 'smal'; did you mean 'small'?"),
        ("paper-qwn", "There is no model called 'paper-qwn'; did you mean 'paper-qwen'?"),
        ("/no/such/folder", "There is no model called '/no/such/folder'."),
        ("a/b/c", "There is no model called 'a/b/c'."),
        ("../x", "There is no model called '../x'."),
        ("", "There is no model called ''."),
        ("a\0b", "There is no model called 'a\\x00b'."),
    ],
)
def test_a_name_of_nothing_is_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")  # beside the checkout there may well be an x
    with pytest.raises(BadInput) as caught:
        resolve.resolve(name, progress=quiet, cache=tmp_path)
    assert caught.value.message == message
    assert "tiny, small, base, paper-qwen, paper-llama" in caught.value.remedy


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    with pytest.raises(BadInput, match="is a file"):
        resolve.resolve(str(tmp_path / "model.gguf"), progress=quiet, cache=tmp_path)


# Hub ids, with the hub's own client against a hub made on the spot


class Hub(BaseHTTPRequestHandler):
    """Speaks as much of the hub's language as the client needs; serves the files of `server.folder` as owner/name."""

    server: Any

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.server.mode == "hang":
            self.server.release.wait(30)
            return
        path, files = self.path.partition("?")[0], sorted(p.name for p in self.server.folder.iterdir())
        headers = {"X-Repo-Commit": COMMIT}
        if path.startswith("/api/models/owner/name"):
            listing = [{"rfilename": name, "size": (self.server.folder / name).stat().st_size} for name in files]
            tree = [{"type": "file", "path": f["rfilename"], "size": f["size"], "oid": "0" * 40} for f in listing]
            info = {"id": "owner/name", "sha": COMMIT, "siblings": listing, "private": False, "tags": []}
            body = json.dumps(tree if "/tree/" in path else info).encode()
        elif path.startswith("/owner/name/resolve/"):
            name = path.rpartition("/")[2]
            body = (self.server.folder / name).read_bytes()
            headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()}"'
            self.server.served += [name] if self.command == "GET" else []
            if name in self.server.broken:
                self.send_error(404)
                return
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@pytest.fixture
def hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.daemon_threads = True
    server.folder, server.mode, server.served, server.broken = folder, "fine", [], set()
    server.release = threading.Event()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("ELM_HUB", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()


def test_a_hub_id_is_fetched_whole_without_what_is_not_needed_and_kept(
    hub: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for extra in ("pytorch_model.bin", "README.md", "consolidated.safetensors"):
        (folder / extra).write_bytes(b"x")
    cache = tmp_path / "cache"
    model = resolve.resolve("owner/name", progress=quiet, cache=cache)
    expected = resolve.resolve(str(folder), progress=quiet, cache=cache)
    assert (model.id, model.sha256, model.checkpoint) == ("owner/name", expected.sha256, None)
    assert {p.name for p in model.path.iterdir()} == {
        "config.json",
        "tokenizer.json",
        "model.safetensors.index.json",
        "model-1.safetensors",
        "model-2.safetensors",
    }
    monkeypatch.setenv("ELM_HUB", "off")
    asked = len(hub.served)
    assert resolve.resolve("owner/name", progress=quiet, cache=cache) == model
    assert len(hub.served) == asked


def test_a_hub_repository_of_pickles_is_refused_before_it_is_fetched(hub: Any, folder: Path, tmp_path: Path) -> None:
    for path in folder.glob("*.safetensors"):
        path.rename(path.with_suffix(".bin"))
    with pytest.raises(BadInput, match="owner/name has no safetensors; weights in pickles"):
        resolve.resolve("owner/name", progress=quiet, cache=tmp_path / "cache")
    assert hub.served == []


@pytest.mark.usefixtures("hub")
def test_a_hub_id_that_does_not_exist_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="The hub has no model 'owner/other'"):
        resolve.resolve("owner/other", progress=quiet, cache=tmp_path)


def test_a_hub_that_does_not_answer_costs_at_most_five_seconds(
    hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hub_module.ANSWER_SECONDS <= 5
    monkeypatch.setattr(hub_module, "ANSWER_SECONDS", 0.5)
    hub.mode = "hang"
    started = time.monotonic()
    with pytest.raises(WeightsError, match=r"the hub cannot be reached \((timed out|no answer)") as caught:
        resolve.resolve("owner/name", progress=quiet, cache=tmp_path)
    assert time.monotonic() - started < 20
    assert "--model /path/to/folder" in caught.value.remedy


def test_a_hub_that_is_switched_off_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELM_HUB", "off")
    with pytest.raises(WeightsError, match="the hub is switched off"):
        resolve.resolve("paper-qwen", progress=quiet, cache=tmp_path)


def test_no_room_for_a_hub_model_is_said_first(hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 0}))
    with pytest.raises(WeightsError, match="owner/name needs"):
        resolve.resolve("owner/name", progress=quiet, cache=tmp_path)
    assert hub.served == []


def test_half_a_hub_model_is_not_used_and_gone_on_from(
    hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.broken = {"model-2.safetensors"}
    with pytest.raises(WeightsError, match="owner/name could not be fetched: the hub's client failed"):
        resolve.resolve("owner/name", progress=quiet, cache=tmp_path / "cache")
    with monkeypatch.context() as patch:
        patch.setenv("ELM_HUB", "off")
        with pytest.raises(WeightsError):
            resolve.resolve("owner/name", progress=quiet, cache=tmp_path / "cache")
    hub.broken, hub.served = set(), []
    assert resolve.resolve("owner/name", progress=quiet, cache=tmp_path / "cache").checkpoint is None
    assert "model-1.safetensors" not in hub.served


def test_a_hub_cache_put_there_by_hand_works_without_the_hub(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELM_HUB", "off")
    home = tmp_path / "cache" / "hub" / "models--owner--name"
    shutil.copytree(folder, home / "snapshots" / COMMIT)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(COMMIT)
    assert resolve.resolve("owner/name", progress=quiet, cache=tmp_path / "cache").path.name == COMMIT


@pytest.mark.usefixtures("hub")
def test_a_stop_ends_the_hubs_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[subprocess.Popen[bytes]] = []
    monkeypatch.setattr(
        subprocess, "Popen", lambda *a, kind=subprocess.Popen, **k: children.append(kind(*a, **k)) or children[-1]
    )
    with pytest.raises(Stopped):
        resolve.resolve("owner/name", progress=quiet, cancelled=lambda: bool(children), cache=tmp_path)
    assert [child.poll() is not None for child in children] == [True]
