"""What the scripts of a run ask, and what they are answered (`feed.py`, `buttons.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NotRequired, TypedDict

from elm_app.web.components.guard import Fields, OfRun


class OfMoment(OfRun):
    """A question about a run, or, for a `viewer` who has it played again, about how it stood `at` seconds after it
    began; without `at`, where the replay starts."""

    viewer: NotRequired[str]
    at: NotRequired[float | None]


class RunSince(OfMoment):
    """What changed in a run after the entry `since`, -1 for everything; without a run, in the one that is running."""

    since: int


class ComingWeights(TypedDict):
    """The weights that are being fetched: in a line, as HTML, and in two words."""

    line: str
    chip: str


class NoRun(TypedDict):
    """Nothing runs that is shown here; `elsewhere` is the run that has a page of its own."""

    run: Literal[""]
    elsewhere: NotRequired[str]
    coming: ComingWeights | None


class OnOwnPage(TypedDict):
    """A run that has a page of its own."""

    run: str
    page: str
    coming: ComingWeights | None


class BrokenRun(TypedDict):
    """A run that cannot be shown."""

    run: str
    error: str
    elsewhere: str
    coming: ComingWeights | None


class LearningOffer(TypedDict):
    """How long learning from a solved problem takes, as text, and what else there is to know, as HTML."""

    time: str
    hint: str


class LearningStanding(TypedDict):
    """What of a learning run depends on the time and on the store; `stored` is HTML, `share` from 0 to 1."""

    title: str
    clock: str
    share: float
    begun: bool
    traces: str
    stored: str


class AttemptColumns(TypedDict):
    """The columns of attempts that changed, as pairs of key and HTML, the `order` of all by key, and how many `rows`
    one has at most."""

    rows: int
    order: list[str]
    columns: list[tuple[str, str]]


class ChangedCard(TypedDict):
    """A trace's card: its `shell`, and the blocks of its text that changed, as pairs of place and HTML."""

    key: str
    arm: str
    shell: str
    blocks: list[tuple[int, str]]


class ReplaySpan(TypedDict):
    """What there is to play, in seconds since the run began: where it starts and ends, and marks to step to."""

    start: float
    length: float
    marks: Sequence[float]


class Fragments(TypedDict):
    """A run's fragments younger than what was asked from, and what is told every time.

    `seq` is the last entry; `live`: it runs here, or waits; `blank`: it has ended without a trace; `arms` are the names
    of its arms, in their order; `shown` the keys of all cards; `parts` HTML by the name of its place.
    """

    run: str
    seq: int
    ended: bool
    live: bool
    state: str
    command: str
    blank: bool
    problem: str
    arms: dict[str, str]
    status: str
    shown: list[str]
    offer: LearningOffer | None
    attempts: AttemptColumns | None
    learning: LearningStanding | None
    resume: str
    parts: dict[str, str]
    cards: list[ChangedCard]
    replay: NotRequired[ReplaySpan]


class ShownRun(Fragments):
    """A run as the page shows it: `elsewhere` is another run that is running, `waits`: this one has not begun."""

    elsewhere: str
    waits: bool
    coming: ComingWeights | None


class LearnFrom(OfRun):
    """Learn from the problem of a run, with the fields of the drawer, none of them if it was not touched."""

    fields: Fields


class SolveAgain(OfRun):
    """Solve a run's problem again with another `memory` (`off`: none), or another `verifier`."""

    memory: NotRequired[str]
    verifier: NotRequired[str]


class SolveMore(OfRun):
    """Solve a run's problem again with more samples, or more new tokens, as text."""

    samples: NotRequired[str]
    max_new_tokens: NotRequired[str]


class LearningTime(TypedDict):
    """How long learning would take, in words; "" if nobody knows."""

    text: str


class PickedAttempts(OfMoment):
    """Attempts by the keys of their cells."""

    picked: list[str]


class OpenedAttempts(TypedDict):
    """Attempts opened, as HTML."""

    opened: str
