"""Fields of learning in a form.

A field that one recipe only has is shown for that one, and each knows what is usual in every recipe. When another is
chosen, `assets/recipes.js` sees to both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from elm_app.config import LearnSettings, Recipe

_BY: dict[Recipe, LearnSettings] = {
    recipe: LearnSettings.by_recipe(recipe=recipe, seed=0) for recipe in get_args(Recipe)
}
_TOLD = {"distil": "distil worked variants", "paper": "reward by the vote, as the paper"}


class RecipeFields:
    """The fields of a form in which `recipe` is chosen to begin with."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def recipes(self) -> str:
        """The choice of a recipe."""
        return self.choice("recipe", "Recipe", sorted(_TOLD.items(), key=lambda one: one[0] != self._recipe))

    def number(self, name: str, label: str, info: str, least: str, most: str, step: str = "1", of: str = "") -> str:
        """A number, of the recipe `of` only or of each."""
        values = {recipe: getattr(told, name) for recipe, told in _BY.items()}
        usual = values[self._recipe]
        other = "".join(f' data-{recipe}="{value}"' for recipe, value in values.items() if value != usual)
        return (
            f'<label{self._shown(of)}><span>{label}</span><input name="{name}" type="number" inputmode="decimal" '
            f'min="{least}" max="{most}" step="{step}" value="{usual}"{other} required><small>{info}</small></label>'
        )

    def choice(self, name: str, label: str, choices: Iterable[tuple[str, str]], of: str = "") -> str:
        """One of several, given as values and words."""
        usual = getattr(_BY[self._recipe], name)
        options = "".join(
            f'<option value="{value}"{" selected" if value == usual else ""}>{told}</option>' for value, told in choices
        )
        return (
            f'<label class="wide"{self._shown(of)}><span>{label}</span><select name="{name}">{options}</select></label>'
        )

    def _shown(self, of: str) -> str:
        return f' data-recipe="{of}"{" hidden" if of != self._recipe else ""}' if of else ""
