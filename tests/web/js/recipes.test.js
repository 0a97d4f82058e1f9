import assert from "node:assert/strict";
import { test } from "node:test";
import { JSDOM } from "jsdom";
import { followRecipe } from "../../../elm_app/web/components/settings/recipes.js";

const FORM = `<form>
  <select name="recipe"><option value="distil">distil</option><option value="paper">paper</option></select>
  <input name="steps" value="16" data-distil="16" data-paper="6">
  <select name="init" data-distil="example" data-paper="text">
    <option value="example" data-recipe="distil">example</option><option value="text">text</option></select>
  <label data-recipe="paper" hidden>rollouts</label></form>`;

function choose(form, recipe) {
  form.elements.recipe.value = recipe;
  form.elements.recipe.dispatchEvent(new form.ownerDocument.defaultView.Event("input"));
}

test("fields follow the recipe, until somebody gives another value", () => {
  const { window } = new JSDOM(FORM);
  globalThis.HTMLOptionElement = window.HTMLOptionElement;
  const form = window.document.forms[0];
  followRecipe(form);
  choose(form, "paper");
  assert.deepEqual([form.elements.steps.value, form.elements.init.value], ["6", "text"]);
  assert.equal(form.querySelector("label").hidden, false);
  assert.equal(form.querySelector("option[data-recipe]").disabled, true);
  form.elements.steps.value = "9";
  choose(form, "distil");
  assert.deepEqual([form.elements.steps.value, form.elements.init.value], ["9", "example"]);
  assert.equal(form.querySelector("label").hidden, true);
});
