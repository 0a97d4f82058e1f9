// The card of a memory, what can be done with one or several, and files. Stands behind memories.js in the same script.

import { download } from "../../lib/download.js";

// The card.

function select(id, come = false) {
  selected = id;
  section.classList.toggle("one", Boolean(id));
  if (open()) address(id);
  mark();
  return show(come);
}

async function show(come = false) {
  const [mine, id] = [++cards, selected];
  part("hint").hidden = Boolean(id);
  if (!id) {
    card = "";
    plane.also("selected", null);
    return part("card").replaceChildren();
  }
  const answer = await call("memory_card", { id });
  if (mine !== cards) return;
  plane.also("selected", answer.point || null);
  const html = answer.card || answer.error;
  if (html !== card || part("card").dataset.id !== id) draw(html, id);
  if (come && open()) bring(part("card"));
}

// A card that is drawn again keeps what the reader has opened, and its fields, which may be being typed into, stay.
function draw(html, id) {
  const holder = part("card");
  const same = holder.dataset.id === id;
  card = html;
  holder.dataset.id = id;
  const own = same && holder.querySelector(".own");
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = template.content.querySelector(".own");
  if (!own || !fresh) return holder.replaceChildren(template.content);
  const unfolded = [...holder.querySelectorAll("details")].map((each) => each.open);
  const asking = !part("confirm").hidden;
  const said = [...part("outcome").childNodes];
  const focus = holder.contains(document.activeElement) && document.activeElement.dataset.act;
  const article = template.content.firstElementChild;
  article.querySelector('[data-part="outcome"]').replaceChildren(...said);
  window.elm.swap(own.parentElement, [...article.children].map((child) => (child === fresh ? own : child)));
  for (const field of own.querySelectorAll("[data-field]")) {
    const typed = field.value !== field.defaultValue;
    field.defaultValue = fresh.querySelector(`[data-field="${field.dataset.field}"]`).defaultValue;
    if (!typed) field.value = field.defaultValue;
  }
  for (const [number, each] of holder.querySelectorAll("details").entries()) each.open = Boolean(unfolded[number]);
  part("confirm").hidden = !asking;
  const twin = { enable: "disable", disable: "enable" }[focus] || focus;
  if (focus) (holder.querySelector(`[data-act="${focus}"]`) || holder.querySelector(`[data-act="${twin}"]`))?.focus();
}

function bring(what) {
  const { top } = what.getBoundingClientRect();
  if (top > window.innerHeight - 200 || top < 0) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    what.scrollIntoView({ behavior: still ? "auto" : "smooth", block: "start" });
  }
}

/** @param {Answers.ChangeMemory} fields */
async function change(fields) {
  const id = selected;
  const answer = await call("memory_change", { id, ...fields });
  for (const [name, value] of Object.entries(answer.error ? {} : fields)) {
    const field = part("card").querySelector(`[data-field="${name}"]`);
    if (field && selected === id) field.defaultValue = value;
  }
  await refresh();
  await show();
  if (selected === id && part("outcome")) say(part("outcome"), answer);
}

const acts = {
  enable: () => change({ enabled: true }),
  disable: () => change({ enabled: false }),
  export: () => bundle({ ids: [selected] }, part("outcome")),
  "export-all": () => bundle({ ...wanted, text: "" }, part("notice")),
  ask() {
    part("confirm").hidden = false;
    part("confirm").querySelector('[data-act="keep"]').focus();
  },
  keep() {
    part("confirm").hidden = true;
    part("card").querySelector('[data-act="ask"]').focus();
  },
  async delete() {
    const answer = await call("memories_delete", { ids: [selected] });
    if (answer.error) return say(part("outcome"), answer);
    const row = part("rows").querySelector(".chosen");
    const next = row?.nextElementSibling || row?.previousElementSibling;
    picked.delete(selected);
    await select("");
    await refresh();
    say(part("notice"), answer);
    part("rows").querySelector(`[data-id="${CSS.escape(next?.dataset.id || "")}"] a`)?.focus({ preventScroll: true });
  },
  async starter() {
    say(part("notice"), { told: "Loading the starter memories …" });
    taken(await call("memories_starter"));
  },
  import: () => part("file").click(),
  back() {
    const id = selected;
    select("");
    part("rows").querySelector(`[data-id="${CSS.escape(id)}"] a`)?.focus();
  },
};

const bulk = {
  export: () => bundle({ ids: [...picked] }, part("notice")),
  enable: () => several({ enabled: true }),
  disable: () => several({ enabled: false }),
  ask() {
    part("confirm-count").textContent = `Delete ${picked.size === 1 ? "1 memory" : `${picked.size} memories`}?`;
    part("confirm-many").hidden = false;
    part("confirm-many").querySelector('[data-bulk="keep"]').focus();
  },
  keep: () => (part("confirm-many").hidden = true),
  none() {
    picked.clear();
    mark();
  },
  async delete() {
    const answer = await call("memories_delete", { ids: [...picked] });
    part("confirm-many").hidden = true;
    if (!answer.error) {
      if (picked.has(selected)) await select("");
      picked.clear();
    }
    await refresh();
    say(part("notice"), answer);
  },
};

/** @param {{ enabled: boolean }} fields */
async function several(fields) {
  const answer = await call("memory_change", { ids: [...picked], ...fields });
  await refresh();
  await show();
  say(part("notice"), answer);
}

// Files.

/** @param {Answers.ExportMemories} ask */
async function bundle(ask, where) {
  say(where, { told: "Packing …" });
  const answer = await call("memories_export", ask);
  say(where, answer);
  if (!answer.error) download(answer.file, answer.name);
}

part("file").addEventListener("change", async () => {
  const [file] = part("file").files;
  part("file").value = "";
  if (!file) return;
  say(part("notice"), { told: `Reading ${file.name} …` });
  let sent;
  try {
    sent = await upload(file);
  } catch {
    sent = {};
  }
  taken(await call("memories_import", { path: sent?.path || "" }));
});

/** @param {AnswerOf<Servers.Memories["memories_import"]>} answer */
async function taken(answer) {
  if (!answer.error) Object.assign(wanted, { offset: 0 });
  await refresh();
  if (answer.added) await select(answer.added);
  say(part("notice"), answer);
}
