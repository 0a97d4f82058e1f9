// The run on the page: asks the server for what changed and patches it in place.
// Gradio runs this once with `element` (the skeleton in web/run/template.py) and `server` (the functions `tail`, `stop`).

import { ofPage, ofRun, wanted } from "../lib/address.js";
import { asking } from "../lib/ask.js";
import { fill, fragment, swap } from "../lib/morph.js";
import { dropCards, showCard, showView } from "./cards.js";

const LIVE_MS = 180; // between two questions while a run is written
const COMING_MS = 400; // while weights are fetched
const IDLE_MS = 2500; // and while nothing happens here: another window may have started a run
const part = (name) => element.querySelector(`[data-part="${name}"]`);
const call = asking(server);
const section = element.querySelector(".elm-run");
const page = document.body;
const given = wanted(location.href);
let { run } = given;
let since = -1;
let live = false;
let stoppable = false;
let timer = 0;
let asked = 0; // counts questions, so that a late answer to an old one is dropped
let failures = 0;
let stopping = ""; // the run that was asked to stop and has not ended yet
/** @type {((answer: AnswerOf<Servers.Solve["tail"]>, first: boolean) => unknown)[]} */
const watchers = []; // functions that are given every answer after it was shown
/** @type {((answer: AnswerOf<Servers.Solve["tail"]>) => unknown)[]} */
const heard = []; // the same, and those without a run
/** @type {Answers.ComingWeights | null} */
let coming = null; // the weights that are being fetched
let tabbing = 0; // the timer of a tab that is being opened
let left = 0; // how often somebody chose another tab
let filled = ""; // what this script last wrote into the problem box
let typed = false; // whether somebody has typed into it
let replay = null; // while a run is played again: what to ask for, and how often (replay.js)

function setPart(name, html) {
  fill(part(name), html);
}

function setStatus(text) {
  const line = part("status");
  if (line.textContent !== text) line.textContent = text;
}

function box() {
  return document.querySelector("#elm-problem textarea, #elm-problem input");
}

document.addEventListener("input", (event) => {
  if (event.isTrusted && event.target === box()) typed = true;
});

function write(text) {
  const field = box();
  if (!field) return;
  filled = text;
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// The problem stands in the box; over the run only if the box holds another one.
function showProblem(text) {
  const field = box();
  if (field && (!field.value.trim() || field.value === filled)) write(text);
  const line = part("problem");
  line.textContent = text;
  line.hidden = !field || field.value.trim() === text.trim();
}

function decode(html) {
  return fragment(html).textContent;
}

/** @typedef {AnswerOf<Servers.Solve["tail"]>} Tailed */

/** @param {Tailed} answer */
function show(answer, gone) {
  coming = answer.coming || null;
  shown(answer, gone);
  for (const each of heard) each(answer);
}

/** @param {Tailed} answer */
function shown(answer, gone) {
  const first = since < 0;
  part("empty").hidden = Boolean(answer.run);
  part("elsewhere").hidden = !answer.elsewhere;
  if (answer.elsewhere) part("elsewhere").firstElementChild.dataset.run = answer.elsewhere;
  if (!answer.run) {
    section.dataset.state = "none";
    return setLive(false);
  }
  setPart("error", answer.error || "");
  part("run").hidden = Boolean(answer.error);
  if (answer.error) {
    section.dataset.state = "error";
    return setLive(false);
  }
  if (answer.page) return visit(answer.page, answer.run, gone);
  if (first) part("arms").replaceChildren();
  section.dataset.run = answer.run;
  section.dataset.state = answer.state;
  section.dataset.command = answer.command;
  section.dataset.blank = String(answer.blank);
  if (run !== answer.run || first) {
    run = answer.run;
    address(run);
    showProblem(answer.problem);
  } else if (answer.problem && !typed && box()?.value === "") {
    showProblem(answer.problem); // Gradio made the box after this script had filled it
  }
  setLive(!answer.ended, answer.live);
  for (const [name, html] of Object.entries(answer.parts)) if (name !== "chip") setPart(name, html);
  if (answer.parts.chip) {
    const chip = document.getElementById("elm-model-chip");
    chip.innerHTML = answer.parts.chip;
    chip.hidden = false;
  }
  setStatus(stopping === run && !answer.ended ? "Stopping" : decode(answer.status));
  for (const card of answer.cards) showCard(part("arms"), answer.arms, card, live);
  dropCards(part("arms"), new Set(answer.shown));
  showView(element);
  since = answer.seq;
  for (const watcher of watchers) watcher(answer, first);
}

// A run that another program writes can be watched, not stopped.
function setLive(value, here = false) {
  live = value;
  stoppable = value && here;
  const busy = stoppable || (coming && !run);
  page.classList.toggle("elm-busy", Boolean(busy));
  document.querySelector("#elm-stop")?.setAttribute("aria-disabled", !busy);
}

function address(id) {
  goTo(ofRun(location.href, id, Boolean(replay)));
}

function goTo(href) {
  if (href !== location.href) history.replaceState(history.state, "", href);
}

async function ask() {
  clearTimeout(timer);
  const mine = ++asked;
  const before = left;
  const answer = await call("tail", { run, since, ...replay?.ask() });
  if (mine !== asked) return;
  try {
    if (answer.run === undefined) lost();
    else found(answer, left !== before);
  } finally {
    later();
  }
}

function lost() {
  failures += 1;
  if (failures <= 2) return;
  page.classList.add("elm-lost");
  setStatus("The program does not answer; trying again");
}

/** @param {Tailed} answer */
function found(answer, gone) {
  failures = 0;
  page.classList.remove("elm-lost");
  show(answer, gone);
}

function later() {
  const usual = replay ? replay.wait() : live ? LIVE_MS : coming ? COMING_MS : IDLE_MS;
  const wait = failures ? Math.min(5000, 300 * 2 ** failures) : usual;
  timer = setTimeout(ask, document.hidden ? Math.max(wait, 1500) : wait);
}

function open(id) {
  replay?.close();
  run = id;
  since = -1;
  address(id);
  tab("solve");
  return ask();
}

function explain(id) {
  goTo(ofPage(location.href, "explain", id));
  tab("explain");
}

// A stream, a benchmark and a run that scores tokens have pages of their own; who has gone elsewhere meanwhile stays there.
function visit(name, id, gone) {
  replay?.close();
  run = "";
  since = -1;
  part("run").hidden = true;
  setLive(false);
  if (gone) return;
  goTo(ofPage(location.href, name, id));
  tab(name);
}

// Opens a tab. Just after the page was loaded, Gradio may not hear the click yet: it is repeated until the tab is open,
// or somebody goes elsewhere.
function tab(name, tries = 60) {
  clearTimeout(tabbing);
  const button = document.querySelector(`#elm-${name}-button`);
  button?.click();
  tabbing = setTimeout(() => tries && button?.getAttribute("aria-selected") !== "true" && tab(name, tries - 1), 80);
}

function stop() {
  if (coming && !run) return does.unfetch();
  if (!run || !stoppable) return;
  stopping = run;
  setStatus("Stopping");
  call("stop", { run }).then(ask);
}

function mark(field, wrong) {
  if (!field) return;
  field.toggleAttribute("aria-invalid", wrong);
  if (wrong) field.setAttribute("aria-invalid", "true");
}

window.elm = {
  open,
  tab,
  fill,
  swap,
  stop,
  chosen() {
    setTimeout(() => box()?.focus(), 0);
  },
  settings(open) {
    const shown = document.querySelector("#elm-settings")?.classList.toggle("open", open) ?? false;
    document.querySelector("#elm-settings-button")?.setAttribute("aria-expanded", shown);
  },
  /** @param {Answers.Submitted} told */
  told(told) {
    if (told?.field === "settings") this.settings(true);
    mark(box(), told?.field === "problem");
    if (told?.field === "problem") box()?.focus();
    if (told?.run) {
      filled = told.text; // what was typed since then stays
      open(told.run);
    }
  },
};

const does = {
  stop,
  dark(button) {
    const on = page.classList.toggle("dark");
    button.setAttribute("aria-pressed", on);
    localStorage.setItem("elm-dark", on ? "1" : "0");
  },
  example() {
    document.querySelector("#elm-example-0")?.click();
    setTimeout(() => document.querySelector("#elm-go")?.click(), 120);
  },
};

function onClick(event) {
  if (event.isTrusted && event.target.closest?.('#elm-tabs button[role="tab"]')) {
    clearTimeout(tabbing);
    left += 1;
  }
  const target = event.target.closest?.("[data-do], [data-view], a[data-run], a[data-tab], a[data-explain-run]");
  if (!target) return;
  if (target.dataset.do) return does[target.dataset.do]?.(target);
  if (target.tagName === "A") {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    if (target.dataset.explainRun) explain(target.dataset.explainRun);
    else if (target.dataset.tab) tab(target.dataset.tab);
    else open(target.dataset.run);
    return;
  }
  if (target.tagName === "BUTTON") showView(element, target.dataset.view);
}

function onKey(event) {
  if (event.key === "Escape" && !event.defaultPrevented) stop();
}

document.addEventListener("click", onClick);
document.addEventListener("keydown", onKey);
window.addEventListener("popstate", () => open(new URLSearchParams(location.search).get("run") || ""));
document.addEventListener("visibilitychange", () => document.hidden || ask());

const dark = localStorage.getItem("elm-dark");
if (dark !== null && !new URLSearchParams(location.search).has("__theme")) page.classList.toggle("dark", dark === "1");
document.querySelector('[data-do="dark"]')?.setAttribute("aria-pressed", page.classList.contains("dark"));
setLive(false);
window.elm.settings(false);
ask();
if (given.tab) tab(given.tab);
setTimeout(() => {
  if (document.activeElement === page && !page.classList.contains("stage")) box()?.focus({ preventScroll: true });
}, 50);
