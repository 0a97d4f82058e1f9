"""Pages of `viewers.py`, over HTTP: what a browser asks the program for, and what a page makes of the answers."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

Answer = dict[str, Any]
MEMORIES = [0, 5, "created", True, None, None, None]
"""What `/memories` is asked for: five of them, the newest first."""


@dataclass(frozen=True)
class Layout:
    """Where the functions and the Solve button of the page are, read from its own configuration.

    Attributes:
        functions: the component of each server function.
        solve: the number of the Solve button's function.
        fields: what the fields hold that it is given, in order, as (their names, their values).
        memories: the number of the endpoint `/memories`.
    """

    functions: dict[str, int]
    solve: int
    fields: list[tuple[str, Any]]
    memories: int

    @classmethod
    def of(cls, config: Answer) -> Layout:
        """From the answer of `/config`."""
        parts = {one["id"]: one["props"] for one in config["components"]}
        functions = {name: id for id, props in parts.items() for name in props.get("server_fns") or ()}
        notice = next(id for id, props in parts.items() if props.get("elem_id") == "elm-problem-notice")
        solve = next(one for one in config["dependencies"] if notice in one["outputs"])
        memories = next(one for one in config["dependencies"] if one["api_name"] == "memories")
        fields = [(parts[id].get("elem_id") or parts[id]["label"], parts[id].get("value")) for id in solve["inputs"]]
        return cls(functions, solve["id"], fields, memories["id"])

    def filled(self, given: dict[str, Any]) -> list[Any]:
        """What the fields hold after some were filled in."""
        unknown = given.keys() - {name for name, _ in self.fields}
        if unknown:
            raise KeyError(f"the page has no fields {sorted(unknown)}")
        return [given.get(name, value) for name, value in self.fields]


class Page:
    """A page that is open, in a browser of its own; `number` is the last part of the address that it asks from."""

    def __init__(self, url: str, number: int, cookies: httpx.Cookies | None = None) -> None:
        asks_from = {"X-Forwarded-For": f"10.0.0.{number + 1}"}
        self.http = httpx.Client(
            base_url=url, headers=asks_from, cookies=cookies, verify=False, timeout=120
        )  # it is http
        self.session = secrets.token_hex(6)
        self.layout: Layout | None = None

    def enter(self, user: str, password: str) -> Page:
        """Say who it is."""
        self.http.post("/login", data={"username": user, "password": password}).raise_for_status()
        return self

    def load(self, layout: Layout | None = None) -> Page:
        """The page, its style, and what its scripts ask for at once."""
        for path in ("/", "/theme.css"):
            self.http.get(path).raise_for_status()
        self.layout = layout or Layout.of(self.http.get("/config").raise_for_status().json())
        for name, given in (("memories_state", {}), ("tail", {"run": "", "since": -1}), ("machine", {})):
            self.ask(name, **given)
        self.ask("meanwhile", run="")
        return self

    def ask(self, name: str, **given: Any) -> Any:
        """What a server function says."""
        return self._asked(name, given, 120).raise_for_status().json()

    def hang_up(self, name: str, **given: Any) -> None:
        """Leave with a question that is not answered yet."""
        with suppress(httpx.ReadTimeout):
            self._asked(name, given, 0.001)
        self.close()

    def _asked(self, name: str, given: dict[str, Any], seconds: float) -> httpx.Response:
        assert self.layout is not None, "it has not been loaded"
        asked = {"data": given, "component_id": self.layout.functions[name], "fn_name": name}
        place, patience = "/gradio_api/component_server/", httpx.Timeout(120, read=seconds)
        return self.http.post(place, json={**asked, "session_hash": self.session}, timeout=patience)

    def solve(self, given: dict[str, Any]) -> str:
        """Fill in fields and press Solve; the run's id."""
        assert self.layout is not None, "it has not been loaded"
        asked = {"fn_index": self.layout.solve, "data": self.layout.filled(given), "session_hash": self.session}
        said = self.http.post("/gradio_api/run/predict", json=asked).raise_for_status().json()["data"]
        if "run" not in said[2]:
            raise RuntimeError(f"the page takes no run: {said}")
        run: str = said[2]["run"]
        return run

    def queued(self) -> int:
        """Ask `/memories` through Gradio's queue, and hear the answer as a stream; how many memories there are."""
        assert self.layout is not None, "it has not been loaded"
        asked = {"fn_index": self.layout.memories, "data": MEMORIES, "session_hash": self.session}
        self.http.post("/gradio_api/queue/join", json=asked).raise_for_status()
        with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session}) as told:
            for message in _data(told):
                if message["msg"] == "process_completed":
                    total: int = message["output"]["data"][0]["total"]
                    return total
        raise RuntimeError("the queue said nothing")

    def call_solve(self, **given: Any) -> Iterator[Answer]:
        """The events that the endpoint `/solve` tells, as they come."""
        event = self.http.post("/gradio_api/call/v2/solve", json=given).raise_for_status().json()["event_id"]
        with self.http.stream("GET", f"/gradio_api/call/v2/solve/{event}") as told:
            for message in _data(told, "generating"):
                yield message[0]

    def close(self) -> None:
        """Leave."""
        self.http.close()


def _data(told: httpx.Response, name: str = "") -> Iterator[Any]:
    """What a stream of server-sent events says, in those of a name; Gradio repeats the last one as `complete`."""
    said = ""
    for line in told.iter_lines():
        said = line.removeprefix("event: ") if line.startswith("event: ") else said
        if line.startswith("data: ") and line != "data: null" and said == name:
            yield json.loads(line.removeprefix("data: "))


@dataclass
class Followed:
    """A run as a page shows it: what it was told, one change over the other, as `web/run/run.js` does it."""

    run: str
    seqs: list[int] = field(default_factory=list)
    problems: set[str] = field(default_factory=set)
    strange: set[str] = field(default_factory=set)
    parts: dict[str, str] = field(default_factory=dict)
    cards: dict[str, tuple[str, dict[int, str]]] = field(default_factory=dict)
    state: str = ""
    ended: bool = False

    def take(self, answer: Answer) -> None:
        """Show what has changed."""
        if answer.get("run") != self.run or "error" in answer:
            self.strange.add(str(answer.get("error") or answer.get("run")))
            return
        self.seqs.append(answer["seq"])
        self.problems.add(answer["problem"])
        self.state, self.ended = answer["state"], answer["ended"]
        self.parts |= answer["parts"]
        for card in answer["cards"]:
            self._draw(card)
        self.cards = {key: card for key, card in self.cards.items() if key in answer["shown"]}

    def _draw(self, card: Answer) -> None:
        blocks = self.cards[card["key"]][1] if card["key"] in self.cards else {}
        blocks |= {int(place): text for place, text in card["blocks"]}
        held = re.search(r'data-blocks="(\d+)"', card["shell"])
        most = int(held[1]) if held else 0
        self.cards[card["key"]] = card["shell"], {place: text for place, text in blocks.items() if place < most}

    def wrong(self, whole: Followed, problem: str) -> list[str]:
        """In what it is not the whole run: `whole` was told everything at once."""
        said = {
            f"was told of {sorted(self.strange)}": self.strange,
            f"holds the problems {sorted(self.problems)}": self.problems != {problem},
            "was told of events out of order": self.seqs != sorted(self.seqs),
            f"was told events to {self.seqs[-1:]} of {whole.seqs}": self.seqs[-1:] != whole.seqs,
            f"ended as {self.state}, not {whole.state}": self.state != whole.state,
            f"shows other parts: {_differing(self.parts, whole.parts)}": self.parts != whole.parts,
            f"shows other traces: {_differing(self.cards, whole.cards)}": self.cards != whole.cards,
        }
        return [what for what, bad in said.items() if bad]


def _differing(some: dict[str, Any], others: dict[str, Any]) -> list[str]:
    return sorted(name for name in some.keys() | others.keys() if some.get(name) != others.get(name))
