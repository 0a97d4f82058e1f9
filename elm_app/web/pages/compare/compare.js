// Compare: asks the server for a benchmark and shows it; which one stands in the address, else the newest.
// Gradio runs this once, when the tab is first opened, with `element` and `server` (web/pages/compare/panel.py).

const AGAIN_MS = 2500;
const root = element.querySelector(".elm-compare");
const part = (name) => root.querySelector(`[data-part="${name}"]`);
let what = "";
let timer = 0;
let asked = 0; // counts questions, so that a late answer to an old one is dropped

const shown = () => document.querySelector("#elm-compare-button")?.getAttribute("aria-selected") === "true";
const wanted = () => new URLSearchParams(location.search).get("compare") || "";

function address(name) {
  const url = new URL(location.href);
  if ((url.searchParams.get("compare") || "") === name) return;
  if (name) url.searchParams.set("compare", name);
  else url.searchParams.delete("compare");
  history.replaceState(history.state, "", url);
}

async function ask(name) {
  clearTimeout(timer);
  const mine = ++asked;
  what = name;
  let answer;
  try {
    answer = await server.compare_show({ what });
  } catch {
    answer = null;
  }
  if (mine !== asked) return;
  if (!answer || answer.detail) {
    part("notice").innerHTML = '<p class="error"><strong>The program does not answer.</strong> See whether it still runs, and try again.</p>';
    return;
  }
  show(answer);
  if (answer.again && shown()) timer = setTimeout(() => ask(what), AGAIN_MS);
}

function show(answer) {
  const found = Boolean(answer.parts);
  part("notice").innerHTML = answer.error || "";
  part("progress").textContent = answer.progress;
  part("report").hidden = !found;
  part("empty").hidden = found || Boolean(answer.error) || answer.again;
  root.dataset.state = found ? "shown" : answer.error ? "error" : "empty";
  for (const [name, html] of Object.entries(answer.parts || {})) {
    if (part(name).dataset.html !== html) part(name).innerHTML = part(name).dataset.html = html;
  }
  const options = answer.known.map(([path, name]) => new Option(name, path, false, path === answer.folder));
  if (!answer.known.some(([path]) => path === answer.folder)) options.unshift(new Option("choose …", "", true, true));
  part("known").replaceChildren(...options);
  part("known-box").hidden = !answer.known.length;
  part("path-name").textContent = answer.known.length ? "or the path of a folder" : "Path of a benchmark's folder";
  what = answer.what || what;
  if (shown() && !answer.error) address(what);
}

part("known").addEventListener("change", (event) => event.target.value && ask(event.target.value));
part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const path = part("path").value.trim();
  if (path) ask(path);
  else part("path").focus();
});
document.addEventListener("click", (event) => {
  const tab = event.target.closest?.('#elm-tabs button[role="tab"]');
  if (!tab) return;
  if (tab.id === "elm-compare-button") return ask(wanted() || what);
  clearTimeout(timer);
  address("");
});

ask(wanted());
