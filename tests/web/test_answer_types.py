"""What the page's scripts know of the server's answers is what the server answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

import answer_types
import gradio as gr
import pytest
from scripted_learn import actions

from elm_app.runs.runner import Runner
from elm_app.web.app import build


def test_the_types_that_the_scripts_are_held_to_are_made_of_those_of_the_server() -> None:
    told = "python tests/web/answer_types.py was not run after a change"
    assert answer_types.WRITTEN.read_text(encoding="utf-8") == answer_types.made(), told


def test_every_function_that_a_page_offers_is_typed(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "runs")
    made = actions(runner, tmp_path)
    try:
        parts = [block for block in build(runner, made).blocks.values() if isinstance(block, gr.HTML)]
    finally:
        runner.close()
        made.store.close()
    offered = [{each.__name__ for each in part.server_fns} for part in parts if part.server_fns]
    typed = [
        {name for owner in owners for name, _ in answer_types.answering(owner)}
        for owners in answer_types.PAGES.values()
    ]
    assert sorted(map(sorted, offered)) == sorted(map(sorted, typed))


class Inner(TypedDict):
    """One."""

    at: float | None


class Outer(TypedDict):
    """Two."""

    kind: NotRequired[Literal["a", "b"]]
    pairs: list[tuple[int, Inner]]
    edits: tuple[int | str, ...]
    fields: dict[str, Any]


def test_a_type_is_written_as_typescript_has_it() -> None:
    known: dict[str, type] = {}
    assert answer_types.written(Outer | None, known) == "Outer | null"
    assert known == {"Outer": Outer, "Inner": Inner}
    assert [line.strip() for line in answer_types._interface(Outer).splitlines()[2:-1]] == [
        'kind?: "a" | "b";',
        "pairs: [number, Inner][];",
        "edits: (number | string)[];",
        "fields: Record<string, any>;",
    ]


def test_two_types_of_one_name_are_refused() -> None:
    with pytest.raises(TypeError, match="both have a Inner"):
        answer_types.written(Inner, {"Inner": Outer})
