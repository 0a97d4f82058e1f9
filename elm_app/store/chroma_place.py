"""Where Chroma is: in the memories' folder, opened by this process, or on a server that several machines use.

With `ELM_CHROMA=http://host:port` the index of a shared folder of memories is on that server. Its collections begin
with an id that is kept in the folder (`.chroma-id`), so that one server can hold the indexes of many folders. The lock
and the notes of changes stay in the folder: whoever shares it takes turns as processes on one machine do.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from elm_app.core import environment
from elm_app.store.journal import write_whole

_ID = ".chroma-id"


class Place(Protocol):
    """Where a store's index is.

    Attributes:
        prefix: what the names of its collections begin with.
        name: for sentences: "The index {name} cannot be used".
        remedy: what to do then.
        is_derived_here: what cannot be read is damaged, and is made anew; otherwise somebody else's server is away.
    """

    name: str
    remedy: str
    is_derived_here: bool

    @property
    def prefix(self) -> str: ...

    def connect(self) -> Any:
        """A Chroma client."""

    def is_lost(self) -> bool:
        """Whether the index was elsewhere before, or is gone."""

    def clear(self, readable: bool) -> None:
        """Takes the index away; one that cannot be read is kept beside it."""


class Folder:
    """`chroma/` in the memories' folder."""

    remedy = "`python -m elm_app memories doctor --rebuild` makes it anew from the memories' folders."
    is_derived_here = True
    prefix = ""

    def __init__(self, folder: Path) -> None:
        self.path, self._id = folder / "chroma", folder / _ID
        self.name = f"in {self.path}"

    def connect(self) -> Any:
        """The client of this process; one that did not start is not handed out again, as Chroma 1.5 would do."""
        import chromadb

        try:
            return chromadb.PersistentClient(str(self.path), settings=_settings())
        except Exception:
            from chromadb.api.shared_system_client import SharedSystemClient

            SharedSystemClient._identifier_to_system.pop(str(self.path), None)
            raise

    def is_lost(self) -> bool:
        """It is not there, or the index was on a server until now and this one is old."""
        return not self.path.exists() or self._id.exists()

    def clear(self, readable: bool) -> None:
        """Removes it; one that cannot be read is renamed to `chroma-damaged`."""
        self._id.unlink(missing_ok=True)
        if self.path.exists() or self.path.is_symlink():
            old = self.path.rename(free(self.path.with_name("chroma-damaged")))
            if readable:
                shutil.rmtree(old)


class Server:
    """A Chroma server that somebody runs (`chroma run`, or another)."""

    is_derived_here = False

    def __init__(self, folder: Path, address: str) -> None:
        self._address, self._own, self._id = address, folder / "chroma", folder / _ID
        self.name = f"at {address}"
        self.remedy = "Start that Chroma server again, or unset ELM_CHROMA to keep the index in the memories' folder."

    @property
    def prefix(self) -> str:
        """`elm-<id>-`; the id is made on first use."""
        try:
            id = self._id.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            id = secrets.token_hex(6)
            write_whole(self._id, id.encode())
        return f"elm-{id}-"

    def connect(self) -> Any:
        """A client of it."""
        import chromadb

        parts = urlsplit(self._address)
        ssl = parts.scheme == "https"
        token = environment.chroma_token()
        return chromadb.HttpClient(
            host=parts.hostname or "",
            port=parts.port or (443 if ssl else 80),
            ssl=ssl,
            headers={"Authorization": f"Bearer {token}"} if token else None,
            settings=_settings(),
        )

    def is_lost(self) -> bool:
        """The index was in the folder until now."""
        return self._own.exists()

    def clear(self, readable: bool) -> None:
        """Deletes this folder's collections on the server, and an index in the folder."""
        if readable:
            client = self.connect()
            for one in client.list_collections():
                if one.name.startswith(self.prefix):
                    client.delete_collection(one.name)
        shutil.rmtree(self._own, ignore_errors=True)


def place_of(folder: Path) -> Place:
    """Where the index of the memories in `folder` is; raises `BadInput` if ELM_CHROMA is no address."""
    address = environment.chroma_server()
    return Server(folder, address) if address else Folder(folder)


def free(path: Path) -> Path:
    """The path, or with a number if it is taken."""
    return next(one for one in (path.with_name(f"{path.name}{n or ''}") for n in range(10**6)) if not one.exists())


def _settings() -> Any:
    """No `.env` of the folder one happens to be in, and no telemetry."""
    from chromadb.config import Settings

    return Settings(_env_file=None, anonymized_telemetry=False, allow_reset=False)  # type: ignore[call-arg]
