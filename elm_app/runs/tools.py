"""What runs work with."""

from __future__ import annotations

from dataclasses import dataclass, field

from elm_app.llm.loader import Models
from elm_app.memory.embedder import Embedders
from elm_app.memory.store import Store
from elm_app.routing.prm import Prms


@dataclass(frozen=True)
class Tools:
    """The models, the store of memories, the embedder of problems, and process reward models."""

    models: Models
    store: Store
    embedders: Embedders
    prms: Prms = field(default_factory=Prms)
