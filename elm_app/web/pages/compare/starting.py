"""What the form of a new comparison asks: what is in its file, how long it will take, and to start."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from elm_app.core.config import ModelSettings
from elm_app.core.errors import BadInput, ElmError
from elm_app.evaluation.estimate import TraceSpeed, assumed_pace, cost, pace_of, tokens_and_seconds
from elm_app.evaluation.folder import BenchPlan
from elm_app.pipelines.problems import arranged
from elm_app.runs.event_log import runs
from elm_app.runs.summaries import Summaries
from elm_app.web.commands import BenchActions
from elm_app.web.components import labels
from elm_app.web.components.guard import Begun, Fields, Nothing
from elm_app.web.components.problem_file import upload
from elm_app.web.components.settings.form import BenchFields, bench_fields
from elm_app.web.pages.compare.answers import ComparisonPlan, PlanComparison, StartComparison
from elm_app.web.pages.compare.command import command
from elm_app.web.pages.compare.setup import offered
from elm_app.web.readonly import refuse_file
from elm_app.web.run.learning_view import about

LOOKED_AT = 30
"""Newest runs among which one is looked for that shows how fast this machine is."""
_NAME = re.compile(r"\w[\w .-]{0,79}")


class Starting:
    """Answers the questions of the form. `choice` says which preset `auto` is on this machine."""

    def __init__(
        self, actions: BenchActions, summaries: Summaries, memories: Path, choice: Callable[[], str], readonly: bool
    ) -> None:
        self.actions, self.summaries, self.choice, self.readonly = actions, summaries, choice, readonly
        self.folder = memories / "bench"

    def compare_check(self, ask: upload.FileToRead) -> upload.FileContents:
        """What is in a file. A read-only page takes none."""
        return refuse_file() if self.readonly else upload.checked(ask)

    def compare_example(self, _: Nothing) -> upload.SentFile:
        """The example that comes with the program, as the browser would send it."""
        return upload.example()

    def compare_plan(self, ask: PlanComparison) -> ComparisonPlan:
        """About how long it will take."""
        chosen, wanted = _chosen(ask), bench_fields(_fields(ask))
        pace, basis = self._pace(wanted)
        given = ask.get("count")
        count = given if isinstance(given, int) else 0
        problems = min(count, wanted.limit or count)
        answers = problems * len(wanted.seeds)
        each = {
            name: tokens_and_seconds(cost(name, wanted.settings, chosen), pace, wanted.settings, answers)
            for name in offered()
        }
        name = PurePath(str(ask.get("name") or "problems.jsonl")).name
        out = self._out(_fields(ask), name)
        return {
            "costs": {name: _spent(*spent) if answers else "" for name, spent in each.items()},
            "estimate": _together([each[name] for name in chosen], problems, wanted, basis) if answers else "",
            "command": command(_plan(chosen, wanted), name, out, _file_options(ask, wanted)),
        }

    def compare_start(self, ask: StartComparison) -> Begun | upload.FileRefused:
        """Start a comparison."""
        try:
            name, found = refuse_file() if self.readonly else upload.whole(ask)
        except ElmError as error:
            return upload.refused(error)
        chosen, wanted = _chosen(ask), bench_fields(_fields(ask))
        if not chosen:
            raise BadInput("No method was chosen.", "Tick at least one; two make a comparison.")
        problems = arranged(found.problems, "file", wanted.seeds[0], wanted.limit)
        out = self._out(_fields(ask), name)
        return {"run": self.actions.start(problems, chosen, wanted.seeds, wanted.settings, out, name)}

    def _out(self, fields: Fields, file: str) -> Path:
        """The folder that is named, or one that is not there yet, named after the file.

        Raises:
            BadInput: it is no name of a folder.
        """
        if given := str(fields.get("folder") or "").strip():
            if not _NAME.fullmatch(given):
                raise BadInput(f"Folder is {given!r}.", "Give a name of letters, digits, spaces, dots and dashes.")
            return self.folder / given
        stem = re.sub(r"[^\w-]+", "-", file.split(".")[0]).strip("-")[:60] or "comparison"
        names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, 10_000))
        return next(self.folder / name for name in names if not (self.folder / name).exists())

    def _pace(self, wanted: BenchFields) -> tuple[TraceSpeed, str]:
        """How fast this machine is, and on what that rests: the newest run that solved a problem with the model."""
        model = wanted.settings.model.model
        for run in runs(self.summaries.folder)[:LOOKED_AT]:
            view = self.summaries.of(run)
            if view is None or view.command != "solve" or view.status != "done":
                continue
            same = model in (view.settings.get("model"), view.model.id if view.model else None)
            if same and (pace := pace_of(view)):
                return pace, (
                    f"by the last problem solved here: {pace.per_second:.0f} tokens a second, "
                    f"{pace.trace_tokens:.0f} tokens a trace"
                )
        preset = self.choice() if model == ModelSettings(model="auto").model else model
        pace = assumed_pace(preset, wanted.settings)
        return pace, (
            f"taking {pace.per_second:.0f} tokens a second, as two CPU cores make, and {pace.trace_tokens:.0f} tokens "
            "a trace: nothing was solved here with this model yet"
        )


def _fields(ask: Mapping[str, Any]) -> Fields:
    fields = ask.get("fields")
    return fields if isinstance(fields, dict) else {}


def _chosen(ask: Mapping[str, Any]) -> list[str]:
    """The methods that are ticked, in the order of the list."""
    given = ask.get("methods")
    return [name for name in offered() if name in (given if isinstance(given, list) else ())]


def _plan(chosen: Sequence[str], wanted: BenchFields) -> BenchPlan:
    return BenchPlan("", (), tuple(chosen), wanted.seeds, wanted.settings.to_json())


def _file_options(ask: PlanComparison, wanted: BenchFields) -> list[str]:
    """The options about the file: as much of it, and read as the form says."""
    columns = str(_fields(ask).get("columns") or "").strip()
    told = [("--columns", columns), ("--limit", str(wanted.limit or ""))]
    given = [word for flag, value in told if value for word in (flag, value)]
    return [*given, "--skip-bad"] if ask.get("skip") is True else given


def _spent(tokens: float, seconds: float) -> str:
    return f"{about(seconds)}{labels.DOT}{_roughly(tokens)} tokens"


def _together(each: Sequence[tuple[float, float]], problems: int, wanted: BenchFields, basis: str) -> str:
    """All methods that are ticked, and on what the numbers rest."""
    if not each:
        return "No method is ticked."
    tokens, seconds = (sum(column) for column in zip(*each, strict=True))
    asked = [
        labels.count(problems, "problem"), labels.count(len(wanted.seeds), "seed"),
        f"{labels.count(wanted.settings.sampling.samples, 'sample')}",
    ]  # fmt: skip
    told = f"for {' × '.join(asked)}, at most; {basis}."
    return f"<b>Together {html.escape(about(seconds))}, {_roughly(tokens)} tokens</b> {html.escape(told)}"


def _roughly(count: float) -> str:
    """Two digits of a number.

    >>> _roughly(9_712), _roughly(1_234_567)
    ('9,700', '1.2 million')
    """
    if count >= 1e6:
        return f"{count / 1e6:.1f} million"
    digits = max(0, len(str(int(count))) - 2)
    return f"{int(round(count, -digits)):,}"
