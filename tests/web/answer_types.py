"""Writes what the page's scripts may ask the server, and what they are answered, as TypeScript's types: made of the
typed dictionaries of the functions, so that a field has one name in both languages.

python tests/web/answer_types.py
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from elm_app.web.components.guard import Failed
from elm_app.web.export.one_file import RecordedRun
from elm_app.web.export.saving import Saving
from elm_app.web.pages.compare.panel import Compares
from elm_app.web.pages.compare.starting import Starting
from elm_app.web.pages.explain.panel import Explain
from elm_app.web.pages.memories.panel import Memories
from elm_app.web.pages.solve.answers import Submitted
from elm_app.web.pages.solve.model_line import Machine
from elm_app.web.pages.stream.panel import Streams
from elm_app.web.run.buttons import Asks
from elm_app.web.run.feed import Tail

WRITTEN = Path(__file__).resolve().parents[2] / "elm_app" / "web" / "lib" / "answers.d.ts"
PAGES: dict[str, tuple[type, ...]] = {
    "Solve": (Tail, Asks, Machine, Saving),
    "Explain": (Explain,),
    "Memories": (Memories,),
    "Stream": (Streams,),
    "Compare": (Compares, Starting),
}
"""Who answers the scripts of each page."""
BESIDES = (Failed, Submitted, RecordedRun)
"""What scripts are told without asking, or in place of an answer."""
_PLAIN = {str: "string", int: "number", float: "number", bool: "boolean", NoneType: "null", Any: "any"}
_HEAD = (
    "// What the page's scripts may ask the server, and what they are answered. Made by tests/web/answer_types.py of\n"
    "// the typed dictionaries in Python: change those.\n"
)


def main() -> None:
    WRITTEN.write_text(made(), encoding="utf-8")


def made() -> str:
    """The whole file."""
    known: dict[str, type] = {}
    servers = "".join(f"\n{_server(page, answering, known)}" for page, answering in PAGES.items())
    for each in BESIDES:
        written(each, known)
    types = "".join(f"\n{_interface(known[name])}" for name in sorted(known))
    return f"{_HEAD}\ndeclare namespace Answers {{{types}}}\n\ndeclare namespace Servers {{{servers}}}\n"


def answering(owner: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The methods that answer a script: public, of one question, which is a typed dictionary."""
    for name, method in vars(owner).items():
        if name.startswith("_") or not inspect.isfunction(method):
            continue
        questions = [hint for each, hint in get_type_hints(method).items() if each != "return"]
        if len(questions) == 1 and is_typeddict(questions[0]):
            yield name, method


def written(hint: Any, known: dict[str, type]) -> str:
    """A type as TypeScript writes it; the dictionaries in it, and in these, are taken into `known`."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    if is_typeddict(hint):
        return _known(hint, known)
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " | ".join("true" if each is True else f'"{each}"' for each in inner)
    parts = [written(each, known) for each in inner if each is not ...]
    if origin in (Union, UnionType):
        return " | ".join(parts)
    if origin is tuple and ... not in inner:
        return f"[{', '.join(parts)}]"
    if origin is dict:
        return f"Record<{', '.join(parts)}>"
    if origin in (list, Sequence) or ... in inner:
        return f"{f'({parts[0]})' if get_origin(inner[0]) in (Union, UnionType) else parts[0]}[]"
    raise TypeError(f"{hint} has no counterpart in TypeScript yet")


def _known(found: type, known: dict[str, type]) -> str:
    name = found.__name__
    if known.setdefault(name, found) is not found:
        raise TypeError(f"{found.__module__} and {known[name].__module__} both have a {name}")
    for hint in get_type_hints(found).values():
        if hint is not found:
            written(hint, known)
    return name


def _interface(found: type) -> str:
    """A dictionary's fields, those that may be missing with a `?`."""
    lines = [f"  /** {_sentence(found)} */", f"  interface {found.__name__} {{"]
    for name, hint in get_type_hints(found, include_extras=True).items():
        optional = get_origin(hint) is NotRequired
        lines.append(f"    {name}{'?' if optional else ''}: {written(get_args(hint)[0] if optional else hint, {})};")
    return "\n".join([*lines, "  }", ""])


def _server(page: str, owners: Sequence[type], known: dict[str, type]) -> str:
    lines = [f"  interface {page} {{"]
    for name, method in (each for owner in owners for each in answering(owner)):
        hints = get_type_hints(method)
        answer, [question] = hints.pop("return"), hints.values()
        asked = f"ask: Answers.{written(question, known)}"
        told = " | ".join(f"Answers.{each}" for each in written(answer, known).split(" | "))
        lines += [f"    /** {_sentence(method)} */", f"    {name}({asked}): Promise<Answered<{told}>>;"]
    return "\n".join([*lines, "  }", ""])


def _sentence(found: Any) -> str:
    """What its docstring says first."""
    return " ".join((inspect.getdoc(found) or "").split("\n\n")[0].split())


if __name__ == "__main__":
    main()
