"""Writes the script of each tab as the browser gets it, joined of its modules, to be looked at by a linter.

python tests/web/joined_scripts.py FOLDER
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from elm_app.web.files import scripts

PAGES = ("solve", "explain", "memories", "stream", "compare")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for page in PAGES:
        joined = scripts(*import_module(f"elm_app.web.pages.{page}.panel").SCRIPTS)
        text = f"export function script(element, server, upload, trigger, props) {{\n{joined}\n}}\n"
        (folder / f"{page}.js").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
