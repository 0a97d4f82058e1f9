"""What an installed copy needs is in the package: what it depends on, and files that are no Python."""

from __future__ import annotations

import tomllib
import zipfile
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_tested_set_is_within_what_the_package_asks_for() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    asked = {found.name: found for found in map(Requirement, PROJECT["project"]["dependencies"])}
    assert asked.keys() == pinned.keys()
    assert [name for name, version in pinned.items() if version not in asked[name].specifier] == []


def test_the_tested_extras_are_within_what_the_package_asks_for() -> None:
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    for extra in PROJECT["project"]["optional-dependencies"].values():
        assert [str(one) for one in map(Requirement, extra) if pinned[one.name] not in one.specifier] == []


def test_a_wheel_holds_scripts_styles_and_assets(tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    (path,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(path) as wheel:
        held = set(wheel.namelist())
    web = [file for file in (ROOT / "elm_app").rglob("*") if file.suffix in (".js", ".css", ".typed")]
    assert len(web) > 15
    wanted = {file.relative_to(ROOT).as_posix() for file in web}
    assets = [file for file in (ROOT / "assets").rglob("*") if file.is_file()]
    wanted |= {f"elm_app/{file.relative_to(ROOT).as_posix()}" for file in assets}
    assert wanted <= held
    assert not [name for name in held if name.startswith(("tests", "docs", "memories"))]
    assert not [name for name in held if name.endswith(".d.ts") or "node_modules" in name], "users need no node"
