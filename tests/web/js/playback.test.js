import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { minutes, Playback } from "../../../elm_app/web/lib/playback.js";

let playback;

beforeEach(() => {
  playback = new Playback();
  playback.begin(0);
  playback.know({ start: 2, length: 10, marks: [2, 5, 8] });
});

test("it plays at its speed and stops at its end", () => {
  playback.tick(1000, 1);
  assert.equal(playback.at, 3);
  playback.tick(2000, 4);
  assert.equal(playback.at, 7);
  playback.tick(9000, 1);
  assert.deepEqual([playback.at, playback.playing, playback.ended], [10, false, true]);
});

test("while it is paused no time passes", () => {
  playback.go(4, false);
  playback.tick(60_000, 1);
  assert.equal(playback.at, 4);
  playback.go(4, true);
  playback.tick(61_000, 1);
  assert.equal(playback.at, 5);
});

test("it steps from mark to mark, and past the mark it stands on", () => {
  assert.deepEqual([playback.before, playback.after], [undefined, 5]);
  playback.go(5, false);
  assert.deepEqual([playback.before, playback.after], [2, 8]);
  playback.go(9, false);
  assert.deepEqual([playback.before, playback.after], [8, undefined]);
});

test("going back is told, and nobody leaves the span", () => {
  assert.equal(playback.go(6, false), false);
  assert.equal(playback.go(3, false), true);
  playback.go(-1, false);
  assert.equal(playback.at, 2);
  playback.go(99, false);
  assert.equal(playback.at, 10);
});

test("before the server has told the span there is no moment", () => {
  playback.begin(0);
  playback.tick(1000, 1);
  assert.deepEqual([playback.at, playback.ended], [null, false]);
  playback.know({ start: 0, length: 1, marks: [] });
  assert.equal(playback.at, 0);
});

test("seconds as a clock", () => {
  assert.deepEqual([0, 9.9, 75, 3600].map(minutes), ["0:00", "0:09", "1:15", "60:00"]);
});
