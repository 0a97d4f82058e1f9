import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { JSDOM } from "jsdom";
import { fill, fragment, swap } from "../../../elm_app/web/lib/morph.js";

let root;

beforeEach(() => {
  const { window } = new JSDOM("<!doctype html><div id=root></div>");
  globalThis.document = window.document;
  root = window.document.getElementById("root");
});

const keys = () => [...root.children].map((child) => child.dataset.key);

test("a child with the same key stays itself, with fresh attributes and text", () => {
  fill(root, '<p data-key="a" class="old" title="gone">one</p><p data-key="b">two</p>');
  const [a, b] = root.children;
  fill(root, '<p data-key="a" class="new">one and more</p><p data-key="b">two</p>');
  assert.equal(root.children[0], a);
  assert.equal(root.children[1], b);
  assert.equal(a.outerHTML, '<p data-key="a" class="new">one and more</p>');
});

test("children come, go and stand in the new order of those that are new", () => {
  fill(root, '<p data-key="a"></p><p data-key="c"></p>');
  fill(root, '<p data-key="a"></p><p data-key="b"></p><p data-key="c"></p>');
  assert.deepEqual(keys(), ["a", "b", "c"]);
  fill(root, '<p data-key="c"></p>');
  assert.deepEqual(keys(), ["c"]);
});

test("without keys what is equal stays itself, so that a press on it is not lost", () => {
  fill(root, "<button>Stop</button><span>1</span>");
  const button = root.firstElementChild;
  fill(root, "<button>Stop</button><span>2</span>");
  assert.equal(root.firstElementChild, button);
  assert.equal(root.textContent, "Stop2");
});

test("keys are looked for at every depth", () => {
  fill(root, '<section data-key="s"><p data-key="x">1</p></section>');
  const inner = root.querySelector("p");
  fill(root, '<section data-key="s"><p data-key="x">2</p></section>');
  assert.equal(root.querySelector("p"), inner);
  assert.equal(inner.textContent, "2");
});

test("an element that grows in ends at its own width", () => {
  const widths = [];
  fill(root, '<i data-key="a" style="width: 50%"></i>');
  fill(root, '<i data-key="a" style="width: 40%"></i><i data-key="b" style="width: 60%"></i>');
  for (const child of root.children) widths.push(child.style.width);
  assert.deepEqual(widths, ["40%", "60%"]);
});

test("swap takes elements that are there already", () => {
  root.innerHTML = "<b>1</b><i>2</i>";
  const [b, i] = root.children;
  swap(root, [i, b, ...fragment("<u>3</u>").childNodes]);
  assert.deepEqual([...root.children], [i, b, root.querySelector("u")]);
});
