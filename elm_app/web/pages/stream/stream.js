// Stream: asks the server for a stream as it stands and shows it; the run is that of the address, else the live or newest one.
// Gradio runs this once, when the tab is first opened, with `element` and `server` (web/pages/stream/panel.py).

import { fileForm } from "../../components/problem_file/file_form.js";
import { followRecipe } from "../../components/settings/recipes.js";
import { asking } from "../../lib/ask.js";
import { oneAtATime } from "../../lib/once.js";

const LIVE_MS = 450; // between two questions while it runs
const IDLE_MS = 2500; // and while it does not: another window may go on with it
const root = element.querySelector(".elm-stream");
const part = (name) => root.querySelector(`[data-part="${name}"]`);
const act = (name) => root.querySelector(`[data-act="${name}"]`);
const form = part("setup");
const bar = root.querySelector(".whole");
followRecipe(form);
let run = "";
let stamp = "";
let rows = 0;
let timer = 0;
let asked = 0; // counts questions, so that a late answer to an old one is dropped
let failures = 0;
let pausing = "";

const shown = () => document.querySelector("#elm-stream-button")?.getAttribute("aria-selected") === "true";
const wanted = () => new URLSearchParams(location.search).get("stream") || "";

const call = asking(server);
const once = oneAtATime();

function address(id) {
  const url = new URL(location.href);
  if (url.searchParams.get("stream") === id) return;
  url.searchParams.set("stream", id);
  history.replaceState(history.state, "", url);
}

function fill(name, html) {
  const old = part(name);
  if (old.dataset.html === html) return;
  old.dataset.html = html;
  window.elm.fill(old, html);
}

// What is shown.

async function ask(follow = true) {
  clearTimeout(timer);
  const mine = ++asked;
  // One that went on in another run, and is shown as it was, stays so.
  const answer = await call("stream_tail", { run, stamp, rows, follow: follow && !part("elsewhere").firstChild });
  if (mine !== asked) return;
  failures = answer.lost ? failures + 1 : 0;
  if (!answer.lost || failures > 2) part("lost").innerHTML = answer.error || "";
  if (answer.error && !answer.lost && !rows) setup(true);
  if (!answer.error && !answer.same) show(answer);
  const live = root.dataset.live === "true";
  if (shown()) timer = setTimeout(ask, failures ? Math.min(5000, 300 * 2 ** failures) : live && !document.hidden ? LIVE_MS : IDLE_MS);
}

/** @param {AnswerOf<Servers.Stream["stream_tail"]>} answer */
function show(answer) {
  stamp = answer.stamp;
  part("earlier-box").hidden = !answer.earlier;
  fill("earlier", answer.earlier);
  if (!answer.run) {
    root.dataset.state = "none";
    return setup(true);
  }
  if (run !== answer.run) {
    run = answer.run;
    rows = 0;
    part("asked").replaceChildren();
  }
  if (!answer.from) part("rows").replaceChildren();
  if (shown()) address(run);
  if (!root.dataset.open) setup(false);
  root.dataset.run = run;
  root.dataset.state = answer.state;
  root.dataset.live = String(!answer.ended);
  for (const [name, html] of Object.entries(answer.parts)) fill(name, html);
  if (pausing === run && !answer.ended) part("status").textContent = "Stopping";
  part("rows").insertAdjacentHTML("beforeend", answer.rows.join(""));
  rows = part("rows").children.length;
  part("ledger").hidden = !rows;
  part("take").hidden = !rows;
  act("pause").hidden = answer.ended || !answer.live;
  act("resume").hidden = !answer.resume;
  const share = answer.total ? Math.round((1000 * answer.done) / answer.total) / 10 : 0;
  bar.firstElementChild.style.width = `${share}%`;
  bar.setAttribute("aria-valuenow", Math.round(share));
  if (answer.chip) {
    const chip = document.getElementById("elm-model-chip");
    chip.innerHTML = answer.chip;
    chip.hidden = false;
  }
}

function open(id) {
  run = id;
  stamp = "";
  rows = 0;
  delete root.dataset.open;
  part("asked").replaceChildren();
  ask(false);
}

// The form of a new stream.

function setup(on) {
  form.hidden = !on;
  part("shown").hidden = on;
  part("close").hidden = !run;
  if (on) root.dataset.open = "1";
  else delete root.dataset.open;
}

const file = fileForm(form, {
  check: (ask) => call("stream_check", ask),
  example: () => call("stream_example"),
  start: (given) => call("stream_start", { ...given, fields: Object.fromEntries(new FormData(form)) }),
  started: open,
});

const does = {
  ...file.does,
  new() {
    setup(true);
    file.focus();
  },
  close: () => setup(false),
  async pause() {
    pausing = run;
    part("status").textContent = "Stopping";
    const answer = await call("stream_pause", { run });
    part("asked").innerHTML = answer.error || "";
    await ask();
  },
  async resume() {
    pausing = "";
    const answer = await call("stream_resume", { run });
    part("asked").innerHTML = answer.error || "";
    if (answer.run) open(answer.run);
  },
  jsonl: () => save("jsonl"),
  csv: () => save("csv"),
};

/** @param {"jsonl" | "csv"} kind */
async function save(kind) {
  const answer = await call("stream_results", { run, kind });
  part("asked").innerHTML = answer.error || "";
  if (answer.error) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([answer.text], { type: kind === "csv" ? "text/csv" : "application/jsonl" }));
  link.download = answer.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

root.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-act]");
  if (button) once(does[button.dataset.act]);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  once(file.start);
});
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-stream]");
  if (link && !(event.metaKey || event.ctrlKey || event.shiftKey || event.button)) {
    event.preventDefault();
    window.scrollTo({ top: 0 });
    return open(link.dataset.stream);
  }
  const tab = event.target.closest?.('#elm-tabs button[role="tab"]');
  if (!tab) return;
  if (tab.id === "elm-stream-button") {
    if (wanted() && wanted() !== run) return open(wanted());
    if (run) address(run);
    return ask();
  }
  clearTimeout(timer);
  const url = new URL(location.href);
  if (!url.searchParams.has("stream")) return;
  url.searchParams.delete("stream");
  history.replaceState(history.state, "", url);
});
document.addEventListener("visibilitychange", () => document.hidden || !shown() || ask());

open(wanted());
