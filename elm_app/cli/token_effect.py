"""`memories act RUN`: where the memory of an earlier run acts, token by token."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from elm_app.cli.effect_lines import WORDS, words
from elm_app.cli.run_command import run_to_end

if TYPE_CHECKING:
    from elm_app.runs.state import RunView
    from elm_app.store.store import Store


def add(action: Callable[..., argparse.ArgumentParser]) -> None:
    """Registers the action by `action`, which makes a parser of a name, a function and a help text."""
    parser = action("act", _act, "where the memory of a run acts: its tokens scored without and with it")
    parser.add_argument("run", help="the id of a run that solved a problem with a memory")
    parser.add_argument("--trace", type=int, help="which, from 1 (default: one of the majority with the memory)")
    parser.add_argument(
        "--arm", default="memory", help="of several memories which: memory, memory_2, … (default: memory)"
    )


def _act(options: argparse.Namespace, store: Store) -> int:
    from elm_app.engine.loader import Models
    from elm_app.pipelines.resources import Tools
    from elm_app.pipelines.token_effect import COMMAND, effect_run
    from elm_app.retrieval.embedder import Embedders
    from elm_app.runs.run_json import effect_json

    index = None if options.trace is None else options.trace - 1
    ready = effect_run(options.run, Tools(Models(), store, Embedders()), options.arm, index)
    memories = [store.get(id) for id in ready.settings["memories"]]

    def document(view: RunView) -> dict[str, Any]:
        return {**effect_json(view), "words": {one.id: [row[:WORDS] for row in one.words] for one in memories}}

    code = run_to_end(options, COMMAND, ready, document)
    if code == 0 and not options.json:
        for memory in memories:
            print(f"\n{words(memory)}")
    return code
