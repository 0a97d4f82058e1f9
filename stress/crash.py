"""Kill the program at random moments and look at what is left.

    python stress/crash.py                       200 kills, a table
    python stress/crash.py --kills 12 --json     one JSON document
    python stress/crash.py --scenario store --seed 7

A child works on a folder and tells over a pipe what it begins and what has returned. It is killed (SIGKILL) at a random
moment: while it opens the folder, or during an operation. Then a new process opens what is left and checks it against
everything that was told so far: what had returned must be there, whole and as it was last; what was deleted must not
have come back; what was under way must have happened altogether or not at all; `doctor` must find nothing after
opening's own repair. The next child goes on in the same folder. Processes are forked from one that has the libraries
loaded and has opened nothing.

    store    memories with random tensors: stored, changed, given a key, deleted, imported, one and many at a time
    learn    learning on a random model: through the runner, the log, the checkpoint and the store
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
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "tests")]

from crash_learning import Learning

Message = dict[str, Any]
Say = Callable[[Message], None]


class Scenario(Protocol):
    """Something that may be killed at any moment. Its methods run in processes of their own.

    `libraries` are imported before these processes are forked; the kill comes within `seconds` after the first
    operation has begun.
    """

    libraries: tuple[str, ...]
    seconds: float

    def prepare(self, folder: Path) -> None:
        """Makes what the work needs; is not killed."""

    def work(self, folder: Path, seed: int, say: Say) -> None:
        """Works without end, and says {"begin": operation, …} before and {"done": operation, …} after each one."""

    def check(self, folder: Path, said: list[Message]) -> Message:
        """Looks at what is left. `said` is all that was ever said, and after each earlier check its {"settled": …}.

        Returns {"wrong": sentences, "settled": whether the operation under way has happened, "mended": whether opening
        had something to mend, "opened_ms": …}; more numbers are welcome, the last ones are in the report.
        """


@dataclass
class Ledger:
    """What must be in the store: id → (seed of its tensor, label, seed of its KV key or None)."""

    here: dict[str, tuple[int, str, int | None]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def apply(self, message: Message) -> None:
        """Takes in an operation as done."""
        match message["op"]:
            case "add" | "import":
                for id, seed in message["memories"].items():
                    self.here[id] = (seed, "", None)
                    self.gone.discard(id)
            case "change":
                seed, _, kv = self.here[message["id"]]
                self.here[message["id"]] = (seed, message["label"], kv)
            case "key":
                seed, label, _ = self.here[message["id"]]
                self.here[message["id"]] = (seed, label, message["seed"])
            case "delete":
                for id in message["ids"]:
                    del self.here[id]
                    self.gone.add(id)


def _same(seed: int | None, kv: Any) -> bool:
    """Whether a memory's KV key is the one of that seed."""
    from store.made import key

    if seed is None or kv is None:
        return seed is None and kv is None
    wanted = key(seed)[:24]
    return abs(float(wanted @ kv) / float((wanted @ wanted) ** 0.5) - 1) < 1e-5


class Memories:
    """The store under storing, changing, deleting and importing."""

    ARCHIVES = 12
    seconds = 0.5
    libraries = ("store.made", "elm_app.store.archive", "elm_app.store.doctor", "chromadb")

    def prepare(self, folder: Path) -> None:
        """Archives of one to thirty memories, to be imported again and again."""
        from store.made import card, key, tensor

        from elm_app.store.archive import export
        from elm_app.store.store import Store

        (folder / "archives").mkdir()
        with tempfile.TemporaryDirectory() as temporary:
            store = Store(Path(temporary))
            for number in range(self.ARCHIVES):
                seeds = {f"import-{number}-{n}": 100_000 + 100 * number + n for n in range(1 + number * 29 // 11)}
                store.add_many((card(id), tensor(seed), {"input": key(seed)}) for id, seed in seeds.items())
                export(store, list(seeds), folder / "archives" / f"{number}.elm.zip")
                (folder / "archives" / f"{number}.json").write_text(json.dumps(seeds))
            store.close()

    def work(self, folder: Path, seed: int, say: Say) -> None:
        """Random operations, one after the other."""
        from elm_app.store.store import Store

        rng, store = random.Random(seed), Store(folder / "store")
        say({"open": store.cleaned})
        number = 0
        while True:
            number += 1
            ids = store.vectors()[0]
            kind = rng.choice(["add", "add", "add", "change", "change", "key", "delete", "import"])
            if len(ids) > 60:
                kind = "delete"
            message, operation = self.operation(folder, store, kind, ids, f"{seed}-{number}", rng)
            if operation is None:
                continue
            say({"begin": message})
            operation()
            say({"done": message})

    def operation(
        self, folder: Path, store: Any, kind: str, ids: list[str], name: str, rng: random.Random
    ) -> tuple[Message, Callable[[], object] | None]:
        from store.made import card, key, tensor

        from elm_app.store.archive import import_

        if kind == "add":
            seeds = {f"own-{name}-{n}": rng.randrange(100_000) for n in range(rng.choice([1, 1, 1, 5]))}
            items = [(card(id), tensor(seed), {"input": key(seed)}) for id, seed in seeds.items()]
            return {"op": kind, "memories": seeds}, lambda: store.add_many(items)
        if kind == "import":
            number = rng.randrange(self.ARCHIVES)
            seeds = json.loads((folder / "archives" / f"{number}.json").read_text())
            fresh = {id: seed for id, seed in seeds.items() if id not in ids}
            path = folder / "archives" / f"{number}.elm.zip"
            return {"op": kind, "memories": fresh}, (lambda: import_(store, path)) if fresh else None
        if not ids:
            return {}, None
        if kind == "change":
            id, label = rng.choice(ids), f"label {name}"
            return {"op": kind, "id": id, "label": label}, lambda: store.change(id, label=label)
        if kind == "key":
            id, seed = rng.choice(ids), rng.randrange(100_000)
            return {"op": kind, "id": id, "seed": seed}, lambda: store.set_keys("kv", {id: key(seed)[:24]})
        some = rng.sample(ids, min(len(ids), rng.choice([1, 1, 3, 20])))
        return {"op": kind, "ids": some}, lambda: store.delete(some)

    def check(self, folder: Path, said: list[Message]) -> Message:
        """Everything that was told, against everything that is there."""
        import numpy as np
        from store.made import key, tensor

        from elm_app.store.doctor import examine
        from elm_app.store.store import Store

        began = time.perf_counter()
        store = Store(folder / "store")
        opened = time.perf_counter() - began
        ledgers = possible(said)
        ids = set(store.vectors()[0])
        fits = [one for one in ledgers if fit(store, one, ids)]
        wrong = [f"{finding.what} {finding.remedy}" for finding in examine(store)]
        if not fits:
            lost = set.intersection(*(set(one.here) for one in ledgers)) - ids
            back = ids - set.union(*(set(one.here) for one in ledgers))
            wrong.append(f"lost: {sorted(lost)}; came back: {sorted(back)}; or half done, or an old label or key")
        for id, (seed, _, _) in fits[0].here.items() if fits else ():
            if not np.array_equal(store.soft_prompt(id), tensor(seed)):
                wrong.append(f"the tensor of {id} is another")
            if store.nearest(key(seed), 1)[0].score < 1 - 1e-6:
                wrong.append(f"{id} is not found by its key")
        hidden = [path.name for path in store.adapters.iterdir() if path.name.startswith(".")]
        left = [
            *hidden,
            *(path.name for path in (folder / "store").glob("*.tmp")),
            *(folder / "store").glob("pending*"),
        ]
        wrong += [f"{name} was left" for name in left]
        cleaned = store.cleaned
        store.close()
        return {
            "wrong": wrong,
            "settled": bool(fits) and fits[0] is not ledgers[0],
            "mended": bool(cleaned),
            "opened_ms": opened * 1e3,
            "memories": len(ids),
        }


def fit(store: Any, ledger: Ledger, ids: set[str]) -> bool:
    """Whether the memories of these ids are all that are in the ledger, with its labels and keys."""
    state = {id: (store.get(id).label, store.keys(id).get("kv")) for id in ids}
    return set(ledger.here) == ids and all(
        label == state[id][0] and _same(kv, state[id][1]) for id, (_, label, kv) in ledger.here.items()
    )


def possible(said: list[Message]) -> list[Ledger]:
    """What may be in the store now: without the operation under way at the last kill, and with it.

    What became of those at earlier kills is known from the checks after them.
    """
    ledger = Ledger()
    under_way: Message | None = None
    for message in said:
        if "begin" in message:
            under_way = message["begin"]
        elif "done" in message:
            ledger.apply(message["done"])
            under_way = None
        elif "settled" in message:
            if message["settled"] and under_way:
                ledger.apply(under_way)
            under_way = None
    if under_way is None:
        return [ledger]
    other = Ledger(dict(ledger.here), set(ledger.gone))
    other.apply(under_way)
    return [ledger, other]


SCENARIOS: dict[str, Scenario] = {"store": Memories(), "learn": Learning()}


def forked(work: Callable[[Say], None]) -> tuple[int, int]:
    """Runs it in a process of its own; returns that process and the pipe that it speaks into, a JSON line a message."""
    sys.stdout.flush()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    os.close(reading)

    def say(message: Message) -> None:
        rest = json.dumps(message).encode() + b"\n"
        while rest:
            rest = rest[os.write(writing, rest) :]

    try:
        work(say)
    except BaseException:
        say({"failed": traceback.format_exc()})
    finally:
        os._exit(0)


def listen(pipe: int, heard: bytearray, seconds: float) -> bool:
    """Takes in what is said for at most so long; returns whether there may be more."""
    until = time.monotonic() + seconds
    while select.select([pipe], [], [], max(0.0, until - time.monotonic()))[0]:
        data = os.read(pipe, 1 << 16)
        if not data:
            return False
        heard += data
    return True


def messages(heard: bytearray) -> list[Message]:
    """The whole lines; one that a kill cut short was not said."""
    return [json.loads(line) for line in bytes(heard).split(b"\n")[:-1]]


def call(work: Callable[[], Any], seconds: float = 120.0) -> Any:
    """What it returns, from a process of its own; an error there is one here."""
    pid, pipe = forked(lambda say: say({"result": work()}))
    heard = bytearray()
    if listen(pipe, heard, seconds):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(pipe)
    answer = messages(heard)[0] if b"\n" in heard else {"failed": f"no answer within {seconds:g} s"}
    if "failed" in answer:
        raise RuntimeError(answer["failed"])
    return answer["result"]


def kill_once(scenario: Scenario, folder: Path, seed: int, rng: random.Random) -> list[Message]:
    """One child, killed while it opens or during its operations; returns what it said."""
    pid, pipe = forked(lambda say: scenario.work(folder, seed, say))
    heard = bytearray()
    if rng.random() < 0.2:
        alive = listen(pipe, heard, rng.uniform(0, 0.1))
    else:
        alive = True
        while alive and b"begin" not in heard:
            alive = listen(pipe, heard, 0.01)
        alive = alive and listen(pipe, heard, rng.uniform(0, scenario.seconds))
    if alive:
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    listen(pipe, heard, 10.0)
    os.close(pipe)
    return messages(heard)


def run(name: str, kills: int, seed: int) -> dict[str, Any]:
    """Kills and checks, again and again, in one folder; returns the report."""
    scenario, rng = SCENARIOS[name], random.Random(seed)
    for library in scenario.libraries:
        __import__(library)
    folder = Path(tempfile.mkdtemp(prefix="elm-crash-"))
    said: list[Message] = []
    wrong: list[str] = []
    checks: list[Message] = []
    during: dict[str, int] = {}
    try:
        call(lambda: scenario.prepare(folder))
        for number in range(kills):
            new = kill_once(scenario, folder, rng.randrange(2**31), rng)
            said += new
            wrong += [f"kill {number}: the child failed: {message['failed']}" for message in new if "failed" in message]
            last = new[-1] if new else {}
            moment = last["begin"]["op"] if "begin" in last else "between" if "done" in last else "opening"
            during[moment] = during.get(moment, 0) + 1
            try:
                result = call(partial(scenario.check, folder, said))
            except RuntimeError as error:
                result = {
                    "wrong": [f"it could not be opened: {error}"],
                    "settled": False,
                    "mended": False,
                    "opened_ms": 0,
                }
            checks.append(result)
            said.append({"settled": result["settled"]})
            wrong += [f"kill {number}, during {moment}: {one}" for one in result["wrong"]]
            if wrong:  # what follows from it is not worth knowing; the folder may be
                break
            if sys.stderr.isatty():
                print(f"\r{number + 1} of {kills} kills", end="", file=sys.stderr, flush=True)
    finally:
        if wrong:
            print(f"left as it is: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    done = [message["done"]["op"] for message in said if "done" in message]
    opened = [one["opened_ms"] for one in checks]
    return {
        "scenario": name,
        "seed": seed,
        "kills": len(checks),
        "killed_during": dict(sorted(during.items())),
        "operations_returned": {op: done.count(op) for op in sorted(set(done))},
        "openings_that_mended": sum(bool(one["mended"]) for one in checks),
        "opened_ms": {"median": round(statistics.median(opened), 1), "max": round(max(opened), 1)},
        "last": {
            name: value for name, value in checks[-1].items() if isinstance(value, int) and not isinstance(value, bool)
        },
        "wrong": wrong,
    }


def main() -> None:
    """Kill, check, report; the exit code is 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--scenario", choices=[*SCENARIOS, "all"], default="all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    names = list(SCENARIOS) if options.scenario == "all" else [options.scenario]
    share = [options.kills // len(names) + (number < options.kills % len(names)) for number in range(len(names))]
    reports = [run(name, kills, options.seed) for name, kills in zip(names, share, strict=True) if kills]
    if options.json:
        print(json.dumps({"kills": options.kills, "scenarios": reports}, indent=2))
    for report in [] if options.json else reports:
        for name, value in report.items():
            shown = ", ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else value
            print(f"{name.replace('_', ' '):<22}{shown if value != [] else 'nothing'}")
    sys.exit(1 if any(report["wrong"] for report in reports) else 0)


if __name__ == "__main__":
    main()
