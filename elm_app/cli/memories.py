"""`memories …` on the command line: what is stored, looked at, sorted out and taken along."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elm_app.cli import explained_search, token_effect
from elm_app.cli.lines import one_line
from elm_app.cli.memory_card import specimen, table
from elm_app.cli.progress import Reporter
from elm_app.core import environment
from elm_app.core.errors import BadInput
from elm_app.core.text import memories, size
from elm_app.core.types import to_json
from elm_app.store.row import SORTS

if TYPE_CHECKING:
    from elm_app.store.store import Store

_TEXTS = ("problem", "label")


def add(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    """Registers `memories` and its actions; each sets `command` to a function from options to an exit code."""
    about = "list, search, show, change, delete, export, import and examine memories, and see where they act"
    actions = commands.add_parser("memories", help=about).add_subparsers(required=True, metavar="ACTION")

    def action(name: str, run: Callable[[argparse.Namespace, Store], int], help: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = actions.add_parser(name, parents=list(parents), help=help)
        parser.set_defaults(command=lambda options: _with_store(options, run))
        return parser

    listing = action("list", _list, "one line a memory")
    _filters(listing)
    listing.add_argument("--sort", choices=SORTS, default="created", help="(default: created)")
    listing.add_argument("--reverse", action="store_true", help="texts run from A to Z and numbers fall; turn it round")
    listing.add_argument("--limit", type=int, default=50, help="at most so many (default: 50)")
    listing.add_argument("--offset", type=int, default=0, help="leave out the first so many")
    show = action("show", _show, "the card of a memory")
    show.add_argument("id", help="its id, or enough of the beginning")
    search = action("search", _search, "the memories nearest in meaning to a problem")
    search.add_argument("text", help="a problem in words")
    search.add_argument("-n", type=int, default=5, help="at most so many (default: 5)")
    _filters(search)
    explained_search.add(search)
    token_effect.add(action)
    for name, help in (("enable", "offer memories"), ("disable", "offer memories no more")):
        _ids(action(name, _enable if name == "enable" else _disable, help))
    actions.choices["disable"].add_argument("--reason", default="", help="why, for the card")
    for name in ("label", "note"):
        parser = action(name, _write, f"give a memory a {name} of your own")
        parser.add_argument("id", help="its id, or enough of the beginning")
        parser.add_argument("text", help="empty takes it away")
        parser.set_defaults(field=name)
    delete = action("delete", _delete, "delete memories for good")
    _ids(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask")
    export = action("export", _export, "write memories into one file")
    export.add_argument("file", type=Path, help="such as mine.elm.zip")
    export.add_argument("ids", nargs="*", metavar="ID", help="which (default: all)")
    export.add_argument("--force", action="store_true", help="replace a file that is there")
    action("import", _import, "add the memories of such a file").add_argument("file", type=Path)
    doctor = action(
        "doctor", _doctor, "examine whether folders and index agree, and whether the index finds what is nearest"
    )
    doctor.add_argument("--rebuild", action="store_true", help="make the index anew from the folders")


def _filters(parser: argparse.ArgumentParser) -> None:
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--enabled", action="store_true", default=None, help="only those that are offered")
    either.add_argument("--disabled", dest="enabled", action="store_false", help="only those that are not")
    parser.add_argument(
        "--improved", action="store_true", default=None, help="only those that helped their own problem"
    )


def _ids(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="+", metavar="ID", help="an id, or enough of its beginning")


def _with_store(options: argparse.Namespace, run: Callable[[argparse.Namespace, Store], int]) -> int:
    from elm_app.store.store import Store

    with closing(Store(options.memories or environment.memories_dir())) as store:
        if not options.quiet:
            for sentence in store.cleaned:
                print(f"elm: {sentence}", file=sys.stderr)
        return run(options, store)


def _list(options: argparse.Namespace, store: Store) -> int:
    page = store.page(
        model=_model(options, store),
        enabled=options.enabled,
        improved=options.improved,
        sort=options.sort,
        descending=(options.sort not in _TEXTS) != options.reverse,
        offset=options.offset,
        limit=options.limit,
    )
    if options.json:
        return _print({"total": page.total, "offset": options.offset, "memories": [asdict(row) for row in page.rows]})
    table(page.rows)
    shown, after = len(page.rows), options.offset + len(page.rows)
    if not options.quiet:
        more = f"; --offset {after} for more" if after < page.total and shown else ""
        print(f"{shown} of {memories(page.total)}{more}", file=sys.stderr)
    return 0


def _search(options: argparse.Namespace, store: Store) -> int:
    from elm_app.retrieval.embedder import Embedders
    from elm_app.retrieval.retriever import THRESHOLD
    from elm_app.runs.state import RunView

    if not options.text.strip():
        raise BadInput("The text to search for is empty.", "Give a problem in words.")
    if options.n < 1:
        raise BadInput(f"-n is {options.n}.", "It must be at least 1.")
    if options.explain:
        told = explained_search.explained(options, store)
        if isinstance(told, str):
            print(told)
            return 0
        return _print(told)
    filters = {"model": _model(options, store), "enabled": options.enabled, "improved": options.improved}
    scores: dict[str, float] = {}
    if store.count():
        with closing(Reporter(options.quiet)) as reporter:
            embedder = Embedders().get(lambda progress: reporter.show(RunView(), progress))
        key = embedder.encode([options.text])[0]
        scores = {match.id: match.score for match in store.nearest(key, options.n, **filters)}
    rows = store.rows(list(scores))
    if options.json:
        matches = [{"score": scores[row.id], **asdict(row)} for row in rows]
        return _print({"text": options.text, "threshold": THRESHOLD, "matches": matches})
    table(rows, scores)
    if not rows and not options.quiet:
        print("no memories fit" if store.count() else "there are no memories yet", file=sys.stderr)
    return 0


def _show(options: argparse.Namespace, store: Store) -> int:
    memory = store.get(store.resolve(options.id))
    if options.json:
        return _print(to_json(memory))
    print(specimen(memory))
    return 0


def _enable(options: argparse.Namespace, store: Store) -> int:
    return _changed(options, store, options.ids, enabled=True)


def _disable(options: argparse.Namespace, store: Store) -> int:
    return _changed(options, store, options.ids, enabled=False, disabled_reason=options.reason)


def _write(options: argparse.Namespace, store: Store) -> int:
    return _changed(options, store, [options.id], **{options.field: options.text})


def _changed(options: argparse.Namespace, store: Store, given: Sequence[str], **fields: Any) -> int:
    cards = [store.change(id, **fields) for id in [store.resolve(one) for one in given]]
    if options.json:
        return _print({"changed": [to_json(card) for card in cards]})
    for card in cards:
        said = {"enabled": "enabled" if card.enabled else "disabled", "label": card.label, "note": card.note}
        print(f"{card.id}  {one_line(said[next(iter(fields))])}")
    return 0


def _delete(options: argparse.Namespace, store: Store) -> int:
    ids = list(dict.fromkeys(store.resolve(one) for one in options.ids))
    if not options.yes:
        if not sys.stdin.isatty():
            raise BadInput(f"{memories(len(ids))} would be deleted for good.", "Say so with --yes.")
        table(store.rows(ids), file=sys.stderr)
        print(f"Delete {memories(len(ids))} for good? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            print("nothing was deleted", file=sys.stderr)
            return 130
    store.delete(ids)
    if options.json:
        return _print({"deleted": ids})
    print(f"deleted {memories(len(ids))}")
    return 0


def _export(options: argparse.Namespace, store: Store) -> int:
    from elm_app.store.archive import export

    if options.file.exists() and not options.force:
        raise BadInput(f"{options.file} is there already.", "Give another name, or replace it with --force.")
    ids = [store.resolve(one) for one in options.ids] or store.vectors()[0]
    export(store, ids, options.file)
    bytes = options.file.stat().st_size
    if options.json:
        return _print({"file": str(options.file), "bytes": bytes, "memories": sorted(set(ids))})
    print(f"{memories(len(set(ids)))} in {options.file}, {size(bytes)}")
    return 0


def _import(options: argparse.Namespace, store: Store) -> int:
    from elm_app.store.archive import import_

    done = import_(store, options.file)
    if options.json:
        return _print({"added": list(done.added), "known": list(done.known)})
    known = f"; {len(done.known)} known already and left as they are" if done.known else ""
    print(f"added {memories(len(done.added))}{known}")
    return 0


def _doctor(options: argparse.Namespace, store: Store) -> int:
    from elm_app.store.doctor import examine, rebuild, recall

    rebuilt = rebuild(store) if options.rebuild else None
    findings = examine(store)
    found = None if findings else recall(store)
    if options.json:
        _print({
            "findings": [asdict(one) for one in findings],
            "rebuilt": asdict(rebuilt) if rebuilt else None,
            "recall": asdict(found) if found else None,
        })  # fmt: skip
        return 1 if findings else 0
    if rebuilt:
        print(f"made anew: {memories(rebuilt.indexed)}")
        for id, why in rebuilt.set_aside:
            print(f"set aside: {id}: {one_line(why)}")
    for finding in findings:
        print(f"{one_line(finding.what)} {finding.remedy}")
    print(f"{len(findings)} findings" if len(findings) != 1 else "1 finding") if findings else print("all is well")
    if found and found.asked:
        print(f"the nearest memory was found for {found.found} of {found.asked} points near the memories")
    return 1 if findings else 0


def _model(options: argparse.Namespace, store: Store) -> str | None:
    """The hash of the weights that a given --model has among the memories; None if none was given."""
    if options.model == environment.default_model():
        return None
    known = store.models()
    for sha256, id in known.items():
        if options.model == id or (len(options.model) >= 6 and sha256.startswith(options.model)):
            return sha256
    raise BadInput(
        f"There is no memory of model {options.model!r}.",
        f"There are memories of {', '.join(sorted(set(known.values())))}." if known else "There are no memories yet.",
    )


def _print(document: dict[str, Any]) -> int:
    print(json.dumps(document, ensure_ascii=False, indent=2))
    return 0
