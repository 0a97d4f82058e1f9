// A form with a choice of recipes: each recipe has fields of its own, and another number that is usual in it, which a
// field takes over unless somebody has typed something else (studio/recipe_fields.py).

function followRecipe(form) {
  const choice = form.elements.recipe;
  let before = choice.value;
  choice.addEventListener("input", () => {
    const recipe = choice.value;
    for (const label of form.querySelectorAll("[data-recipe]")) label.hidden = label.dataset.recipe !== recipe;
    for (const input of form.querySelectorAll("input")) {
      const usual = (name) => input.dataset[name] ?? input.defaultValue;
      if (input.value === usual(before)) input.value = usual(recipe);
    }
    before = recipe;
  });
}
