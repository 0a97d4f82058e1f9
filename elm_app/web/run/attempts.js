// All attempts of a learning run as cells: one that is pointed at is told, one that is chosen is opened, two are
// compared. Stands after run.js, in the same function.

import { moved, toggled } from "../lib/cells.js";

{
  const box = element.querySelector("details.attempts");
  const columns = part("columns");
  const stops = new Map(); // the cell of each grid that Tab leads to
  let of = ""; // the run that they are of
  let picked = []; // keys of the open ones
  let drawn = ""; // how these stood when they were last asked for
  let asking = 0; // counts questions, so that a late answer to an old one is dropped
  let told = null; // the cell whose words stand below

  const cell = (key) => box.querySelector(`[data-attempt="${key}"]`);

  function mark() {
    for (const each of box.querySelectorAll("[data-attempt]")) {
      each.setAttribute("aria-pressed", picked.includes(each.dataset.attempt));
    }
    for (const grid of box.querySelectorAll(".cells")) {
      const all = [...grid.querySelectorAll("button")];
      const stop = all.includes(stops.get(grid)) ? stops.get(grid) : all[0];
      for (const each of all) each.tabIndex = each === stop ? 0 : -1;
    }
    say();
  }

  function say() {
    if (told?.isConnected) part("readout").textContent = told.getAttribute("aria-label");
  }

  function standing() {
    return picked.map((key) => cell(key).getAttribute("aria-label") + ("writes" in cell(key).dataset ? since : "")).join();
  }

  async function openPicked() {
    const mine = ++asking;
    drawn = standing();
    if (!picked.length) return setPart("opened", "");
    const answer = await call("attempts", { run, picked, ...replay?.ask() });
    if (mine !== asking) return;
    if (answer.lost) drawn = ""; // asked again with the next answer about the run
    else setPart("opened", answer.error || answer.opened);
  }

  function pick(keys) {
    picked = keys;
    mark();
    openPicked();
  }

  function close() {
    const first = cell(picked[0]);
    pick([]);
    first?.focus({ preventScroll: true });
  }

  /** @param {Answers.AttemptColumns} told */
  function drawColumns({ order, columns: young, rows }) {
    columns.style.setProperty("--rows", String(rows));
    const atEnd = columns.scrollWidth - columns.scrollLeft - columns.clientWidth < 8;
    const slots = new Map([...columns.children].map((slot) => [slot.dataset.slot, slot]));
    for (const [key, slot] of slots) if (!order.includes(key)) slot.remove();
    for (const [key, html] of young) {
      const slot = slots.get(key) ?? document.createElement("div");
      slot.dataset.slot = key;
      slots.set(key, slot);
      fill(slot, html);
    }
    order.forEach((key, place) => {
      if (columns.children[place] !== slots.get(key)) columns.insertBefore(slots.get(key), columns.children[place] ?? null);
    });
    if (atEnd && live) columns.scrollLeft = columns.scrollWidth;
  }

  watchers.push((answer) => {
    if (of !== answer.run) {
      of = answer.run;
      picked = [];
      setPart("opened", "");
    }
    if (!answer.attempts) return;
    drawColumns(answer.attempts);
    picked = picked.filter(cell);
    mark();
    if (standing() !== drawn) openPicked();
  });

  const CELLS = "[data-attempt], [data-pair]";

  function tell(event) {
    const button = event.target.closest(CELLS);
    if (!button) return;
    told = button;
    if (event.type === "pointerover") return say();
    stops.set(button.closest(".cells"), button);
    mark();
  }

  box.addEventListener("pointerover", tell);
  box.addEventListener("focusin", tell);
  box.addEventListener("click", (event) => {
    const button = event.target.closest(`${CELLS}, [data-attempts]`);
    if (!button) return;
    if (button.dataset.attempts) close();
    else pick(button.dataset.pair ? button.dataset.pair.split(" ") : toggled(picked, button.dataset.attempt));
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && picked.length) {
      event.preventDefault();
      return close();
    }
    const grid = event.target.closest(CELLS)?.closest(".cells");
    if (!grid) return;
    const all = [...grid.querySelectorAll(".stack")].map((column) => [...column.querySelectorAll("button")]);
    const column = all.findIndex((each) => each.includes(event.target));
    const to = moved(all.map((each) => each.length), [column, all[column].indexOf(event.target)], event.key);
    if (!to) return;
    event.preventDefault();
    all[to[0]][to[1]].focus();
  });
}
