// The model itself: which one it is here and why, how its weights come, and what can be done meanwhile. Stands after
// run.js, in the same function.

{
  const chip = document.getElementById("elm-model-chip");
  /** @type {Answers.ModelFields} */
  let fields = {}; // what the drawer's two fields hold, once they were changed
  /** @type {Answered<Answers.ModelHere> | null} */
  let known = null; // what the server says of that model
  let asked = 0; // counts questions, so that a late answer to an old one is dropped
  let was = null; // the weights that were coming at the last answer
  let waited = null; // the run that stood in `meanwhile`, "" for none

  async function look() {
    const mine = ++asked;
    const answer = await call("machine", fields);
    if (mine !== asked) return;
    known = answer.error ? null : answer;
    const line = document.querySelector("[data-machine]");
    if (line) line.innerHTML = answer.error || answer.line;
    offer();
    name();
  }

  // What there is to say while there is no run, or one that waits for the weights.
  function offer() {
    const lacks = !coming && !run && Boolean(known?.lacking);
    setPart("lacking", lacks ? known.lacking : "");
    part("fetch").hidden = !lacks;
    part("fetch").textContent = known?.fetch || "";
    const waits = lacks || section.classList.contains("waits");
    part("meanwhile").hidden = !waits;
    if (!waits) waited = null;
    else if (waited !== run) meanwhile(run);
  }

  // Without a run the chip names the drawer's model; with one that of the run, and why, where it was chosen by itself.
  function name() {
    const told = chip.querySelector("[data-auto]");
    if (told && run) {
      if (known && told.dataset.auto === known.auto && !told.title.includes(known.reason)) {
        told.title = `${known.reason} ${told.title}`;
      }
    } else if (known) {
      chip.textContent = coming ? coming.chip : known.chip;
      chip.title = known.reason || "Which model, and why: Settings";
    }
    chip.hidden = !chip.textContent;
  }

  async function meanwhile(id) {
    waited = id;
    const answer = await call("meanwhile", { run: id });
    if (waited === id) setPart("meanwhile", answer.error || answer.html);
  }

  heard.push((answer) => {
    part("coming").hidden = !coming;
    setPart("coming", coming ? coming.line : "");
    const waits = Boolean(coming) && (!answer.run || Boolean(answer.waits));
    section.classList.toggle("waits", waits);
    if (was && !coming) look();
    was = coming;
    offer();
    name();
  });

  Object.assign(window.elm, {
    model(model, numbers) {
      fields = { model, numbers };
      look();
    },
    other: () => known?.other,
  });
  Object.assign(does, {
    async fetch() {
      const answer = await call("fetch", fields);
      was = {}; // it may end before it was seen once
      if (answer.error) setPart("lacking", answer.error);
      else ask();
    },
    unfetch: () => call("unfetch").then(ask),
    other: () => document.querySelector("#elm-other")?.click(),
    model() {
      tab("solve");
      window.elm.settings(true);
      document.querySelector("#elm-model input")?.focus();
    },
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#elm-solve-button")) waited = null; // there may be more to do now
  });
  look();
}
