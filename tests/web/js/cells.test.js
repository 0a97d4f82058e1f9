import assert from "node:assert/strict";
import { test } from "node:test";
import { moved, toggled } from "../../../elm_app/web/lib/cells.js";

test("arrow keys go from cell to cell, and not off the edge", () => {
  const heights = [3, 3, 2];
  assert.deepEqual(moved(heights, [0, 1], "ArrowRight"), [1, 1]);
  assert.deepEqual(moved(heights, [0, 1], "ArrowDown"), [0, 2]);
  assert.deepEqual(moved(heights, [1, 1], "ArrowUp"), [1, 0]);
  assert.equal(moved(heights, [0, 0], "ArrowLeft"), null);
  assert.equal(moved(heights, [2, 1], "ArrowRight"), null);
  assert.equal(moved(heights, [0, 0], "ArrowUp"), null);
  assert.equal(moved(heights, [2, 1], "ArrowDown"), null);
  assert.equal(moved(heights, [0, 0], "Enter"), null);
});

test("a shorter column is entered at its last cell, one without cells is passed over", () => {
  assert.deepEqual(moved([3, 0, 2], [0, 2], "ArrowRight"), [2, 1]);
  assert.deepEqual(moved([3, 0, 2], [2, 0], "ArrowLeft"), [0, 0]);
  assert.deepEqual(moved([0, 3, 2, 0], [2, 1], "Home"), [1, 1]);
  assert.deepEqual(moved([0, 3, 2, 0], [1, 2], "End"), [2, 1]);
});

test("two cells are open at most, and a press on an open one closes it", () => {
  assert.deepEqual(toggled([], "a"), ["a"]);
  assert.deepEqual(toggled(["a"], "b"), ["a", "b"]);
  assert.deepEqual(toggled(["a", "b"], "c"), ["a", "c"]);
  assert.deepEqual(toggled(["a", "b"], "a"), ["b"]);
});
