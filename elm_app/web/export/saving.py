"""A run as one file, from the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from elm_app.core.errors import BadInput
from elm_app.web import downloads
from elm_app.web.components.guard import Ask, guarded
from elm_app.web.export.one_file import file_name, one_file


def saving(folder: Path) -> Callable[[Ask], Ask]:
    """The server function `save` (`export/save.js`) over the logs in `folder`: makes the file of the run `run`, which
    the browser then fetches. A read-only page offers it, too: nothing is changed, and whoever sees the page can read
    its runs anyway."""

    def save(ask: Ask) -> Ask:
        run = ask.get("run")
        if not isinstance(run, str) or not run:
            raise BadInput("There is no run to save.", "Solve a problem first.")
        made = one_file(folder, run)
        path = downloads.place(file_name(run))
        path.write_text(made, encoding="utf-8")
        return {"file": str(path), "name": path.name}

    return guarded(save)
