"""ELM online: problems one after the other, as a generator of events.

for each: retrieve → solve with and without → route → learn from the vote → store → next. Solving and learning are runs
of their own (`child_log.py`); what became of a problem is a row in the stream's folder (`folder.py`), and a stream
that broke off, at whatever moment, goes on at the very problem: a solved one is not solved again, learning goes on from
its checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput, RunError, Stopped
from elm_app.core.events import Event, ProblemFinished, ProblemStarted, RunFinished, RunStopped
from elm_app.core.results import StreamRow
from elm_app.core.types import Memory, Problem, Timing
from elm_app.pipelines.learn import Known, can_resume, learn
from elm_app.pipelines.recall import check
from elm_app.pipelines.resources import Tools
from elm_app.pipelines.solve import solve
from elm_app.pipelines.stream.context_check import check_lengths
from elm_app.pipelines.stream.folder import Current, Plan, StreamFolder
from elm_app.pipelines.stream.row import measured, row_of, traces_of
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.runs.background import while_waiting
from elm_app.runs.child_log import child
from elm_app.runs.event_log import new_run_id, read
from elm_app.runs.runner import Ready
from elm_app.runs.state import RunView, view_of

if TYPE_CHECKING:
    from elm_app.store.store import Store


def stream_run(
    problems: Sequence[Problem],
    model: ModelSettings,
    sampling: SamplingSettings,
    routing: RouteSettings,
    learning: LearnSettings,
    tools: Tools,
    out: Path | None = None,
    name: str = "",
    learns: bool = True,
) -> Ready:
    """A run over problems in this order, kept in `out`, or in a folder of its own beside the memories.

    Args:
        name: of the file that they come from.
        learns: whether memories are made; without it those in the store are used as they are.

    Raises:
        BadInput: there are no problems, there is a stream in `out` already, the memory that is asked for does not
            exist, or the reward needs right answers that are not given.
    """
    if not problems:
        raise BadInput("There are no problems.", "Give a file with at least one.")
    check(routing, tools)
    lacking = [problem.id for problem in problems if not problem.answer]
    if learns and learning.reward == "gold" and lacking:
        raise BadInput(f"The reward gold needs the answer of problem {lacking[0]}.", "Add it, or leave it out.")
    run = new_run_id()
    folder = StreamFolder(out or tools.store.folder / "streams" / run)
    settings = StreamSettings(model, sampling, routing, learning).to_json() | {"learns": learns}
    folder.create(Plan(run, name or "problems", tuple(problems), settings))
    return _ready(run, folder, tools)


def resume_stream(out: Path, tools: Tools) -> Ready:
    """A run that goes on with the stream in a folder. Raises `BadInput` if there is none, or nothing is left to do."""
    folder = StreamFolder(out)
    plan = folder.plan()
    if len(folder.rows()) == len(plan.problems):
        raise BadInput(f"All {len(plan.problems)} problems of {out} are done.", "Look at its results.csv.")
    return _ready(new_run_id(), folder, tools)


def can_resume_stream(out: Path) -> bool:
    """Whether a folder holds a stream with problems left to do."""
    try:
        folder = StreamFolder(out)
        return len(folder.rows()) < len(folder.plan().problems)
    except BadInput:
        return False


def _ready(run: str, folder: StreamFolder, tools: Tools) -> Ready:
    plan = folder.plan()
    settings = plan.settings | {"out": str(folder.path), "problems": len(plan.problems), "stream_id": plan.id}
    if run != plan.id:
        settings |= {"resumed_from": plan.id}

    def work(stopped: Callable[[], bool]) -> Iterator[Event]:
        return stream(folder, tools, stopped)

    return Ready(run, plan.name, settings, work)


@dataclass(frozen=True)
class Donor:
    """Another stream over the same problems whose memories are taken instead of learning them once more: what is
    learned from a problem does not depend on which memories were tried on it."""

    rows: Sequence[StreamRow]
    store: Store

    def give(self, number: int, store: Store) -> Memory | None:
        """The memory of a problem, copied into `store` if it is not there; None if none was made."""
        id = self.rows[number - 1].learned
        if id is None:
            return None
        try:
            return store.get(id)
        except BadInput:
            memory = self.store.get(id)
            fresh = replace(memory, retrieved=0, helped=0, hurt=0, credit=())
            store.add_many([(fresh, self.store.soft_prompt(id), self.store.keys(id))])
            return store.get(id)

    def charged(self, row: StreamRow) -> StreamRow:
        """The row with what learning cost and how its labels were there, memory or none."""
        given = self.rows[row.number - 1]
        tokens = row.tokens - row.learn_tokens + given.learn_tokens
        return replace(row, tokens=tokens, learn_tokens=given.learn_tokens, label_accuracy=given.label_accuracy)


def stream(
    folder: StreamFolder, tools: Tools, stopped: Callable[[], bool] = lambda: False, donor: Donor | None = None
) -> Iterator[Event]:
    """Do what is left of the stream in a folder; the rows that are there already are said first.

    Ends with `RunFinished`, or with `RunStopped` soon after `stopped()` is true; errors are raised. In both cases
    nothing is lost, and it can go on.

    Raises:
        BadInput: a problem does not fit the model; none is begun then. It goes on elsewhere, or its files are damaged.
    """
    plan = folder.plan()
    settings = StreamSettings.from_json(plan.settings)
    tokens, seconds = 0, 0.0
    with folder.claimed():
        done = folder.rows()
        for row in done:
            yield ProblemFinished(row)
        try:
            engine = yield from while_waiting(lambda report: tools.models.get(settings.model, report, stopped), stopped)
        except Stopped:
            yield RunStopped(_timing(tokens, seconds))
            return
        check_lengths(plan.problems[len(done) :], engine, settings)
        for number, problem in enumerate(plan.problems[len(done) :], len(done) + 1):
            if stopped():
                break
            current = _current(folder, number, tools)
            folder.begin(current)
            what = (number, len(plan.problems), str(problem.id), problem.text, problem.answer)
            yield ProblemStarted(*what, current.solve, current.learn)
            finished = yield from _problem(problem, plan, settings, current, tools, stopped, donor)
            if finished is None:
                break
            folder.append(finished)
            tokens, seconds = tokens + finished.tokens, seconds + finished.seconds
            yield ProblemFinished(finished)
        else:
            yield RunFinished(_timing(tokens, seconds))
            return
    yield RunStopped(_timing(tokens, seconds))


def _timing(tokens: int, seconds: float) -> Timing:
    return Timing(0.0, 0.0, round(seconds, 3), tokens, round(tokens / seconds, 1) if seconds else 0.0)


def _current(folder: StreamFolder, number: int, tools: Tools) -> Current:
    """The runs of the next problem: new ones, but for the parts that an interrupted sitting has done."""
    left, solve, learn = folder.current(), new_run_id(), new_run_id()
    while learn == solve:
        learn = new_run_id()
    if left is None or left.number != number:
        return Current(number, solve, learn)
    if _ended_well(tools.store.folder / "runs", left.solve):
        solve = left.solve
    if _stored(left.learn, tools):
        return Current(number, solve, left.learn, left.earlier)
    return Current(number, solve, learn, (*left.earlier, left.learn))


def _ended_well(runs: Path, run: str) -> RunView | None:
    try:
        view = view_of(read(runs, run)[0])
    except RunError:
        return None
    return view if view.status == "done" else None


def _stored(memory: str, tools: Tools) -> Memory | None:
    try:
        return tools.store.get(memory)
    except BadInput:
        return None


def _problem(
    problem: Problem,
    plan: Plan,
    settings: StreamSettings,
    current: Current,
    tools: Tools,
    stopped: Callable[[], bool],
    donor: Donor | None,
) -> Generator[Event, None, StreamRow | None]:
    """Solve it and learn from it; None if it was stopped in between."""
    from elm_app.engine.sampler import trace_seed

    runs, seed = tools.store.folder / "runs", trace_seed(settings.sampling.seed, current.number)
    view = _ended_well(runs, current.solve)
    if view is None:
        sampling = replace(settings.sampling, seed=seed)
        said = {**asdict(settings.model), **asdict(sampling), **asdict(settings.routing), "stream": plan.id}
        events = solve(problem.text, settings.model, sampling, settings.routing, tools, stopped)
        view = yield from child(runs, current.solve, "solve", problem.text, said, events)
    if view.status == "stopped":
        return None
    learning, reason, learned = replace(settings.learning, seed=seed), "", None
    if donor is not None:
        tools.store.check_writable()
        learned, reason = donor.give(current.number, tools.store), donor.rows[current.number - 1].reason
    elif not plan.settings.get("learns", True):
        reason = "Nothing is learned: the memories are used as they are."
    else:
        from elm_app.learning.trainer import passed_over

        before = measured(view)
        known = Known(before, traces_of(view), seed, problem.answer, later=True)
        reason = passed_over(before.vote, before.samples, learning) or ""
    learn_view: RunView | None = None
    if not reason:
        learned = _stored(current.learn, tools)
        if learned is None:
            learn_view = yield from _learn(problem.text, plan, settings.model, learning, current, known, tools, stopped)
            if learn_view.status == "stopped":
                return None
            learned = _stored(current.learn, tools)
    row = row_of(problem, current, view, learn_view, learned, reason)
    return donor.charged(row) if donor else row


def _learn(
    problem: str,
    plan: Plan,
    model: ModelSettings,
    learning: LearnSettings,
    current: Current,
    known: Known,
    tools: Tools,
    stopped: Callable[[], bool],
) -> Generator[Event, None, RunView]:
    resumed = next((run for run in reversed(current.earlier) if can_resume(run, tools)), None)
    said = {**asdict(model), **asdict(learning), "stream": plan.id, "source_run": current.solve}
    said |= {"resumed_from": resumed} if resumed else {}
    said |= {"gold": known.gold} if known.gold else {}
    events = learn(current.learn, problem, model, learning, tools, stopped, resumed, known)
    runs = tools.store.folder / "runs"
    return (yield from child(runs, current.learn, "learn", problem, said, events))
