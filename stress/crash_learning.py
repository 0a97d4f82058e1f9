"""The learning scenario of `crash.py`: short runs on a random model, through the runner, the log and the store."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Message = dict[str, Any]


class Learning:
    """A killed run loses its current step at most: what it had finished is in its checkpoint, and it can go on."""

    seconds = 2.0
    libraries = ("torch", "transformers", "chromadb", "remembering", "random_models", "elm_app.pipelines.learn")

    def prepare(self, folder: Path) -> None:
        """A random model."""
        from random_models import make_folder

        make_folder(folder / "model")

    def work(self, folder: Path, seed: int, say: Callable[[Message], None]) -> None:
        """Learns one memory after the other; goes on first with what an earlier kill interrupted."""
        from remembering import tools

        from elm_app.core.config import LearnSettings, ModelSettings
        from elm_app.engine.loader import Models
        from elm_app.pipelines.learn import learn_run, resume_run
        from elm_app.rollouts import collect
        from elm_app.runs.event_log import follow
        from elm_app.runs.runner import Runner

        collect.extract = lambda text: str(sum(map(ord, text)) % 2)  # random text has no answers
        kit = tools(folder / "store", Models())
        runner = Runner(folder / "store" / "runs")
        say({"open": [*runner.recovered, *kit.store.cleaned]})
        model = ModelSettings(str(folder / "model"), "none", "cpu")
        kit.models.get(model, lambda _: None)
        left = [path.stem for path in (folder / "store" / "checkpoints").glob("*.safetensors")]
        number = 0
        while True:
            number += 1
            if left:
                earlier = left.pop()
                ready, message = resume_run(earlier, kit), {"op": "resume", "from": earlier}
            else:
                learning = LearnSettings(
                    steps=2, rollouts=4, virtual_tokens=4, max_new_tokens=6, measure_samples=5, seed=seed + number
                )
                ready, message = learn_run(f"What is {seed} + {number}?", model, learning, kit), {"op": "learn"}
            message["run"] = ready.run
            say({"begin": message})
            run = runner.submit("learn", ready.problem, ready.settings, ready.work, ready.run)
            for entry in follow(folder / "store" / "runs", run):
                if entry.event.kind == "step_finished":
                    say({"step": run, "steps": entry.event.step.step})
                if entry.event.kind == "memory_stored":
                    message["memory"] = entry.event.memory
                if entry.event.kind == "failed":
                    raise RuntimeError(entry.event.message)
            say({"done": message})

    def check(self, folder: Path, said: list[Message]) -> Message:
        """Every memory that was stored is there; what was interrupted has its finished steps; every log has an end."""
        import numpy as np

        from elm_app.core.events import ENDINGS
        from elm_app.learning import checkpoint
        from elm_app.runs.event_log import read, recover, runs
        from elm_app.store.doctor import examine
        from elm_app.store.store import Store

        began = time.perf_counter()
        store = Store(folder / "store")
        opened = time.perf_counter() - began
        logs = folder / "store" / "runs"
        recovered = recover(logs) if logs.is_dir() else []
        wrong = [f"{finding.what} {finding.remedy}" for finding in examine(store)]
        wrong += [
            f"run {run} has no end" for run in runs(logs) if not isinstance(read(logs, run)[0][-1].event, ENDINGS)
        ]
        there = set(store.vectors()[0])
        stored = {m["done"]["memory"] for m in said if "done" in m and m["done"].get("memory")}
        wrong += [f"memory {id} is lost" for id in sorted(stored - there)]
        wrong += [f"memory {id} is damaged" for id in there if not np.isfinite(store.soft_prompt(id)).all()]
        under_way = _under_way(said)
        if under_way and under_way["steps"] and under_way["run"] not in there:
            state = checkpoint.read(folder / "store", under_way["run"])
            if len(state.steps) < under_way["steps"]:
                wrong.append(f"run {under_way['run']} lost step {under_way['steps']}")
        if under_way and under_way["op"] == "resume" and under_way["run"] not in there:
            places = [checkpoint.path_of(folder / "store", under_way[name]) for name in ("run", "from")]
            if not any(path.is_file() for path in places) and not _ended(under_way["run"], logs):
                wrong.append(f"the checkpoint of run {under_way['from']} is lost")
        cleaned = store.cleaned
        store.close()
        return {
            "wrong": wrong,
            "settled": bool(under_way) and under_way["run"] in there,
            "mended": bool(cleaned or recovered),
            "opened_ms": opened * 1e3,
            "memories": len(there),
        }


def _under_way(said: list[Message]) -> Message | None:
    """The run that the last kill met, with the steps that it had told as finished."""
    found: Message | None = None
    for message in said:
        if "begin" in message:
            found = {**message["begin"], "steps": 0}
        elif "step" in message and found:
            found["steps"] = message["steps"]
        elif "done" in message or "settled" in message:
            found = None
    return found


def _ended(run: str, logs: Path) -> bool:
    """Whether a run came to its end by itself, having nothing to store."""
    from elm_app.runs.event_log import read

    return any(entry.event.kind == "memory_stored" for entry in read(logs, run)[0])
