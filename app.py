"""Launches the web page: `python app.py`, then open the address it prints.

Address and port are GRADIO_SERVER_NAME (default 127.0.0.1) and GRADIO_SERVER_PORT (default: the first free from 7860).
"""

from __future__ import annotations

import logging
import threading

from elm_app.config import LearnSettings, ModelSettings, SamplingSettings, memories_dir
from elm_app.errors import ElmError
from elm_app.llm.loader import Models
from elm_app.memory.embedder import Embedders
from elm_app.memory.store import Store
from elm_app.runs.runner import Runner
from elm_app.studio.actions import Actions
from elm_app.studio.page import build
from elm_app.studio.theme import launch_options

logger = logging.getLogger(__name__)


def main() -> None:
    """Show the page, then load the model in the background so that the first problem need not wait for it."""
    models = Models()
    runner = Runner(memories_dir() / "runs")
    store = Store(memories_dir())
    page = build(runner, _actions(runner, models, store, Embedders()))
    page.launch(prevent_thread_lock=True, **launch_options())
    threading.Thread(target=_preload, args=(models,), name="elm-preload", daemon=True).start()
    try:
        page.block_thread()
    finally:
        runner.close()
        store.close()


def _actions(runner: Runner, models: Models, store: Store, embedders: Embedders) -> Actions:
    from elm_app.runs.learn import LearnRun, Tools, can_resume, learn_run, resume_run
    from elm_app.runs.recall import Recall
    from elm_app.runs.solve import solve_run

    tools = Tools(models, store, embedders)

    def solve(problem: str, model: ModelSettings, sampling: SamplingSettings, memory: str) -> str:
        recall = None if memory == "off" else Recall(memory, store, embedders)
        settings, work = solve_run(problem, model, sampling, models, recall)
        return runner.submit("solve", problem, settings, work)

    def start(ready: LearnRun) -> str:
        return runner.submit("learn", ready.problem, ready.settings, ready.work, ready.run)

    def learn(problem: str, model: ModelSettings, learning: LearnSettings) -> str:
        return start(learn_run(problem, model, learning, tools))

    def resume(run: str) -> str:
        return start(resume_run(run, tools))

    return Actions(solve, learn, resume, lambda run: can_resume(run, tools), store, embedders)


def _preload(models: Models) -> None:
    try:
        models.preload(ModelSettings())
    except ElmError as error:  # the first run says the same, where it can be seen
        logger.info("the model was not loaded ahead: %s", error)


if __name__ == "__main__":
    main()
