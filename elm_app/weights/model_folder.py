"""Folders as transformers saves them: what one needs to be a causal model that can be loaded, and its hash."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from elm_app.core.errors import BadInput
from elm_app.weights.download import Watch

_TOKENIZERS = (("tokenizer.json",), ("tokenizer.model",), ("vocab.json", "merges.txt"))
_HEADS = ("ForCausalLM", "LMHeadModel")
_INDEX = "model.safetensors.index.json"


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model, those that its index names but the folder lacks included; empty if none."""
    index = _json(folder / _INDEX).get("weight_map")
    if isinstance(index, dict):
        return [folder / name for name in sorted({Path(str(name)).name for name in index.values()})]
    return [path for path in [folder / "model.safetensors"] if path.exists()]


def missing(folder: Path, checkpoint: str | None = None) -> list[str]:
    """What a folder lacks to be a model, in words; empty if it is whole. `checkpoint`: a file in place of weights."""
    lacks = [] if (folder / "config.json").is_file() else ["config.json"]
    weights = [folder / checkpoint] if checkpoint else weight_files(folder)
    lacks += [path.name for path in weights if not path.is_file()] if weights else ["weights (model.safetensors)"]
    if not any(all((folder / name).is_file() for name in names) for names in _TOKENIZERS):
        lacks.append("a tokenizer (tokenizer.json)")
    return lacks


def check(folder: Path, title: str, causal: bool = True, checkpoint: str | None = None) -> None:
    """Raises `BadInput`, saying why, unless the folder is a whole model without pickles, and a causal one if asked."""
    if lacks := missing(folder, checkpoint):
        pickled = not weight_files(folder) and any(folder.glob(f"*.{kind}") for kind in ("bin", "pt", "pth"))
        raise BadInput(
            f"{title} cannot be used: {' and '.join(lacks)} {'is' if len(lacks) == 1 else 'are'} missing.",
            "Its weights are pickles, which can run code when opened: save it as safetensors first."
            if pickled
            else "Give a folder as transformers' save_pretrained writes it.",
        )
    kinds = _json(folder / "config.json").get("architectures") or []
    if causal and not any(str(kind).endswith(_HEADS) for kind in kinds):
        named = f"a {kinds[0]}" if kinds else "of no known kind"
        raise BadInput(f"{title} is {named}, not a causal language model.", "Give a model that writes text.")


def weights_sha256(folder: Path, cache: Path, watch: Watch) -> str:
    """SHA-256 over the bytes of a folder's weight files, one after the other by name.

    Remembered in `cache/hashes.json` until a size or a time changes.
    """
    files = weight_files(folder)
    state = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    book = cache / "hashes.json"
    known = _json(book)
    entry = known.get(str(folder))
    if isinstance(entry, dict) and entry.get("files") == state:
        return str(entry["sha256"])
    digest, done, total = hashlib.sha256(), 0, sum(path.stat().st_size for path in files)
    for path in files:
        with path.open("rb") as handle:
            while chunk := handle.read(1 << 20):
                digest.update(chunk)
                done += len(chunk)
                watch.report("verify", f"Checking {folder.name}", done, total)
    known[str(folder)] = {"files": state, "sha256": digest.hexdigest()}
    cache.mkdir(parents=True, exist_ok=True)
    write_whole(book, json.dumps(known, indent=2))
    return digest.hexdigest()


def write_whole(path: Path, text: str) -> None:
    """Replaces a file as a whole or not at all."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    with half.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


def _json(path: Path) -> dict[str, Any]:
    """A JSON object in a file; empty where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
