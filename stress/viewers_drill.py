"""What the pages of `viewers.py` do, each in a thread of its own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from viewers_app import PASSWORD, USER, App, stranger
from viewers_logs import Logs
from viewers_page import Followed, Layout, Page

LIVE_SECONDS = 0.18
"""Between two questions of a page while a run is written, as `web/run/run.js` has it."""
IDLE_SECONDS = 0.25
"""And while nothing happens: ten times as often as there, so that no run is over before it is seen."""
SAMPLES = 4
PROGRAM = 200
"""The number of the program among the pages."""


def problem(number: int) -> str:
    """What run `number` is about."""
    return f"Run {number}: a farmer packs {number + 2} crates with 24 eggs each. How many eggs?"


class Drill:
    """The pages on one program, and the runs in the order queued; `asked` of them are queued by pages."""

    def __init__(self, app: App, model: Path, tokens: int, asked: int) -> None:
        self.app, self.model, self.tokens, self.asked = app, model, tokens, asked
        self.logs = Logs(app.folder / "memories" / "runs")
        self.runs: list[str] = []
        self.stopped: set[str] = set()
        self.wrong: list[str] = []
        self.followed: list[tuple[str, Followed]] = []
        self.answers, self.events, self.refused = 0, 0, 0
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()

    def page(self, number: int, layout: Layout | None = None) -> Page:
        """A page that is open, by somebody who knows the password."""
        return Page(self.app.url, number).enter(USER, PASSWORD).load(layout)

    def begin(self, count: int) -> list[Page]:
        """So many pages are opened, and stay; the first two are returned, for they have more to do."""
        pages = [self.page(0)]
        pages += [self.page(number, pages[0].layout) for number in range(1, count)]
        for number, page in enumerate(pages):
            watches = number % 3 == 2
            self._start(f"page {number}", self.watch if watches else self.follow, number, page)
        self._start("a page that leaves", self.leave, self.page(count, pages[0].layout))
        self._start("a stranger", self.refuse)
        return pages[:2]

    def _start(self, name: str, work: Callable[..., None], *given: Any) -> None:
        def tried() -> None:
            try:
                work(*given)
            except Exception as error:  # the drill tells what it was, and is red
                self.wrong.append(f"{name}: {type(error).__name__}: {error}")

        self._threads.append(threading.Thread(target=tried, name=name, daemon=True))
        self._threads[-1].start()

    def queue(self, pages: list[Page]) -> None:
        """Two pages queue runs in turns, and a program one more; with four or more, one is stopped while it waits."""
        for number in range(self.asked):
            fields = {"elm-model": str(self.model), "Numbers": "none", "elm-samples": SAMPLES, "Seed": str(number)}
            fields |= {"elm-tokens": self.tokens, "elm-memory": "off", "elm-problem": problem(number)}
            self.runs.append(pages[number % 2].solve(fields))
        if self.asked > 3:
            self.stop(pages[0], self.runs[3])
        self._start("the program", self.call, self.page(PROGRAM, pages[0].layout))

    def join(self) -> None:
        """Wait until everybody has seen everything, and compare it with the logs."""
        for thread in self._threads:
            thread.join()
        problems = {run: problem(number) for number, run in enumerate(self.runs)}
        whole = {run: self.logs.whole(run) for run in self.runs}
        for name, one in self.followed:
            self.wrong += [f"{name}, run {one.run}: {bad}" for bad in one.wrong(whole[one.run], problems[one.run])]
        self.wrong += self.logs.wrong(self.runs, self.stopped)

    def stop(self, page: Page, run: str) -> None:
        """A page stops a run."""
        self.stopped.add(run)
        if page.ask("stop", run=run) != {"stopping": True}:
            self.wrong.append(f"run {run} cannot be stopped")

    def follow(self, number: int, page: Page) -> None:
        """A page opens run after run, each until it has ended; the second one stops the second run as it is written."""
        for place in range(self.asked):
            while len(self.runs) <= place:
                time.sleep(IDLE_SECONDS)
            one = Followed(self.runs[place])
            while self._shows(page, one):
                if (number, place) == (1, 1) and one.state == "sampling" and one.run not in self.stopped:
                    self.stop(page, one.run)
                time.sleep(LIVE_SECONDS)
            self.followed.append((f"page {number}", one))

    def watch(self, number: int, page: Page) -> None:
        """A page shows whichever run goes on, until that has ended, and then the next."""
        seen: dict[str, Followed] = {}
        while not self._over.is_set():
            run = page.ask("tail", run="", since=-1)["run"]
            if run and run not in seen:
                seen[run] = Followed(run)
                while self._shows(page, seen[run]):
                    time.sleep(LIVE_SECONDS)
            time.sleep(IDLE_SECONDS)
        self.followed += [(f"page {number}", one) for one in seen.values()]
        places = [self.runs.index(run) for run in seen]
        if not places or places != sorted(places):
            self.wrong.append(f"page {number} saw the runs {places} in this order")

    def leave(self, page: Page) -> None:
        """A page leaves in the middle of the first run, with a question that is not answered yet."""
        while not self.runs:
            time.sleep(IDLE_SECONDS)
        one = Followed(self.runs[0])
        while self._shows(page, one) and one.state != "sampling":
            time.sleep(LIVE_SECONDS / 4)
        if one.ended:
            self.wrong.append("the first run was over before a page could leave in the middle of it")
        page.hang_up("tail", run=one.run, since=-1)

    def call(self, page: Page) -> None:
        """A program starts the last run, and hears all of it through Gradio's queue."""
        given = {"problem": problem(self.asked), "model": str(self.model), "quantization": "none", "memory": "off"}
        given |= {"samples": SAMPLES, "max_new_tokens": self.tokens, "seed": 1}
        try:
            heard = list(page.call_solve(**given))
            run = heard[0]["run"]
            self.runs.append(run)
        finally:
            self._over.set()
        said = [json.loads(line) for line in (self.logs.folder / f"{run}.jsonl").read_text("utf-8").splitlines()]
        self.events = len(said)
        if heard[:-1] != said or heard[-1]["kind"] != "result":
            self.wrong.append(f"the program heard {len(heard)} events of run {run}, whose log has {len(said)}")
        page.close()

    def refuse(self) -> None:
        """Somebody who knows no password asks again and again."""
        while not self._over.is_set():
            bad, asked = stranger(self.app.url)
            self.wrong += bad
            self.refused += asked - len(bad)
            self._over.wait(2)

    def _shows(self, page: Page, one: Followed) -> bool:
        """Asks what is new of a run, and shows it; whether there is more to come."""
        one.take(page.ask("tail", run=one.run, since=one.seqs[-1] if one.seqs else -1))
        self.answers += 1
        return not one.ended and not one.strange
