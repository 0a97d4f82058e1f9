"""What the empty Compare page shows instead of a comparison of one's own: what was measured with the default model.

`assets/evidence.json` has the numbers; `experiments/results_page.py` makes it of the raw lines in docs/results/.
"""

from __future__ import annotations

import html
import json
from functools import cache
from typing import Any

from elm_app.web.components import labels
from elm_app.web.files import ASSETS


@cache
def evidence() -> str:
    """The measured families as HTML, the one that gained most first."""
    told: dict[str, Any] = json.loads((ASSETS / "evidence.json").read_text(encoding="utf-8"))
    other = told["held_out"]
    families = labels.count(len(told["families"]), "family", "families")
    return f"""
<section class="evidence" aria-labelledby="elm-evidence">
  <h3 id="elm-evidence">Measured, with {html.escape(told["model"])}</h3>
  <p>{families} of problems. From one problem of each a memory was learned, by its vote alone; then {told["siblings"]}
    others of the family were met, with other names, things and numbers. Of 100 attempts at these
    <b>{told["without"]:.0f}</b> are right without the memory and <b>{told["memory"]:.0f}</b> with it:
    {_gain(told)}. With the worked example itself in view it is {told["teacher"]:.0f}.</p>
  <ul class="marks" aria-hidden="true"><li><i class="mark without"></i>without</li>
    <li><i class="mark memory"></i>with the memory</li><li><i class="mark teacher"></i>example in view</li></ul>
  <ul class="families">{"".join(_family(one) for one in told["families"])}</ul>
  <p>These are families that the recipe was made with. In the first {other["families"]} of thirty others, held out, it
    is so far {_gain(other)}.</p>
  <p class="quiet">How it was measured, what failed, and what it does not show: docs/RESULTS.md.</p>
</section>"""


def _family(one: dict[str, Any]) -> str:
    """A family: its name, where its shares lie, and the shares in words."""
    without, memory, teacher = (f"{100 * one[part]:.0f}%" for part in ("without", "memory", "teacher"))
    low, high = sorted((one["without"], one["memory"]))
    kind = "lost" if one["memory"] < one["without"] else "won"
    place = f"--low: {100 * low:.1f}%; --high: {100 * high:.1f}%"
    marks = "".join(
        f'<i class="mark {part}" style="left: {100 * one[part]:.1f}%"></i>' for part in ("teacher", "without", "memory")
    )
    return (
        f'<li class="{kind}"><span class="name">{html.escape(one["name"])}</span>'
        f'<span class="line" aria-hidden="true"><i class="from-to" style="{place}"></i>{marks}</span>'
        f'<span class="shares" title="with the example in view {teacher}">{without} → {memory}</span></li>'
    )


def _gain(told: dict[str, Any]) -> str:
    """A difference and its interval."""
    return f"<b>{_points(told['gain'])} points</b> (95%: {_points(told['low'])} to {_points(told['high'])})"


def _points(value: float) -> str:
    """A difference in points, with its sign.

    >>> _points(-2.06)
    '−2.1'
    """
    return f"{value:+.1f}".replace("-", "−")
