"""What the environment says; nothing else reads it.

Environment variables:
    ELM_CACHE      folder for the weights (default: the user's cache folder, `elm/`)
    ELM_MEMORIES   folder for memories and runs (default: `memories/` beside `app.py`; without an `app.py`,
                   `elm/memories` in the user's data folder)
    ELM_CHROMA     address of a Chroma server for the index of a shared folder of memories, such as http://host:8000
                   (default: Chroma in the folder itself); ELM_CHROMA_TOKEN is sent to it as a bearer token
    ELM_MODEL      the model when none is named (default: `auto`)
    ELM_HUB        address of the model hub (default: HF_ENDPOINT, else https://huggingface.co); `off` never asks it
    ELM_AUTH       user:password that the page asks for (default: it asks nobody, and listens on this machine only)
    ELM_READONLY   1: the page learns, changes, deletes and takes in nothing
    ELM_AVX2       1: kernels use AVX2 where the CPU has more (to compare, and to test one on the other's machine)
    ELM_DEBUG      any value: show tracebacks
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from platformdirs import user_cache_path, user_data_path

from elm_app.core.errors import BadInput


def cache_dir() -> Path:
    """Where weights are kept."""
    given = os.environ.get("ELM_CACHE")
    return Path(given).expanduser() if given else user_cache_path("elm", appauthor=False)


def memories_dir() -> Path:
    """Where memories and runs are kept."""
    if given := os.environ.get("ELM_MEMORIES"):
        return Path(given).expanduser()
    checkout = Path(__file__).resolve().parents[2]
    return (checkout if (checkout / "app.py").is_file() else user_data_path("elm", appauthor=False)) / "memories"


def chroma_server() -> str | None:
    """The address of the Chroma server that holds the index, if there is one; raises `BadInput` if it is none."""
    given = os.environ.get("ELM_CHROMA", "").strip().rstrip("/")
    if not given:
        return None
    try:
        parts = urlsplit(given)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        fits = False
    if not fits or parts.path or parts.query:
        raise BadInput(f"ELM_CHROMA is {given!r}.", "Give an address such as http://127.0.0.1:8000, or unset it.")
    return given


def chroma_token() -> str | None:
    """What is sent to that server as a bearer token."""
    return os.environ.get("ELM_CHROMA_TOKEN") or None


def default_model() -> str:
    """The model when none is named."""
    return os.environ.get("ELM_MODEL") or "auto"


def hub_endpoint() -> str | None:
    """The hub's address without a trailing slash, or None if it is never to be asked."""
    given = os.environ.get("ELM_HUB") or os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    return None if given == "off" or os.environ.get("HF_HUB_OFFLINE") == "1" else given.rstrip("/")


def debug() -> bool:
    """Whether tracebacks are shown."""
    return bool(os.environ.get("ELM_DEBUG"))


def readonly() -> bool:
    """Whether the page is one that changes nothing."""
    return os.environ.get("ELM_READONLY", "0") not in ("", "0")


def plain_avx2() -> bool:
    """Whether kernels are to use AVX2 even where the CPU has AVX512-VNNI."""
    return os.environ.get("ELM_AVX2", "0") not in ("", "0")


def auth() -> tuple[str, str] | None:
    """User and password that the page asks for; raises `BadInput` if they are not both there."""
    given = os.environ.get("ELM_AUTH")
    if not given:
        return None
    user, _, password = given.partition(":")
    if not user or not password:
        raise BadInput("ELM_AUTH is not user:password.", "Give both, or unset it.")
    return user, password
