"""The memories' rows and vectors in Chroma."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from elm_app.core.errors import StoreError
from elm_app.store.memory_folder import Vector
from elm_app.store.row import Row, metadata_of, row_from

_BATCH = 2000
"""Rows handed to Chroma at a time; it takes 5461 at most."""


class Index:
    """The Chroma collection in `folder`. Only the process that holds the store's lock may use it.

    Chroma is imported on first use. Every method raises `StoreError` if Chroma cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._client: Any = None
        self._collection: Any = None

    def put(self, rows: Sequence[Row], vectors: Sequence[Vector]) -> None:
        """Adds rows, or replaces those of the same ids."""
        for start in range(0, len(rows), _BATCH):
            some = rows[start : start + _BATCH]
            with self._open() as collection:
                collection.upsert(
                    ids=[row.id for row in some],
                    embeddings=np.stack(vectors[start : start + _BATCH]),
                    metadatas=[metadata_of(row) for row in some],
                    documents=[row.problem for row in some],
                )

    def change(self, row: Row) -> None:
        """New fields for a row that is there; its vector stays."""
        with self._open() as collection:
            collection.update(ids=[row.id], metadatas=[metadata_of(row)])

    def remove(self, ids: Sequence[str]) -> None:
        """Takes rows out; those that are not there already are."""
        for start in range(0, len(ids), _BATCH):
            with self._open() as collection:
                collection.delete(ids=list(ids[start : start + _BATCH]))

    def ids(self) -> list[str]:
        """The ids of all rows, sorted."""
        with self._open() as collection:
            return sorted(collection.get(include=[])["ids"])

    def read(self, ids: Sequence[str]) -> dict[str, tuple[Row, Vector]]:
        """Rows and vectors (384,) by id; raises `StoreError` also where a row has other fields than it should."""
        found = {}
        for start in range(0, len(ids), _BATCH):
            with self._open() as collection:
                some = collection.get(
                    ids=list(ids[start : start + _BATCH]), include=["metadatas", "documents", "embeddings"]
                )
                parts = zip(some["ids"], some["documents"], some["metadatas"], some["embeddings"], strict=True)
                for id, problem, metadata, vector in parts:
                    found[id] = (row_from(id, problem, metadata), np.asarray(vector, np.float32))
        return found

    def close(self) -> None:
        """Lets go of Chroma's files."""
        client, self._client, self._collection = self._client, None, None
        if client is not None:
            client.close()

    @contextmanager
    def _open(self) -> Iterator[Any]:
        try:
            if self._collection is None:
                import chromadb
                from chromadb.config import Settings

                # no `.env` of the folder one happens to be in, no telemetry, and no embedding function: the default one
                # fetches a model. The space cannot be changed later.
                settings = Settings(_env_file=None, anonymized_telemetry=False, allow_reset=False)  # type: ignore[call-arg]
                self._client = chromadb.PersistentClient(str(self.folder), settings=settings)
                self._collection = self._client.get_or_create_collection(
                    "memories", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
                )
            yield self._collection
        except Exception as error:  # Chroma's errors have no common root that leaves out those of its storage
            if self._client is None:  # it did not start; Chroma 1.5 would hand out the broken half of it next time
                from chromadb.api.shared_system_client import SharedSystemClient

                SharedSystemClient._identifier_to_system.pop(str(self.folder), None)
            with suppress(Exception):
                self.close()
            why = str(error).strip().rstrip(".") or type(error).__name__
            raise StoreError(
                f"The index in {self.folder} cannot be used ({why}).",
                "`python -m elm_app memories doctor --rebuild` makes it anew from the memories' folders.",
            ) from error
