"""Imports run one way, and heavy libraries stay where they belong."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "elm_app"
LAYERS = [
    {"core"},
    {"answers", "weights"},
    {"engine"},
    {"rollouts"},
    {"learning", "store", "routing"},
    {"retrieval", "runs"},
    {"pipelines"},
    {"evaluation"},
    {"web"},
    {"cli"},
    {"__main__"},
]
WEB = [
    {"files"},
    {"theme", "starters", "callers", "downloads"},
    {"components"},
    {"fetching"},
    {"commands"},
    {"readonly"},
    {"run", "api"},
    {"export"},
    {"pages"},
    {"app"},
    {"launch"},
]
ONLY_IN = {
    "gradio": {"web"},
    "chromadb": {"store/chroma_place.py"},
    "sentence_transformers": {"retrieval/embedder.py"},
    "torch": {"engine", "weights", "learning"},
    "transformers": {"engine", "weights", "learning"},
    "peft": {"engine", "learning"},
    "bitsandbytes": {"engine", "learning"},
    "numba": {"engine"},
    "ray": {"evaluation/cluster/ray_boundary.py"},
    "pyarrow": {"pipelines/problem_files/parquet.py"},
}


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, anywhere in it, relative ones made absolute."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = (
                path.relative_to(PACKAGE.parent).with_suffix("").parts[: -node.level or None] if node.level else ()
            )
            module = ".".join([*package, *([node.module] if node.module else [])])
            yield module
            if module == "elm_app":
                yield from (f"elm_app.{alias.name}" for alias in node.names)


def rank(layer: str, layers: Sequence[set[str]] = LAYERS) -> int:
    return next(number for number, names in enumerate(layers) if layer in names)


def files() -> list[Path]:
    found = sorted(PACKAGE.rglob("*.py"))
    assert len(found) > 20
    return found


def test_imports_run_one_way() -> None:
    wrong = []
    for path in files():
        if path == PACKAGE / "__init__.py":
            continue
        layer = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for module in imports(path):
            parts = module.split(".")
            if parts[0] != "elm_app" or len(parts) == 1 or parts[1] in (layer, "__version__"):
                continue
            if rank(parts[1]) >= rank(layer):
                wrong.append(f"{path.relative_to(PACKAGE)} imports {module}")
    assert wrong == []


def test_no_room_has_a_circle() -> None:
    """Modules that import each other are one module; what an annotation needs counts, too."""
    graph: dict[str, set[str]] = {}
    for path in files():
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        graph[name] = set(imports(path))
    graph = {name: {other for other in found if other in graph} - {name} for name, found in graph.items()}
    left = dict(graph)
    while free := [name for name, found in left.items() if not found & left.keys()]:
        for name in free:
            del left[name]
    assert sorted(left) == []


def test_in_the_web_room_imports_run_one_way_and_pages_never_import_each_other() -> None:
    wrong = []
    for path in files():
        if PACKAGE / "web" not in path.parents or path == PACKAGE / "web" / "__init__.py":
            continue
        part, page, *_ = [*path.relative_to(PACKAGE / "web").with_suffix("").parts, ""]
        for module in imports(path):
            other, other_page, *_ = [*module.split(".")[2:], "", ""]
            if not module.startswith("elm_app.web.") or (other == part and (part != "pages" or other_page == page)):
                continue
            if rank(other, WEB) >= rank(part, WEB):
                wrong.append(f"{path.relative_to(PACKAGE)} imports {module}")
    assert wrong == []


def test_rooms_and_files_are_small() -> None:
    """At most 15 modules in a room and 300 lines in a file, apart from what `__init__` says of the room."""
    long = [str(path) for path in files() if len(path.read_text(encoding="utf-8").splitlines()) > 300]
    wide = {str(path.parent) for path in files() if len([*path.parent.glob("[!_]*.py")]) > 15}
    assert (long, wide) == ([], set())


def test_heavy_libraries_stay_in_their_layer() -> None:
    wrong = []
    for path in files():
        place = path.relative_to(PACKAGE).as_posix()
        for module in imports(path):
            allowed = ONLY_IN.get(module.split(".")[0])
            if allowed is not None and not any(place == where or place.startswith(where + "/") for where in allowed):
                wrong.append(f"{place} imports {module}")
    assert wrong == []


def test_the_front_doors_open_without_torch() -> None:
    """Help, bad input and the vote need no model: they must not wait for torch."""
    code = "import sys, elm_app.cli.main, elm_app.engine.loader, elm_app.pipelines.solve; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert done.stdout.strip() == "False"
