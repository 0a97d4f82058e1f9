"""What runs work with."""

from __future__ import annotations

from dataclasses import dataclass, field

from elm_app.engine.loader import Models
from elm_app.retrieval.embedder import Embedders
from elm_app.routing.process_reward import Prms
from elm_app.store.store import Store


@dataclass(frozen=True)
class Tools:
    """The models, the store of memories, the embedder of problems, and process reward models."""

    models: Models
    store: Store
    embedders: Embedders
    prms: Prms = field(default_factory=Prms)
