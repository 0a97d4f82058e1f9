"""From the runs of a problem to its row in a stream."""

from __future__ import annotations

from elm_app.answers.compare import comparer
from elm_app.answers.vote import vote
from elm_app.core.results import ArmResult, StreamRow
from elm_app.core.types import Measured, Memory, Problem, Trace
from elm_app.pipelines.stream.folder import Current
from elm_app.runs.state import RunView


def measured(view: RunView) -> Measured:
    """How the arm without memories stood, as a measurement before learning."""
    traces, vote = traces_of(view), view.votes["zero_shot"].vote
    answered, tokens = len(traces) - vote.abstained, sum(trace.tokens for trace in traces) / len(traces)
    return Measured(vote, len(traces), round(answered / len(traces), 4), round(tokens, 1))


def traces_of(view: RunView, memory: bool = False) -> tuple[Trace, ...]:
    """The traces of the arm without memories, or of all arms with some, in order."""
    found = (view.traces[key].trace for key in sorted(view.traces) if (key[0] != "zero_shot") == memory)
    return tuple(trace for trace in found if trace is not None)


def row_of(
    problem: Problem,
    current: Current,
    view: RunView,
    learn_view: RunView | None,
    learned: Memory | None,
    reason: str,
) -> StreamRow:
    """The row of a problem that is done.

    Args:
        view: the run that solved it.
        learn_view: the run that learned from it, if it ran in this sitting.
        learned: the memory that was stored.
        reason: why nothing was learned, if there was nothing to learn.
    """

    def right(answer: str | None) -> bool | None:
        if problem.answer is None:
            return None
        return answer is not None and comparer().equivalent(answer, problem.answer)

    def arm(memory: bool) -> ArmResult | None:
        traces = traces_of(view, memory)
        if not traces:
            return None
        whole = vote([trace.answer for trace in traces])
        return ArmResult(whole.answer, right(whole.answer), whole.agreement, sum(trace.tokens for trace in traces))

    bare, decision, found = arm(False), view.decision, view.retrieved
    assert bare is not None
    assert decision is not None
    used = found.used if found else None
    steps = learned.steps if learned else learn_view.learn.finished if learn_view and learn_view.learn else ()
    labels = [right(step.answer) for step in steps]
    timing = learn_view.timing if learn_view else None
    learn_tokens = learned.tokens if learned else timing.new_tokens if timing else 0
    learn_seconds = learned.seconds if learned else timing.decode_seconds if timing else 0.0
    if learned is not None:
        reason = learned.verdict
    elif learn_view is not None and learn_view.learn and learn_view.learn.stored:
        reason = learn_view.learn.stored.reason
    return StreamRow(
        number=current.number,
        id=str(problem.id),
        problem=problem.text,
        gold=problem.answer,
        answer=decision.answer,
        right=right(decision.answer),
        source=decision.source,
        zero_shot=bare,
        memory=arm(True),
        retrieved=used,
        score=next((round(match.score, 4) for match in found.matches if match.id == used), None) if found else None,
        learned=learned.id if learned else None,
        enabled=bool(learned and learned.enabled),
        reason=reason,
        label_accuracy=round(sum(map(bool, labels)) / len(labels), 4) if labels and labels[0] is not None else None,
        tokens=view.tokens() + learn_tokens,
        learn_tokens=learn_tokens,
        seconds=round(view.seconds - view.load_seconds + learn_seconds, 3),
        solve=current.solve,
        learn=current.learn if learned or learn_view else None,
    )
