"""The field that says which memory a problem is solved with."""

from __future__ import annotations

from typing import Any

import gradio as gr

from elm_app.core.errors import BadInput, ElmError
from elm_app.store.store import Store

LISTED = 200
"""Memories in the list, the newest; others are named by their id."""
_WAYS = [("automatic: the nearest one, if it is near enough", "auto"), ("off", "off")]


def field(store: Store, drawer: gr.Button) -> gr.Dropdown:
    """The field; its list is made anew whenever `drawer` is pressed."""
    made = gr.Dropdown(
        _WAYS,
        value="auto",
        label="Memory",
        info="automatic, off, or the one you choose, by its problem or its id",
        allow_custom_value=True,
        elem_id="elm-memory",
        min_width=380,
    )
    drawer.click(
        lambda: gr.Dropdown(choices=choices(store)), None, made,
        queue=False, show_progress="hidden", api_visibility="private",
    )  # fmt: skip
    return made


def choices(store: Store) -> list[tuple[str, str]]:
    """What can be chosen: automatic, off, and the newest memories by label or problem; a store that cannot be read
    has none to offer."""
    try:
        rows = store.page(limit=LISTED).rows
    except ElmError:  # the Memories page says what is wrong with it
        return _WAYS
    return [*_WAYS, *((_named(row.label or row.problem, row.id), row.id) for row in rows if not row.damaged)]


def _named(text: str, id: str) -> str:
    text = " ".join(text.split())
    return f"{text if len(text) <= 70 else text[:69].rsplit(' ', 1)[0] + ' …'} ({id})"


def wanted(store: Store, memory: Any) -> str:
    """What `Actions.solve` is to be given for the field's value; without any memory nothing needs to be looked for.

    Raises:
        BadInput: it names no memory.
    """
    name = str(memory or "").strip()
    if name == "off":
        return "off"
    if name in ("", "auto"):
        return "auto" if store.count() else "off"
    try:
        store.get(name)
    except BadInput as error:
        raise BadInput(f"Memory: {error.message}", error.remedy) from error
    return name
