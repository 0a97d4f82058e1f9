"""A stream on disk: a folder with the plan, the problems, and a line for every problem that is done.

    stream.json      the plan: settings, order, ids
    problems.jsonl   the problems in the order in which they are asked
    results.jsonl    a `StreamRow` a line, written and synced when the problem is done
    results.csv      the same as a table
    current.json     the runs of the problem that goes on, so that an interruption loses none of its parts

A stream goes on from these files alone. A line that was cut off is taken away at the next start.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import ValidationError

from elm_app.core.atomic_file import replace_text, writing
from elm_app.core.errors import BadInput
from elm_app.core.results import ArmResult, StreamRow
from elm_app.core.types import Problem, from_json, to_json
from elm_app.pipelines.problems import read_problems, to_lines

_PARTS = [field.name for field in fields(ArmResult)]
COLUMNS = [
    column
    for field in fields(StreamRow)
    for column in (
        [f"{field.name}_{part}" for part in _PARTS] if field.name in ("zero_shot", "memory") else [field.name]
    )
]
"""Of `results.csv`; an arm's parts are columns of their own."""


@dataclass(frozen=True)
class Plan:
    """What a stream does. `id` is the run that began it, `name` the file's name, `settings` those of the runs."""

    id: str
    name: str
    problems: tuple[Problem, ...]
    settings: dict[str, Any]


@dataclass(frozen=True)
class Current:
    """The runs of the problem `number`; `earlier` runs of learning may have left a checkpoint to go on from."""

    number: int
    solve: str
    learn: str
    earlier: tuple[str, ...] = ()


class StreamFolder:
    """The files of one stream in `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, plan: Plan) -> None:
        """Write the plan into a folder; a stream of which no problem is done is begun anew.

        Raises:
            BadInput: a stream is there already, or one is at its first problem.
        """
        with self._locked(), writing(self.path):
            if self.rows():
                raise BadInput(f"{self.path} holds a stream already.", "Go on with --resume, or choose another --out.")
            (self.path / "current.json").unlink(missing_ok=True)
            replace_text(self.path / "problems.jsonl", to_lines(plan.problems))
            ids = [problem.id for problem in plan.problems]
            document = {"schema": 1, "id": plan.id, "name": plan.name, "ids": ids, "settings": plan.settings}
            replace_text(self.path / "stream.json", json.dumps(document, ensure_ascii=False, indent=2))

    def plan(self) -> Plan:
        """Raises `BadInput` if there is no stream here, or its files are damaged."""
        try:
            document = json.loads((self.path / "stream.json").read_text(encoding="utf-8"))
            problems = read_problems((self.path / "problems.jsonl").read_bytes(), "problems.jsonl").problems
            if [problem.id for problem in problems] != document["ids"]:
                raise ValueError("its problems are not those of its plan")
            return Plan(str(document["id"]), str(document["name"]), problems, dict(document["settings"]))
        except FileNotFoundError as error:
            raise BadInput(f"There is no stream in {self.path}.", "Start one, or check the path.") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInput(f"The stream in {self.path} cannot be read: {error}.", "Start it anew elsewhere.") from error

    def rows(self) -> list[StreamRow]:
        """The problems that are done, in order. Raises `BadInput` for a line that is none."""
        path = self.path / "results.jsonl"
        try:
            lines = path.read_bytes().split(b"\n")[:-1]  # without what was cut off
            rows = [from_json(StreamRow, json.loads(line)) for line in lines]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, ValidationError) as error:
            raise BadInput(f"{path} cannot be read: {error}.", "Start the stream anew elsewhere.") from error
        if [row.number for row in rows] != list(range(1, len(rows) + 1)):
            raise BadInput(f"{path} has lines missing, or twice.", "Start the stream anew elsewhere.")
        return rows

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """One writer at a time; mends what an interruption left."""
        with self._locked():
            with writing(self.path):
                results = self.path / "results.jsonl"
                if results.exists():
                    data = results.read_bytes()
                    os.truncate(results, data.rfind(b"\n") + 1)
                replace_text(self.path / "results.csv", to_csv(self.rows()))
            yield

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(self.path / ".lock", thread_local=False)
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout as error:
                raise BadInput(f"The stream in {self.path} goes on elsewhere.", "Wait for it, or stop it.") from error
        try:
            yield
        finally:
            lock.release()

    def append(self, row: StreamRow) -> None:
        """Keep a row; when this returns it is on disk."""
        with writing(self.path):
            with (self.path / "results.jsonl").open("ab") as file:
                file.write((json.dumps(to_json(row), ensure_ascii=False) + "\n").encode())
                file.flush()
                os.fsync(file.fileno())
            with (self.path / "results.csv").open("a", encoding="utf-8", newline="") as table:
                table.write(to_csv([row], header=False))

    def begin(self, current: Current) -> None:
        """Write down which runs the next problem has, before they start."""
        with writing(self.path):
            replace_text(self.path / "current.json", json.dumps(vars(current)))

    def current(self) -> Current | None:
        """The problem that went on when the stream broke off."""
        try:
            return from_json(Current, json.loads((self.path / "current.json").read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, ValidationError):
            return None


def to_csv(rows: Sequence[StreamRow], header: bool = True) -> str:
    """Rows as CSV; what is not known is empty; what a spreadsheet would take for a formula gets an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)  # lines end in CR LF: with LF alone it would not put a cell with a CR in quotes
    if header:
        writer.writerow(COLUMNS)
    for row in rows:
        flat = to_json(row)
        for arm in ("zero_shot", "memory"):
            flat |= {f"{arm}_{part}": (flat[arm] or {}).get(part) for part in _PARTS}
        writer.writerow([_cell(flat[column]) for column in COLUMNS])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(tuple("=+-@\t\r")) and not value[1:].replace(".", "", 1).isdigit():
        return "'" + value
    return value
