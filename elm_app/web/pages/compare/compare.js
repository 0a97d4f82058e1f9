// Compare: asks the server for a comparison as it stands and shows it; which one stands in the address, else the newest.
// setup.js goes on where this ends. Gradio runs them once, when the tab is first opened, with `element` and `server` (web/pages/compare/panel.py).

import { asking } from "../../lib/ask.js";
import { download } from "../../lib/download.js";
import { oneAtATime } from "../../lib/once.js";

const LIVE_MS = 700; // between two questions while it runs
const IDLE_MS = 2500; // and while it does not: another window may go on with it
const root = element.querySelector(".elm-compare");
const part = (name) => root.querySelector(`[data-part="${name}"]`);
const act = (name) => root.querySelector(`.stands [data-act="${name}"]`);
const call = asking(server);
const once = oneAtATime();
let what = "";
let folder = "";
let run = "";
let stamp = "";
let live = false;
let timer = 0;
let asked = 0; // counts questions, so that a late answer to an old one is dropped
let failures = 0;
let ending = null; // { run, name, said }: what was asked of it, until it has ended

const shown = () => document.querySelector("#elm-compare-button")?.getAttribute("aria-selected") === "true";
const wanted = () => new URLSearchParams(location.search).get("compare") || "";

function address(name) {
  const url = new URL(location.href);
  if ((url.searchParams.get("compare") || "") === name) return;
  if (name) url.searchParams.set("compare", name);
  else url.searchParams.delete("compare");
  history.replaceState(history.state, "", url);
}

function open(name) {
  what = name;
  stamp = "";
  delete root.dataset.open;
  part("asked").replaceChildren();
  return ask();
}

async function ask() {
  clearTimeout(timer);
  const mine = ++asked;
  const answer = await call("compare_show", { what, stamp });
  if (mine !== asked) return;
  failures = answer.lost ? failures + 1 : 0;
  if (!answer.lost) {
    if (!answer.same) show(answer);
  } else if (failures > 2 || !stamp) part("notice").innerHTML = answer.error;
  if (shown()) timer = setTimeout(ask, failures ? Math.min(5000, 300 * 2 ** failures) : live && !document.hidden ? LIVE_MS : IDLE_MS);
}

/** @param {AnswerOf<Servers.Compare["compare_show"]>} answer */
function show(answer) {
  stamp = answer.stamp;
  part("notice").innerHTML = answer.error || "";
  folder = answer.folder || "";
  run = answer.run || "";
  live = Boolean(answer.live);
  if (!live || ending?.run !== run) ending = null;
  for (const [name, html] of Object.entries(answer.parts)) fill(name, html);
  if (ending) part("status").textContent = ending.said;
  part("stands").hidden = !folder;
  for (const name of ["status", "clock", "wait", "failure"]) if (!(name in answer.parts)) fill(name, "");
  act("pause").hidden = act("stop").hidden = !live;
  act("pause").disabled = Boolean(ending);
  act("stop").disabled = ending?.name === "compare_stop";
  act("resume").hidden = !answer.resume;
  part("same").hidden = !answer.parts.again;
  const bar = part("bar");
  bar.hidden = !live && !answer.resume;
  bar.firstElementChild.style.width = `${100 * (answer.share || 0)}%`;
  bar.setAttribute("aria-valuenow", Math.round(100 * (answer.share || 0)));
  const options = answer.known.map(([path, name]) => new Option(name, path, false, path === folder));
  if (!answer.known.some(([path]) => path === folder)) options.unshift(new Option("choose …", "", true, true));
  part("known").replaceChildren(...options);
  part("known-box").hidden = !answer.known.length;
  what = answer.what || what;
  root.dataset.state = folder && !answer.error ? "shown" : answer.error ? "error" : "empty";
  root.dataset.run = run;
  root.dataset.live = String(live);
  layout();
  if (shown() && !answer.error) address(what);
  if (answer.chip) {
    const chip = document.getElementById("elm-model-chip");
    chip.innerHTML = answer.chip;
    chip.hidden = false;
  }
}

function fill(name, html) {
  const old = part(name);
  if (old.dataset.html === html) return;
  old.dataset.html = html;
  window.elm.fill(old, html);
}

// The form of a new comparison stands in place of what is shown.
function layout() {
  const setup = Boolean(root.dataset.open);
  const { state } = root.dataset;
  part("setup").hidden = !setup;
  part("shown").hidden = setup || state !== "shown";
  part("empty").hidden = setup || state !== "empty";
  part("pick").hidden = setup || state === "empty";
  part("other").hidden = setup;
}

/** @param {"compare_pause" | "compare_stop"} name */
async function end(name, said) {
  ending = { run, name, said };
  part("status").textContent = said;
  act("pause").disabled = true;
  act("stop").disabled = name === "compare_stop";
  const answer = await call(name, { run });
  part("asked").innerHTML = answer.error || "";
  if (answer.error) ending = null;
  await ask();
}

const does = {
  pause: () => end("compare_pause", "Pausing after this problem"),
  stop: () => end("compare_stop", "Stopping"),
  async resume() {
    const answer = await call("compare_resume", { folder });
    part("asked").innerHTML = answer.error || "";
    if (answer.run) await open(answer.run);
  },
  async zip() { // a large folder takes a while, and Stop does not wait for it
    act("zip").disabled = true;
    part("asked").textContent = "Packing …";
    const answer = await call("compare_zip", { folder });
    part("asked").innerHTML = answer.error || "";
    act("zip").disabled = false;
    if (!answer.error) download(answer.file, answer.name);
  },
};

root.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-act]");
  if (button?.dataset.act === "zip") does.zip();
  else if (button) once(does[button.dataset.act]);
});
part("known").addEventListener("change", (event) => event.target.value && open(event.target.value));
part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const path = part("path").value.trim();
  if (path) open(path);
  else part("path").focus();
});
document.addEventListener("click", (event) => {
  const tab = event.target.closest?.('#elm-tabs button[role="tab"]');
  if (!tab) return;
  if (tab.id === "elm-compare-button") return wanted() && wanted() !== what ? open(wanted()) : ask();
  clearTimeout(timer);
  address("");
});
document.addEventListener("visibilitychange", () => document.hidden || !shown() || ask());
