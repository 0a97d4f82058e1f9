import assert from "node:assert/strict";
import { test } from "node:test";
import { ofPage, ofRun, wanted } from "../../../elm_app/web/lib/address.js";

const AT = "http://127.0.0.1:7860/";

test("what an address asks for", () => {
  assert.deepEqual(wanted(AT), { run: "", replay: "", tab: "" });
  assert.deepEqual(wanted(`${AT}?run=r1`), { run: "r1", replay: "", tab: "" });
  assert.deepEqual(wanted(`${AT}?replay=r1`), { run: "", replay: "r1", tab: "" });
  assert.deepEqual(wanted(`${AT}?explain=r1`), { run: "r1", replay: "", tab: "explain" });
  assert.deepEqual(wanted(`${AT}?memories`), { run: "", replay: "", tab: "memories" });
  assert.deepEqual(wanted(`${AT}?memory=m1&stream=s`), { run: "", replay: "", tab: "memories" });
});

test("a run has an address, and a replay another", () => {
  assert.equal(ofRun(AT, "r1", false), `${AT}?run=r1`);
  assert.equal(ofRun(`${AT}?run=r1`, "r1", true), `${AT}?replay=r1`);
  assert.equal(ofRun(`${AT}?replay=r1`, "r2", false), `${AT}?run=r2`);
  assert.equal(ofRun(`${AT}?run=r1&__theme=dark`, "", false), `${AT}?__theme=dark`);
});

test("an address that says it already stays as it is, and so does that of Explain", () => {
  assert.equal(ofRun(`${AT}?run=r1#x`, "r1", false), `${AT}?run=r1#x`);
  assert.equal(ofRun(`${AT}?explain=r1`, "r2", false), `${AT}?explain=r1`);
});

test("a page of its own has nothing else in its address", () => {
  assert.equal(ofPage(`${AT}?run=r1&replay=r0`, "stream", "s1"), `${AT}?stream=s1`);
});
