// Learning on the page: the button and its drawer under a solved problem, the run that learns, the memories in use.
// Stands after run.js, in the same function.

import { followRecipe } from "../components/settings/recipes.js";
import { oneAtATime } from "../lib/once.js";
import { bringCard } from "./cards.js";

{
  const drawer = part("drawer");
  const bar = element.querySelector(".whole");
  const once = oneAtATime();
  let counted = 0; // counts questions about the duration, so that a late answer to an old one is dropped
  let told = ""; // the duration with the usual settings
  let changed = false; // somebody has typed into the drawer: its fields count from then on, open or closed

  watchers.push((answer, first) => {
    const learning = answer.learning;
    section.classList.toggle("learns", Boolean(learning));
    part("learning").hidden = !learning?.begun;
    part("course").hidden = !learning;
    part("title").textContent = learning ? learning.title : "";
    part("traces").textContent = learning ? learning.traces : "Traces";
    setPart("resume", answer.resume);
    if (first) closeDrawer();
    if (learning) {
      const share = Math.round(learning.share * 1000) / 10;
      bar.firstElementChild.style.width = `${share}%`;
      bar.setAttribute("aria-valuenow", Math.round(share));
      part("clock").textContent = learning.clock;
      if (part("stored").dataset.html !== learning.stored) {
        part("stored").dataset.html = learning.stored;
        setPart("stored", learning.stored);
      }
    }
    part("under").hidden = Boolean(learning) || answer.state === "failed";
    part("recalled").hidden = !part("memory").textContent;
    part("offer").hidden = !answer.offer;
    if (!answer.offer) closeDrawer();
    else {
      if (told !== answer.offer.time || first) {
        part("estimate").textContent = told = answer.offer.time;
        if (changed) count();
      }
      setPart("hint", answer.offer.hint);
    }
  });

  function closeDrawer() {
    drawer.hidden = true;
    element.querySelector('[data-ask="drawer"]').setAttribute("aria-expanded", "false");
    setPart("asked", "");
  }

  function openDrawer() {
    drawer.hidden = false;
    element.querySelector('[data-ask="drawer"]').setAttribute("aria-expanded", "true");
  }

  function fields() {
    return changed ? Object.fromEntries(new FormData(drawer)) : {};
  }

  /**
   * Asks, and shows what came of it; true if that is an error.
   * @param {Promise<Answered<Answers.Begun | Answers.Nothing>>} question
   */
  async function asked(question) {
    const answer = await question;
    setPart("asked", answer.error && !part("under").hidden ? answer.error : "");
    if (answer.error && part("under").hidden) setPart("failure", answer.error);
    if (answer.run) {
      open(answer.run);
      window.scrollTo({ top: 0 });
    } else ask();
    return Boolean(answer.error);
  }

  const asks = {
    async learn() {
      if (await asked(call("learn", { run, fields: fields() }))) openDrawer();
    },
    again: (button) => asked(call("again", { run, memory: button.dataset.with })),
    more(button) {
      const { samples, max_new_tokens } = button.dataset;
      return asked(call("more", { run, samples, max_new_tokens }));
    },
    keep: () => asked(call("keep", { run })),
    resume: () => asked(call("resume", { run })),
  };

  function toggleDrawer() {
    if (!drawer.hidden) return closeDrawer();
    openDrawer();
    drawer.elements[0].focus();
  }

  async function count() {
    const mine = ++counted;
    const answer = await call("duration", { run, fields: fields() });
    if (mine !== counted) return;
    setPart("asked", answer.error || "");
    if (answer.text !== undefined) part("estimate").textContent = answer.text;
  }

  followRecipe(drawer);
  drawer.addEventListener("input", () => {
    changed = true;
    count();
  });
  drawer.addEventListener("submit", (event) => {
    event.preventDefault();
    once(asks.learn);
  });
  drawer.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.tagName === "INPUT") {
      event.preventDefault();
      once(asks.learn);
    }
    if (event.key === "Escape") {
      event.preventDefault();
      closeDrawer();
      element.querySelector('[data-ask="drawer"]').focus();
    }
  });

  element.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-ask]");
    if (button?.dataset.ask === "drawer") return toggleDrawer();
    if (button) return once(() => asks[button.dataset.ask](button));
    const link = event.target.closest?.("a[data-card]");
    if (!link) return;
    event.preventDefault();
    bringCard(element, link.dataset.card);
  });
}
