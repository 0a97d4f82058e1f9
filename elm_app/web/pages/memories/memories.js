// The Memories tab: asks the server for the list, the map and a card, and for every change.
// memory_card.js goes on where this ends. Gradio runs them once with `element` (web/pages/memories/template.py), `server` (web/pages/memories/panel.py) and `upload`.

import { makePlane } from "../../components/memory_map.js";
import { asking } from "../../lib/ask.js";

const STATE_MS = 2500; // between two questions whether a memory has changed: a run or another window may have done it
const WAIT_MS = 400; // while the embedder is loaded
const section = element.querySelector(".elm-memories");
const part = (name) => section.querySelector(`[data-part="${name}"]`);
const wanted = { text: "", model: "", enabled: "", improved: "", sort: "created:desc", offset: 0 };
const picked = new Set();
const glances = new Map();
let shown = ""; // the stamp of what the list shows
let mapped = ""; // and of what the map shows
let selected = new URLSearchParams(location.search).get("memory") || "";
let card = ""; // the card's HTML as the server gave it
let asked = 0;
let cards = 0;
let timer = 0;
let hovered = "";

const plane = makePlane(part("plane"), { pick: (id) => select(id, true), hover: glance, legend });

const call = asking(server);

/** @param {{ error?: string, told?: string }} answer */
function say(where, answer) {
  if (answer.error) where.innerHTML = answer.error;
  else where.textContent = answer.told || "";
}

const open = () => section.offsetParent !== null;

// The list.

async function refresh() {
  const mine = ++asked;
  const answer = await call("memories_list", wanted);
  if (mine !== asked) return;
  if (answer.waiting) {
    part("told").textContent = answer.waiting;
    return setTimeout(() => mine === asked && refresh(), WAIT_MS);
  }
  if (answer.error) return say(part("notice"), answer);
  if (answer.total && wanted.offset >= answer.total) {
    wanted.offset = Math.max(0, Math.ceil(answer.total / answer.page) - 1) * answer.page; // what was on this page is gone
    return refresh();
  }
  shown = answer.stamp;
  section.dataset.state = answer.count ? "some" : "empty";
  part("empty").hidden = answer.count > 0;
  part("cabinet").hidden = !answer.count;
  for (const name of ["starter", "starter-more"]) {
    part(name).hidden = !answer.starter;
    part(name).textContent = answer.starter === 1 ? "Load the starter memory" : `Load the ${answer.starter} starter memories`;
  }
  part("told").textContent = answer.told;
  fill(part("rows"), answer.rows);
  fill(part("pager"), answer.pager);
  if (part("models").innerHTML !== answer.models) {
    part("models").innerHTML = answer.models;
    part("models").value = wanted.model;
    part("models").closest("label").hidden = part("models").options.length < 3;
  }
  part("export-all").textContent = wanted.enabled || wanted.improved || wanted.model ? "Export these" : "Export all";
  part("rows").classList.toggle("ranked", Boolean(answer.query));
  plane.also("search", answer.points || null);
  plane.search(answer.query ? { at: answer.query, matches: answer.matches, threshold: answer.threshold } : null);
  mark();
  chip(answer.count);
  if (answer.count && mapped !== answer.stamp) map(answer.stamp);
}

function fill(where, html) {
  if (where.dataset.html === html) return;
  where.dataset.html = html;
  where.innerHTML = html;
}

async function map(stamp) {
  if (!mapped) part("legend").textContent = "laying it out …";
  mapped = stamp; // asked for; what came meanwhile has another stamp and is asked for next
  const answer = await call("memories_map", { picked: [...picked] });
  if (mapped !== stamp) return;
  if (answer.error) {
    mapped = "";
    return say(part("notice"), answer);
  }
  glances.clear();
  plane.set(answer);
  const all = answer.total <= answer.ids.length;
  part("drawn").textContent = all ? "" : `${answer.ids.length.toLocaleString("en")} of ${answer.total.toLocaleString("en")} shown`;
  for (const id of answer.gone) picked.delete(id);
  mark();
}

function mark() {
  for (const row of part("rows").children) {
    const on = row.dataset.id === selected;
    row.classList.toggle("chosen", on);
    row.querySelector("a").toggleAttribute("aria-current", on);
    row.querySelector("input").checked = picked.has(row.dataset.id);
  }
  part("picked").hidden = !picked.size;
  part("picked-count").textContent = `${picked.size} selected`;
  if (!picked.size) part("confirm-many").hidden = true;
  plane.select(selected);
}

function chip(count) {
  const link = document.getElementById("elm-memories-chip");
  if (!link) return;
  link.hidden = false;
  link.textContent = !count ? "no memories" : count === 1 ? "1 memory" : `${count.toLocaleString("en")} memories`;
}

function filter() {
  plane.filter((data, index) => {
    const state = data.state[index];
    const is = (want, bit) => !want || (want === "yes") === Boolean(state & bit);
    return is(wanted.improved, 1) && is(wanted.enabled, 2) && (!wanted.model || data.models[data.model[index]]?.[0] === wanted.model);
  });
}

// The map.

function legend(entries) {
  const items = entries.map((entry) => {
    const item = document.createElement("span");
    item.className = "entry";
    if (entry.scale) {
      const bar = document.createElement("i");
      bar.className = "scale";
      bar.style.background = `linear-gradient(to right, ${entry.scale.join(", ")})`;
      item.append(entry.from, bar, entry.to);
    } else {
      const dot = document.createElement("i");
      dot.className = entry.hollow ? "dot hollow" : "dot";
      dot.style.color = entry.colour;
      item.append(dot, entry.text);
    }
    return item;
  });
  part("legend").replaceChildren(...items);
}

async function glance(id, at) {
  hovered = id;
  const box = part("glance");
  if (!id) {
    box.hidden = true;
    return;
  }
  if (!glances.has(id)) glances.set(id, call("memory_glance", { id }));
  const answer = await glances.get(id);
  if (hovered !== id || !answer.html) return;
  box.innerHTML = answer.html;
  box.hidden = false;
  const room = part("plane");
  const left = Math.max(8, Math.min(at[0] - box.offsetWidth / 2, room.clientWidth - box.offsetWidth - 8));
  const above = at[1] - box.offsetHeight - 16;
  box.style.left = `${left}px`;
  box.style.top = `${above > 4 ? above : at[1] + 18}px`;
}

// What the reader does.

section.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { act, bulk: many, offset, zoom } = button.dataset;
  if (act || many) {
    part("notice").replaceChildren();
    (act ? acts[act] : bulk[many])?.();
  } else if (offset !== undefined) {
    wanted.offset = Number(offset);
    refresh().then(() => bring(part("rows")));
    part("rows").scrollTop = 0;
  } else if (zoom !== undefined) plane.zoom(Number(zoom));
});

section.addEventListener("change", ({ target }) => {
  const { seek, pick, field } = target.dataset;
  if (pick) {
    if (target.checked) picked.add(pick);
    else picked.delete(pick);
    mark();
  } else if (field) change({ [field]: target.value });
  else if (target === part("colour")) plane.colour(target.value);
  else if (seek && seek !== "text") {
    wanted[seek] = target.value;
    wanted.offset = 0;
    filter();
    refresh();
  }
});

section.querySelector(".seek").addEventListener("submit", (event) => {
  event.preventDefault();
  search(section.querySelector('[data-seek="text"]').value);
});

section.querySelector('[data-seek="text"]').addEventListener("input", ({ target }) => {
  if (!target.value) search("");
});

function search(text) {
  part("notice").replaceChildren();
  wanted.text = text.trim();
  wanted.offset = 0;
  section.querySelector('[data-seek="sort"]').disabled = Boolean(wanted.text);
  refresh();
}

section.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const ask = [part("confirm"), part("confirm-many")].find((each) => each && !each.hidden);
    if (!ask) return;
    event.preventDefault(); // Esc stops a run elsewhere on the page
    event.stopPropagation();
    ask.querySelector('[data-act="keep"], [data-bulk="keep"]').click();
  } else if (event.target.dataset.field === "label" && event.key === "Enter") event.target.blur();
  const row = event.target.closest(".rows > li");
  const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  if (row && step && row[step]) {
    event.preventDefault();
    row[step].querySelector("a").focus();
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-memory]");
  if (link) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    window.elm.tab("memories");
    part("notice").replaceChildren();
    return select(link.dataset.memory, true);
  }
  const tab = event.target.closest?.('#elm-tabs button[role="tab"]');
  if (tab && tab.id !== "elm-memories-button") address("");
});

function address(id) {
  const url = new URL(location.href);
  url.searchParams.delete("memories");
  if (id) url.searchParams.set("memory", id);
  else url.searchParams.delete("memory");
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}

async function lookAgain() {
  const answer = await call("memories_state");
  if (answer.error) return;
  chip(answer.count);
  if (open() && answer.stamp !== shown) {
    await refresh();
    await show();
  }
}

async function watch() {
  clearTimeout(timer);
  if (!document.hidden) await lookAgain();
  timer = setTimeout(watch, STATE_MS);
}

let seen = false;
new ResizeObserver(() => {
  if (open() === seen) return;
  seen = open();
  if (!seen) return;
  if (selected) address(selected);
  refresh();
  show();
}).observe(element);
document.addEventListener("visibilitychange", () => document.hidden || watch());

filter();
section.classList.toggle("one", Boolean(selected));
watch();
