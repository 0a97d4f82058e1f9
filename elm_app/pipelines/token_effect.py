"""Where a memory acts: the tokens of a trace of an earlier run, scored without its memory and with it.

A generator of events, as solving is. Of one seed both traces are scored, the one without and the one with the memory,
so that it can be seen what the memory did to either, and where the two part.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from elm_app.core.config import ModelSettings, settings_from
from elm_app.core.errors import BadInput, Stopped
from elm_app.core.events import EffectMeasured, Event, ModelReady, Progress, RunFinished, RunStopped
from elm_app.core.text import count
from elm_app.core.token_effect import TokenScore, TraceEffect
from elm_app.core.types import Arm, ModelInfo, Timing, Trace
from elm_app.pipelines.recall import joined
from elm_app.pipelines.resources import Tools
from elm_app.runs.background import while_waiting
from elm_app.runs.event_log import new_run_id, read
from elm_app.runs.runner import Ready
from elm_app.runs.state import RunView, view_of

if TYPE_CHECKING:
    from elm_app.engine.engine import Engine

COMMAND = "act"
"""What such a run is called in its log; its settings name the run that it is about, `source_run`."""
_OFTEN = 16
"""Tokens between two words about how far it is."""
_NEAR = 0.05
"""Nats a token that a trace may score otherwise than it was drawn, before that is said."""

_Pieces = list[tuple[str, tuple[int, ...]]]


@dataclass(frozen=True)
class Asked:
    """What is scored: two traces of the run `view`, without a memory and with `memories`; `model` wrote them."""

    view: RunView
    model: ModelInfo
    traces: tuple[Trace, Trace]
    memories: tuple[str, ...]


def effect_run(run: str, tools: Tools, arm: Arm = "memory", index: int | None = None) -> Ready:
    """A run that scores the tokens of a trace of `run`; `index` is from 0, by default that of `default_trace`.

    Raises:
        BadInput: there was no memory in that run, or in that arm; it has no such trace; the memory is gone.
        RunError: there is no such run, or its log cannot be read.
        DamagedMemory: the memory's card cannot be read.
    """
    asked = _asked(view_of(read(tools.store.folder / "runs", run)[0]), tools, arm, index)
    settings = settings_from(ModelSettings, asked.view.settings)
    if settings.model == "auto":
        settings = replace(settings, model=asked.model.id)

    def work(stopped: Callable[[], bool]) -> Iterator[Event]:
        return effect(asked, settings, tools, stopped)

    trace = asked.traces[1]
    about = {"source_run": run, "arm": trace.arm, "trace": trace.index, "memories": list(asked.memories)}
    sampled = {"temperature": _temperature(asked.view)}
    return Ready(new_run_id(), asked.view.problem, {**asdict(settings), **sampled, **about}, work)


def effect(
    asked: Asked, model: ModelSettings, tools: Tools, stopped: Callable[[], bool] = lambda: False
) -> Iterator[Event]:
    """Score the trace with the memory, then the one without; ends with `RunFinished`, or with `RunStopped` as soon as
    `stopped()` is true.

    Raises:
        BadInput: the model or a memory is another than it was, or a text is not the same once it is read again.
        DamagedMemory: a memory is not what it should be.
    """
    began = time.perf_counter()
    load_seconds = 0.0

    def timing() -> Timing:
        return Timing(round(load_seconds, 3), 0.0, round(time.perf_counter() - began - load_seconds, 3), 0, 0.0)

    try:
        engine = yield from while_waiting(lambda report: _engine(asked, model, tools, report, stopped), stopped)
        load_seconds = time.perf_counter() - began
        yield ModelReady(engine.info, round(load_seconds, 3))
        memory = joined([tools.store.soft_prompt(id, engine.info) for id in asked.memories])
        traces = asked.traces[::-1]
        pieces = [_read_again(engine, trace, asked.view.run) for trace in traces]
        rows = [[id for _, ids in some for id in ids] for some in pieces]
        longest, temperature = max(map(len, rows)), _temperature(asked.view)
        told = "Scoring every token without the memory and with it"
        yield Progress("weigh", told, 0, longest, "tokens")
        scoring = engine.scores(engine.encode(asked.view.problem), [None, memory], rows, temperature)
        scores = yield from _told(scoring, told, longest, stopped)
    except Stopped:
        yield RunStopped(timing())
        return
    for place, trace in enumerate(traces):
        without, behind = scores[0][place], scores[1][place]
        tokens = _tokens(engine, pieces[place], without, behind)
        note = _note(asked.view, trace, without if trace.arm == "zero_shot" else behind)
        yield EffectMeasured(TraceEffect(trace.arm, trace.index, tokens, note))
    yield RunFinished(timing())


def pairs(view: RunView, arm: Arm) -> dict[int, tuple[Trace, Trace]]:
    """By index (from 0) the traces of one seed, without a memory and of that arm, where both have finished."""
    found = {}
    for index in sorted(index for other, index in view.traces if other == arm):
        bare, behind = (view.traces[one, index].trace if (one, index) in view.traces else None for one in _both(arm))
        if bare is not None and behind is not None:
            found[index] = bare, behind
    return found


def _both(arm: Arm) -> tuple[Arm, Arm]:
    return "zero_shot", arm


def default_trace(view: RunView, arm: Arm = "memory") -> int | None:
    """The index of a trace that tells something: of the majority with the memory, if there is one, and where the same
    seed without it gave another answer. None if no seed has finished in both arms."""
    there = pairs(view, arm)
    winner = view.votes[arm].vote.answer if arm in view.votes else None

    def rank(index: int) -> tuple[bool, bool, int]:
        bare, behind = (trace.answer for trace in there[index])
        return (behind is None or behind != winner, bare == behind, index)

    return min(there, key=rank, default=None)


def arms_with_memories(view: RunView) -> dict[Arm, tuple[str, ...]]:
    """The memories of every arm that has some; an older log names one memory and no arms."""
    if view.command != "solve" or view.retrieved is None:
        return {}
    arms = {arm: ids for arm, ids in view.retrieved.arms.items() if ids}
    return arms or ({"memory": (view.retrieved.used,)} if view.retrieved.used else {})


def _asked(view: RunView, tools: Tools, arm: Arm, index: int | None) -> Asked:
    run, arms = view.run, arms_with_memories(view)
    if view.command != "solve":
        raise BadInput(f"Run {run} did not solve a problem.", "Choose a run that solved one with a memory.")
    if not arms:
        raise BadInput(f"Run {run} had no stored memory.", "Solve its problem again with one, or choose another run.")
    if arm not in arms:
        raise BadInput(f"Run {run} has no memory in {arm!r}.", f"Choose one of {', '.join(arms)}.")
    chosen = default_trace(view, arm) if index is None else index
    there = pairs(view, arm)
    if view.model is None or chosen is None or chosen not in there:
        named = "trace" if chosen is None else f"trace {chosen + 1}"
        raise BadInput(
            f"Run {run} has no {named} that has finished both without the memory and with it.",
            f"Choose one of {', '.join(str(one + 1) for one in there)}." if there else "Choose another run.",
        )
    for id in arms[arm]:
        try:
            tools.store.get(id)
        except BadInput as error:
            raise BadInput(f"Memory {id}, which run {run} used, is gone.", "Choose another run.") from error
    return Asked(view, view.model, there[chosen], arms[arm])


def _temperature(view: RunView) -> float:
    """That of the run's samples; 1 where they were greedy."""
    return float(view.settings.get("temperature", 1.0)) or 1.0


def _engine(
    asked: Asked,
    model: ModelSettings,
    tools: Tools,
    report: Callable[[Progress], None],
    stopped: Callable[[], bool],
) -> Engine:
    """The model of the run: the loaded one, if it is the same."""
    was, engine = asked.model, tools.models.loaded()
    if engine is None or engine.info != was:
        engine = tools.models.get(model, report, stopped)
    if engine.info.weights_sha256 != was.weights_sha256:
        raise BadInput(
            f"Run {asked.view.run} was made with {was.id} ({was.weights_sha256[:12]}), and {model.model} is now "
            f"another model ({engine.info.weights_sha256[:12]}).",
            "Choose a run of a model that is still here.",
        )
    return engine


def _read_again(engine: Engine, trace: Trace, run: str) -> _Pieces:
    """The tokens of a trace, which a log has as text: every piece of the text with its token ids, the last of them the
    token that ended it, with an empty text.

    Raises:
        BadInput: the tokens do not make the same text, or there are none.
    """
    read = engine.tokenizer(
        trace.text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True
    )
    pieces: _Pieces = []
    at = 0
    for id, (_, end) in zip(read["input_ids"], read["offset_mapping"], strict=True):
        if end > at or not pieces:  # else a further token of the same character
            pieces.append((trace.text[at:end], (id,)))
            at = max(at, end)
        else:
            pieces[-1] = (pieces[-1][0], (*pieces[-1][1], id))
    same = engine.tokenizer.decode(read["input_ids"], skip_special_tokens=True) == trace.text
    if not same or at < len(trace.text) or "\ufffd" in trace.text:
        raise BadInput(
            f"Trace {trace.index + 1} of run {run} cannot be scored: its log has the text, not the tokens, and read "
            "again they are not the same.",
            "Choose another trace.",
        )
    if trace.finished and engine.stop_tokens:
        pieces.append(("", (_ending(engine),)))
    if not pieces:
        raise BadInput(f"Trace {trace.index + 1} of run {run} is empty.", "Choose another trace.")
    return pieces


def _ending(engine: Engine) -> int:
    """The token that ends a trace; a log does not say which, where a model has several."""
    own = engine.tokenizer.eos_token_id
    return own if own in engine.stop_tokens else min(engine.stop_tokens)


def _tokens(
    engine: Engine, pieces: _Pieces, without: Sequence[float], behind: Sequence[float]
) -> tuple[TokenScore, ...]:
    """The pieces with their scores, a number a token each; those of one character are added up."""
    tokens, at = [], 0
    for place, (text, ids) in enumerate(pieces):
        own = slice(at, at + len(ids))
        at += len(ids)
        special = not text and place == len(pieces) - 1 and ids[0] in engine.stop_tokens
        name = engine.tokenizer.convert_ids_to_tokens(ids[0]) if special else text
        bare, moved = (round(sum(some[own]), 5) for some in (without, behind))
        tokens.append(TokenScore(name, ids, bare, moved, special))
    return tuple(tokens)


def _told(
    scoring: Generator[int, None, list[list[list[float]]]], message: str, total: int, stopped: Callable[[], bool]
) -> Generator[Event, None, list[list[list[float]]]]:
    """Scores, and how far it is in between. Raises `Stopped`."""
    while True:
        try:
            done = next(scoring)
        except StopIteration as end:
            scores: list[list[list[float]]] = end.value
            return scores
        if stopped():
            raise Stopped("The run was stopped.")
        if done % _OFTEN == 0:
            yield Progress("weigh", message, done, total, "tokens")


def _note(view: RunView, trace: Trace, own: Sequence[float]) -> str:
    """Whether the tokens are those that were drawn, as far as the log tells: their number, and their mean score."""
    if len(own) != trace.tokens:
        return (
            f"The log has the text, not its tokens: {trace.tokens} were drawn, and the same text, read again, is "
            f"{count(len(own), 'token')}."
        )
    mean = sum(own) / len(own)
    if top_k := view.settings.get("top_k"):
        return f"It was drawn among the {top_k} likeliest tokens; here each is scored among all."
    if abs(mean - trace.mean_logprob) <= _NEAR:
        return ""
    told = f"{mean:.2f} nats a token, and {trace.mean_logprob:.2f} when it was drawn".replace("-", "−")
    return f"Its own tokens score {told}: some may be other tokens, or the numbers of the model or the memory others."
