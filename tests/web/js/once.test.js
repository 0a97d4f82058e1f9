import assert from "node:assert/strict";
import { test } from "node:test";
import { oneAtATime } from "../../../elm_app/web/lib/once.js";

test("what is to be done while another goes on is not begun, and after that it is", async () => {
  const once = oneAtATime();
  const done = [];
  let end;
  const first = once(() => new Promise((resolve) => {
    end = resolve;
  }));
  await once(() => done.push("second"));
  end("first");
  assert.equal(await first, "first");
  await once(() => done.push("third"));
  assert.deepEqual(done, ["third"]);
});

test("what fails does not stand in the way of the next", async () => {
  const once = oneAtATime();
  await assert.rejects(once(() => Promise.reject(new Error("no"))), /no/);
  assert.equal(await once(() => 1), 1);
});
