"""The learning parts of the run's own HTML, without content: `assets/learn.js` and `assets/elm.js` fill them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from elm_app.config import LEARNS_BY, LearnSettings, Recipe

_BY = {recipe: LearnSettings.by_recipe(recipe=recipe, seed=0) for recipe in get_args(Recipe)}
_DEFAULT = _BY[LEARNS_BY]


def _number(name: str, label: str, info: str, least: str, most: str, step: str, recipe: str = "") -> str:
    """A field; one of a recipe is shown for that one only. It knows what it is by default in each recipe."""
    usual = getattr(_DEFAULT, name)
    values = {recipe: getattr(told, name) for recipe, told in _BY.items()}
    other = "".join(f' data-{recipe}="{value}"' for recipe, value in values.items() if value != usual)
    return (
        f'<label{_of(recipe)}><span>{label}</span><input name="{name}" type="number" inputmode="decimal" '
        f'min="{least}" max="{most}" step="{step}" value="{usual}"{other} required><small>{info}</small></label>'
    )


def _choice(name: str, label: str, choices: Iterable[tuple[str, str]], recipe: str = "") -> str:
    options = "".join(
        f'<option value="{value}"{" selected" if value == getattr(_DEFAULT, name) else ""}>{told}</option>'
        for value, told in choices
    )
    return f'<label class="wide"{_of(recipe)}><span>{label}</span><select name="{name}">{options}</select></label>'


def _of(recipe: str) -> str:
    return f' data-recipe="{recipe}"{" hidden" if recipe != _DEFAULT.recipe else ""}' if recipe else ""


_FIELDS = "".join(
    [
        _choice(
            "recipe", "Recipe", [("distil", "distil worked variants"), ("paper", "reward by the vote, as the paper")]
        ),
        _number("steps", "Steps", "at most", "1", "1000", "1"),
        _number("rollouts", "Rollouts", "solutions a step", "2", "256", "1", "paper"),
        _number("variants", "Variants", "with other numbers and names", "1", "64", "1", "distil"),
        _number("variant_traces", "Traces of each", "solved with an example", "1", "64", "1", "distil"),
        _number("virtual_tokens", "Virtual tokens", "length of the memory", "1", "512", "1"),
        _number("learning_rate", "Learning rate", "of AdamW", "0", "1", "any"),
    ]
)
_MORE = "".join(
    [
        _number("max_new_tokens", "New tokens", "where a rollout is cut off", "1", "32768", "1"),
        _choice("init", "Start from", [("text", "a short text"), ("vocabulary", "random words")]),
        _choice(
            "lessons", "Learned are", [("all", "all that ended"), ("agreed", "those that agree about theirs")], "distil"
        ),
        _choice("loss", "Loss", [("dr_grpo", "Dr. GRPO"), ("grpo", "GRPO, as published")], "paper"),
        _choice(
            "reward", "Reward", [("majority", "majority of each step"), ("vote", "the vote before learning")], "paper"
        ),
        '<label><span>Seed</span><input name="seed" inputmode="numeric" placeholder="random" autocomplete="off">'
        "<small>same seed, same memory</small></label>",
    ]
)

UNDER = f"""
    <div class="under" data-part="under" hidden>
      <details class="recalled" data-part="recalled" hidden>
        <summary><span class="head">Memory</span><span class="line" data-part="memory"></span>
          <a href="?explain" class="explain" data-tab="explain">explain</a></summary>
        <div data-part="matches"></div>
      </details>
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
      <details class="history"><summary>Step by step</summary><div data-part="steps"></div></details>
    </div>
"""
"""A learning run: its bar, what became of it, before and after, the curves, this step's rollouts."""
