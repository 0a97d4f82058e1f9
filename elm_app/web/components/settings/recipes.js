// A form with a choice of recipes: each recipe has fields of its own, and other values that are usual in it, which a
// field takes over unless somebody has given something else (web/components/settings/recipe_fields.py).

export function followRecipe(form) {
  const choice = form.elements.recipe;
  let before = choice.value;
  choice.addEventListener("input", () => {
    const recipe = choice.value;
    for (const one of form.querySelectorAll("[data-recipe]")) {
      one.hidden = one.dataset.recipe !== recipe;
      if (one instanceof HTMLOptionElement) one.disabled = one.hidden;
    }
    for (const field of form.querySelectorAll("input, select")) {
      if (field.value === field.dataset[before]) field.value = field.dataset[recipe];
    }
    before = recipe;
  });
}
