import assert from "node:assert/strict";
import { test } from "node:test";
import { asking } from "../../../elm_app/web/lib/ask.js";

test("what the server answers is handed on, an error of its own too", async () => {
  const call = asking({ echo: async (ask) => ({ run: ask.run }), wrong: async () => ({ error: "<p>No.</p>" }) });
  assert.deepEqual(await call("echo", { run: "r" }), { run: "r" });
  assert.deepEqual(await call("wrong"), { error: "<p>No.</p>" });
});

test("without a question an empty one is asked", async () => {
  const call = asking({ echo: async (ask) => ({ ask }) });
  assert.deepEqual(await call("echo"), { ask: {} });
});

test("no answer, nonsense and what only Gradio says are a loss, in words", async () => {
  const refused = () => Promise.reject(new Error("gone"));
  const call = asking({ refused, none: async () => null, text: async () => "?", detail: async () => ({ detail: "500" }) });
  for (const name of ["refused", "none", "text", "detail", "missing"]) {
    const answer = await call(name);
    assert.equal(answer.lost, true);
    assert.match(answer.error, /The program does not answer/);
  }
});
