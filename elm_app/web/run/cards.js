// The cards of a run's traces: a column for each arm, a card for each trace, patched in place.

import { fragment } from "../lib/morph.js";

function column(arms, names, arm) {
  let there = arms.querySelector(`[data-arm="${arm}"]`);
  if (!there) {
    there = document.createElement("div");
    there.className = "arm";
    there.dataset.arm = arm;
    there.innerHTML = '<h3></h3><div class="cards"></div>';
    there.firstElementChild.textContent = names[arm] || "";
    const order = Object.keys(names);
    const after = [...arms.children].find((each) => order.indexOf(each.dataset.arm) > order.indexOf(arm));
    arms.insertBefore(there, after || null);
    arms.dataset.count = arms.children.length;
  }
  return there.lastElementChild;
}

/**
 * Draws a card. While it grows (`live`) a text that was read at its end stays at its end.
 * @param {Found} arms
 * @param {Record<string, string>} names
 * @param {Answers.ChangedCard} card
 * @param {boolean} live
 */
export function showCard(arms, names, card, live) {
  const fresh = fragment(card.shell).firstElementChild;
  const cards = column(arms, names, card.arm);
  let there = [...cards.children].find((each) => each.dataset.key === card.key);
  if (!there) {
    there = fresh;
    cards.append(fresh);
  } else {
    for (const name of ["class", "style", "data-blocks"]) there.setAttribute(name, fresh.getAttribute(name));
    const [head, freshHead] = [there.querySelector("header"), fresh.querySelector("header")];
    if (head.innerHTML !== freshHead.innerHTML) head.replaceChildren(...freshHead.childNodes);
  }
  const text = there.querySelector(".text");
  const atEnd = text.scrollHeight - text.scrollTop - text.clientHeight < 24;
  for (const [place, html] of card.blocks) {
    let block = text.children[place];
    if (!block) block = text.appendChild(document.createElement("div"));
    block.innerHTML = html;
  }
  while (text.children.length > Number(there.dataset.blocks)) text.lastElementChild.remove();
  if (atEnd && there.classList.contains("writing")) text.scrollTop = text.scrollHeight;
  else if (there.classList.contains("finished") && atEnd && live) text.scrollTop = text.scrollHeight;
}

// The phases of a learning run have traces of their own: those of the last one go.
export function dropCards(arms, shown) {
  for (const card of arms.querySelectorAll(".card")) if (!shown.has(card.dataset.key)) card.remove();
  for (const each of [...arms.children]) if (!each.querySelector(".card")) each.remove();
  arms.dataset.count = arms.children.length;
}

// Which traces are shown and in which order, `order`, `answer` or `major`; without a name it stays as it is.
export function showView(root, name) {
  const arms = root.querySelector('[data-part="arms"]');
  if (name) {
    arms.dataset.view = name;
    for (const each of root.querySelectorAll("button[data-view]")) {
      each.setAttribute("aria-pressed", each.dataset.view === name);
    }
  }
  const none = !root.querySelector(".card.major");
  root.querySelector('[data-part="nothing"]').hidden = arms.dataset.view !== "major" || !none;
}

// Scrolls to the card that a bar of a chart stands for.
export function bringCard(root, key) {
  const card = [...root.querySelectorAll(".card")].find((each) => each.dataset.key === key);
  card?.scrollIntoView({ block: "center", behavior: "auto" });
  card?.querySelector(".text").focus({ preventScroll: true });
}
