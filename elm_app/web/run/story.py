"""What the empty pages show: recorded runs that come with the program, played again with no model loaded.

`assets/story/story.json` says in which order and what each shows; beside it are their logs, compressed. A log is put
with the other runs when it is first opened.
"""

from __future__ import annotations

import gzip
import html
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from elm_app.core.errors import RunError
from elm_app.web.files import ASSETS

_FOLDER = ASSETS / "story"


@dataclass(frozen=True)
class Scene:
    """One recorded run.

    Attributes:
        run: its id.
        title, text: what it shows, in a few words and in a sentence.
        speed: how much faster than it was it is played.
        explained: it had a memory, so the Explain page can show it.
    """

    run: str
    title: str
    text: str
    speed: int
    explained: bool = False


@cache
def scenes() -> tuple[Scene, ...]:
    """The recorded runs, in order."""
    told = json.loads((_FOLDER / "story.json").read_text(encoding="utf-8"))
    return tuple(Scene(**scene) for scene in told["scenes"])


def explained() -> str | None:
    """The recorded run that the Explain page shows while there is none of the user's own."""
    return next((scene.run for scene in scenes() if scene.explained), None)


def recorded(run: str) -> bool:
    """Whether a run came with the program."""
    return run in {scene.run for scene in scenes()}


def bring(run: str, folder: Path) -> None:
    """Puts the log of a recorded run into the folder of runs, if it is one and is not there yet; raises `RunError`."""
    to = folder / f"{run}.jsonl"
    if not recorded(run) or to.exists():
        return
    half = to.with_name(f".{run}.{secrets.token_hex(4)}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        half.write_bytes(gzip.decompress((_FOLDER / f"{run}.jsonl.gz").read_bytes()))
        half.replace(to)
    except OSError as error:
        half.unlink(missing_ok=True)
        told = f"The recorded run cannot be put into {folder}: {error.strerror or error}."
        raise RunError(told, "Free some room or check the permissions.") from error


def outline() -> str:
    """The story as a list of links, each of which plays a run again."""
    about = json.loads((_FOLDER / "story.json").read_text(encoding="utf-8"))["about"]
    return _links(about, "Recorded runs", scenes())


def of_a_memory() -> str:
    """Where the memory of the story was learned and where it helped, for a page that has none of the user's own."""
    about = "Or watch one come about: recorded with the default model, played again with nothing loaded."
    return _links(about, "A recorded memory", scenes()[1:])


def _links(about: str, label: str, shown: Sequence[Scene]) -> str:
    items = "".join(
        f'<li><a href="?replay={scene.run}" data-replay="{scene.run}" data-speed="{scene.speed}">'
        f"<strong>{html.escape(scene.title)}</strong><span>{html.escape(scene.text)}</span></a></li>"
        for scene in shown
    )
    return f'<section class="story" aria-label="{label}"><p>{html.escape(about)}</p><ol>{items}</ol></section>'
