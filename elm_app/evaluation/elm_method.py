"""ELM online in a benchmark: a stream with a store of its own, its rows as a benchmark's lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from elm_app.core.errors import BadInput, Stopped
from elm_app.core.events import Event, ModelReady, ProblemFinished, Progress, RunStopped
from elm_app.core.results import Result, StreamRow
from elm_app.core.text import memories
from elm_app.core.types import Problem
from elm_app.evaluation.answering import answered, result_of
from elm_app.evaluation.folder import AGAIN, BenchFolder, BenchPlan
from elm_app.evaluation.method import Solved
from elm_app.evaluation.variants import VARIANTS, Variant
from elm_app.pipelines.resources import Tools
from elm_app.pipelines.stream.folder import Plan, StreamFolder
from elm_app.pipelines.stream.row import traces_of
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.pipelines.stream.stream import Donor, stream
from elm_app.runs.event_log import read
from elm_app.runs.state import view_of
from elm_app.store.store import Store


def elm(
    folder: BenchFolder, plan: BenchPlan, method: str, seed: int, tools: Tools, stopped: Callable[[], bool]
) -> Iterator[Event]:
    """What is left of one variant and seed. Raises `Stopped`."""
    done = folder.results(method, seed)
    if len(done) == len(plan.problems) + plan.again:
        return
    variant, own = VARIANTS[method], folder.of(method, seed)
    settings = _settings(plan, variant, seed)
    with ExitStack() as stack:
        store = stack.enter_context(closing(Store(own / "memories")))
        mine = replace(tools, store=store)
        if variant.frozen:
            _copy_all(Path(plan.memories), store, {problem.text for problem in plan.problems})
        donor = _donor(folder, plan, seed, stack) if variant.donor else None
        learns = variant.learns and donor is None
        first = _folder(own / "stream", plan, settings.to_json() | {"learns": learns})
        yield from _lines(folder, method, seed, first, mine, donor, False, stopped)
        if plan.again:
            changed = replace(settings, sampling=replace(settings.sampling, seed=seed + AGAIN))
            few = replace(plan, problems=plan.problems[: plan.again])
            second = _folder(own / "again", few, changed.to_json() | {"learns": False})
            yield from _lines(folder, method, seed, second, mine, None, True, stopped)


def _settings(plan: BenchPlan, variant: Variant, seed: int) -> StreamSettings:
    given = StreamSettings.from_json(plan.settings)
    return StreamSettings(
        given.model,
        replace(given.sampling, seed=seed),
        replace(given.routing, **variant.routing),
        replace(given.learning, **variant.learning),
    )


def _folder(path: Path, plan: BenchPlan, settings: dict[str, object]) -> StreamFolder:
    folder = StreamFolder(path)
    if not (path / "stream.json").exists():
        folder.create(Plan(path.parent.name, plan.name, plan.problems, settings))
    return folder


def _donor(folder: BenchFolder, plan: BenchPlan, seed: int, stack: ExitStack) -> Donor | None:
    """The memories of `elm`, if it is through with all problems."""
    rows = StreamFolder(folder.of("elm", seed) / "stream").rows()
    if len(rows) < len(plan.problems):
        return None
    return Donor(rows, stack.enter_context(closing(Store(folder.of("elm", seed) / "memories"))))


def _copy_all(source: Path, target: Store, asked: set[str]) -> None:
    """The enabled memories of another store, which stays as it is. Raises `BadInput` if one was learned from a problem
    that is asked: what it does there is no transfer."""
    if target.count():
        return
    with closing(Store(source)) as store:
        found = [store.get(id) for id in sorted(store.vectors(enabled=True)[0])]
        known = [memory.id for memory in found if memory.problem in asked]
        if known:
            told = f"{memories(len(known))} of {source} ({known[0]} first)"
            raise BadInput(f"{told} learned from problems that are asked.", "Ask others, or disable them there.")
        target.add_many([(memory, store.soft_prompt(memory.id), store.keys(memory.id)) for memory in found])


def _lines(
    folder: BenchFolder,
    method: str,
    seed: int,
    stream_folder: StreamFolder,
    tools: Tools,
    donor: Donor | None,
    again: bool,
    stopped: Callable[[], bool],
) -> Iterator[Event]:
    """Go on with a stream, and write a line for each of its rows that has none yet."""
    known = {(line.number, line.again) for line in folder.results(method, seed)}
    plan = folder.plan()
    for event in stream(stream_folder, tools, stopped, donor):
        match event:
            case ProblemFinished(row=row):
                if (row.number, again) not in known:
                    line = _line(method, seed, row, tools.store, again)
                    folder.append(line)
                    yield answered(line, len(plan.problems) + plan.again)
            case RunStopped():
                raise Stopped("The run was stopped.")
            case Progress() | ModelReady():
                yield event
            case _:
                pass


def _line(method: str, seed: int, row: StreamRow, store: Store, again: bool) -> Result:
    """A row with the traces of the side that the answer comes from."""
    view = view_of(read(store.folder / "runs", row.solve)[0])
    with_memory = row.source == "memory"
    arm = "memory" if with_memory else "zero_shot"
    problem = Problem(row.problem, row.id, row.gold)
    solved = Solved(traces_of(view, with_memory), view.votes[arm].vote, row.answer)
    prompts = [read.prompt_tokens for read in view.prompts.values()]
    memory = store.get(row.learned) if row.learned else None
    learned_tokens = (len(memory.steps) + 1) * (prompts[0] + memory.virtual_tokens) if memory else 0
    result = result_of(method, seed, row.number, problem, solved, row.tokens, sum(prompts) + learned_tokens, again)
    stored = sum(store.get(id).bytes for id in store.vectors()[0])
    detail = {
        "source": row.source,
        "zero_shot_right": row.zero_shot.right,
        "memory_right": row.memory.right if row.memory else None,
        "retrieved": row.retrieved,
        "score": row.score,
        "learned": row.learned,
        "enabled": row.enabled,
        "reason": row.reason,
        "label_accuracy": row.label_accuracy,
        "learn_tokens": row.learn_tokens,
        "trainable": memory.virtual_tokens * memory.hidden_size if memory else 0,
        "stored_bytes": stored,
    }
    return replace(result, seconds=row.seconds, detail=detail)
