"""The HTML of an exported run, without its content: the run as the page has it, under a line that says what it is."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import datetime

from elm_app.runs.state import RunView
from elm_app.web.export.offline import offline
from elm_app.web.run.learning_template import PANEL
from elm_app.web.run.template import HEADLINE, PLAYING, TRACES

_PART = re.compile(r'(<(\w+)[^<>]*\bdata-part="([\w-]+)"[^<>]*>)([^<]*)(?=</\2>)')
_ATTEMPTS = re.compile(r'\s*<details class="attempts">.*?</details>', re.DOTALL)
"""Its cells ask the program for what they open."""
_TEXT_ENDS = "</div></article>"
_RECALLED = """
    <details class="recalled">
      <summary><span class="head">Memory</span><span class="line" data-part="memory"></span></summary>
      <div data-part="matches"></div>
    </details>"""
"""The memories that a problem reminded of."""


def body(view: RunView, slots: Mapping[str, str], arms: Mapping[str, str]) -> str:
    """The file's body with the run as it stands in the end, so that there is something to read without scripts.

    Args:
        slots: the fragments at the end (`frames.Frames.last`).
        arms: the name of each arm.
    """
    learns = view.command == "learn"
    under = _ATTEMPTS.sub("", PANEL) if learns else _RECALLED
    parts = {name.removeprefix("part:"): text for name, text in slots.items() if name.startswith("part:")}
    parts |= {"arms": _columns(slots, arms), "problem": html.escape(view.problem), "recorded": _day(view.created)}
    made = f"""
<header class="file">
  <div class="elm-mark" role="img" aria-label="ELM">ELM</div>
  <p class="what">{"A learning run" if learns else "A solved problem"}, recorded on <span data-part="recorded"></span>
    <span class="model" data-part="chip"></span></p>
  <button type="button" class="elm-tool" data-do="dark" aria-pressed="false" title="Light or dark">Dark</button>
</header>
<section class="elm-run{" learns" if learns else ""}" data-state="{view.status}" aria-label="Run">
  <div class="run" data-part="run">
    <div class="replay" data-part="replay" role="group" aria-label="Replay">{PLAYING}
      <button type="button" data-replay-do="end">To the end</button>
    </div>
    <noscript><p class="scriptless">This is how the run ended. To play it, open the file in a browser that runs scripts.
    </p></noscript>
    <p class="problem" data-part="problem"></p>{offline(HEADLINE)}{under}{TRACES}
  </div>
</section>"""
    made = made.replace(' data-part="course" hidden', ' data-part="course"') if learns else made
    made = made.replace(' data-part="learning" hidden', ' data-part="learning"')
    made = made.replace(' data-part="nothing"', ' data-part="nothing" hidden')
    made = made.replace(' data-part="arms"', f' data-part="arms" data-count="{parts["arms"].count("data-arm=")}"')
    return _PART.sub(lambda found: found[1] + parts.get(found[3], found[4]), made)


def _day(created: str) -> str:
    try:
        return f"{datetime.fromisoformat(created):%-d %b %Y}"
    except ValueError:
        return html.escape(created)


def _columns(slots: Mapping[str, str], arms: Mapping[str, str]) -> str:
    """The cards, an arm a column, with their texts."""
    made = []
    for arm, name in arms.items():
        cards = "".join(
            _card(shell, slots, key.removeprefix("card:"))
            for key, shell in slots.items()
            if shell and key.startswith(f"card:{arm}-")
        )
        if cards:
            head = f'<h3>{html.escape(name)}</h3><div class="cards">'
            made.append(f'<div class="arm" data-arm="{html.escape(arm)}">{head}{cards}</div></div>')
    return "".join(made)


def _card(shell: str, slots: Mapping[str, str], key: str) -> str:
    texts = "".join(
        f"<div>{text}</div>" for name, text in slots.items() if text and name.rpartition(":")[0] == f"block:{key}"
    )
    return shell.replace(_TEXT_ENDS, f"{texts}{_TEXT_ENDS}")
