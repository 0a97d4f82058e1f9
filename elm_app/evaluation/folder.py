"""A benchmark on disk: a folder with the plan, the problems, and for every method and seed a line a problem.

bench.json                        the plan: methods, seeds, settings, ids
problems.jsonl                    the problems in the order in which they are asked
<method>/<seed>/results.jsonl     a `Result` a line, written and synced when the problem is done
<method>/<seed>/…                 what the method keeps: memories, tensors
report.json, report.md, *.svg     the report, made anew from all of that
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from filelock import FileLock, Timeout
from pydantic import ValidationError

from elm_app.core.atomic_file import replace_text, writing
from elm_app.core.errors import BadInput
from elm_app.core.results import Result
from elm_app.core.types import Problem, from_json, to_json
from elm_app.pipelines.problems import read_problems, to_lines
from elm_app.pipelines.stream.settings import StreamSettings

AGAIN = 1_000_000
"""Added to the seed when problems are asked once more."""


@dataclass(frozen=True)
class BenchPlan:
    """What a benchmark does.

    Attributes:
        name: of the file of problems.
        settings: of the model, of solving and of learning, as a stream has them.
        again: so many of the first problems are asked once more at the end.
        memories: a store whose memories the method `elm_frozen` uses, or "".
    """

    name: str
    problems: tuple[Problem, ...]
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    settings: dict[str, Any]
    again: int = 0
    memories: str = ""


class BenchFolder:
    """The files of one benchmark in `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, plan: BenchPlan) -> None:
        """Write the plan; one that is there already keeps its name and may grow by methods and seeds, but not change
        otherwise.

        Raises:
            BadInput: it holds another benchmark.
        """
        if (self.path / "bench.json").exists():
            old = self.plan()
            for what in ("problems", "settings", "again", "memories"):
                if _compared(old, what) != _compared(plan, what):
                    raise BadInput(
                        f"{self.path} holds a benchmark with other {what}.",
                        "Give the same as then, or choose another folder (--out).",
                    )
            methods, seeds = (
                tuple(dict.fromkeys([*getattr(old, what), *getattr(plan, what)])) for what in ("methods", "seeds")
            )
            plan = replace(plan, name=old.name, methods=methods, seeds=seeds)
        document = {
            "schema": 1,
            "name": plan.name,
            "methods": plan.methods,
            "seeds": plan.seeds,
            "ids": [problem.id for problem in plan.problems],
            "again": plan.again,
            "memories": plan.memories,
            "settings": plan.settings,
        }
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            replace_text(self.path / "problems.jsonl", to_lines(plan.problems))
            replace_text(self.path / "bench.json", json.dumps(document, ensure_ascii=False, indent=2))

    def plan(self) -> BenchPlan:
        """Raises `BadInput` if there is no benchmark here, or its files are damaged."""
        try:
            document = json.loads((self.path / "bench.json").read_text(encoding="utf-8"))
            problems = read_problems((self.path / "problems.jsonl").read_bytes(), "problems.jsonl").problems
            if [problem.id for problem in problems] != document["ids"]:
                raise ValueError("its problems are not those of its plan")
            return BenchPlan(
                str(document["name"]),
                problems,
                tuple(document["methods"]),
                tuple(document["seeds"]),
                dict(document["settings"]),
                int(document["again"]),
                str(document["memories"]),
            )
        except FileNotFoundError as error:
            raise BadInput(f"There is no benchmark in {self.path}.", "Check the path.") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInput(f"The benchmark in {self.path} cannot be read: {error}.", "Start it anew.") from error

    def of(self, method: str, seed: int) -> Path:
        """The folder of a method and seed."""
        return self.path / method / str(seed)

    def results(self, method: str, seed: int) -> list[Result]:
        """The lines that there are, in order. Raises `BadInput` for one that is none, or is not in its place."""
        path = self.of(method, seed) / "results.jsonl"
        try:
            lines = path.read_bytes().split(b"\n")[:-1]  # without what was cut off
            results = [from_json(Result, json.loads(line)) for line in lines]
            first = sum(not result.again for result in results)
            places = [*range(1, first + 1), *range(1, len(results) - first + 1)]
            if [(one.number, one.again) for one in results] != [(n, i >= first) for i, n in enumerate(places)]:
                raise ValueError("it has lines missing, or twice")
        except FileNotFoundError:
            return []
        except (OSError, ValueError, ValidationError) as error:
            raise BadInput(f"{path} cannot be read: {error}.", f"Remove {path.parent} to make it anew.") from error
        return results

    def append(self, result: Result) -> None:
        """Keep a line; when this returns it is on disk. A line that an interruption cut off goes first."""
        path = self.of(result.method, result.seed) / "results.jsonl"
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
            with path.open("ab") as file:
                file.write((json.dumps(to_json(result), ensure_ascii=False) + "\n").encode())
                file.flush()
                os.fsync(file.fileno())

    def counted(self, plan: BenchPlan | None = None) -> tuple[int, int]:
        """How many answers there are, and how many there will be by the plan (None: read here).

        Raises:
            BadInput: there is no benchmark.
        """
        plan = plan or self.plan()
        paths = [self.of(method, seed) / "results.jsonl" for method in plan.methods for seed in plan.seeds]
        done = sum(path.read_bytes().count(b"\n") for path in paths if path.is_file())
        return done, len(paths) * (len(plan.problems) + plan.again)

    def pack(self, target: Path) -> None:
        """Everything in it as a zip file, but for locks and what is being written.

        Raises:
            RunError: the disk refuses.
        """
        with writing(target), ZipFile(target, "w", ZIP_DEFLATED) as packed:
            for path in sorted(self.path.rglob("*")):
                inside = path.relative_to(self.path)
                hidden = any(part.startswith(".") for part in inside.parts)
                if path.is_file() and not path.is_symlink() and not hidden and path.suffix != ".lock":
                    with suppress(FileNotFoundError):  # what a run that goes on has taken away since
                        packed.write(path, Path(self.path.name) / inside)

    def busy(self) -> bool:
        """Whether somebody works at it now, in this program or another."""
        try:
            with self.claimed(0):
                return False
        except BadInput:
            return True

    @contextmanager
    def claimed(self, patience: float = 1.0) -> Iterator[None]:
        """One writer at a time; who only asks whether there is one takes no longer than a moment, so `patience` seconds
        are enough to tell the two apart."""
        lock = FileLock(self.path / ".lock", thread_local=False)
        try:
            lock.acquire(timeout=patience)
        except Timeout as error:
            raise BadInput(f"The benchmark in {self.path} goes on elsewhere.", "Wait for it, or stop it.") from error
        try:
            yield
        finally:
            lock.release()


def _compared(plan: BenchPlan, what: str) -> Any:
    """What may not change; of the settings not the seed, since every method has its own."""
    if what != "settings":
        return getattr(plan, what)
    settings = StreamSettings.from_json(plan.settings)  # with what is new since
    return replace(settings, sampling=replace(settings.sampling, seed=0)).to_json()
