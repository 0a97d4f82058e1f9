// Explain: asks the server for the page of a run and shows it; the run is that of the address, else that of the Solve tab.
// Gradio runs this once, when the tab is first opened, with `element` and `server` (web/pages/explain/panel.py).

import { asking } from "../../lib/ask.js";
import { oneAtATime } from "../../lib/once.js";

const root = element.querySelector(".elm-explain");
const body = root.querySelector('[data-part="body"]');
const notice = root.querySelector('[data-part="asked"]');
const AGAIN_MS = 900;
const LOST_MS = 3000; // until it is asked again where no answer came
const call = asking(server);
const once = oneAtATime();
let run = "";
let solved = ""; // the run whose problem it is: `run` itself, or the one whose tokens `run` scores
let timer = 0;
let asked = 0; // counts questions, so that a late answer to an old one is dropped

function wanted() {
  const given = new URLSearchParams(location.search);
  return given.get("explain") || given.get("run") || "";
}

function address(id) {
  const url = new URL(location.href);
  if (!id || url.searchParams.get("explain") === id) return;
  url.searchParams.set("explain", id);
  url.searchParams.delete("run");
  history.replaceState(history.state, "", url);
}

function shown() {
  return document.querySelector("#elm-explain-button")?.getAttribute("aria-selected") === "true";
}

async function ask(id) {
  clearTimeout(timer);
  const mine = ++asked;
  run = id;
  const answer = await call("explain", { run });
  if (mine !== asked) return;
  if (!answer.lost) show(answer);
  if (answer.lost) timer = setTimeout(() => ask(run), LOST_MS);
  else if (answer.again && shown()) timer = setTimeout(() => ask(run), AGAIN_MS);
}

/** @param {AnswerOf<Servers.Explain["explain"]>} answer */
function show(answer) {
  notice.innerHTML = answer.error || "";
  if (answer.html !== undefined && body.dataset.html !== answer.html) {
    const open = [...body.querySelectorAll("details")].map((each) => each.open);
    body.dataset.html = answer.html;
    window.elm.fill(body, answer.html);
    for (const [place, each] of body.querySelectorAll("details").entries()) each.open = Boolean(open[place]);
  }
  root.dataset.state = answer.error ? "error" : answer.run ? "shown" : "empty";
  if (answer.error) body.innerHTML = body.dataset.html = "";
  run = answer.run || run;
  solved = answer.solved || run;
  if (shown()) address(run);
}

const does = {
  async again(button) {
    const { memory, verifier } = button.dataset;
    const answer = await call("explain_again", { run, memory, verifier });
    notice.innerHTML = answer.error || "";
    if (answer.run) {
      const url = new URL(location.href);
      url.searchParams.delete("explain");
      history.replaceState(history.state, "", url);
      window.elm.open(answer.run);
      window.scrollTo({ top: 0 });
    }
  },
  async act(button) {
    const place = button.closest("section");
    const answer = await call("explain_act", { run, trace: place.querySelector("select").value });
    if (answer.run) return ask(answer.run);
    place.querySelector('[data-part="acted"]').innerHTML = answer.error || "";
  },
  async stop() {
    await call("explain_stop", { run });
    await ask(run);
  },
  async switch(button) {
    const answer = await call("explain_switch", { memory: button.dataset.memory, on: button.dataset.on === "1" });
    notice.innerHTML = answer.error || "";
    if (!answer.error) await ask(run);
  },
};

root.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-explain]");
  if (button) once(() => does[button.dataset.explain](button));
});

document.addEventListener("click", (event) => {
  const tab = event.target.closest?.('#elm-tabs button[role="tab"]');
  if (!tab) return;
  if (tab.id === "elm-explain-button") return ask(wanted());
  clearTimeout(timer);
  const url = new URL(location.href);
  const was = url.searchParams.get("explain");
  if (was === null) return;
  url.searchParams.delete("explain");
  if (was) url.searchParams.set("run", was === run ? solved : was);
  history.replaceState(history.state, "", url);
});

ask(wanted());
