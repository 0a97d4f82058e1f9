"""What is answered at once: memories that would be retrieved, a page of all of them, and a vote."""

import json
from typing import Any, Literal

from elm_app.answers.imported_traces import GivenTrace, TracesFile, printable, read_traces, vote_traces
from elm_app.core.config import Rank, Retrieval, RouteSettings
from elm_app.core.errors import BadInput
from elm_app.core.types import to_json
from elm_app.web.api.arguments import settings, text, told, whole
from elm_app.web.commands import Actions

Json = dict[str, Any]
MOST_MEMORIES = 200
"""Memories on a page."""
MOST_ANSWERS = 256
"""Answers, or traces, of a vote."""
MOST_LETTERS = 50_000
"""Letters of one of them."""
_Sort = Literal["created", "problem", "label", "agreement_before", "agreement_after", "gain", "seconds", "retrieved"]


class Lookups:
    """`/retrieve`, `/memories` and `/vote`. What a user can mend is a `gr.Error`: a sentence with its remedy."""

    def __init__(self, actions: Actions) -> None:
        self.actions = actions

    def retrieve(
        self,
        problem: str,
        n: int = 5,
        retrieval: Retrieval = RouteSettings.retrieval,
        rank: Rank = RouteSettings.rank,
        threshold: float | None = None,
        model: str | None = None,
    ) -> Json:
        """Which memories a maths problem would be solved with: the nearest ones, best first, with their scores, the
        threshold, and the one that would be used. Nothing is sampled, and no use is counted.

        Args:
            problem: in words.
            n: memories that are named at most, from 1 to 50.
            retrieval: by the problem's embedding (input), by a loaded model's own keys (kv), or by both.
            rank: by similarity, or by similarity and credit (utility).
            threshold: least similarity at which a memory is used, from -1 to 1; as measured by default.
            model: whose memories, its name or the hash of its weights; those of the loaded one by default.
        """
        with told():
            routing = settings(RouteSettings, retrieval=retrieval, rank=rank, threshold=threshold)
            asked = None if model is None else text(model, "model")
            info, found = self.actions.retrieve(text(problem, "problem"), routing, asked, n)
            answer = {name: value for name, value in to_json(found).items() if name not in ("kind", "arms")}
            return {**answer, "model": None if info is None else {"id": info.id, "weights_sha256": info.weights_sha256}}

    def memories(
        self,
        offset: int = 0,
        limit: int = 50,
        sort: _Sort = "created",
        descending: bool = True,
        model: str | None = None,
        enabled: bool | None = None,
        improved: bool | None = None,
    ) -> Json:
        """A page of the stored memories: what each was learned from, how the votes stood before and after, its uses.

        Args:
            offset: how many are left out before the first.
            limit: how many at most, from 1 to 200.
            sort: by what.
            descending: the largest, or newest, first.
            model: only those made for a model, by the hash of its weights.
            enabled: only those that are offered, or only those that are not.
            improved: only those that helped their own problem, or only those that did not.
        """
        with told():
            first, most = whole(offset, "offset", 0, 2**31), whole(limit, "limit", 1, MOST_MEMORIES)
            for name, value in (("enabled", enabled), ("improved", improved), ("descending", descending)):
                if not isinstance(value, bool | None):
                    raise BadInput(f"{name} is {value!r}.", "It must be true or false.")
            page = self.actions.store.page(
                model=None if model is None else text(model, "model"), enabled=enabled, improved=improved,
                sort=text(sort, "sort"), descending=descending, offset=first, limit=most,
            )  # fmt: skip
            return {"total": page.total, "offset": first, "memories": [to_json(row) for row in page.rows]}

    def vote(self, answers: list[str | None] | None = None, traces: list[str] | None = None) -> Json:
        """The majority vote over answers, or over the answers that stand at the end of solutions. Answers that mean the
        same number or expression count as one.

        Args:
            answers: one for each solution, null where it has none.
            traces: the solutions instead: their text, or objects with `text` and, if it is known, `answer`.
        """
        with told():
            if (answers is None) == (traces is None):
                raise BadInput("A vote needs either answers or traces.", "Give one of the two.")
            return vote_traces(_given(answers) if traces is None else _read(traces))


def _given(answers: Any) -> TracesFile:
    """Answers as traces without a text."""
    values = _listed(answers, "answers")
    wrong = next((value for value in values if not isinstance(value, str | int | float | None)), None)
    if wrong is not None or any(isinstance(value, bool) for value in values):
        raise BadInput("An answer is neither a text, a number nor null.", 'Give a list such as ["72", "48", null].')
    return TracesFile(
        tuple(GivenTrace("", None if one is None else printable(str(one)).strip() or None) for one in values)
    )


def _read(traces: Any) -> TracesFile:
    """Solutions, read as the lines of a file are."""
    rows = [{"text": one} if isinstance(one, str) else one for one in _listed(traces, "traces")]
    return read_traces(json.dumps(row) for row in rows)


def _listed(values: Any, name: str) -> list[Any]:
    if not isinstance(values, list) or not 1 <= len(values) <= MOST_ANSWERS:
        raise BadInput(f"{name} is no list of 1 to {MOST_ANSWERS}.", f"Give so many {name} at most.")
    if any(len(str(value)) > MOST_LETTERS for value in values):
        raise BadInput(f"One of the {name} has more than {MOST_LETTERS} letters.", "Shorten it.")
    return values
