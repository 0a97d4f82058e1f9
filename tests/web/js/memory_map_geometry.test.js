import assert from "node:assert/strict";
import { test } from "node:test";
import { bounds, nearest, placed, towards, zoomed } from "../../../elm_app/web/components/memory_map_geometry.js";

const SIZE = { width: 400, height: 200 };
const WHOLE = { zoom: 1, x: 0, y: 0 };

test("all points are on the canvas, and the one that is searched for", () => {
  const [xs, ys] = [[-50, 100, 30], [10, -40, 70]];
  for (const more of [null, [200, -90]]) {
    const box = bounds(xs, ys, more, SIZE.width, SIZE.height);
    const points = xs.map((x, index) => [x, ys[index]]);
    for (const [x, y] of more ? [...points, more] : points) {
      const [a, b] = placed(x, y, box, WHOLE, SIZE);
      assert.ok(a >= -1e-9 && a <= SIZE.width + 1e-9 && b >= -1e-9 && b <= SIZE.height + 1e-9);
    }
  }
});

test("a single point stands in the middle, and up on the map is up on the canvas", () => {
  const box = bounds([7], [7], null, SIZE.width, SIZE.height);
  assert.deepEqual(placed(7, 7, box, WHOLE, SIZE), [200, 100]);
  assert.ok(placed(7, 8, box, WHOLE, SIZE)[1] < 100);
});

test("the place that is zoomed at stays where it is", () => {
  const box = bounds([0, 100], [0, 100], null, SIZE.width, SIZE.height);
  const before = placed(60, 70, box, WHOLE, SIZE);
  const view = zoomed(WHOLE, 3, ...before, SIZE);
  const after = placed(60, 70, box, view, SIZE);
  for (const axis of [0, 1]) assert.ok(Math.abs(before[axis] - after[axis]) < 1e-9);
});

test("zooming ends at the whole map, and at forty times", () => {
  const near = zoomed(WHOLE, 8, 10, 20, SIZE);
  assert.deepEqual(zoomed(near, 0.01, 10, 20, SIZE), WHOLE);
  assert.deepEqual(zoomed(near, 0, 10, 20, SIZE), WHOLE);
  assert.equal(zoomed(near, 100, 10, 20, SIZE).zoom, 40);
});

test("the nearest point within reach; one that does not fit must be nearer", () => {
  const points = [[0, 0], [10, 0], [5, 3]];
  assert.equal(nearest(points, 9, 0, 5), 1);
  assert.equal(nearest(points, 100, 100, 5), -1);
  assert.equal(nearest(points, 5, 1, 20), 2);
  assert.equal(nearest(points, 5, 1, 20, (index) => index !== 2), 0);
});

test("arrow keys go to what lies more in their direction than aside", () => {
  const points = [[0, 0], [10, 1], [3, 9], [-8, 0]];
  assert.equal(towards(points, 0, 1, 0), 1);
  assert.equal(towards(points, 0, -1, 0), 3);
  assert.equal(towards(points, 0, 0, 1), 2);
  assert.equal(towards(points, 0, 0, -1), 0);
  assert.equal(towards(points, 0, 1, 0, (index) => index !== 1), 0);
});
