"""Scripts are modules in the sources and one script in the page."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from joined_scripts import MODULES

from elm_app.web import files
from elm_app.web.files import joined, scripts, style


@pytest.mark.parametrize("module", MODULES.values())
def test_a_tab_s_script_has_no_imports_left(module: str) -> None:
    script = scripts(*import_module(module).SCRIPTS)
    assert len(script) > 1000
    assert script.startswith('(() => {\n"use strict";\n'), "modules are strict, and the linter takes it for one"
    assert re.findall(r"^(?:import|export)\b.*", script, re.MULTILINE) == []


def test_what_a_script_imports_stands_in_front_of_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {
        "a.js": 'import { b, c } from "./lib/b.js";\nstart(b, c);\n',
        "d.js": 'import { b } from "./lib/b.js";\nend(b);\n',
        "lib/b.js": 'import { c } from "./c.js";\nexport const b = c;\n',
        "lib/c.js": "export function c() {}\n",
    }
    for name, text in made.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(files, "_WEB", tmp_path)
    lines = joined("a.js", "d.js").split()
    assert " ".join(lines) == "function c() {} const b = c; start(b, c); end(b);"


@pytest.mark.parametrize(
    "line", ['import { b as c } from "./b.js";', "import { b } from './b.js';", "export let b;", "export default b;"]
)
def test_what_cannot_be_joined_is_refused(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.js").write_text(f"{line}\n")
    monkeypatch.setattr(files, "_WEB", tmp_path)
    with pytest.raises(ValueError, match="not joined"):
        scripts("a.js")


def test_the_base_comes_before_the_styles_of_the_parts() -> None:
    found = style()
    assert found.index(files._BASE.read_text()[:200]) == 0
    assert found.count("/*") >= 8
