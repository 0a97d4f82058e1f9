"""Writes the script of each tab, and of a run's file, as the browser gets it, joined of its modules, for a linter and a
checker of types.

python tests/web/joined_scripts.py FOLDER
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from elm_app.web.files import joined

PAGES = ("solve", "explain", "memories", "stream", "compare")
MODULES = {**{page: f"elm_app.web.pages.{page}.panel" for page in PAGES}, "player": "elm_app.web.export.one_file"}
"""Which module names the scripts that are joined for each tab, and for the file of a run."""

_GIVEN = """/**
 * @param {{Found}} element
 * @param {{{}}} server
 * @param {{(file: File) => Promise<{{ path: string, url: string }}>}} upload
 */
"""
"""What Gradio gives a script, typed as `lib/page.d.ts` has it."""


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, module in MODULES.items():
        script = joined(*import_module(module).SCRIPTS)
        given = _GIVEN.format(f"Servers.{name.capitalize()}" if name in PAGES else "null")
        text = f"{given}export function script(element, server, upload) {{\n{script}\n}}\n"
        (folder / f"{name}.js").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
