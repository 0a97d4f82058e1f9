"""Make the starter memories: learn from the problems of assets/starter-problems.json and export what was stored.

Those that do not help their own problem are exported too, disabled as they are: they show what failure looks like.

    python experiments/starter.py --memories /tmp/starter --out assets/starter.elm.zip

Problems that have a memory in the folder already are passed over, so it can be stopped and started again.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from elm_app.cli.progress import Reporter
from elm_app.core.config import LearnSettings, ModelSettings
from elm_app.core.learning_events import MeasureFinished, MemoryStored
from elm_app.engine.loader import Models
from elm_app.pipelines.learn import learn_run
from elm_app.pipelines.resources import Tools
from elm_app.retrieval.embedder import Embedders
from elm_app.runs.event_log import Entry
from elm_app.runs.state import RunView
from elm_app.store.archive import export
from elm_app.store.store import Store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memories", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "assets" / "starter.elm.zip")
    parser.add_argument("--model", default="base")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--least-agreement", type=float, default=0.3, help="before learning, else passed over")
    parser.add_argument("--reward", default="vote")
    parser.add_argument("--max-new-tokens", type=int, default=256)
    parser.add_argument("--wanted", type=int, default=14, help="stop when so many are stored")
    options = parser.parse_args()
    problems = json.loads((ROOT / "assets" / "starter-problems.json").read_text(encoding="utf-8"))
    with closing(Store(options.memories)) as store:
        tools = Tools(Models(), store, Embedders())
        for problem in problems:
            if problem["text"] in done(options.memories):
                continue
            if sum(memory["id"] is not None for memory in done(options.memories).values()) >= options.wanted:
                break
            print(f"== {problem['kind']}", file=sys.stderr)
            kept = learn(problem["text"], options, tools)
            if kept.memory is not None:
                store.change(kept.memory, label=problem["kind"])
            note(options.memories, problem["text"], kept)
        known = done(options.memories).values()
        stored = [str(memory["id"]) for memory in known if memory["id"] is not None]
        export(store, stored, options.out)
    print(f"{len(stored)} memories in {options.out}, {sum(bool(memory['kept']) for memory in known)} of them help")


def learn(problem: str, options: argparse.Namespace, tools: Tools) -> MemoryStored:
    """One memory, told on stderr; a problem on which too few agree is left after the measuring."""
    learning = LearnSettings(
        seed=options.seed, steps=options.steps, max_new_tokens=options.max_new_tokens, reward=options.reward
    )
    ready = learn_run(problem, ModelSettings(options.model), learning, tools)
    view, reporter = RunView(), Reporter()
    for seq, event in enumerate(ready.work(lambda: False)):
        view.apply(Entry(seq, 0.0, event))
        reporter.show(view, event)
        if isinstance(event, MeasureFinished) and event.when == "before":
            agreement = event.measured.vote.agreement
            if agreement < options.least_agreement:
                return MemoryStored(None, False, f"Only {agreement:.0%} agree before learning.")
    assert view.learn is not None
    assert view.learn.stored is not None
    return view.learn.stored


def done(folder: Path) -> dict[str, dict[str, object]]:
    """What has been learned so far, by problem."""
    path = folder / "starter.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def note(folder: Path, problem: str, stored: MemoryStored) -> None:
    known = done(folder)
    known[problem] = {"id": stored.memory, "kept": stored.kept, "reason": stored.reason}
    (folder / "starter.json").write_text(json.dumps(known, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
