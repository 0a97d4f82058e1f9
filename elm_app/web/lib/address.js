// What the page's address says: a run, a replay, a tab. Addresses in, addresses out; nobody's history is touched here.

const OWN_PAGES = ["explain", "stream", "compare", "memories"];

// What an address asks for: the run to show, the run to play again, and the tab to open.
export function wanted(href) {
  const given = new URL(href).searchParams;
  const tab = given.has("memory") ? "memories" : OWN_PAGES.findLast((name) => given.has(name));
  return { run: given.get("run") || given.get("explain") || "", replay: given.get("replay") || "", tab: tab || "" };
}

// The address of a run, or of its replay; the same where it need not change (Explain sees to its own).
export function ofRun(href, id, replayed) {
  const url = new URL(href);
  const [name, other] = replayed ? ["replay", "run"] : ["run", "replay"];
  if (url.searchParams.get(name) === id || url.searchParams.has("explain")) return href;
  url.searchParams.delete(other);
  if (id) url.searchParams.set(name, id);
  else url.searchParams.delete(name);
  return url.href;
}

// The address of a page of its own, about one run.
export function ofPage(href, name, id) {
  const url = new URL(href);
  url.search = "";
  url.searchParams.set(name, id);
  return url.href;
}
