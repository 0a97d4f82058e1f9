"""The Memories tab: what its scripts (`pages/memories/memories.js` …) may ask for, and the component that holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from elm_app.core.errors import BadInput, DamagedMemory
from elm_app.core.events import Progress
from elm_app.core.text import memories
from elm_app.retrieval.embedder import Embedders
from elm_app.retrieval.retriever import THRESHOLD
from elm_app.runs import related
from elm_app.store import archive
from elm_app.store.row import Row
from elm_app.store.store import Store
from elm_app.web import downloads, starters
from elm_app.web.components import alerts, labels
from elm_app.web.components.guard import Answering, Nothing, guarded
from elm_app.web.components.memory_map import Atlas, stamp
from elm_app.web.components.search_vector import Meaning
from elm_app.web.files import scripts
from elm_app.web.pages.memories import card, listing
from elm_app.web.pages.memories.answers import (
    ChangeMemory,
    ExportedMemories,
    ExportMemories,
    ImportedMemories,
    ListMemories,
    MemoryCard,
    MemoryGlance,
    MemoryList,
    MemoryMap,
    NoMemory,
    NotYetListed,
    OneMemory,
    PickedOnMap,
    SeveralMemories,
    StoreState,
    Told,
    UploadedArchive,
)
from elm_app.web.pages.memories.template import CABINET

SCRIPTS = ("pages/memories/memories.js", "pages/memories/memory_card.js")
MATCHES = 5
"""Memories that the map draws a line to from what was searched for."""
_DISABLED = "Disabled by hand."


def panel(memories: Memories) -> gr.HTML:
    """What the tab shows, to be put under all tabs: Gradio draws a tab only when it is opened, and the header's chip
    and the links to memories work before that. `pages/memories/memories.css` shows it while the tab is selected.
    """
    return gr.HTML(
        html_template=CABINET,
        js_on_load=scripts(*SCRIPTS),
        apply_default_css=False,
        server_functions=memories.functions(),
        elem_id="elm-cabinet",
    )


class Memories:
    """Answers the questions of the pages about one store."""

    def __init__(self, store: Store, embedders: Embedders, runs: Path) -> None:
        self.store, self.runs = store, runs
        self.meaning, self.atlas = Meaning(embedders), Atlas(store)

    def functions(self) -> list[Answering]:
        """What the page's script may call, each by the name that it has here."""
        answers: tuple[Answering, ...] = (
            self.memories_state, self.memories_list, self.memories_map, self.memory_card, self.memory_glance,
            self.memory_change, self.memories_delete, self.memories_export, self.memories_import, self.memories_starter,
        )  # fmt: skip
        return [guarded(answer) for answer in answers]

    def memories_state(self, _: Nothing) -> StoreState:
        """Whether anything has changed."""
        return {"stamp": stamp(self.store), "count": self.store.count()}

    def memories_list(self, ask: ListMemories) -> MemoryList | NotYetListed:
        """A page of the list: all that fit, or the nearest to a text."""
        asked, state = listing.wanted(ask), self.memories_state({})
        if not asked.text or not state["count"]:
            page = self.store.page(
                **asked.filters, sort=asked.sort, descending=asked.descending, offset=asked.offset, limit=listing.PAGE
            )
            return self._list(asked, state, page.rows, page.total)
        key = self.meaning.key(asked.text)
        if isinstance(key, Progress):
            amount = labels.amount(key.done, key.total, key.unit)
            once = "searching by meaning needs this, once" if key.stage == "download" else ""
            return {"waiting": labels.DOT.join(part for part in (key.message, amount, once) if part)}
        found = self.store.nearest(key, listing.NEAREST, **asked.filters)
        scores = {match.id: match.score for match in found[asked.offset : asked.offset + listing.PAGE]}
        answer = self._list(asked, state, self.store.rows(list(scores)), len(found), scores)
        answer["query"] = self.atlas.place(key[None])[0]
        answer["matches"] = [(match.id, round(match.score, 3)) for match in found[:MATCHES]]
        answer["points"] = self.atlas.columns(match.id for match in found[:MATCHES])
        return answer

    def _list(
        self,
        asked: listing.Wanted,
        state: StoreState,
        rows: Sequence[Row],
        total: int,
        scores: Mapping[str, float] | None = None,
    ) -> MemoryList:
        models = self.store.models()
        return {
            "stamp": state["stamp"],
            "count": state["count"],
            "starter": starters.missing(self.store),
            "page": listing.PAGE,
            "threshold": THRESHOLD,
            "rows": listing.rows_html(rows, scores, len(models) > 1),
            "told": listing.told(asked, total, len(rows), state["count"]),
            "pager": listing.pager(asked, total),
            "models": listing.models_html(models),
            "total": total,
        }

    def memories_map(self, ask: PickedOnMap) -> MemoryMap:
        """The points of the map, and which of the memories that were ticked (`picked`) are gone."""
        picked = [id for id in ask.get("picked") or [] if isinstance(id, str)]
        gone = sorted(set(picked) - set(self.atlas.columns(picked)["ids"])) if picked else []
        return {"stamp": stamp(self.store), "gone": gone, **self.atlas.columns()}

    def memory_card(self, ask: OneMemory) -> MemoryCard | NoMemory:
        """The card of one memory."""
        id = _id(ask)
        try:
            memory = self.store.get(id)
        except BadInput:
            told = alerts.sentence(f"There is no memory {id}.", "It may have been deleted; choose another in the list.")
            return {"id": id, "error": told}
        except DamagedMemory as error:
            return {"id": id, "card": card.damaged(id, alerts.error(error))}
        has_run = self._has_run(memory.run)
        last_use = related.recalling(self.runs, id) if memory.retrieved else None
        return {"id": id, "card": card.card(memory, has_run, last_use), "point": self.atlas.columns([id])}

    def memory_glance(self, ask: OneMemory) -> MemoryGlance:
        """What the map shows beside a point: problem, answer, and how the votes stood."""
        rows = self.store.rows([_id(ask)])
        return {"id": _id(ask), "html": listing.glance(rows[0]) if rows else ""}

    def memory_change(self, ask: ChangeMemory) -> Told:
        """Changes label, note or whether some memories are offered; gives what to say about it."""
        ids = _ids(ask)
        fields: dict[str, Any] = {name: value for name, value in ask.items() if name in ("label", "note", "enabled")}
        if not fields or (len(ids) > 1 and set(fields) != {"enabled"}):
            raise BadInput("Nothing was changed.", "Reload the page.")
        if fields.get("enabled") is False:
            fields["disabled_reason"] = _DISABLED
        for id in ids:
            self.store.change(id, **fields)
        said = {"label": "Label saved.", "note": "Note saved."}.get(next(iter(fields)))
        which = "" if len(ids) == 1 else f"{memories(len(ids))}: "
        return {"told": said or which + ("Offered again." if fields["enabled"] else "Not offered any more.")}

    def memories_delete(self, ask: SeveralMemories) -> Told:
        """Deletes memories for good."""
        ids = _ids(ask)
        self.store.delete(ids)
        return {"told": f"{memories(len(ids))} deleted."}

    def memories_export(self, ask: ExportMemories) -> ExportedMemories:
        """Writes some memories (`ids`), or all that fit the filters, into a file that the browser then fetches."""
        asked = listing.wanted(ask)
        ids = _ids(ask) if ask.get("ids") else self.store.vectors(**asked.filters)[0]
        name = f"{ids[0]}{archive.SUFFIX}" if len(ids) == 1 else f"memories{archive.SUFFIX}"
        path = downloads.place(name)
        archive.export(self.store, ids, path)
        return {"file": str(path), "name": name, "told": f"{memories(len(ids))} exported as {name}."}

    def memories_import(self, ask: UploadedArchive) -> ImportedMemories:
        """Takes in an archive that the browser has uploaded."""
        path = Path(str(ask.get("path") or "")).resolve()
        if not path.is_relative_to(Path(get_upload_folder()).resolve()) or not path.is_file():
            raise BadInput("The file did not arrive.", "Choose it again.")
        try:
            return self._imported(path)
        finally:
            path.unlink(missing_ok=True)

    def memories_starter(self, _: Nothing) -> ImportedMemories:
        """Takes in the memories that come with the program."""
        if not starters.STARTER.is_file():
            raise BadInput("There are no starter memories in this copy of the program.", "Learn from a problem.")
        return self._imported(starters.STARTER)

    def _imported(self, path: Path) -> ImportedMemories:
        done = archive.import_(self.store, path)
        parts = [f"{memories(len(done.added))} added."] if done.added else []
        if done.known:
            parts.append(f"{memories(len(done.known))} {'was' if len(done.known) == 1 else 'were'} here already.")
        added = done.added[0] if len(done.added) == 1 else ""
        return {"told": " ".join(parts) or "There was no memory in it.", "added": added}

    def _has_run(self, run: str) -> bool:
        return bool(run) and "/" not in run and "\0" not in run and (self.runs / f"{run}.jsonl").is_file()


def _id(ask: OneMemory) -> str:
    return str(ask.get("id") or "")


def _ids(ask: Mapping[str, Any]) -> list[str]:
    ids = ask.get("ids", [ask.get("id")])
    if not isinstance(ids, list) or not ids or not all(isinstance(id, str) for id in ids):
        raise BadInput("No memory was chosen.", "Tick one first.")
    return list(dict.fromkeys(ids))
