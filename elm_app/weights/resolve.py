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
import fnmatch
import json
import queue
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elm_app.core import config
from elm_app.core.errors import BadInput, WeightsError
from elm_app.core.events import Progress
from elm_app.weights import model_folder
from elm_app.weights.convert_gguf import VERSION, convert, float_bytes, write_floats
from elm_app.weights.download import MirrorFailed, RemoteFile, Watch, check_room, fetch, folder_size
from elm_app.weights.mirrors import ANSWER_SECONDS, run_child
from elm_app.weights.presets import PRESETS, Preset

CHECKPOINT = "model.gguf"
_SEAL = "elm.json"
_SMALL_FILES = 32 << 20
"""Room for tokenizer and configuration."""
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_WANTED = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]
_UNWANTED = ["*/*", "consolidated*"]
_BY_HAND = "Check the connection and start again, or give a folder that has the model: --model /path/to/folder."


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
        cache: where weights are kept (default: `config.cache_dir()`).
        causal: whether it must be a model that writes text; else any whole model will do.

    Raises:
        BadInput: nothing is called so, or the folder is not a model that can be used.
        WeightsError: the weights cannot be had: no mirror has them, or there is no room.
        Stopped: `cancelled()` became true; the next call goes on from there.
    """
    cache, watch = cache or config.cache_dir(), Watch(progress, cancelled)
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
    cache, watch = cache or config.cache_dir(), Watch(progress, cancelled)
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
    folder = _snapshot(home, "elm")
    if folder is None:
        with _only_one(cache, repo.replace("/", "--"), watch, repo):
            folder = _snapshot(home, "elm") or _fetch_repo(repo, home, watch, causal)
    return _folder(folder, repo, repo, cache, watch, causal)


def _snapshot(home: Path, ref: str) -> Path | None:
    """The version of a hub repository that a ref names; "main" is the client's, "elm" is set once it is here whole."""
    try:
        folder = home / "snapshots" / (home / "refs" / ref).read_text().strip()
    except OSError:
        return None
    return folder if folder.is_dir() and not model_folder.missing(folder) else None


def _fetch_repo(repo: str, home: Path, watch: Watch, causal: bool) -> Path:
    """Has the hub's client fetch a repository, in a process of its own that can be ended; it goes on by itself."""
    try:
        endpoint = config.hub_endpoint()
        if endpoint is None:
            raise WeightsError(f"{repo} is not on this machine, and the hub is switched off.", _BY_HAND)
        sizes = _sizes(repo, endpoint, watch)
    except WeightsError:
        if folder := _snapshot(home, "main"):  # put there by hand
            return folder
        raise
    if not any(name.endswith(".safetensors") for name in sizes):
        raise BadInput(
            f"{repo} has no safetensors; weights in pickles (.bin) are not opened, because they can run code.",
            "Choose a model whose weights are safetensors.",
        )
    blobs, total = home / "blobs", sum(sizes.values())
    blobs.mkdir(parents=True, exist_ok=True)
    check_room(home, total - folder_size(blobs), repo)
    command = [sys.executable, "-c", _CHILD, repo, str(home.parent), endpoint]
    try:
        run_child(command, {}, lambda: watch.report("download", f"Fetching {repo}", folder_size(blobs), total))
    except MirrorFailed as error:
        raise WeightsError(f"{repo} could not be fetched: the hub's client {error}.", _BY_HAND) from error
    folder = home / "snapshots" / (home / "refs" / "main").read_text().strip()
    model_folder.check(folder, repo, causal)
    model_folder.write_whole(home / "refs" / "elm", folder.name)
    return folder


_CHILD = f"""
import sys
from huggingface_hub import snapshot_download
repo, home, endpoint = sys.argv[1:]
snapshot_download(repo, cache_dir=home, endpoint=endpoint, allow_patterns={_WANTED}, ignore_patterns={_UNWANTED})
"""


def _sizes(repo: str, endpoint: str, watch: Watch) -> dict[str, int]:
    """Name and bytes of each file that would be fetched; asked in a thread, because the client may hang."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    came: queue.Queue[Any] = queue.Queue()

    def ask() -> None:
        try:
            came.put(HfApi(endpoint=endpoint).model_info(repo, files_metadata=True, timeout=ANSWER_SECONDS))
        except Exception as error:
            came.put(error)

    threading.Thread(target=ask, daemon=True).start()
    until = time.monotonic() + ANSWER_SECONDS
    while came.empty() and time.monotonic() < until:
        watch.report("download", f"Asking the hub for {repo}", 0, 0)
        time.sleep(0.05)
    answer = TimeoutError(f"no answer within {ANSWER_SECONDS:g} seconds") if came.empty() else came.get()
    match answer:
        case GatedRepoError():
            raise WeightsError(f"{repo} needs its terms accepted.", f"Accept them at {endpoint}/{repo}, then log in.")
        case RepositoryNotFoundError():
            raise BadInput(
                f"The hub has no model {repo!r}, or shows it only to its members.",
                f"Check the name; without the hub there are {', '.join(PRESETS)}, or a folder.",
            )
        case Exception():
            raise WeightsError(f"{repo} is not here, and the hub cannot be reached ({answer}).", _BY_HAND)
    files = {file.rfilename: file.size or 0 for file in answer.siblings or []}
    return {name: size for name, size in files.items() if _fits(name, _WANTED) and not _fits(name, _UNWANTED)}


def _fits(name: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


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
