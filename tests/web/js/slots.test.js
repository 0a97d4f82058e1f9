import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Slots } from "../../../elm_app/web/export/slots.js";

let slots;

beforeEach(() => {
  const frames = [
    [0, [[0, 0, 0, "8 traces, 0 finished"]]],
    [1, [[0, 10, 1, "1"], [1, 0, 0, "<p>𝟚</p>"]]],
    [2.5, [[1, 1, 1, "b", 3, 0, " + 1", 2, 1, "b"]]],
    [4, [[1, 0, 13, ""]]],
  ];
  slots = new Slots({ slots: ["status", "block"], frames });
});

const at = (seconds) => Object.fromEntries(slots.at(seconds));

test("each moment has what its frames have set", () => {
  assert.deepEqual(at(0), { status: "8 traces, 0 finished" });
  assert.deepEqual(at(2.4), { status: "8 traces, 1 finished", block: "<p>𝟚</p>" });
  assert.deepEqual(at(2.5), { status: "8 traces, 1 finished", block: "<b>𝟚 + 1</b>" });
});

test("what is gone is empty, and back is as it was", () => {
  assert.equal(at(99).block, "");
  assert.deepEqual(at(2.5).block, "<b>𝟚 + 1</b>");
  assert.deepEqual(at(0), { status: "8 traces, 0 finished", block: "" });
});

test("before the first frame there is nothing", () => {
  assert.deepEqual(at(-1), {});
});
