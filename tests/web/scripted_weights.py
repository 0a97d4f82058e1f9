"""Weights that come slowly and from nowhere: what a machine is like in its first minute.

python tests/web/scripted_weights.py --port 7862 --memories some/folder --seconds 60      such a page
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from remembering import WordEmbedder

from elm_app.core.config import ModelSettings
from elm_app.core.errors import Stopped, WeightsError
from elm_app.core.events import Event, Progress, RunStopped
from elm_app.core.types import Timing
from elm_app.runs.background import while_waiting
from elm_app.runs.runner import Work
from elm_app.web.fetching import Weights
from elm_app.weights.choice import choose
from elm_app.weights.presets import PRESETS

BYTES = PRESETS["base"].bytes
CHOICE = choose("cpu", 24 << 30, "AVX512-VNNI")
Report = Callable[[Progress], None]
Cancelled = Callable[[], bool]


class Mirror:
    """Serves the weights within `seconds`, in steps; what has come is kept. While `held`, nothing more comes; `broken`
    is what goes wrong instead."""

    def __init__(self, seconds: float = 4.0, done: float = 0.0) -> None:
        self.seconds, self.done = seconds, done
        self.held, self.broken, self.asked = False, "", 0

    def weights(self) -> Weights:
        return Weights(lambda: CHOICE, self.here, self.fetch)

    def here(self, settings: ModelSettings) -> bool:
        return settings.model == "small" or self.done >= BYTES

    def fetch(self, settings: ModelSettings, report: Report, cancelled: Cancelled) -> None:
        self.asked += 1
        while not self.here(settings):
            if cancelled():
                raise Stopped("Stopped while getting the model.", "What was fetched is kept; start again to go on.")
            if self.broken:
                raise WeightsError(self.broken, "Check the connection and start again.")
            report(Progress("download", "Fetching Qwen2.5-Coder 1.5B from the hub", self.done, BYTES, "B"))
            time.sleep(0.05)
            self.done += 0.0 if self.held else BYTES * 0.05 / self.seconds

    def first(self, settings: ModelSettings, work: Work) -> Work:
        """The work, once the weights are here."""

        def waiting(stopped: Callable[[], bool]) -> Iterator[Event]:
            try:
                yield from while_waiting(lambda report: self.fetch(settings, report, stopped), stopped)
            except Stopped:
                yield RunStopped(Timing(0, 0, 0, 0, 0))
                return
            yield from work(stopped)

        return waiting


class SlowEmbedders:
    """Stands where `Embedders` stands; its weights come while `held` is not set."""

    def __init__(self) -> None:
        self.held = True

    def get(self, report: Report, cancelled: Cancelled = lambda: False) -> WordEmbedder:
        done = 12e6
        while self.held:
            if cancelled():
                raise Stopped("Stopped.")
            report(Progress("download", "Fetching all-MiniLM-L6-v2 from the hub", done, 90_868_376, "B"))
            time.sleep(0.05)
        return WordEmbedder()


def main() -> None:
    from scripted_learn import actions

    from elm_app.runs.runner import Runner
    from elm_app.web.app import build
    from elm_app.web.theme import launch_options

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=7862)
    parser.add_argument("--memories", type=Path, required=True, help="folder for memories and runs")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the weights take")
    given = parser.parse_args()
    runner, slow = Runner(given.memories / "runs"), SlowEmbedders()
    stands_in: Any = slow
    made = replace(actions(runner, given.memories, 0.06, Mirror(given.seconds)), embedders=stands_in)
    try:
        build(runner, made).launch(server_port=given.port, **launch_options())
    finally:
        made.fetching.close()
        runner.close()
        made.store.close()


if __name__ == "__main__":
    main()
