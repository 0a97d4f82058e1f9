"""Several pages are open on one program, two of them queue runs, one stops one, one leaves; then many pages are loaded.

    python stress/viewers.py                                              20 pages, 6 runs, 500 loads, a table
    python stress/viewers.py --viewers 3 --runs 2 --loads 30 --json       one JSON document

The program is `app.py`, in a process of its own, with ELM_AUTH, a folder of memories of its own in Chroma, and a random
model that writes for real. The pages ask over HTTP for what a browser asks for, each from an address and with a session
of its own, and lay every change over what they have; some follow run after run, some whichever goes on. One more run is
started by a program through `/solve`. Where Chromium is installed, two of its windows watch as well.

What every page has in the end is compared with the run's log, folded at once: all of it, in order, nothing of another
run. The logs must tell of one run after the other, in the order queued, and only what was stopped may have ended so.
Meanwhile a stranger is told nothing. Then pages are loaded one after the other, each with a new session and a question
through Gradio's queue; through the memory that the program has at rest after them, the first ones left out, a line is
laid. Open descriptors and threads must not become more.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path[:0] = [str(Path(__file__).resolve().parent), str(TESTS.parent), str(TESTS), str(TESTS / "web")]

from viewers_app import App, Rest
from viewers_drill import SAMPLES, Drill
from viewers_page import Page

from elm_app.web.theme import SESSIONS

MEMORIES = 12
WARM_UP = SESSIONS + 150
"""Loads that come first; they fill what Gradio keeps of sessions."""
GROWTH_KIB = 8.0
"""Memory for each load from which on the program is said to grow: a twentieth of what it keeps of one."""
FEW = 3
"""Descriptors or threads that are there at one moment and not at another."""


def prepare(folder: Path) -> Path:
    """Some memories, and the folder of a random model, which is returned."""
    from random_models import make_folder
    from store.made import card, key, tensor

    from elm_app.store.store import Store

    store = Store(folder / "memories")
    names = {f"made-{number}": number for number in range(MEMORIES)}
    store.add_many((card(id), tensor(seed), {"input": key(seed)}) for id, seed in names.items())
    store.close()
    return make_folder(folder / "model")


@contextmanager
def windows(drill: Drill, page: Page, count: int) -> Iterator[Callable[[], None]]:
    """So many windows of Chromium, each on a run of its own; gives what looks whether they have shown it to its end."""
    from browser import chromium

    with chromium() as browser:
        opened = {}
        for run in drill.runs[:count]:
            context = browser.new_context()
            cookies = [
                {"name": name, "value": value, "url": drill.app.url} for name, value in page.http.cookies.items()
            ]
            context.add_cookies(cookies)  # type: ignore[arg-type]
            opened[run] = context.new_page()
            opened[run].goto(f"{drill.app.url}/?run={run}")

        def look() -> None:
            for run, window in opened.items():
                state = "stopped" if run in drill.stopped else "done"
                window.wait_for_selector(f'.elm-run[data-run="{run}"][data-state="{state}"]')
                cards = window.locator(".elm-run .card").count()
                if cards != SAMPLES:
                    drill.wrong.append(f"a window shows {cards} traces of run {run}")

        yield look


def loads(app: App, page: Page, count: int) -> list[tuple[int, Rest]]:
    """Load so many pages, one after the other; what the program takes at rest after every twentieth of them."""
    rests = []
    for number in range(1, count + 1):
        fresh = Page(app.url, number % 20, page.http.cookies).load(page.layout)
        if fresh.queued() != MEMORIES:
            raise RuntimeError("the memories are others than before")
        fresh.close()
        if number % max(1, count // 20) == 0:
            rests.append((number, app.rest()))
            if sys.stderr.isatty():
                print(f"\r{number} of {count} loads", end="", file=sys.stderr, flush=True)
    return rests


def grown(rests: list[tuple[int, Rest]]) -> tuple[dict[str, Any], list[str]]:
    """What the program took after the loads, and what of it is too much."""
    (_, first), (_, last) = rests[0], rests[-1]
    later = [(number, rest.kib) for number, rest in rests if number >= WARM_UP]
    slope = statistics.linear_regression(*zip(*later, strict=True)).slope if len(later) > 2 else None
    wrong = [f"memory grows by {slope:.1f} KiB with each load"] if slope is not None and slope > GROWTH_KIB else []
    for name in ("descriptors", "threads"):
        if getattr(last, name) > getattr(first, name) + FEW:
            wrong.append(f"{name} grow from {getattr(first, name)} to {getattr(last, name)}")
    figures = {
        "memory_mib": {str(number): round(rest.kib / 1024, 1) for number, rest in rests},
        "kib_per_load": None if slope is None else round(slope, 2),
        "descriptors": [first.descriptors, last.descriptors],
        "threads": [first.threads, last.threads],
    }
    return figures, wrong


def watched(drill: Drill, viewers: int, count: int) -> tuple[dict[str, Any], Page]:
    """The runs with everybody who watches them; figures, and a page that is still open."""
    began = time.monotonic()
    pages = drill.begin(viewers)
    drill.queue(pages)
    if count:
        with windows(drill, pages[0], count) as look:
            drill.join()
            look()
    else:
        drill.join()
    figures = {
        "viewers": viewers,
        "windows": count,
        "runs": len(drill.runs),
        "stopped": len(drill.stopped),
        "runs_followed": len(drill.followed),
        "answers": drill.answers,
        "events_heard": drill.events,
        "strangers_refused": drill.refused,
        "seconds": round(time.monotonic() - began, 1),
    }
    return figures, pages[0]


def over(app: App) -> list[str]:
    """What is wrong when the program has ended."""
    from elm_app.store.doctor import examine
    from elm_app.store.store import Store

    code = app.close()
    wrong = [] if code == 0 else [f"the program ended with {code}"]
    wrong += [f"the program said: {line}" for line in app.said().splitlines() if "Traceback" in line or "Error" in line]
    store = Store(app.folder / "memories")
    wrong += [f"{finding.what} {finding.remedy}" for finding in examine(store)]
    store.close()
    return wrong


def run(viewers: int, runs: int, tokens: int, count: int, chromiums: int) -> dict[str, Any]:
    """The whole drill; returns the report."""
    folder = Path(tempfile.mkdtemp(prefix="elm-viewers-"))
    model = prepare(folder)
    app = App(folder)
    try:
        drill = Drill(app, model, tokens, runs)
        figures, page = watched(drill, viewers, chromiums)
        taken, growth = grown(loads(app, page, count))
    finally:
        wrong = over(app)
    wrong = drill.wrong + growth + wrong
    if wrong:
        print(f"left as it is: {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder)
    return {**figures, "loads": count, **taken, "wrong": wrong}


def main() -> None:
    """Drill, report; the exit code is 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, default=20, help="pages that are open; 2 at least")
    parser.add_argument("--runs", type=int, default=6, help="runs that pages queue; 2 to 8")
    parser.add_argument("--tokens", type=int, default=600, help="length of a trace")
    parser.add_argument("--loads", type=int, default=500)
    parser.add_argument("--windows", type=int, help="of Chromium (default: 2, if it is installed)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    chromiums = options.windows
    if chromiums is None:
        chromiums = 2 if any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")) else 0
    report = run(options.viewers, options.runs, options.tokens, options.loads, chromiums)
    if options.json:
        print(json.dumps(report, indent=2))
    for name, value in {} if options.json else report.items():
        shown = ", ".join(f"{key}: {one}" for key, one in value.items()) if isinstance(value, dict) else value
        print(f"{name.replace('_', ' '):<22}{shown if shown != [] else 'nothing'}")
    sys.exit(1 if report["wrong"] else 0)


if __name__ == "__main__":
    main()
