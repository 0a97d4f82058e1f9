"""A page that is served while a test goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from browser import Site

from elm_app.runs.runner import Runner
from elm_app.web.api import mcp_tools
from elm_app.web.app import build
from elm_app.web.commands import Actions
from elm_app.web.theme import launch_options


@contextmanager
def served(runner: Runner, made: Actions, mcp: bool = False, readonly: bool = False, **options: Any) -> Iterator[Site]:
    """The page over a runner and what its buttons do; `options` of `Blocks.launch` go before the program's own."""
    page = build(runner, made)
    page.launch(prevent_thread_lock=True, quiet=True, **launch_options(mcp, readonly) | options)
    if mcp:
        mcp_tools.narrow(page)
    try:
        yield Site(page.local_url.rstrip("/"), runner, made)
    finally:
        made.fetching.close()
        runner.close()
        page.close(verbose=False)
        made.store.close()
