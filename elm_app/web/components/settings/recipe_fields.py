"""Fields of learning in a form.

A field that one recipe only has is shown for that one, and each knows what is usual in every recipe. When another is
chosen, `components/settings/recipes.js` sees to both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from elm_app.core.config import LearnSettings, Recipe

_BY: dict[Recipe, LearnSettings] = {
    recipe: LearnSettings.by_recipe(recipe=recipe, seed=0) for recipe in get_args(Recipe)
}
_NONE: Mapping[str, str] = {}
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
        usual, told = self._usual(name)
        return (
            f'<label{self._shown(of)}><span>{label}</span><input name="{name}" type="number" inputmode="decimal" '
            f'min="{least}" max="{most}" step="{step}" value="{usual}"{told} required><small>{info}</small></label>'
        )

    def choice(
        self, name: str, label: str, choices: Iterable[tuple[str, str]], of: str = "", only: Mapping[str, str] = _NONE
    ) -> str:
        """One of several, given as values and words; `only` names the recipe of those that just one has."""
        usual, of_recipes = self._usual(name)
        options = "".join(
            f'<option value="{value}"{" selected" if value == usual else ""}{self._shown(only.get(value, ""))}>{told}'
            "</option>"
            for value, told in choices
        )
        return (
            f'<label class="wide"{self._shown(of)}><span>{label}</span>'
            f'<select name="{name}"{of_recipes}>{options}</select></label>'
        )

    def _usual(self, name: str) -> tuple[Any, str]:
        """What is usual in the recipe chosen to begin with, and, where they differ, in each, as attributes."""
        values = {recipe: getattr(told, name) for recipe, told in _BY.items()}
        differ = len(set(values.values())) > 1
        told = "".join(f' data-{recipe}="{value}"' for recipe, value in values.items()) if differ else ""
        return values[self._recipe], told

    def _shown(self, of: str) -> str:
        return f' data-recipe="{of}"{" hidden" if of != self._recipe else ""}' if of else ""
