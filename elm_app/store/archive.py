"""Memories as one file, to be given to others: a zip with `manifest.json` first and then each memory's folder.

The same memories always give the same bytes. An archive may come from a stranger, so all of it is read and checked
before anything is written: names, kinds and sizes of its members before they are unpacked, hashes and contents after.
What is then stored is written anew by this program, all of it or nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from numpy.typing import NDArray

from elm_app.core.errors import BadInput, DamagedMemory, StoreError
from elm_app.core.types import Memory, ModelInfo
from elm_app.store import memory_folder as files
from elm_app.store.memory_folder import Vector
from elm_app.store.store import Store

SUFFIX = ".elm.zip"
MANIFEST, FORMAT, VERSION = "manifest.json", "elm memories", 1
MOST_MEMBERS = 400_001
MOST_BYTES = 8 << 30
"""Of all members together, unpacked."""
MOST_RATIO = 200
"""How many times larger than packed a member may be; JSON reaches some 20."""
_MANIFEST_BYTES = 256 << 20
_PICKLES = (".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth")


@dataclass(frozen=True)
class Imported:
    """The ids that were added, and those that were there already and were left as they are."""

    added: tuple[str, ...]
    known: tuple[str, ...]


def export(store: Store, ids: Sequence[str], path: Path) -> None:
    """Writes these memories into one file, whole or not at all; one that is there is replaced.

    Raises:
        BadInput: no ids, one that does not exist, or the file cannot be written.
        DamagedMemory: one of them is not what it should be.
    """
    ids = sorted(set(ids))
    if not ids:
        raise BadInput("There is no memory to export.", "Name at least one.")
    seals: dict[str, dict[str, dict[str, Any]]] = {}
    for place in [store.place(id) for id in ids]:
        packed = {name: files.read(place, name) for name in files.FILES}
        files.unpack(place.name, packed)
        seals[place.name] = {name: _seal(data) for name, data in packed.items()}
    listed = [{"id": id, "files": sealed} for id, sealed in seals.items()]
    manifest = {"format": FORMAT, "version": VERSION, "memories": listed}
    half = path.with_name(f".{path.name}.tmp")
    try:
        try:
            with zipfile.ZipFile(half, "x") as archive:
                _write(archive, MANIFEST, json.dumps(manifest, indent=1).encode() + b"\n")
                for id, sealed in seals.items():
                    for name, seal in sealed.items():
                        data = files.read(store.place(id), name)
                        if _seal(data) != seal:
                            raise StoreError(f"Memory {id} was changed meanwhile.", "Export again.")
                        _write(archive, f"{id}/{name}", data)
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInput(f"{path} cannot be written: {reason}.", "Give another place for the archive.") from error


def import_(store: Store, path: Path, model: ModelInfo | None = None) -> Imported:
    """Adds the memories of an archive; those whose ids are there already are left as they are.

    Args:
        model: take only memories that were made for it. Any are taken without it: each is only offered to its own.

    Raises:
        BadInput: it is no archive of memories, is damaged, hostile, or of another model; nothing was written then.
    """
    with _opened(path) as archive:
        manifest = _checked(archive, path)
        for id in manifest:  # all of it, before the first is stored
            memory = _load(archive, id, manifest[id])[0]
            if model is not None and memory.model.weights_sha256 != model.weights_sha256:
                raise _refused(path, f"memory {id} was made for {memory.model.id}, not for {model.id}")
        known = tuple(id for id in manifest if (store.adapters / id).exists())
        added = store.add_many(_load(archive, id, manifest[id]) for id in manifest if id not in known)
    return Imported(tuple(memory.id for memory in added), known)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError, ValueError) as error:
        raise _refused(path, "it is no zip file, or a damaged one") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.", "Check the path.") from error
    with archive:
        try:
            yield archive
        except DamagedMemory as error:
            raise _refused(path, error.message.rstrip(".")) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise _refused(path, f"it is damaged ({error})") from error


def _checked(archive: zipfile.ZipFile, path: Path) -> dict[str, dict[str, tuple[str, int]]]:
    """For each id its files' hashes and sizes, once names, kinds and sizes of all members are known to be good."""
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise _refused(path, f"it has {len(members)} members, more than {MOST_MEMBERS}")
    seen: set[str] = set()
    for member in members:
        if why := _fault(member) or ("is there twice" if member.filename in seen else None):
            raise _refused(path, f"its member {member.orig_filename[:100]!r} {why}")
        seen.add(member.filename)
    if sum(member.file_size for member in members) > MOST_BYTES:
        raise _refused(path, f"it unpacks to more than {MOST_BYTES >> 30} GiB")
    if not members or members[0].filename != MANIFEST:
        raise _refused(path, f"it does not begin with {MANIFEST}")
    manifest = _manifest(_read(archive, MANIFEST), path)
    named = {MANIFEST, *(f"{id}/{name}" for id, listed in manifest.items() for name in listed)}
    if lacks := named - seen:
        raise _refused(path, f"its member {min(lacks)!r} is missing")
    if more := seen - named:
        raise _refused(path, f"its member {min(more)!r} is not in the manifest")
    return manifest


def _fault(member: zipfile.ZipInfo) -> str | None:
    """What is wrong with a member, by what the zip says of it; None if nothing is."""
    name, mode = member.orig_filename, member.external_attr >> 16
    parts = PurePosixPath(name).parts
    own = name == MANIFEST or (len(parts) == 2 and files.is_id(parts[0]) and parts[1] in files.FILES)
    most = _MANIFEST_BYTES if name == MANIFEST else files.most_bytes(parts[-1] if parts else "")
    checks = (
        (not name.startswith("/") and not re.match(r"[A-Za-z]:", name), "has an absolute path"),
        ("\\" not in name, "has a backslash in its name"),
        (".." not in parts, "leads out of its folder"),
        (not stat.S_ISLNK(mode), "is a link"),
        (mode == 0 or stat.S_IFMT(mode) in (0, stat.S_IFREG), "is not a plain file"),
        (not name.lower().endswith(_PICKLES), "may be a pickle, which can run code when opened"),
        (own and name == f"{'/'.join(parts)}" and name == member.filename, "does not belong to a memory"),
        (not member.flag_bits & 0x1, "is encrypted"),
        (member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), "is packed in an unusual way"),
        (member.file_size <= most, f"is too large ({member.file_size} bytes)"),
        (member.file_size <= 4096 + MOST_RATIO * member.compress_size, "unpacks to suspiciously much"),
    )
    return next((why for good, why in checks if not good), None)


def _manifest(data: bytes, path: Path) -> dict[str, dict[str, tuple[str, int]]]:
    try:
        value = json.loads(data)
        if value["format"] != FORMAT or not isinstance(value["version"], int):
            raise ValueError
        if value["version"] > VERSION:
            raise _refused(path, f"it is of version {value['version']}, made by a newer program")
        found: dict[str, dict[str, tuple[str, int]]] = {}
        for entry in value["memories"]:
            if not files.is_id(entry["id"]) or entry["id"] in found or set(entry["files"]) != set(files.FILES):
                raise ValueError
            found[entry["id"]] = {
                name: (str(seal["sha256"]), int(seal["size"])) for name, seal in entry["files"].items()
            }
        return found
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _refused(path, f"its {MANIFEST} is not one of memories") from error


def _load(
    archive: zipfile.ZipFile, id: str, listed: dict[str, tuple[str, int]]
) -> tuple[Memory, NDArray[Any], dict[str, Vector]]:
    """A memory of the archive, every file checked against the manifest and against the others."""
    packed = {}
    for name, (sha256, size) in listed.items():
        data = packed[name] = _read(archive, f"{id}/{name}")
        if len(data) != size or hashlib.sha256(data).hexdigest() != sha256:
            raise zipfile.BadZipFile(f"the SHA-256 of {id}/{name} does not match")
    return files.unpack(id, packed)


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member, never more of it than was declared."""
    member = archive.getinfo(name)
    with archive.open(member) as file:
        data = file.read(member.file_size)
        if len(data) != member.file_size or file.read(1):
            raise zipfile.BadZipFile(f"{name} has another size than it says")
    return data


def _write(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Stored as it is, without a time: compressed bytes differ from one zlib to the next."""
    member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    member.create_system, member.external_attr = 3, (stat.S_IFREG | 0o644) << 16
    file: IO[bytes]
    with archive.open(member, "w") as file:
        file.write(data)


def _seal(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def _refused(path: Path, why: str) -> BadInput:
    return BadInput(
        f"{path.name} is not imported: {why}.", "Nothing was stored; export it again, or get it from whom you trust."
    )
