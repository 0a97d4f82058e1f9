"""Launches the web page: `python app.py`, then open the address it prints.

Address and port are GRADIO_SERVER_NAME (default 127.0.0.1) and GRADIO_SERVER_PORT (default: the first free from 7860).
"""

from __future__ import annotations

import logging
import threading

from elm_app.config import ModelSettings, SamplingSettings, memories_dir
from elm_app.errors import ElmError
from elm_app.llm.loader import Models
from elm_app.runs.runner import Runner
from elm_app.studio.page import build
from elm_app.studio.theme import launch_options

logger = logging.getLogger(__name__)


def main() -> None:
    """Show the page, then load the model in the background so that the first problem need not wait for it."""
    models = Models()
    runner = Runner(memories_dir() / "runs")

    def solve(problem: str, model: ModelSettings, sampling: SamplingSettings) -> str:
        from elm_app.runs.solve import solve_run

        settings, work = solve_run(problem, model, sampling, models)
        return runner.submit("solve", problem, settings, work)

    page = build(runner, solve)
    page.launch(prevent_thread_lock=True, **launch_options())
    threading.Thread(target=_preload, args=(models,), name="elm-preload", daemon=True).start()
    try:
        page.block_thread()
    finally:
        runner.close()


def _preload(models: Models) -> None:
    try:
        models.preload(ModelSettings())
    except ElmError as error:  # the first run says the same, where it can be seen
        logger.info("the model was not loaded ahead: %s", error)


if __name__ == "__main__":
    main()
