"""From the name of a model to a folder that transformers can load, on this machine.

A name is a preset, a folder or a hub id. A preset's 4-bit checkpoint comes from the first mirror that answers
(`mirrors.py`) and is kept as it is, beside the configuration and the tokenizer that transformers wants
(`convert_gguf.py`); it is the same model wherever its bytes came from, because its SHA-256 is its identity. Everything
is kept under the cache folder:

    downloads/<sha>/          what is half fetched
    models/<preset>-<sha>/    a checkpoint, `model.gguf`, and its small files, with `elm.json` as their seal
    models/floats-<n>-<sha>/  the same in float16, by converter n, for transformers; made when it is first wanted
    hub/                      models fetched whole from the hub, in the hub client's own layout
    locks/ hashes.json        one process at a time; hashes of folders that were given
"""

from __future__ import annotations

import difflib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from elm_app.core import environment
from elm_app.core.errors import BadInput, WeightsError
from elm_app.core.events import Progress
from elm_app.weights import model_folder
from elm_app.weights.convert_gguf import VERSION, convert, float_bytes, write_floats
from elm_app.weights.download import RemoteFile, Watch, check_room, fetch, folder_size
from elm_app.weights.hub import fetch_repo, snapshot
from elm_app.weights.presets import PRESETS, Preset

CHECKPOINT = "model.gguf"
_SEAL = "elm.json"
_SMALL_FILES = 32 << 20
"""Room for tokenizer and configuration."""
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class LocalModel:
    """A model on this machine.

    Attributes:
        id: the preset, the hub id, or the folder's name.
        path: a folder: config, tokenizer, and safetensors where there is no checkpoint.
        sha256: of the bytes the model came from: the checkpoint, or the weight files one after the other.
        checkpoint: the GGUF file that holds the weights, or None.
    """

    id: str
    path: Path
    sha256: str
    checkpoint: Path | None = None


def resolve(
    model: str,
    *,
    progress: Callable[[Progress], None],
    cancelled: Callable[[], bool] = lambda: False,
    cache: Path | None = None,
    causal: bool = True,
) -> LocalModel:
    """The model of that name, fetched and converted if it is not here yet.

    Args:
        model: a preset, a folder, or a hub id `owner/name`. What `auto` means is for `choice.py` to say.
        progress: hears of every wait: "download" and "verify" in bytes, "convert" once.
        cancelled: asked several times a second.
        cache: where weights are kept (default: `environment.cache_dir()`).
        causal: whether it must be a model that writes text; else any whole model will do.

    Raises:
        BadInput: nothing is called so, or the folder is not a model that can be used.
        WeightsError: the weights cannot be had: no mirror has them, or there is no room.
        Stopped: `cancelled()` became true; the next call goes on from there.
    """
    cache, watch = cache or environment.cache_dir(), Watch(progress, cancelled)
    try:
        if preset := PRESETS.get(model):
            file = preset.weights
            return _preset(model, preset, file, cache, watch) if file else _hub(preset.repo, cache, watch, causal)
        folder = Path(model).expanduser()
        if model.strip() and folder.is_dir():
            return _folder(folder.resolve(), folder.resolve().name, model, cache, watch, causal)
        if HUB_ID.fullmatch(model) and not folder.exists():
            return _hub(model, cache, watch, causal)
    except OSError as error:
        raise WeightsError(
            f"The model cannot be kept in {cache} ({error.strerror or error}).",
            "Make room there, or set ELM_CACHE to another folder.",
        ) from error
    if folder.is_file():
        raise BadInput(f"{model} is a file.", "Give the folder that holds the model.")
    near = difflib.get_close_matches(model, PRESETS, 1)
    raise BadInput(
        f"There is no model called {model!r}" + (f"; did you mean {near[0]!r}?" if near else "."),
        f"Give one of {', '.join(PRESETS)}, a hub id (owner/name) or a folder.",
    )


def _preset(name: str, preset: Preset, file: RemoteFile, cache: Path, watch: Watch) -> LocalModel:
    label = f"{name}-{file.sha256[:12]}"
    folder, half = cache / "models" / label, cache / "models" / f".{label}"
    work = cache / "downloads" / file.sha256[:12]
    model = LocalModel(name, folder, file.sha256, folder / CHECKPOINT)
    if _sealed(folder) == file.sha256 and not work.exists():
        return model
    with _only_one(cache, label, watch, preset.title):
        if _sealed(folder) != file.sha256:
            work.mkdir(parents=True, exist_ok=True)
            if (half / CHECKPOINT).exists():  # killed just before the end
                (half / CHECKPOINT).replace(work / file.name)
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir(parents=True)
            check_room(cache, 2 * file.bytes + _SMALL_FILES - folder_size(work), preset.title)
            path, source = fetch(file, work, watch)
            watch.report("convert", "Writing the tokenizer", 0, 0)
            convert(path, half)
            path.replace(half / CHECKPOINT)
            _seal(half, file.sha256, source)
            if folder.exists():
                shutil.rmtree(folder)
            half.replace(folder)
        shutil.rmtree(work, ignore_errors=True)
    return model


def with_floats(
    model: LocalModel,
    *,
    progress: Callable[[Progress], None],
    cancelled: Callable[[], bool] = lambda: False,
    cache: Path | None = None,
) -> Path:
    """A folder that transformers loads the model from: its own, or for a checkpoint one in float16, made once.

    Raises:
        WeightsError: there is no room for it.
        Stopped: `cancelled()` became true; nothing half-made is left.
    """
    if model.checkpoint is None:
        return model.path
    cache, watch = cache or environment.cache_dir(), Watch(progress, cancelled)
    label = f"floats-{VERSION}-{model.sha256[:12]}"
    folder, half = cache / "models" / label, cache / "models" / f".{label}"
    if folder.exists():
        return folder
    try:
        with _only_one(cache, label, watch, model.id):
            if not folder.exists():
                try:
                    _write_folder(model, model.checkpoint, half, watch)
                    half.replace(folder)
                finally:
                    shutil.rmtree(half, ignore_errors=True)
    except OSError as error:
        raise WeightsError(
            f"The model cannot be converted in {cache} ({error.strerror or error}).",
            "Make room there, or set ELM_CACHE to another folder.",
        ) from error
    return folder


def _write_folder(model: LocalModel, checkpoint: Path, folder: Path, watch: Watch) -> None:
    """The model in float16, as transformers has it, in a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    check_room(folder, float_bytes(checkpoint) + _SMALL_FILES, model.id)
    for path in model.path.iterdir():
        if path.is_file() and path != checkpoint and path.name != _SEAL:
            shutil.copyfile(path, folder / path.name)
    write_floats(checkpoint, folder / "model.safetensors", progress=watch.progress, cancelled=watch.cancelled)


def _seal(folder: Path, sha256: str, source: str) -> None:
    """Writes `elm.json`, last: a folder without it, or with other files than it lists, is not whole."""
    model_folder.check(folder, "The fetched model", checkpoint=CHECKPOINT)
    files = {path.name: path.stat().st_size for path in folder.iterdir()}
    seal = {"converter": VERSION, "sha256": sha256, "source": source, "files": files}
    model_folder.write_whole(folder / _SEAL, json.dumps(seal, indent=2))


def _sealed(folder: Path) -> str | None:
    """The hash on a folder's seal; None if it has none, has another converter's, or is not whole."""
    try:
        seal = json.loads((folder / _SEAL).read_text(encoding="utf-8"))
        whole = all((folder / name).stat().st_size == size for name, size in seal["files"].items())
        return str(seal["sha256"]) if whole and seal["converter"] == VERSION else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _folder(folder: Path, name: str, title: str, cache: Path, watch: Watch, causal: bool) -> LocalModel:
    if sha256 := _sealed(folder):  # one of ours, perhaps from another machine
        return LocalModel(name, folder, sha256, folder / CHECKPOINT)
    model_folder.check(folder, title, causal)
    return LocalModel(name, folder, model_folder.weights_sha256(folder, cache, watch))


def _hub(repo: str, cache: Path, watch: Watch, causal: bool) -> LocalModel:
    home = cache / "hub" / f"models--{repo.replace('/', '--')}"
    folder = snapshot(home, "elm")
    if folder is None:
        with _only_one(cache, repo.replace("/", "--"), watch, repo):
            folder = snapshot(home, "elm") or fetch_repo(repo, home, watch, causal)
    return _folder(folder, repo, repo, cache, watch, causal)


@contextmanager
def _only_one(cache: Path, label: str, watch: Watch, title: str) -> Iterator[None]:
    """Holds the lock of one model; while another process has it, waits and says so."""
    from filelock import FileLock, Timeout

    (cache / "locks").mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache / "locks" / f"{label}.lock")
    while True:
        try:
            lock.acquire(timeout=0)
            break
        except Timeout:
            watch.report("download", f"Another process is getting {title}; waiting for it", 0, 0)
            time.sleep(0.1)
    try:
        yield
    finally:
        lock.release()
