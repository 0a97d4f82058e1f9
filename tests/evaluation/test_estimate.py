"""What a benchmark takes, in traces and in seconds, its report included."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.events import MethodStarted, ProblemAnswered
from elm_app.evaluation import report
from elm_app.evaluation.bench import methods
from elm_app.evaluation.estimate import Cost, TraceSpeed, cost, seconds_left, tokens_and_seconds
from elm_app.pipelines.stream.settings import StreamSettings
from elm_app.runs.learning_progress import UPDATE
from elm_app.runs.stream_state import BenchView

SETTINGS = StreamSettings(
    ModelSettings(), SamplingSettings(4, 100, seed=0), RouteSettings(), LearnSettings(steps=5, rollouts=2, seed=0)
)
LEARNED = 5 * 2 * (1 + UPDATE)


@pytest.mark.parametrize(
    ("method", "beside", "expected"),
    [
        ("zero_shot", (), Cost(4, 4)),
        ("self_consistency", (), Cost(16, 16)),
        ("reasoning_bank", (), Cost(5, 5)),
        ("elm", (), Cost(3 * 4 + 10, 3 * 4 + LEARNED)),
        ("elm_random_memory", (), Cost(3 * 4 + 10, 3 * 4 + LEARNED)),
        ("elm_random_memory", ("elm",), Cost(8, 8)),
        ("elm_untrained", (), Cost(8, 8)),
        ("elm_lora", (), Cost(2 * 4 + 10, 2 * 4 + LEARNED)),
        ("grpo_gold", (), Cost(4 + 10, 4 + LEARNED)),
    ],
)
def test_what_a_problem_costs(method: str, beside: tuple[str, ...], expected: Cost) -> None:
    found = cost(method, SETTINGS, beside)
    assert (found.written, found.time) == pytest.approx((expected.written, expected.time))


def test_every_method_has_a_cost_and_none_is_cheaper_than_its_traces() -> None:
    for method in methods():
        assert cost(method, SETTINGS).time >= cost(method, SETTINGS).written >= 4


def test_no_trace_is_longer_than_it_may_be() -> None:
    assert tokens_and_seconds(Cost(4, 8), TraceSpeed(250, 50), SETTINGS, 3) == (4 * 100 * 3, 8 * 100 * 3 / 50)


def test_time_left_is_by_the_own_pace_and_else_by_what_a_method_costs() -> None:
    view, names = BenchView(), ("zero_shot", "self_consistency")

    def answers(method: str, *at: float) -> None:
        for number, when in enumerate(at, 1):
            view.apply(ProblemAnswered(method, 0, number, 3, "a", "1", True, 10, 1.0), when)

    assert seconds_left(view, names, (0,), SETTINGS) is None
    view.apply(MethodStarted("zero_shot", 0, 1, 2, 0, 3), 10.0)
    assert seconds_left(view, names, (0,), SETTINGS) is None
    answers("zero_shot", 12.0, 14.0)
    assert seconds_left(view, names, (0,), SETTINGS) == pytest.approx(2.0 + 3 * 8.0)  # four times as many traces
    assert (view.done, view.total, view.walls) == (2, 6, [2.0, 2.0])
    answers("zero_shot", 16.0)
    view.apply(MethodStarted("self_consistency", 0, 2, 2, 1, 3), 16.0)
    assert seconds_left(view, names, (0,), SETTINGS) == pytest.approx(2 * 8.0)  # one is there from an earlier sitting
    answers("self_consistency", 21.0)
    assert (view.done, view.total) == (5, 6)
    view.apply(ProblemAnswered("self_consistency", 0, 3, 3, "a", "1", True, 10, 1.0), 26.0)
    assert seconds_left(view, names, (0,), SETTINGS) == 0.0


def test_the_report_takes_little_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, written = [100.0], list[float]()

    def write(*_: Any) -> None:
        written.append(clock[0])
        clock[0] += 1.0

    monkeypatch.setattr(report, "write_report", write)
    monkeypatch.setattr(report, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    as_it_goes: Any = report.ReportAsItGoes(None, None)  # type: ignore[arg-type]
    while clock[0] < 300:
        as_it_goes.due()
        clock[0] += 5.0
    assert written == [100.0, 151.0, 202.0, 253.0]
    as_it_goes.write()
    assert written[-1] == clock[0] - 1.0
