"""What the Memories tab's scripts ask, and what they are answered."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from elm_app.web.components.memory_map import MapColumns
from elm_app.web.downloads import ServedFile


class StoreState(TypedDict):
    """How many memories there are, and a text that changes whenever one of them does."""

    count: int
    stamp: str


class ListMemories(TypedDict):
    """What the list is to show, as its fields have it: see `listing.wanted`."""

    text: str
    model: str
    enabled: str
    improved: str
    sort: str
    offset: int


class NotYetListed(TypedDict):
    """What a search waits for, as text."""

    waiting: str


class MemoryList(StoreState):
    """A page of the list: all that fit, or the nearest to a text.

    `starter` memories that come with the program are not here; `page` is how many a page of the list has, `threshold`
    from which similarity on a memory is used; `rows`, `pager` and `models` are HTML. Of a search, `query` is its place
    on the map, `matches` are pairs of id and similarity, and `points` these on the map.
    """

    starter: int
    query: NotRequired[list[int]]
    matches: NotRequired[list[tuple[str, float]]]
    points: NotRequired[MapColumns]
    page: int
    threshold: float
    rows: str
    told: str
    pager: str
    models: str
    total: int


class PickedOnMap(TypedDict):
    """The map, and the ids of the memories that are ticked."""

    picked: list[str]


class MemoryMap(MapColumns):
    """The points of the map, and which of the ticked memories are gone."""

    stamp: str
    gone: list[str]


class OneMemory(TypedDict):
    """A question about a memory."""

    id: str


class SeveralMemories(TypedDict):
    """A question about memories."""

    ids: list[str]


class MemoryCard(TypedDict):
    """A memory's card as HTML, and, unless it is damaged, its point on the map."""

    id: str
    card: str
    point: NotRequired[MapColumns]


class NoMemory(TypedDict):
    """Why there is no card."""

    id: str
    error: str


class MemoryGlance(TypedDict):
    """What the map shows beside a point, as HTML."""

    id: str
    html: str


class ChangeMemory(TypedDict):
    """Change a memory, or of several whether they are offered."""

    id: NotRequired[str]
    ids: NotRequired[list[str]]
    label: NotRequired[str]
    note: NotRequired[str]
    enabled: NotRequired[bool]


class ExportMemories(TypedDict):
    """Export some memories, or all that fit the list's fields."""

    ids: NotRequired[list[str]]
    text: NotRequired[str]
    model: NotRequired[str]
    enabled: NotRequired[str]
    improved: NotRequired[str]
    sort: NotRequired[str]
    offset: NotRequired[int]


class UploadedArchive(TypedDict):
    """Where the browser has put an archive."""

    path: str


class Told(TypedDict):
    """What was done, as text."""

    told: str


class ExportedMemories(ServedFile):
    """The archive of exported memories."""

    told: str


class ImportedMemories(Told):
    """What came of an archive; `added` is the memory if it was one, else ""."""

    added: str
