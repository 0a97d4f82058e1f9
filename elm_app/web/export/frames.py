"""A recorded run as frames: at which second which fragments of it change, and into what.

The page's own renderer draws the run (`run/live_run.py`). What it draws is kept in *slots*, named strings that are
empty at first: `state`, `part:<name>`, `card:<key>`, `block:<key>:<place>` and others. A frame holds what changes at a
moment, each slot as edits of what it was: text grows at its end, a card or a chart changes some numbers.
"""

from __future__ import annotations

import html
import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elm_app.runs.event_log import Entry
from elm_app.runs.replay import Recording
from elm_app.web.export.offline import offline
from elm_app.web.run.live_run import LiveRun

FRAME_SECONDS = 0.1
"""Changes within so many seconds of the run are one frame, unless one of them is worth stopping at."""
_WORDS = ("title", "clock", "traces")
"""Parts of a learning run that the renderer gives as text."""
_TAG = re.compile("(?=<)")
_BLOCKS = re.compile(r'data-blocks="(\d+)"')

Change = tuple[int | str, ...]
"""A slot by number, then its edits: how many UTF-16 units (as JavaScript counts) stay, how many go, what comes instead;
what is behind the last edit stays."""


@dataclass
class Frames:
    """All frames of a run.

    Attributes:
        numbers: of the slots, by name, in the order in which they came.
        frames: seconds after the start of the replay, and what changes then, ascending.
        last: the slots as they stand at the end.
    """

    numbers: dict[str, int] = field(default_factory=dict)
    frames: list[tuple[float, list[Change]]] = field(default_factory=list)
    last: dict[str, str] = field(default_factory=dict)

    def add(self, at: float, slots: Mapping[str, str]) -> None:
        """Takes in how all slots stand `at` seconds; those that are missing are empty from then on."""
        changes = []
        for name in [*slots, *(name for name in self.last if name not in slots)]:
            old, new = self.last.get(name, ""), slots.get(name, "")
            if old != new:
                self.last[name] = new
                changes.append((self.numbers.setdefault(name, len(self.numbers)), *difference(old, new)))
        if changes:
            self.frames.append((at, changes))


class _Folder:
    """Where the logs are; none of them is written, because what is exported has ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def live(self) -> list[str]:
        return []


class _Alone(LiveRun):
    """A run without the runs around it, to which an exported file could not lead."""

    def _look_around(self) -> None:
        pass


def frames(folder: Path, run: str, recorded: Recording) -> Frames:
    """The frames of a run, from where its replay starts; seconds count from there."""
    made, drawn, slots = Frames(), _Alone(_Folder(folder), run), dict[str, str]()
    since = -1
    for at, entries in _moments(recorded):
        drawn.take(entries)
        answer = drawn.answer(since)
        since = drawn.seq
        slots = _slots(answer, slots)
        made.add(seconds(at, recorded), slots)
    return made


def seconds(at: float, recorded: Recording) -> float:
    """A moment of the run as the file counts: seconds after the replay's start."""
    return round(max(0.0, at - recorded.start), 3)


def difference(old: str, new: str) -> list[int | str]:
    """The edits that make `new` of `old`, one for each tag and the text behind it if both have as many tags.

    >>> difference("8 traces, 3 finished", "8 traces, 4 finished")
    [10, 1, '4']
    >>> difference("<b>one</b> <i>two</i>", "<b>two</b> <i>too</i>")
    [3, 3, 'two', 9, 1, 'o']
    """
    pairs = [*zip(_TAG.split(old), _TAG.split(new), strict=False)]
    if len(_TAG.split(old)) != len(_TAG.split(new)):
        pairs = [(old, new)]
    edits: list[int | str] = []
    kept = 0
    for before, after in pairs:
        if before == after:
            kept += _units(before)
            continue
        shorter = min(len(before), len(after))
        head = _common(before, after, shorter, lambda text, n: text[:n])
        tail = _common(before, after, shorter - head, lambda text, n: text[len(text) - n :])
        end = len(before) - tail
        edits += [kept + _units(before[:head]), _units(before[head:end]), after[head : len(after) - tail]]
        kept = _units(before[end:])
    return edits


def _common(old: str, new: str, longest: int, part: Callable[[str, int], str]) -> int:
    """How many characters two texts have in common, at most `longest`, at the end that `part` cuts off."""
    return bisect_left(range(1, longest + 1), True, key=lambda n: part(old, n) != part(new, n))


def _units(text: str) -> int:
    return len(text) + sum(letter > "\uffff" for letter in text)


def _moments(recorded: Recording) -> Iterator[tuple[float, Sequence[Entry]]]:
    """The entries by the moment at which they are shown: all before the start at once, then what is near together."""
    marks = set(recorded.marks)
    held: list[Entry] = []
    until = recorded.start
    for place, entry in enumerate(recorded.entries):
        held.append(entry)
        after = recorded.entries[place + 1].at if place + 1 < len(recorded.entries) else float("inf")
        if after > until or (entry.at in marks and after > entry.at):
            yield entry.at, held
            held, until = [], max(recorded.start, after + FRAME_SECONDS)


def _slots(answer: Mapping[str, Any], before: Mapping[str, str]) -> dict[str, str]:
    """All slots of a run, from what a renderer's answer says has changed and from how they stood before."""
    kept = {name: text for name, text in before.items() if name.startswith(("part:", "card:", "block:"))}
    drawn = kept | {f"part:{name}": offline(text) for name, text in answer["parts"].items()}
    drawn |= {"state": answer["state"], "blank": json.dumps(answer["blank"]), "arms": json.dumps(answer["arms"])}
    drawn["part:status"] = answer["status"]
    if learning := answer["learning"]:
        drawn |= {f"part:{name}": html.escape(learning[name]) for name in _WORDS}
        drawn |= {"part:stored": offline(learning["stored"]), "share": f"{learning['share']:.3f}"}
        drawn["begun"] = json.dumps(learning["begun"])
    for card in answer["cards"]:
        drawn[f"card:{card['key']}"] = offline(card["shell"])
        drawn |= {f"block:{card['key']}:{place}": offline(text) for place, text in card["blocks"]}
    return {name: text for name, text in drawn.items() if _stands(name, answer["shown"], drawn)}


def _stands(name: str, shown: Sequence[str], drawn: Mapping[str, str]) -> bool:
    """Whether a slot is still there: cards go with their phase, and blocks with a text that became shorter."""
    kind, _, rest = name.partition(":")
    if kind == "card":
        return rest in shown
    if kind != "block":
        return True
    key, _, place = rest.rpartition(":")
    found = _BLOCKS.search(drawn[f"card:{key}"])
    return key in shown and found is not None and int(place) < int(found[1])
