"""`memories search --explain`: what a text would retrieve, by which key, and what threshold and rank do to it."""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import TYPE_CHECKING, Any

from elm_app.cli.lines import one_line
from elm_app.cli.progress import Reporter
from elm_app.cli.settings_options import ABOUT_ROUTING, add_options, given
from elm_app.core.config import ModelSettings, RouteSettings
from elm_app.core.types import to_json

if TYPE_CHECKING:
    from elm_app.core.events import Retrieved
    from elm_app.store.store import Store

_NOT_FOR_SEARCH = ("memory", "top_n", "compose", "verifier", "prm")


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `memories search` that are about retrieval."""
    parser.add_argument(
        "--explain", action="store_true",
        help="show what solving it would retrieve, the scores and the threshold, and which would be used",
    )  # fmt: skip
    add_options(parser, RouteSettings, ABOUT_ROUTING, without=_NOT_FOR_SEARCH)


def explained(options: argparse.Namespace, store: Store) -> dict[str, Any] | str:
    """What would be retrieved, as a document (`--json`) or as lines for people; raises as `look_up`.

    A key of the model's own needs the model, which is loaded for it.
    """
    from elm_app.engine.loader import Models
    from elm_app.pipelines.lookup import look_up
    from elm_app.pipelines.resources import Tools
    from elm_app.retrieval.embedder import Embedders
    from elm_app.runs.state import RunView

    routing = RouteSettings(**given(options, RouteSettings))
    tools = Tools(Models(), store, Embedders())
    with closing(Reporter(options.quiet)) as reporter:
        if routing.retrieval != "input":
            tools.models.get(ModelSettings(options.model), lambda progress: reporter.show(RunView(), progress))
        named = ModelSettings().model != options.model and routing.retrieval == "input"
        model, found = look_up(options.text, routing, tools, options.model if named else None, options.n)
    if options.json:
        told = {name: value for name, value in to_json(found).items() if name not in ("kind", "arms")}
        return {"text": options.text, "model": None if model is None else model.id, **told}
    return "\n".join([*_lines(found), found.reason])


def _lines(found: Retrieved) -> list[str]:
    lines = [f"{'':<6}{'score':>7}{'input':>7}{'kv':>7}{'utility':>9}  id{'':<22}problem"] if found.matches else []
    for match in found.matches:
        used = "used" if match.id == found.used else "below" if match.score < found.threshold else ""
        scores = "".join(f"{'–' if one is None else f'{one:.3f}':>7}" for one in (match.score, match.input, match.kv))
        utility = "–" if match.utility is None else f"{match.utility:.3f}"
        lines.append(f"{used:<6}{scores}{utility:>9}  {match.id:<24}{one_line(match.problem)[:80]}")
    return lines
