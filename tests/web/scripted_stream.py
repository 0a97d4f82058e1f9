"""A stream without a model: scripted runs of every problem, with logs of their own, and a folder of results."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripted import FORGOT, REALISTIC, SHORT, SLIP, scripted
from scripted_arms import with_memories
from scripted_learn import BEST, MODEL, Learning

from elm_app.core.config import LearnSettings, ModelSettings, RouteSettings, SamplingSettings
from elm_app.core.errors import BadInput
from elm_app.core.events import Event, ModelReady, ProblemFinished, ProblemStarted, RunFinished, RunStarted, RunStopped
from elm_app.core.results import ArmResult, StreamRow
from elm_app.core.types import Problem, Timing, from_json, to_json
from elm_app.pipelines.problems import read_problems, to_lines
from elm_app.runs.event_log import LogWriter, new_run_id, read
from elm_app.runs.runner import Runner
from elm_app.runs.state import RunView, view_of
from elm_app.store.store import Store
from elm_app.web.commands import StreamActions

TEXTS = [REALISTIC, [FORGOT, SLIP, FORGOT, SHORT], [SHORT, SHORT, FORGOT, SHORT], [SLIP, SLIP, FORGOT, SLIP]]
"""What a problem's traces are, by its place: majority 26, 28, 26, 25."""


class Streaming:
    """One scripted stream in its folder; `stream.json` says how it was asked for, `results.jsonl` what is done."""

    def __init__(self, runner: Runner, store: Store, out: Path, pace: float) -> None:
        self.runner, self.store, self.out, self.pace = runner, store, out, pace
        asked = json.loads((out / "stream.json").read_text())
        self.settings: dict[str, Any] = asked["settings"]
        self.problems = read_problems(asked["problems"].encode(), "stream.jsonl").problems
        self.rows = [from_json(StreamRow, json.loads(line)) for line in self._lines()]

    def _lines(self) -> list[str]:
        path = self.out / "results.jsonl"
        return path.read_text().splitlines() if path.is_file() else []

    def work(self, stopped: Callable[[], bool]) -> Iterator[Event]:
        yield ModelReady(MODEL, 0.2)
        for row in self.rows:
            yield ProblemFinished(row)
        for number, problem in enumerate(self.problems, 1):
            if number <= len(self.rows):
                continue
            began = time.monotonic()
            solve, learn = new_run_id(), new_run_id() + "-l"
            yield ProblemStarted(
                number, len(self.problems), problem.id or "", problem.text, problem.answer, solve, learn
            )
            solved = self._solve(number, problem, solve, stopped)
            learned = None if stopped() else self._learn(problem, learn, stopped)
            if stopped() or learned is None:
                yield RunStopped(Timing(0, 0, 0, 0, 0))
                return
            row = self._row(number, problem, solved, learned, time.monotonic() - began)
            self.rows.append(row)
            self._keep()
            yield ProblemFinished(row)
        yield RunFinished(Timing(0, 0, 0, 0, 0))

    def _solve(self, number: int, problem: Problem, run: str, stopped: Callable[[], bool]) -> RunView:
        names = SamplingSettings.__dataclass_fields__
        sampling = SamplingSettings(**{name: self.settings[name] for name in names})
        bare = scripted(TEXTS[(number - 1) % 4], sampling, step_seconds=self.pace, load_seconds=0)
        behind = scripted(BEST, sampling, step_seconds=self.pace, load_seconds=0)
        work = with_memories(bare, behind, problem.text, RouteSettings(), self.store, MODEL)
        return self._child(run, "solve", problem, {**asdict(sampling), **asdict(RouteSettings())}, work(stopped))

    def _learn(self, problem: Problem, run: str, stopped: Callable[[], bool]) -> RunView:
        learning = LearnSettings(**self.settings["learning"])
        one = Learning(problem.text, learning, self.store, run, self.pace)
        return self._child(run, "learn", problem, self.settings["learning"], one.work(stopped))

    def _child(
        self, run: str, command: str, problem: Problem, settings: dict[str, Any], events: Iterator[Event]
    ) -> RunView:
        created = datetime.now(UTC).isoformat(timespec="seconds")
        with LogWriter(self.runner.folder, run) as log:
            log.append(
                RunStarted(run, command, problem.text, {**settings, "stream": self.settings["stream_id"]}, created)
            )
            for event in events:
                log.append(event)
        return view_of(read(self.runner.folder, run)[0])

    def _row(self, number: int, problem: Problem, solved: RunView, learned: RunView, seconds: float) -> StreamRow:
        def right(answer: str | None) -> bool | None:
            return None if problem.answer is None else answer == problem.answer

        def arm(name: str) -> ArmResult:
            vote = solved.votes[name].vote
            tokens = sum(trace.tokens for key, trace in solved.traces.items() if key[0] == name)
            return ArmResult(vote.answer, right(vote.answer), vote.agreement, tokens)

        found, decision = solved.retrieved, solved.decision
        assert found is not None
        assert decision is not None
        assert learned.learn is not None
        assert learned.learn.stored is not None
        used = found.arms.get("memory", (None,))[0]
        score = next((match.score for match in found.matches if match.id == used), None)
        stored = learned.learn.stored
        spent = 1200 * len(learned.learn.finished)
        return StreamRow(
            number, problem.id or "", problem.text, problem.answer, decision.answer, right(decision.answer),
            decision.source, arm("zero_shot"), arm("memory") if used else None, used, score, stored.memory, stored.kept,
            stored.reason, None, solved.tokens() + spent, spent, seconds, solved.run, learned.run,
        )  # fmt: skip

    def _keep(self) -> None:
        rows = [to_json(row) for row in self.rows]
        (self.out / "results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        text = io.StringIO()
        writer = csv.DictWriter(text, ["number", "id", "gold", "answer", "right"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        (self.out / "results.csv").write_text(text.getvalue())


def stream_actions(runner: Runner, store: Store, pace: float) -> StreamActions:
    """What the Stream page can ask for, scripted."""

    def start(
        problems: Sequence[Problem], model: ModelSettings, sampling: SamplingSettings, routing: RouteSettings,
        learning: LearnSettings, how: dict[str, Any], name: str,
    ) -> str:  # fmt: skip
        run = new_run_id()
        out = store.folder / "streams" / run
        out.mkdir(parents=True)
        settings = {**asdict(model), **asdict(routing), **asdict(sampling), "learning": asdict(learning), **how}
        settings |= {"out": str(out), "problems": len(problems), "stream_id": run, "file": name}
        (out / "stream.json").write_text(json.dumps({"settings": settings, "problems": to_lines(problems)}))
        return queued(out, run)

    def queued(out: Path, run: str) -> str:
        one = Streaming(runner, store, out, pace)
        return runner.submit("stream", one.settings["file"], one.settings, one.work, run)

    def resume(out: Path) -> str:
        if not can_resume(out):
            raise BadInput("This stream has no problems left.", "Start a new one.")
        return queued(out, new_run_id())

    def can_resume(out: Path) -> bool:
        one = Streaming(runner, store, out, pace)
        at_work = any(
            view_of(read(runner.folder, run)[0]).settings.get("out") == str(out) for run in runner.live()
        )  # fmt: skip
        return len(one.rows) < len(one.problems) and not at_work

    return StreamActions(start, resume, can_resume)
