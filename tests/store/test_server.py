"""The index on a real Chroma server: several stores, one that is away, and going back to the folder's own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from elm_app.core.environment import chroma_server
from elm_app.core.errors import BadInput, StoreError
from elm_app.store.doctor import examine, rebuild, recall
from elm_app.store.store import Store

from .made import MODEL, card, key, tensor

STRESS = Path(__file__).parents[2] / "stress"


class Server:
    """`chroma run` on a free port of this machine."""

    def __init__(self, folder: Path) -> None:
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address, self.folder = f"http://127.0.0.1:{self.port}", folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        command = [str(Path(sys.executable).parent / "chroma"), "run", "--path", str(self.folder)]
        with (self.folder.parent / "chroma.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(self.port)], stdout=log, stderr=log
            )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                with urlopen(f"{self.address}/api/v2/heartbeat", timeout=5):
                    return
            except (URLError, ConnectionError):
                time.sleep(0.05)
        raise AssertionError("the Chroma server does not answer")

    def kill(self) -> None:
        """Kills it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server(tmp_path / "server")
    made.start()
    monkeypatch.setenv("ELM_CHROMA", made.address)
    yield made
    made.kill()


def filled(folder: Path, count: int = 3) -> Store:
    store = Store(folder)
    store.add_many((card(f"m{n}"), tensor(n), {"input": key(n), "kv": key(n)[:24]}) for n in range(count))
    return store


@pytest.mark.usefixtures("server")
def test_it_answers_as_the_folders_own_does(tmp_path: Path) -> None:
    store, other = filled(tmp_path / "one"), filled(tmp_path / "two", 1)
    assert not (tmp_path / "one" / "chroma").exists()
    assert store.nearest(key(2), 1)[0].id == "m2"
    assert store.nearest_kv(key(1)[:24], 1, model=MODEL.weights_sha256)[0].id == "m1"
    assert (store.count(), other.count()) == (3, 1), "two folders on one server are kept apart"
    second = Store(tmp_path / "one")
    second.change("m2", enabled=False)
    second.delete(["m0"])
    assert [match.id for match in store.nearest(key(2), 3, enabled=True)] == ["m1"]
    assert examine(store) == []
    assert recall(store).found == 2
    assert rebuild(store).indexed == 2
    assert examine(second) == []
    assert other.count() == 1


def test_one_that_is_away_is_a_sentence_and_nothing_is_lost(server: Server, tmp_path: Path) -> None:
    store = filled(tmp_path / "one")
    server.kill()
    for work in (store.count, lambda: store.nearest(key(1), 1), lambda: store.change("m1", label="late")):
        with pytest.raises(StoreError, match=f"The index at {server.address} cannot be used") as told:
            work()
        assert "unset ELM_CHROMA" in told.value.remedy
    assert store.get("m1").problem == card("m1").problem
    server.start()
    assert store.count() == 3
    store.change("m0", label="back")
    assert store.rows(["m0"])[0].label == "back"
    assert examine(store) == []


def test_an_empty_server_and_the_folders_own_index_are_made_from_the_folders(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ELM_CHROMA")
    filled(tmp_path / "one").close()
    monkeypatch.setenv("ELM_CHROMA", server.address)
    store = Store(tmp_path / "one")
    assert "it was made anew from the memories' folders" in store.cleaned[0]
    assert store.count() == 3
    assert not (tmp_path / "one" / "chroma").exists()
    fresh = Server(tmp_path / "fresh")
    fresh.start()
    monkeypatch.setenv("ELM_CHROMA", fresh.address)
    moved = Store(tmp_path / "one")
    assert moved.count() == 3
    assert moved.cleaned == ("The index was empty; it was made anew from the memories' folders.",)
    moved.delete(["m1"])
    fresh.kill()
    monkeypatch.delenv("ELM_CHROMA")
    own = Store(tmp_path / "one")
    assert [row.id for row in own.indexed()] == ["m0", "m2"]
    assert examine(own) == []
    own.close()


@pytest.mark.parametrize("first", ["search", "change"])
def test_an_emptied_server_is_filled_whatever_comes_first(server: Server, tmp_path: Path, first: str) -> None:
    filled(tmp_path / "one").close()
    server.kill()
    for path in sorted(server.folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    server.start()
    store = Store(tmp_path / "one")
    if first == "search":
        assert store.nearest(key(2), 1)[0].id == "m2"
    else:
        store.add(card("m9"), tensor(9), key(9))
    assert store.count() == 3 + (first == "change")
    assert store.cleaned == ("The index was empty; it was made anew from the memories' folders.",)
    store.delete([row.id for row in store.indexed()])
    assert store.nearest(key(2), 1) == []


@pytest.mark.slow
def test_two_writers_and_a_reader_with_one_killed_now_and_then(server: Server) -> None:
    command = [sys.executable, str(STRESS / "turns.py"), "--operations", "60", "--kills", "3", "--json"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "ELM_CHROMA": server.address}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["kills"] == 3


@pytest.mark.parametrize("bad", ["localhost:8000", "http://", "ftp://x", "http://x:y", "http://x/path", "http://x:0"])
def test_what_is_no_address_is_said(bad: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ELM_CHROMA", bad)
    with pytest.raises(BadInput, match="ELM_CHROMA"):
        Store(tmp_path)


def test_without_one_it_is_the_folders_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ELM_CHROMA", raising=False)
    assert chroma_server() is None
