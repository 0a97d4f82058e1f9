"""A model's whole repository from the model hub, in the hub client's own layout."""

from __future__ import annotations

import fnmatch
import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any

from elm_app.core import environment
from elm_app.core.errors import BadInput, WeightsError
from elm_app.weights import model_folder
from elm_app.weights.download import MirrorFailed, Watch, check_room, folder_size
from elm_app.weights.mirrors import ANSWER_SECONDS, run_child
from elm_app.weights.presets import PRESETS

_WANTED = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]
_UNWANTED = ["*/*", "consolidated*"]
_BY_HAND = "Check the connection and start again, or give a folder that has the model: --model /path/to/folder."


def snapshot(home: Path, ref: str) -> Path | None:
    """The version of a hub repository that a ref names; "main" is the client's, "elm" is set once it is here whole."""
    try:
        folder = home / "snapshots" / (home / "refs" / ref).read_text().strip()
    except OSError:
        return None
    return folder if folder.is_dir() and not model_folder.missing(folder) else None


def fetch_repo(repo: str, home: Path, watch: Watch, causal: bool) -> Path:
    """Has the hub's client fetch a repository, in a process of its own that can be ended; it goes on by itself."""
    try:
        endpoint = environment.hub_endpoint()
        if endpoint is None:
            raise WeightsError(f"{repo} is not on this machine, and the hub is switched off.", _BY_HAND)
        sizes = _sizes(repo, endpoint, watch)
    except WeightsError:
        if folder := snapshot(home, "main"):  # put there by hand
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
