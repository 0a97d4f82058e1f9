"""A run's fragments on the page, and which of them changed since a page last asked.

A page asks with the sequence number of the last entry that it has seen; every fragment remembers the entry that
changed it, so the answer is the fragments that are younger.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from elm_app.core.config import LEARNS_BY, LearnSettings
from elm_app.core.errors import BadInput, ElmError
from elm_app.core.events import Progress, RunStarted, VoteChanged
from elm_app.core.types import Arm
from elm_app.runs import related, trust
from elm_app.runs.event_log import Entry, read
from elm_app.runs.learning_progress import Course, estimate, share
from elm_app.runs.state import RunView, TraceView
from elm_app.web.commands import Actions
from elm_app.web.components import found_memories, labels
from elm_app.web.components.answer_colors import classes, remember
from elm_app.web.components.markdown import block_html, blocks, settled
from elm_app.web.components.wait_rate import Meter, Wait
from elm_app.web.run import headline, learning_steps, learning_view, render
from elm_app.web.run.answers import ChangedCard, Fragments, LearningOffer, LearningStanding
from elm_app.web.run.attempts import Attempts
from elm_app.weights.choice import larger

FETCHING = ("download", "verify", "convert")
"""Stages of a wait for weights."""


class Runs(Protocol):
    """Where the logs are, and which runs are queued or running; a `Runner` is one."""

    @property
    def folder(self) -> Path: ...

    def live(self) -> list[str]: ...


@dataclass
class _Card:
    shell: str = ""
    shell_seq: int = -1
    drawn: int = -2
    """The trace's `changed` when its text was last cut into blocks."""
    sources: list[str] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)

    def take(self, trace: TraceView, seq: int) -> None:
        new = blocks(trace.text if trace.trace is not None else settled(trace.text))
        for place, source in enumerate(new):
            if place >= len(self.sources) or self.sources[place] != source:
                self.seqs[place : place + 1] = [seq]
        self.sources, self.seqs = new, self.seqs[: len(new)]


class LiveRun:
    """A run's view and its fragments, kept up to date from the log."""

    def __init__(self, runner: Runs, run: str, actions: Actions | None = None) -> None:
        self.lock = threading.Lock()
        self._runner, self._run, self._cursor, self._actions = runner, run, 0, actions
        self._written = time.time()
        self.clear()

    def clear(self) -> None:
        """As before the first event."""
        self.view, self.seq = RunView(), -1
        self._course = Course()
        self._colours: dict[str, str] = {}
        self._links: dict[str, str | None] = {}
        self._parts: dict[str, tuple[str, int]] = {}
        self._cards: dict[tuple[Arm, int], _Card] = {}
        self._meter = Meter()
        self._attempts = Attempts(self._runner.folder)

    def update(self) -> None:
        """Take in what the log has since. Raises `RunError` if it cannot be read."""
        entries, self._cursor = read(self._runner.folder, self._run, self._cursor)
        if entries:
            self._written = (self._runner.folder / f"{self._run}.jsonl").stat().st_mtime
        self.take(entries)

    def take(self, entries: Sequence[Entry]) -> None:
        """Take in events and draw what they change."""
        for entry in entries:
            self.view.apply(entry)
            if isinstance(entry.event, Progress):
                self._meter.take(entry.at, entry.event)
            self._learn(entry)
            self._attempts.take(entry, self.view)
        if entries:
            self.seq = entries[-1].seq
            if not self._links:
                self._look_around()
            self._draw()

    def answer(self, since: int) -> Fragments:
        """The fragments younger than `since`."""
        live = self._runner.live()
        ahead = live.index(self._run) if self._run in live else self.view.ahead
        if since < 0:
            self._look_around()
        return {
            "run": self._run,
            "seq": self.seq,
            "ended": self.view.ended,
            "live": self._run in live,
            "state": self.view.status,
            "command": self.view.command,
            "blank": self.view.ended and not self.view.traces,
            "problem": self.view.problem,
            "arms": {arm: labels.arm(self.view, arm) for arm in labels.arms(self.view)},
            "status": render.status(self.view, ahead, self._meter.pace()),
            "shown": [f"{arm}-{index}" for arm, index in self._cards],
            "offer": self._offer(),
            "attempts": self._attempts.answer(since, self.view),
            "learning": self._learning(live),
            "resume": self._resume(),
            "parts": {name: text for name, (text, seq) in self._parts.items() if seq > since},
            "cards": [
                self._card_json(key, card, since)
                for key, card in self._cards.items()
                if card.shell_seq > since or max(card.seqs, default=-1) > since
            ],
        }

    def opened(self, attempts: Sequence[str]) -> str:
        """Attempts of a learning run opened, by their cells' keys, as HTML."""
        return self._attempts.opened(self.view, self._colours, attempts)

    def coming(self) -> Wait | None:
        """How far the weights are that the run waits for, before it can begin."""
        view = self.view
        if view.status != "loading" or view.progress is None or view.progress.stage not in FETCHING:
            return None
        return Wait(view.progress, self._meter.pace())

    def waits(self) -> bool:
        """Whether the run has not begun: it stands in the queue, or weights are fetched for it."""
        view = self.view
        return not view.traces and view.learn is None and (view.status == "queued" or self.coming() is not None)

    def _offer(self) -> LearningOffer | None:
        """For a solved problem: how long learning from it takes, and what else there is to know."""
        view = self.view
        if view.command != "solve" or view.status != "done" or view.decision is None or view.decision.answer is None:
            return None
        seconds = estimate(view, LearnSettings.by_recipe(recipe=LEARNS_BY, seed=0))
        return {
            "time": f"{learning_view.about(seconds)} on this machine" if seconds else "",
            "hint": learning_view.hint(view, self._links.get("learn")),
        }

    def _learning(self, live: list[str]) -> LearningStanding | None:
        """For a learning run: what depends on the time and on the store, and so is told every time."""
        view = self.view
        if view.command != "learn":
            return None
        now = view.seconds + (max(0.0, time.time() - self._written) if self._run in live and not view.ended else 0.0)
        return {
            "title": learning_view.title(view),
            "clock": learning_view.clock(view, self._course, now),
            "share": round(share(view, self._course, now), 4),
            "begun": view.learn is not None,
            "traces": learning_view.traces_title(view),
            "stored": learning_view.stored(view, self._stored()),
        }

    def _resume(self) -> str:
        """The way to go on with a learning run that broke off."""
        if self.view.command != "learn" or self.view.status != "failed" or self._actions is None:
            return ""
        return learning_view.resume(self.view) if self._actions.can_resume(self._run) else ""

    def _stored(self) -> learning_view.Stored:
        result = self.view.learn.stored if self.view.learn else None
        if result is None or result.memory is None:
            return "gone"
        if self._actions is None:
            return "enabled" if result.kept else "disabled"
        try:
            return "enabled" if self._actions.store.get(result.memory).enabled else "disabled"
        except BadInput:
            return "gone"
        except ElmError:
            return "damaged"

    def _larger(self) -> str | None:
        """A larger model than the run's that this machine can run, for a run that is done without a majority."""
        if self._actions is None or self.view.model is None or not trust.helps(self.view, None):
            return None
        try:
            return larger(self.view.model.id, self._actions.fetching.weights.choice())
        except ElmError:
            return None

    def _look_around(self) -> None:
        """Find the runs about the same problem: for a solve the last that learned, for a learn the one that solved."""
        view = self.view
        if view.command == "solve":
            self._links = {"learn": related.about(self._runner.folder, view.problem, "learn")}
        elif view.command == "learn":
            self._links = {"solve": related.source(self._runner.folder, view)}

    def _learn(self, entry: Entry) -> None:
        if isinstance(entry.event, RunStarted) and "resumed_from" in entry.event.settings:
            self.view.learn = related.earlier(self._runner.folder, entry.event.settings["resumed_from"])
        self._course.take(entry, self.view.learn)
        if isinstance(entry.event, VoteChanged) and self.view.command == "learn":
            remember(self.view, self._colours)

    def _card_json(self, key: tuple[Arm, int], card: _Card, since: int) -> ChangedCard:
        young = [
            (place, block_html(source))
            for place, (source, seq) in enumerate(zip(card.sources, card.seqs, strict=True))
            if seq > since
        ]
        return {"key": f"{key[0]}-{key[1]}", "arm": key[0], "shell": card.shell, "blocks": young}

    def _draw(self) -> None:
        view = self.view
        drawn = {
            "answer": headline.answer(view),
            "note": headline.note(view),
            "meta": render.meta(view),
            "progress": render.progress(view),
            "bars": render.bars(view),
            "failure": render.failure(view),
            "chip": render.chip(view),
        }
        if view.command == "learn":
            drawn |= {
                "meta": learning_view.meta(view, self._links.get("solve")),
                "charts": learning_view.charts(view),
                "rollouts": learning_view.rollouts(view, self._colours),
                "measured": learning_view.measured(view, self._colours),
                "steps": learning_steps.steps_table(view, self._colours),
                **self._attempts.draw(view, self._colours, self.seq),
            }
        else:
            drawn |= {"memory": found_memories.line(view), "matches": found_memories.matches(view)}
            drawn["helps"] = headline.helps(view, self._larger())
        for name, text in drawn.items():
            if name not in self._parts or self._parts[name][0] != text:
                self._parts[name] = (text, self.seq)
        arms = labels.arms(view)
        for old in [key for key in self._cards if key[0] not in arms or key[1] >= max(view.samples, 1)]:
            if old not in view.traces:
                del self._cards[old]
        for arm in arms:
            found = classes(view, arm, self._colours if view.command == "learn" else None)
            shown = sorted({index for other, index in view.traces if other == arm} | set(range(view.samples)))
            for index in shown:
                trace = view.traces.get((arm, index)) or TraceView(arm, index, changed=-1)
                card = self._cards.setdefault((arm, index), _Card())
                if card.drawn != trace.changed:
                    card.take(trace, self.seq)
                    card.drawn = trace.changed
                shell = render.card(view, trace, found, len(card.sources))
                if shell != card.shell:
                    card.shell, card.shell_seq = shell, self.seq
