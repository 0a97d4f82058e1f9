"""Fields of a form that are the same in every recipe, as HTML."""

from __future__ import annotations

import html

from elm_app.core import environment
from elm_app.web.components.settings.form import MODELS


def number(name: str, label: str, info: str, least: str, most: str, value: object) -> str:
    """A number from `least` to `most`."""
    return (
        f'<label><span>{label}</span><input name="{name}" type="number" inputmode="decimal" min="{least}" max="{most}" '
        f'step="any" value="{value}"><small>{info}</small></label>'
    )


def blank(name: str, label: str, info: str, placeholder: str, mode: str = "numeric") -> str:
    """Something that may be left out; `placeholder` says what it is then."""
    return (
        f'<label><span>{label}</span><input name="{name}" inputmode="{mode}" placeholder="{placeholder}" '
        f'autocomplete="off"><small>{info}</small></label>'
    )


def models() -> str:
    """The models to choose from, the default one chosen."""
    chosen = environment.default_model()
    listed = MODELS if chosen in [name for _, name in MODELS] else [(chosen, chosen), *MODELS]
    return "".join(
        f'<option value="{html.escape(name)}"{" selected" if name == chosen else ""}>{html.escape(told)}</option>'
        for told, name in listed
    )
