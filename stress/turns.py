"""Two processes write into one folder of memories and a third asks, and one of them is killed now and then.

    python stress/turns.py                                    1,000 operations, 10 kills, a table
    python stress/turns.py --operations 200 --kills 5 --json  one JSON document

Each writer stores, changes, gives keys to and deletes memories of its own ids, as `stress/crash.py` does, and tells
over a pipe what it begins and what has returned. The reader picks a memory from the list and looks for it by its key.
Every so many operations one of the three is killed (SIGKILL), what it left is compared with everything that it had
told, and another takes its place, while the others go on. In the end every memory is compared, and `doctor` must find
nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import signal
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]

from crash import Memories, Message, Say, call, fit, forked, messages, possible

WRITERS, READER = ("a", "b"), "reader"


def write(who: str, folder: Path, seed: int, say: Say) -> None:
    """Random changes of its own memories, without end."""
    from elm_app.store.store import Store

    rng, store, does, number = random.Random(seed), Store(folder / "store"), Memories(), 0
    while True:
        number += 1
        ids = [row.id for row in store.indexed() if row.id.startswith(f"own-{who}-")]
        kind = "delete" if len(ids) > 40 else rng.choice(["add", "add", "change", "change", "key", "delete"])
        message, operation = does.operation(folder, store, kind, ids, f"{who}-{seed}-{number}", rng)
        if operation is None:
            continue
        say({"begin": message})
        began = time.perf_counter()
        operation()
        say({"done": {**message, "ms": (time.perf_counter() - began) * 1e3}})
        time.sleep(rng.uniform(0, 0.02))


def read(folder: Path, seed: int, say: Say) -> None:
    """Looks for one memory after the other by its key; one that is not found must have been deleted meanwhile."""
    from elm_app.core.errors import BadInput
    from elm_app.store.store import Store

    rng, store = random.Random(seed), Store(folder / "store")
    while True:
        began = time.perf_counter()
        rows = store.indexed()
        if rows:
            id = rng.choice(rows).id
            try:
                key = store.keys(id)["input"]
            except BadInput:  # deleted since the list was read
                continue
            found = store.nearest(key, 1)
            if (not found or found[0].score < 1 - 1e-6) and id in {row.id for row in store.indexed()}:
                say({"wrong": f"{id} is not found by its key"})
            say({"asked": {"ms": (time.perf_counter() - began) * 1e3}})
        time.sleep(rng.uniform(0, 0.02))


def settled(who: str, folder: Path, said: list[Message]) -> Message:
    """What became of the operation that a killed writer had under way: its memories are as told, with or without it."""
    from elm_app.store.store import Store

    store = Store(folder / "store")
    ids = {row.id for row in store.indexed() if row.id.startswith(f"own-{who}-")}
    ledgers = possible(said)
    fits = [one for one in ledgers if fit(store, one, ids)]
    store.close()
    wrong = [] if fits else [f"{who} has {sorted(ids)}, and was told {[sorted(one.here) for one in ledgers]}"]
    return {"settled": bool(fits) and fits[0] is not ledgers[0], "wrong": wrong, "under_way": len(ledgers) > 1}


def examined(folder: Path) -> Message:
    """What `doctor` finds in the end, and how many memories there are."""
    from elm_app.store.doctor import examine, recall
    from elm_app.store.store import Store

    store = Store(folder / "store")
    found = [f"{finding.what} {finding.remedy}" for finding in examine(store)]
    recalled = recall(store)
    wrong = found if recalled.found == recalled.asked else [*found, f"recall: {recalled}"]
    count = store.count()
    store.close()
    return {"wrong": wrong, "memories": count}


class Drill:
    """The three processes, and what each has said."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.rng = folder, random.Random(seed)
        self.said: dict[str, list[Message]] = {who: [] for who in (*WRITERS, READER)}
        self.heard = {who: bytearray() for who in self.said}
        self.wrong: list[str] = []
        self.kills, self.under_way = 0, 0
        self.running = {who: self._start(who) for who in self.said}

    def _start(self, who: str) -> tuple[int, int]:
        seed = self.rng.randrange(2**31)
        return forked(partial(read, self.folder, seed) if who == READER else partial(write, who, self.folder, seed))

    def listen(self) -> None:
        """Takes in what is said, for a tenth of a second at most."""
        pipes = {pipe: who for who, (_, pipe) in self.running.items()}
        for pipe in select.select(list(pipes), [], [], 0.1)[0]:
            data = os.read(pipe, 1 << 16)
            if not data:
                self.wrong.append(f"{pipes[pipe]} has ended by itself")
                return
            self.heard[pipes[pipe]] += data
            self._take(pipes[pipe])

    def _take(self, who: str) -> None:
        whole, cut, rest = self.heard[who].rpartition(b"\n")
        self.heard[who] = rest
        new = messages(bytearray(whole + cut))
        self.said[who] += new
        self.wrong += [f"{who}: {message[name]}" for message in new for name in ("wrong", "failed") if name in message]

    def kill(self, who: str) -> None:
        """Kills one, and compares what it left with what it said."""
        pid, pipe = self.running.pop(who)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        while data := os.read(pipe, 1 << 16):
            self.heard[who] += data
        os.close(pipe)
        self._take(who)
        self.heard[who] = bytearray()
        if who != READER:
            result = call(partial(settled, who, self.folder, self.said[who]))
            self.said[who].append({"settled": result["settled"]})
            self.wrong += [f"after {len(self.said[who])} messages: {one}" for one in result["wrong"]]
            self.under_way += result["under_way"]

    def replace(self, who: str) -> None:
        """Kills one, at a random moment from now, and starts another in its place."""
        time.sleep(self.rng.uniform(0, 0.2))
        self.kill(who)
        self.kills += 1
        self.running[who] = self._start(who)

    def done(self, name: str) -> list[Message]:
        """All operations that returned (`done`), or questions (`asked`)."""
        return [message[name] for some in self.said.values() for message in some if name in message]


def run(operations: int, kills: int, seed: int) -> dict[str, Any]:
    """The whole drill; returns the report."""
    for library in Memories.libraries:
        __import__(library)
    folder = Path(tempfile.mkdtemp(prefix="elm-turns-"))
    drill, began = Drill(folder, seed), time.monotonic()
    while len(drill.done("done")) < operations and not drill.wrong:
        drill.listen()
        if drill.kills < kills and len(drill.done("done")) > (drill.kills + 1) * operations / (kills + 1):
            drill.replace(drill.rng.choice(list(drill.said)))
    seconds = time.monotonic() - began
    for who in list(drill.running):
        drill.kill(who)
    last = call(partial(examined, folder))
    wrong = drill.wrong + last["wrong"]
    if wrong:
        print(f"left as it is: {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder)
    times = {name: [one["ms"] for one in drill.done(name)] for name in ("done", "asked")}
    return {
        "operations": len(times["done"]),
        "questions": len(times["asked"]),
        "kills": drill.kills,
        "seconds": round(seconds, 1),
        "operation_ms": round(statistics.median(times["done"]), 1),
        "question_ms": round(statistics.median(times["asked"]), 1),
        "memories": last["memories"],
        "killed_during_an_operation": drill.under_way,
        "wrong": wrong,
    }


def main() -> None:
    """Drill, report; the exit code is 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = run(options.operations, options.kills, options.seed)
    if options.json:
        print(json.dumps(report, indent=2))
    for name, value in {} if options.json else report.items():
        print(f"{name.replace('_', ' '):<28}{value if value != [] else 'nothing'}")
    sys.exit(1 if report["wrong"] else 0)


if __name__ == "__main__":
    main()
