"""A run's events without what tells of the machine that they were written on: paths and addresses in what the program
said and in its settings. What a person or the model wrote (problems, traces, answers) stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from elm_app.core import environment
from elm_app.core.events import Credited, Decided, Event, Failed, ModelReady, Progress, Retrieved, RunStarted
from elm_app.core.learning_events import LearningEnded, LessonsTaken, MemoryStored
from elm_app.runs.event_log import Entry

_START = r"(?:~|\.{1,2})?/|[A-Za-z]:[\\/]|\\\\"
_WHOLE = re.compile(rf"(?:{_START}).+", re.DOTALL)
_WITHIN = re.compile(rf"(?<![\w./:\\])(?:{_START})(?:[^\s/\\:,;'\"()]+[/\\])+([^\s/\\:,;'\"()]*\w)?")
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"()]*[^\s'\"().,:;]")


class Redaction:
    """What is taken out of one log: the folders of this machine, and the paths that the run's settings name.

    Args:
        folder: where the log is.
    """

    def __init__(self, folder: Path) -> None:
        own = (folder, folder.parent, environment.cache_dir(), Path.cwd())
        self._known = {str(one.absolute()): one.absolute().name for one in own if one.absolute().name}
        self._known[str(Path.home().absolute())] = "~"

    def entries(self, log: Iterable[Entry]) -> Iterator[Entry]:
        """The entries of the log, the first one first."""
        for entry in log:
            yield replace(entry, event=self._event(entry.event))

    def text(self, said: str) -> str:
        """A sentence of the program: of a path its last part stays, of an address nothing.

        >>> Redaction(Path("/srv/runs")).text("Look at /home/me/models/mine. See http://host:8000/x.")
        'Look at mine. See ….'
        >>> Redaction(Path("/srv/runs")).text("3 of 8 agree; 1/2 and 0.5 are one, 40 km/h another.")
        '3 of 8 agree; 1/2 and 0.5 are one, 40 km/h another.'
        """
        for path in sorted(self._known, key=len, reverse=True):
            said = self._known[path].join(re.split(rf"{re.escape(path)}(?![\w-])", said))
        return _WITHIN.sub(lambda path: path[1] or "…", _ADDRESS.sub("…", said))

    def setting(self, value: Any) -> Any:
        """A value of the settings; a string that is a path, with blanks or without, becomes its last part."""
        if isinstance(value, dict):
            return {name: self.setting(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.setting(one) for one in value]
        if not isinstance(value, str):
            return value
        if _WHOLE.fullmatch(value):
            self._known[value] = re.split(r"[\\/]", value.rstrip("\\/"))[-1]
            return self._known[value]
        return self.text(value)

    def _event(self, event: Event) -> Event:
        match event:
            case RunStarted():
                return replace(event, settings=self.setting(event.settings))
            case ModelReady():
                return replace(event, model=replace(event.model, id=self.setting(event.model.id)))
            case Progress():
                return replace(event, message=self.text(event.message))
            case Failed():
                return replace(event, message=self.text(event.message), remedy=self.text(event.remedy))
            case Credited():
                return replace(event, problem=self.text(event.problem))
            case Decided():
                return replace(event, decision=replace(event.decision, reason=self.text(event.decision.reason)))
            case Retrieved() | LessonsTaken() | LearningEnded() | MemoryStored():
                return replace(event, reason=self.text(event.reason))
        return event
