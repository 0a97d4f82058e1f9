// Plays the run in this file: sets what its frames say (web/export/frames.py) at the moment that its clock shows. The
// page below stands as the run ended; it is printed like that, too.

import { fill } from "../lib/morph.js";
import { Playback } from "../lib/playback.js";
import { bringCard, dropCards, showCard, showView } from "../run/cards.js";
import { replayBar } from "../run/replay_bar.js";
import { fitFormulas } from "./paper.js";
import { Slots } from "./slots.js";

const STEP_MS = 60; // between two looks at the clock while it runs
/** @type {Answers.RecordedRun} */
const recording = JSON.parse(document.getElementById("recording").textContent);
const section = document.querySelector(".elm-run");
const page = document.body;
const part = (name) => document.querySelector(`[data-part="${name}"]`);
const slots = new Slots(recording);
const playback = new Playback();
const shown = new Map(); // what stands in the page, by slot
let timer = 0;
let printed = null; // what the page looked like before it was made ready for paper

function draw(at) {
  const now = slots.at(at);
  const changed = [...now].filter(([name, text]) => (shown.get(name) ?? "") !== text);
  for (const [name, text] of changed) {
    shown.set(name, text);
    if (name.startsWith("part:")) fill(part(name.slice(5)), text);
  }
  section.dataset.state = now.get("state");
  section.dataset.blank = now.get("blank");
  drawCards(changed, now);
  if (!now.has("share")) return;
  const [whole, share] = [document.querySelector(".whole"), Math.round(now.get("share") * 1000) / 10];
  whole.firstElementChild.style.width = `${share}%`;
  whole.setAttribute("aria-valuenow", Math.round(share));
  part("learning").hidden = now.get("begun") !== "true";
}

function drawCards(changed, now) {
  const touched = new Set();
  for (const [name] of changed) if (/^(card|block):/.test(name)) touched.add(name.split(":")[1]);
  const names = JSON.parse(now.get("arms") || "{}");
  for (const key of touched) {
    const shell = now.get(`card:${key}`);
    if (!shell) continue;
    const blocks = changed.filter(([name, text]) => text && name.startsWith(`block:${key}:`));
    const placed = blocks.map(([name, text]) => [Number(name.split(":")[2]), text]).sort(([a], [b]) => a - b);
    showCard(part("arms"), names, { key, arm: key.slice(0, key.lastIndexOf("-")), shell, blocks: placed }, playback.playing);
  }
  const stand = [...now].filter(([name, text]) => text && name.startsWith("card:"));
  dropCards(part("arms"), new Set(stand.map(([name]) => name.slice(5))));
  showView(document);
}

function show() {
  clearTimeout(timer);
  bar.tick();
  draw(playback.at);
  bar.draw();
  if (playback.playing) timer = setTimeout(show, STEP_MS);
}

// On paper the run has ended, light, with everything unfolded.
function onPaper(on) {
  if (on === Boolean(printed)) return;
  const folds = [...document.querySelectorAll("details")];
  if (on) {
    const { view } = part("arms").dataset;
    printed = { dark: page.classList.contains("dark"), open: folds.filter((each) => each.open), view };
    for (const each of folds) each.open = true;
    page.classList.remove("dark");
    clearTimeout(timer);
    draw(recording.length);
    showView(document, "order");
    fitFormulas(document);
  } else {
    for (const each of folds) each.open = printed.open.includes(each);
    page.classList.toggle("dark", printed.dark);
    for (const math of document.querySelectorAll(".card math")) math.style.fontSize = "";
    showView(document, printed.view);
    printed = null;
    show();
  }
}

function dark(on) {
  page.classList.toggle("dark", on);
  document.querySelector('[data-do="dark"]').setAttribute("aria-pressed", on);
}

const bar = replayBar(part("replay"), playback, show);
bar.speed.value = String(recording.speed);
for (const name of recording.slots) if (name.startsWith("part:")) part(name.slice(5)).replaceChildren();
part("arms").replaceChildren();
dark(matchMedia("(prefers-color-scheme: dark)").matches);
document.addEventListener("click", (event) => {
  const target = event.target.closest?.("[data-view], [data-do], a[data-card]");
  if (target?.dataset.do) dark(!page.classList.contains("dark"));
  if (target?.matches("button[data-view]")) showView(document, target.dataset.view);
  if (!target?.dataset.card) return;
  event.preventDefault();
  bringCard(document, target.dataset.card);
});
matchMedia("print").addEventListener("change", (event) => onPaper(event.matches));
window.addEventListener("beforeprint", () => onPaper(true));
window.addEventListener("afterprint", () => onPaper(false));

const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
playback.begin(performance.now(), !still);
playback.know({ start: 0, length: recording.length, marks: recording.marks });
if (still) playback.go(recording.length, false);
show();
