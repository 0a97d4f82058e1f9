"""Endpoints as tools of the Model Context Protocol, for programs in which a language model decides what to call."""

from __future__ import annotations

import importlib.util
import json
from typing import Any

import gradio as gr

from elm_app.core.errors import ElmError

TOOLS = ("solve", "retrieve", "vote")
"""Neither learning, which takes minutes and changes what is remembered, nor lists are for a model to call."""


def check() -> None:
    """Raises `ElmError` if the package `mcp` is missing."""
    if importlib.util.find_spec("mcp") is None:
        raise ElmError(
            "--mcp needs the package mcp, which is not installed.", 'Install it: pip install "mcp>=1.21,<2".'
        )


def narrow(page: gr.Blocks) -> None:
    """Of a page that was launched with `mcp_server`, offer `TOOLS` only, and give results as JSON.

    Gradio offers every public endpoint, and writes results as Python does.

    Raises:
        ElmError: Gradio has not started the server.
    """
    server = page.mcp_server_obj
    if server is None:
        raise ElmError(
            f"The MCP server did not start: {page.mcp_error or 'no reason is given'}.", "Start without --mcp."
        )
    offered = server.tool_to_endpoint.items()
    server.tool_to_endpoint = {tool: endpoint for tool, endpoint in offered if endpoint.removeprefix("/") in TOOLS}
    server.postprocess_output_data = lambda outputs, _: [
        server.types.TextContent(type="text", text=as_json(output)) for output in outputs
    ]


def as_json(value: Any) -> str:
    """
    >>> as_json({"answer": None, "unit": "€"})
    '{"answer": null, "unit": "€"}'
    """
    return json.dumps(value, ensure_ascii=False)
