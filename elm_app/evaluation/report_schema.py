"""A benchmark's `report.json` as frozen dataclasses, and where such folders are."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from elm_app.answers.imported_traces import refuse
from elm_app.core.errors import BadInput
from elm_app.core.types import from_json
from elm_app.runs.catalog import Index

REPORT = "report.json"
PLAN = "bench.json"
_AGAIN = "Make it again with python -m elm_app bench, or choose another folder."
Interval = tuple[float, float]


@dataclass(frozen=True)
class EqualTokens:
    """Accuracy of a vote over plain traces that cost as many tokens: `wanted` of them a problem, if there are so many,
    else the `samples` that there are. `difference`: the method's to it, paired by problem."""

    accuracy: float
    samples: int
    wanted: int = 0
    difference: float | None = None
    difference_interval: Interval | None = None


@dataclass(frozen=True)
class Again:
    """Accuracy on earlier problems when they came, and when they were asked once more at the end."""

    before: float
    after: float
    problems: int


@dataclass(frozen=True)
class Arms:
    """Of the problems on which a memory was tried, the right majorities: without it, by it alone, and as chosen."""

    problems: int
    without: int
    alone: int
    chosen: int


@dataclass(frozen=True)
class MethodReport:
    """How one method did (`evaluation/statistics.py` says how each number is made). Shares are in [0, 1].

    Attributes:
        problems: how many it has answered.
        maj, mean, share_pass: maj@k, the share of right traces, pass@k.
        tokens, read_tokens, seconds: new tokens, prompt tokens and seconds, means a problem.
        difference, difference_vote: to zero-shot and to self-consistency, paired by problem.
        label_accuracy: right majorities among the steps of learning.
        running: after each problem, its number and the accuracy so far.
    """

    method: str
    problems: int
    accuracy: float | None
    accuracy_interval: Interval | None = None
    maj: float | None = None
    mean: float | None = None
    share_pass: float | None = None
    k: int = 0
    answered: float | None = None
    agreement: float | None = None
    tokens: float = 0
    read_tokens: float = 0
    seconds: float = 0
    trainable: int = 0
    stored_bytes: int = 0
    difference: float | None = None
    difference_interval: Interval | None = None
    difference_vote: float | None = None
    difference_vote_interval: Interval | None = None
    label_accuracy: float | None = None
    arms: Arms | None = None
    equal_tokens: EqualTokens | None = None
    again: Again | None = None
    running: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Report:
    """A benchmark."""

    name: str
    problems: int
    methods: tuple[MethodReport, ...]
    seeds: tuple[int, ...] = ()
    model: dict[str, Any] | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()


def read_report(folder: Path) -> Report:
    """The report in a folder.

    Raises:
        BadInput: there is none, or it is no report.
    """
    path = folder / REPORT
    try:
        value = json.loads(path.read_bytes(), parse_constant=refuse)
        for method in value["methods"]:
            method["share_pass"] = method.pop("pass", None)
        return from_json(Report, value)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadInput(
            f"There is no {REPORT} in {folder}.", "Choose the folder that python -m elm_app bench wrote."
        ) from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.", "Choose another folder.") from error
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BadInput(f"{path} is no report: {where} is missing or wrong.", _AGAIN) from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"{path} is no report.", _AGAIN) from error


def folders(memories: Path, index: Index) -> list[Path]:
    """Folders of benchmarks, begun or with a report: those under `memories/bench/`, and those that runs have written,
    the newest first."""
    found = [*(memories / "bench").glob("*")]
    for run in index.of("bench"):
        out = index.settings(run).get("out")
        if isinstance(out, str):
            found.append(Path(out))
    changed = {path.resolve(): (_changed(path), path) for path in found}
    return [path for when, path in sorted(changed.values(), key=lambda one: -one[0]) if when]


def _changed(folder: Path) -> float:
    """When a benchmark's report was written, or its plan where there is none yet; 0 if the folder has neither."""
    for name in (REPORT, PLAN):
        with suppress(OSError):
            return (folder / name).stat().st_mtime
    return 0.0
