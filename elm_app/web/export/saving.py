"""A run as one file, from the page."""

from __future__ import annotations

from pathlib import Path

from elm_app.core.errors import BadInput
from elm_app.web import downloads
from elm_app.web.components.guard import Answering, OfRun, guarded
from elm_app.web.downloads import ServedFile
from elm_app.web.export.one_file import file_name, one_file


class Saving:
    """Answers the page's question for a file (`export/save.js`), over the logs in `folder`. A read-only page offers it,
    too: nothing is changed, and whoever sees the page can read its runs anyway."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def functions(self) -> list[Answering]:
        """What the page's script may call, by the name that it has here."""
        return [guarded(self.save)]

    def save(self, ask: OfRun) -> ServedFile:
        """Makes the file of a run, which the browser then fetches."""
        run = ask.get("run")
        if not isinstance(run, str) or not run:
            raise BadInput("There is no run to save.", "Solve a problem first.")
        made = one_file(self.folder, run)
        path = downloads.place(file_name(run))
        path.write_text(made, encoding="utf-8")
        return {"file": str(path), "name": path.name}
