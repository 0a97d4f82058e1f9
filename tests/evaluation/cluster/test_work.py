"""Pieces of a benchmark, and lines that are kept in the order of the problems, whoever was done first."""

from __future__ import annotations

from pathlib import Path

import pytest

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import RunError
from elm_app.core.events import Event, MethodStarted, ProblemAnswered, Progress
from elm_app.core.results import Result
from elm_app.core.types import Problem
from elm_app.evaluation.answering import answered
from elm_app.evaluation.cluster.pieces import MOST, Piece, pieces
from elm_app.evaluation.cluster.work import Work
from elm_app.evaluation.folder import BenchFolder, BenchPlan
from elm_app.pipelines.stream.settings import StreamSettings

COUNT, AGAIN = 5, 1
SETTINGS = StreamSettings(ModelSettings(), SamplingSettings(), RouteSettings(), LearnSettings())
ZERO, ICL = ("zero_shot", 0), ("icl", 0)


@pytest.fixture
def folder(tmp_path: Path) -> BenchFolder:
    problems = tuple(Problem(f"How much is {n} and {n}?", str(n), str(2 * n)) for n in range(1, COUNT + 1))
    made = BenchFolder(tmp_path / "b")
    made.save(BenchPlan("sums", problems, ("zero_shot", "icl"), (0,), SETTINGS.to_json(), AGAIN))
    return made


def line(pair: tuple[str, int], number: int) -> Result:
    again = number > COUNT
    own = number - COUNT if again else number
    return Result(*pair, own, str(own), "?", None, "1", None, 1.0, (), 8, 9, 0.5, again=again)


def said(pair: tuple[str, int], number: int) -> tuple[Event, Result]:
    one = line(pair, number)
    return answered(one, COUNT + AGAIN), one


def numbers(events: list[Event]) -> list[int]:
    return [event.number for event in events if isinstance(event, ProblemAnswered)]


def kept(folder: BenchFolder, pair: tuple[str, int]) -> list[tuple[int, bool]]:
    return [(one.number, one.again) for one in folder.results(*pair)]


def begun(work: Work) -> Piece:
    piece = work.begin()
    assert piece is not None
    return piece


def test_independent_methods_are_cut_and_others_are_not() -> None:
    found = pieces({ZERO: 1, ICL: 2}, 8, 2)
    assert [piece.numbers for piece in found] == [(2, 3), (4, 5), (6, 7), (8,), (3, 4, 5, 6, 7, 8)]
    assert [piece.alone for piece in found] == [False] * 4 + [True]
    assert max(len(piece.numbers) for piece in pieces({ZERO: 0}, 1000, 2)) == MOST
    assert pieces({ZERO: 8, ICL: 8}, 8, 2) == []


def test_who_uses_the_memories_of_elm_waits_for_it() -> None:
    after = {piece.method: piece.after for piece in pieces({("elm", 0): 0, ("elm_farthest_memory", 0): 0}, 3, 2)}
    assert after == {"elm": None, "elm_farthest_memory": ("elm", 0)}
    (first, _) = pieces({("elm_farthest_memory", 0): 0, ("elm", 0): 0}, 3, 2)
    assert first.after is None  # so it is without workers: `elm` is not there yet, and it learns for itself


def test_lines_are_kept_in_the_order_of_the_problems(folder: BenchFolder) -> None:
    work = Work(folder, [ZERO], 1)
    first, second = begun(work), begun(work)
    assert (first.numbers, second.numbers, work.begin()) == ((1, 2, 3), (4, 5, 6), None)
    assert list(work.started(first)) == [MethodStarted(*ZERO, 1, 1, 0, COUNT + AGAIN)]
    assert list(work.started(second)) == []
    for number in (4, 5, 6):
        assert numbers(list(work.heard(second, *said(ZERO, number)))) == []
    list(work.ended(second))
    assert numbers(list(work.heard(first, *said(ZERO, 1)))) == [1]
    assert kept(folder, ZERO) == [(1, False)]
    assert numbers(list(work.heard(first, *said(ZERO, 2)))) == [2]
    assert numbers(list(work.heard(first, *said(ZERO, 3)))) == [3, 4, 5, 1]
    assert kept(folder, ZERO) == [(1, False), (2, False), (3, False), (4, False), (5, False), (1, True)]
    list(work.ended(first))
    assert work.left == []


def test_what_a_dead_worker_had_is_begun_anew_where_it_was(folder: BenchFolder) -> None:
    work = Work(folder, [ZERO], 1)
    first = begun(work)
    list(work.heard(first, *said(ZERO, 1)))
    assert numbers(list(work.died(first))) == []
    assert begun(work).numbers == (2, 3)
    ahead = begun(work)
    list(work.heard(ahead, *said(ZERO, 4)))
    list(work.died(ahead))
    assert begun(work).numbers == (5, 6)


def test_lines_that_a_dead_worker_kept_are_told(folder: BenchFolder) -> None:
    """A worker writes the lines of a method that goes from problem to problem, and may die before it says so."""
    work = Work(folder, [ICL], 2)
    piece = begun(work)
    assert piece.alone
    folder.append(line(ICL, 1))
    assert numbers(list(work.heard(piece, said(ICL, 1)[0], None))) == [1]
    folder.append(line(ICL, 2))
    assert numbers(list(work.died(piece))) == [2]
    assert begun(work).numbers == (3, 4, 5, 6)


def test_a_method_that_kills_its_workers_ends_the_run(folder: BenchFolder) -> None:
    work = Work(folder, [ICL], 2)
    for _ in range(2):
        list(work.died(begun(work)))
    with pytest.raises(RunError, match="3 workers have died at icl, seed 0"):
        list(work.died(begun(work)))


def test_waits_are_passed_on(folder: BenchFolder) -> None:
    work, wait = Work(folder, [ICL], 2), Progress("update", "Learning", 1, 2, "updates")
    assert list(work.heard(begun(work), wait, None)) == [wait]
