import assert from "node:assert/strict";
import { before, test } from "node:test";
import { JSDOM } from "jsdom";
import { stageAction } from "../../../elm_app/web/lib/stage_keys.js";

let page;

before(() => {
  page = new JSDOM(`<!doctype html><body><textarea></textarea><input type="range"><input type="text"><select></select>
    <button id="go"></button><div class="replay"><button id="play"></button></div></body>`).window.document;
});

const pressed = (key, where = "body", more = {}) => stageAction({ key, target: page.querySelector(where), ...more });

test("each key has its meaning", () => {
  const keys = [" ", "PageDown", "ArrowRight", "ArrowLeft", "PageUp", "p", "1", "6", "f", "?", "Escape"];
  const means = ["next", "next", "next", "back", "back", "toggle", "tab 1", "tab 6", "full", "keys", "leave"];
  assert.deepEqual(keys.map((key) => pressed(key)), means);
  assert.deepEqual(["0", "7", "a", "Enter", "Tab", "12"].map((key) => pressed(key)), ["", "", "", "", "", ""]);
});

test("a field keeps its keys, and Escape leaves it", () => {
  for (const field of ["textarea", "[type=text]", "select"]) {
    assert.deepEqual([" ", "1", "f", "?", "p"].map((key) => pressed(key, field)), ["", "", "", "", ""]);
    assert.equal(pressed("Escape", field), "field");
  }
});

test("a button keeps its space, but those of the replay do not; the slider is no field", () => {
  assert.equal(pressed(" ", "#go"), "");
  assert.equal(pressed(" ", "#play"), "next");
  assert.equal(pressed("2", "#go"), "tab 2");
  assert.equal(pressed(" ", "[type=range]"), "next");
});

test("with another key held it is the browser's", () => {
  for (const held of ["ctrlKey", "metaKey", "altKey"]) assert.equal(pressed("f", "body", { [held]: true }), "");
});
