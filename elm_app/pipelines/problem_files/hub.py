"""A data set on the model hub, by name: `hf:OWNER/NAME[/CONFIG][:SPLIT]`, such as hf:openai/gsm8k/main:test.

Its own files are looked at, parquet before JSON lines, JSON and CSV. Without a split the first of test, train and
validation counts that it has; without a configuration the only one, or the one called main or default. Of files in
several pieces the first is taken, and said. What was fetched once is found again when the hub is out of reach.
"""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from elm_app.core import environment
from elm_app.core.errors import BadInput
from elm_app.weights.mirrors import ANSWER_SECONDS

PREFIX = "hf:"
_SPLITS = {"test": ("test",), "train": ("train",), "validation": ("validation", "valid", "val", "dev")}
_KINDS = (".parquet", ".jsonl", ".jsonl.gz", ".ndjson", ".json", ".json.gz", ".csv", ".csv.gz", ".tsv")
_NO_DATA = re.compile(r"(^|/)(\.|dataset_infos?\.json|state\.json|config\.json|package\.json)", re.IGNORECASE)
_NAME = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?:/(?P<config>[^:]+))?(?::(?P<split>[\w.-]+))?")
_PIECE = re.compile(r"-(\d{5})-of-(\d{5})")
_BY_HAND = "Download the file on a machine that can reach it, and give its path."


@dataclass(frozen=True)
class DataSet:
    """What is asked for; "" is whatever there is."""

    repo: str
    config: str = ""
    split: str = ""


def parse(name: str) -> DataSet:
    """
    >>> parse("hf:openai/gsm8k/main:test")
    DataSet(repo='openai/gsm8k', config='main', split='test')
    """
    match = _NAME.fullmatch(name.removeprefix(PREFIX).strip())
    if not match:
        raise BadInput(f"{name} names no data set.", "Write hf:OWNER/NAME, or hf:OWNER/NAME/CONFIG:SPLIT.")
    return DataSet(match["repo"], (match["config"] or "").strip("/"), match["split"] or "")


def fetch(name: str) -> tuple[bytes, str, tuple[str, ...]]:
    """The bytes of the file, its name, and what was chosen.

    Raises:
        BadInput: there is no such data set or no such file in it, or the hub cannot be reached.
    """
    wanted = parse(name)
    home = environment.cache_dir() / "hub"
    try:
        files, endpoint = _listed(wanted.repo)
    except BadInput:
        folder = _kept(home, wanted.repo)
        if folder is None:
            raise
        files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        path, said = pick(files, wanted)
        return (folder / path).read_bytes(), PurePosixPath(path).name, (*said, "as fetched earlier")
    path, said = pick(files, wanted)
    return _downloaded(wanted.repo, path, home, endpoint), PurePosixPath(path).name, said


def pick(files: Sequence[str], wanted: DataSet) -> tuple[str, tuple[str, ...]]:
    """Which file of a data set is meant, and what of it was not said: a pure choice from the paths.

    >>> pick(["README.md", "main/test-00000-of-00001.parquet", "main/train-00000-of-00001.parquet"], DataSet("a/b"))
    ('main/test-00000-of-00001.parquet', ('main/test-00000-of-00001.parquet',))
    """
    data = sorted(path for path in files if _kind(path) is not None and not _NO_DATA.search(path))
    if not data:
        raise BadInput(f"{wanted.repo} has no parquet, JSON or CSV files.", _BY_HAND)
    if wanted.config in data:
        return wanted.config, ()
    data = _of_config(data, wanted)
    splits = {split: [path for path in data if _is_split(path, split)] for split in _SPLITS}
    if wanted.split:
        found = splits.get(wanted.split) or [path for path in data if wanted.split in _words(path)]
        if not found:
            there = ", ".join(split for split, paths in splits.items() if paths) or ", ".join(data[:8])
            raise BadInput(f"{wanted.repo} has no split {wanted.split}; it has: {there}.", "Name one after a colon.")
    else:
        found = next((paths for paths in splits.values() if paths), data)
    kind = min((_kind(path) or 0) for path in found)
    of_kind = [path for path in found if _kind(path) == kind]
    pieces = {_PIECE.sub("", path) for path in of_kind}
    if len(pieces) > 1:
        raise BadInput(
            f"{wanted.repo} has more than one such file: {', '.join(of_kind[:8])}.", _one(wanted, of_kind[0])
        )
    more = f", the first of {len(of_kind)} pieces" if len(of_kind) > 1 else ""
    said = () if wanted.split and not more else (f"{of_kind[0]}{more}",)
    return of_kind[0], said


def _of_config(data: list[str], wanted: DataSet) -> list[str]:
    """The files of the configuration that is asked for, else of the only or the usual one."""
    if wanted.config:
        found = [path for path in data if f"/{wanted.config}/" in f"/{path}" or wanted.config == _word_of(path)]
        if not found:
            there = ", ".join(_configs(data) or data[:8])
            raise BadInput(
                f"{wanted.repo} has no {wanted.config}; it has: {there}.", _one(wanted, (_configs(data) or data)[0])
            )
        return found
    configs = _configs(data)
    usual = next((name for name in ("main", "default") if name in configs), "")
    if len(configs) > 1 and not usual:
        told = ", ".join(configs[:12])
        raise BadInput(f"{wanted.repo} has several configurations: {told}.", _one(wanted, configs[0]))
    return [path for path in data if path.startswith(f"{usual}/")] if usual else data


def _configs(data: Sequence[str]) -> list[str]:
    """The folders that are configurations: those above the files that are called neither data nor like a split."""
    tops = [PurePosixPath(path).parts[0] for path in data if "/" in path]
    usual = {"data", *(word for words in _SPLITS.values() for word in words)}
    return list(dict.fromkeys(top for top in tops if top not in usual))


def _one(wanted: DataSet, name: str) -> str:
    return f"Name one, such as {PREFIX}{wanted.repo}/{name}."


def _kind(path: str) -> int | None:
    """Its place in the order of preference, None if it holds no data."""
    return next((place for place, end in enumerate(_KINDS) if path.lower().endswith(end)), None)


def _words(path: str) -> list[str]:
    return re.split(r"[/_.-]+", path.lower())


def _word_of(path: str) -> str:
    return PurePosixPath(path).name.partition(".")[0]


def _is_split(path: str, split: str) -> bool:
    return any(word in _words(path) for word in _SPLITS[split])


def _listed(repo: str) -> tuple[list[str], str]:
    """The paths of a data set's files and the hub's address; asked in a thread, because the client may hang."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    endpoint = environment.hub_endpoint()
    if endpoint is None:
        raise BadInput(f"{repo} is not on this machine, and the hub is switched off.", _BY_HAND)
    came: queue.Queue[Any] = queue.Queue()

    def ask() -> None:
        try:
            info = HfApi(endpoint=endpoint).dataset_info(repo, timeout=ANSWER_SECONDS)
            came.put([file.rfilename for file in info.siblings or []])
        except Exception as error:
            came.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = came.get(timeout=ANSWER_SECONDS)
    except queue.Empty:
        answer = TimeoutError(f"no answer within {ANSWER_SECONDS:g} seconds")
    match answer:
        case GatedRepoError():
            raise BadInput(
                f"{repo} needs its terms accepted.", f"Accept them at {endpoint}/datasets/{repo}, then log in."
            )
        case RepositoryNotFoundError():
            raise BadInput(f"The hub has no data set {repo}, or shows it only to its members.", "Check the name.")
        case Exception():
            raise BadInput(f"{repo} cannot be fetched: the hub cannot be reached ({_brief(answer)}).", _BY_HAND)
    return answer, endpoint


def _downloaded(repo: str, path: str, home: Path, endpoint: str) -> bytes:
    from huggingface_hub import hf_hub_download

    try:
        file = hf_hub_download(
            repo, path, repo_type="dataset", cache_dir=home, endpoint=endpoint, etag_timeout=ANSWER_SECONDS
        )
        return Path(file).read_bytes()
    except Exception as error:  # the client's, the connection's and the disk's errors have no common kind
        raise BadInput(f"{path} of {repo} could not be fetched: {_brief(error)}.", _BY_HAND) from error


def _kept(home: Path, repo: str) -> Path | None:
    """The folder of what was fetched earlier."""
    folder = home / f"datasets--{repo.replace('/', '--')}"
    try:
        snapshot = folder / "snapshots" / (folder / "refs" / "main").read_text().strip()
    except OSError:
        return None
    return snapshot if snapshot.is_dir() else None


def _brief(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:160].rstrip(".") or type(error).__name__
