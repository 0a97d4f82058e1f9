// Explain: asks the server for the page of a run and shows it; the run is that of the address, else that of the Solve tab.
// Gradio runs this once, when the tab is first opened, with `element` and `server` (web/pages/explain/panel.py).

const root = element.querySelector(".elm-explain");
const body = root.querySelector('[data-part="body"]');
const notice = root.querySelector('[data-part="asked"]');
const AGAIN_MS = 900;
let run = "";
let solved = ""; // the run whose problem it is: `run` itself, or the one whose tokens `run` scores
let timer = 0;
let asked = 0; // counts questions, so that a late answer to an old one is dropped
let busy = false;

function wanted() {
  const given = new URLSearchParams(location.search);
  return given.get("explain") || given.get("run") || "";
}

function address(id) {
  const url = new URL(location.href);
  if (!id || url.searchParams.get("explain") === id) return;
  url.searchParams.set("explain", id);
  url.searchParams.delete("run");
  history.replaceState(history.state, "", url);
}

function shown() {
  return document.querySelector("#elm-explain-button")?.getAttribute("aria-selected") === "true";
}

async function ask(id) {
  clearTimeout(timer);
  const mine = ++asked;
  run = id;
  try {
    const answer = await server.explain({ run });
    if (mine !== asked) return;
    notice.innerHTML = answer.error || "";
    if (answer.html !== undefined && body.dataset.html !== answer.html) {
      const open = [...body.querySelectorAll("details")].map((each) => each.open);
      body.dataset.html = answer.html;
      window.elm.fill(body, answer.html);
      for (const [place, each] of body.querySelectorAll("details").entries()) each.open = Boolean(open[place]);
    }
    root.dataset.state = answer.error ? "error" : answer.run ? "shown" : "empty";
    if (answer.error) body.innerHTML = body.dataset.html = "";
    run = answer.run || run;
    solved = answer.solved || run;
    if (shown()) address(run);
    if (answer.again && shown()) timer = setTimeout(() => ask(run), AGAIN_MS);
  } catch {
    if (mine === asked) timer = setTimeout(() => ask(run), 3000);
  }
}

const does = {
  async again(button) {
    const { memory, verifier } = button.dataset;
    const answer = await server.explain_again({ run, memory, verifier });
    notice.innerHTML = answer.error || "";
    if (answer.run) {
      const url = new URL(location.href);
      url.searchParams.delete("explain");
      history.replaceState(history.state, "", url);
      window.elm.open(answer.run);
      window.scrollTo({ top: 0 });
    }
  },
  async act(button) {
    const place = button.closest("section");
    const answer = await server.explain_act({ run, trace: place.querySelector("select").value });
    if (answer.run) return ask(answer.run);
    place.querySelector('[data-part="acted"]').innerHTML = answer.error || "";
  },
  async stop() {
    await server.explain_stop({ run });
    await ask(run);
  },
  async switch(button) {
    const answer = await server.explain_switch({ memory: button.dataset.memory, on: button.dataset.on === "1" });
    notice.innerHTML = answer.error || "";
    if (!answer.error) await ask(run);
  },
};

root.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-explain]");
  if (!button || busy) return;
  busy = true;
  try {
    await does[button.dataset.explain](button);
  } finally {
    busy = false;
  }
});

document.addEventListener("click", (event) => {
  const tab = event.target.closest?.('#elm-tabs button[role="tab"]');
  if (!tab) return;
  if (tab.id === "elm-explain-button") return ask(wanted());
  clearTimeout(timer);
  const url = new URL(location.href);
  const was = url.searchParams.get("explain");
  if (was === null) return;
  url.searchParams.delete("explain");
  if (was) url.searchParams.set("run", was === run ? solved : was);
  history.replaceState(history.state, "", url);
});

ask(wanted());
