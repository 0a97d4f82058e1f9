"""The learning parts of the run's own HTML, without content: `run/learn.js` and `run/run.js` fill them."""

from __future__ import annotations

from elm_app.core.config import LEARNS_BY
from elm_app.web.components.settings.recipe_fields import RecipeFields

_OF = RecipeFields(LEARNS_BY)
_FIELDS = "".join(
    [
        _OF.recipes(),
        _OF.number("steps", "Steps", "at most", "1", "1000", "1"),
        _OF.number("rollouts", "Rollouts", "solutions a step", "2", "256", "1", "paper"),
        _OF.number("variants", "Variants", "with other numbers and names", "1", "64", "1", "distil"),
        _OF.number("variant_traces", "Traces of each", "solved with an example", "1", "64", "1", "distil"),
        _OF.number("virtual_tokens", "Virtual tokens", "length of the memory", "1", "512", "1"),
        _OF.number("learning_rate", "Learning rate", "of AdamW", "0", "1", "any"),
    ]
)
_LESSONS = [("all", "all that ended"), ("agreed", "those that agree about theirs")]
_STARTS = [("example", "the worked example"), ("text", "a short text"), ("vocabulary", "random words")]
_MORE = "".join(
    [
        _OF.number("max_new_tokens", "New tokens", "where a rollout is cut off", "1", "32768", "1"),
        _OF.choice("init", "Start from", _STARTS, only={"example": "distil"}),
        _OF.choice("lessons", "Learned are", _LESSONS, "distil"),
        _OF.choice("loss", "Loss", [("dr_grpo", "Dr. GRPO"), ("grpo", "GRPO, as published")], "paper"),
        _OF.choice(
            "reward", "Reward", [("majority", "majority of each step"), ("vote", "the vote before learning")], "paper"
        ),
        '<label><span>Seed</span><input name="seed" inputmode="numeric" placeholder="random" autocomplete="off">'
        "<small>same seed, same memory</small></label>",
    ]
)

UNDER = f"""
    <div class="under" data-part="under" hidden>
      <div class="recalled" data-part="recalled" hidden>
        <details><summary><span class="head">Memory</span><span class="line" data-part="memory"></span></summary>
          <div data-part="matches"></div></details>
        <a href="?explain" class="explain" data-tab="explain">explain</a>
      </div>
      <div class="offer" data-part="offer" hidden>
        <button type="button" class="strong" data-ask="learn">Learn from this problem</button>
        <span class="time" data-part="estimate"></span><span data-part="hint"></span>
        <button type="button" class="fold" data-ask="drawer" aria-expanded="false" aria-controls="elm-learn-drawer"
          >Learning settings</button>
      </div>
      <form class="drawer" id="elm-learn-drawer" data-part="drawer" hidden novalidate
        aria-label="How to learn from this problem">
        <div class="fields">{_FIELDS}</div>
        <details><summary>More</summary><div class="fields">{_MORE}</div></details>
      </form>
      <div data-part="asked" role="alert"></div>
    </div>
"""
"""Under a solved problem: what was retrieved, and learning from it."""

PANEL = """
    <div class="learning" data-part="learning" hidden>
      <div class="whole" role="progressbar" aria-label="Learning, the whole run" aria-valuemin="0" aria-valuemax="100"
        aria-valuenow="0"><i></i></div>
      <div class="stored" data-part="stored"></div>
      <div class="measured" data-part="measured"></div>
      <div class="charts"><div class="pair" data-part="charts"></div><div data-part="rollouts"></div></div>
      <details class="attempts">
        <summary><span class="head">All attempts</span> <span class="turned" data-part="turned"></span></summary>
        <div class="groups">
          <section aria-labelledby="elm-pairs"><h3 id="elm-pairs">Before above, after below; a column is a seed</h3>
            <div class="cells" data-part="pairs"></div><p class="legend" data-part="pairs-legend"></p></section>
          <section aria-labelledby="elm-columns"><h3 id="elm-columns" data-part="columns-title"></h3>
            <div class="cells columns" data-part="columns"></div>
            <p class="legend" data-part="columns-legend"></p></section>
        </div>
        <p class="readout" data-part="readout">Choose a cell to open its attempt, and a second one to compare them.
          Arrow keys go from cell to cell.</p>
        <div data-part="opened"></div>
      </details>
      <details class="history"><summary>Step by step</summary><div data-part="steps"></div></details>
    </div>
"""
"""A learning run: its bar, what became of it, before and after, the curves, this step's rollouts, all attempts."""
