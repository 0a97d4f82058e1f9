"""Who asks the server for something, so that one of them cannot fill the queue of runs."""

from __future__ import annotations

from gradio.context import LocalContext


def caller() -> str:
    """The address that the request which is answered now came from; "" where there is none, as in a test or a thread.

    A proxy on this machine is believed about whom it asks for, as uvicorn does (its FORWARDED_ALLOW_IPS names others).
    """
    client = getattr(LocalContext.request.get(None), "client", None)
    return str(client.host) if client is not None else ""
