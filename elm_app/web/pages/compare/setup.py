"""The form of a new comparison, without content: `setup.js` fills it."""

from __future__ import annotations

import html
from collections.abc import Sequence

from elm_app.core.config import SamplingSettings
from elm_app.evaluation.bench import methods
from elm_app.evaluation.variants import VARIANTS
from elm_app.web.components import benchmark_labels, labels
from elm_app.web.components.problem_file.field import COLUMNS, FIELD
from elm_app.web.components.settings.plain_fields import blank, models, number

CHOSEN = ("zero_shot", "self_consistency", "elm")
"""Methods that are ticked to begin with."""
FIRST = (*CHOSEN, "icl")
"""Methods that are shown at once."""
NOT_HERE = ("elm_frozen",)
"""Methods that need more than a file."""
_SAMPLE = SamplingSettings(seed=0)


def offered() -> dict[str, str]:
    """The methods that the page can start, and what each is."""
    return {name: about for name, about in methods().items() if name not in NOT_HERE}


def _method(name: str, about: str) -> str:
    ticked, called = " checked" if name in CHOSEN else "", benchmark_labels.name(name)
    return (
        f'<label class="method"><input type="checkbox" name="method" value="{name}"{ticked}>'
        f'<span class="called"><b>{html.escape(called)}</b> '
        f'<span class="about">{html.escape(_beside(called, about))}.</span></span>'
        f'<span class="cost" data-cost="{name}"></span></label>'
    )


def _beside(called: str, about: str) -> str:
    """What a method is, without what stands beside it already.

    >>> _beside("self-consistency", "Self-consistency: the majority of k traces")
    'The majority of k traces'
    """
    first, _, rest = about.partition(": ")
    told = rest if first.lower() in (called.lower(), "control") else about
    return told[:1].upper() + told[1:]


def _folded(one: str, many: str, names: Sequence[str], known: dict[str, str]) -> str:
    rows = "".join(_method(name, known[name]) for name in names)
    return f"<details><summary>{labels.count(len(names), one, many)}</summary>{rows}</details>"


def _methods() -> str:
    known = offered()
    others = [name for name in known if name not in (*FIRST, *VARIANTS)]
    controls = [name for name in known if name not in FIRST and name in VARIANTS]
    shown = "".join(_method(name, known[name]) for name in known if name in FIRST)
    folded = ("more method", "more methods", others), ("control of ELM", "controls of ELM", controls)
    return shown + "".join(_folded(*words, known) for words in folded)


_FIELDS = "".join(
    [
        blank("limit", "Problems", "at most", "all"),
        '<label><span>Seeds</span><input name="seeds" value="1" autocomplete="off"><small>1,2,3: each method runs once '
        "with each</small></label>",
        number("samples", "Samples", "traces per problem", "1", "256", _SAMPLE.samples),
    ]
)
_MORE = (
    COLUMNS
    + f'<label class="wide"><span>Model</span><select name="model">{models()}</select><small>&nbsp;</small></label>'
    + number("max_new_tokens", "New tokens", "where a trace is cut off", "1", "32768", _SAMPLE.max_new_tokens)
    + '<label class="wide"><span>Folder</span><input name="folder" placeholder="named after the file" '
    'autocomplete="off" spellcheck="false"><small>in memories/bench; one that is there grows by methods and seeds'
    "</small></label>"
)
SETUP = f"""
  <form class="setup" data-part="setup" novalidate hidden aria-label="A new comparison">
    <h2>A new comparison</h2>
    {FIELD.strip()}
    <fieldset><legend>Methods</legend>{_methods()}</fieldset>
    <div class="fields">{_FIELDS}</div>
    <details class="more"><summary>More</summary><div class="fields">{_MORE}</div></details>
    <p class="estimate" data-part="estimate" role="status"></p>
    <div data-part="refused" role="alert"></div>
    <p class="go"><button type="submit" class="strong">Start</button>
      <button type="button" data-act="close">Back</button></p>
    <details class="same"><summary>The same on the command line</summary>
      <pre tabindex="0"><code data-part="command"></code></pre></details>
  </form>
"""
