// On stage: larger type, and keys alone are enough. Stands after run.js and replay.js, in the same function.

import { stageAction } from "../lib/stage_keys.js";

{
  const TABS = ["solve", "explain", "memories", "stream", "compare", "runs"];
  const REPLAYS = new Set(["next", "back", "toggle"]);
  const keys = document.getElementById("elm-keys");
  const onStage = () => page.classList.contains("stage");
  const leaveField = () => document.activeElement?.blur();

  const stage = (on) => {
    page.classList.toggle("stage", on);
    document.querySelector('[data-do="stage"]')?.setAttribute("aria-pressed", on);
    keys?.toggleAttribute("hidden", true);
    localStorage.setItem("elm-stage", on ? "1" : "");
    if (on) leaveField(); // the switch would take the next space
  };

  // A finished run is opened for replay, and stands at its beginning, if none is played yet.
  const played = (name) => {
    if (replay) replay.does(name);
    else window.elm.replay(run, "1", name === "toggle");
    leaveField();
  };

  // Whether a key for the replay is free: it is shown, or may be opened, which the keys that scroll do not do.
  const forReplay = (key) => {
    if (document.querySelector("#elm-solve-button")?.getAttribute("aria-selected") !== "true") return false;
    return Boolean(replay) || (" p".includes(key) && ["done", "stopped"].includes(section.dataset.state));
  };

  const acts = {
    next: () => played("next"),
    back: () => played("back"),
    toggle: () => played("toggle"),
    tab(number) {
      left += 1;
      tab(TABS[number - 1]);
    },
    full: () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()),
    keys: () => keys?.toggleAttribute("hidden"),
    field: leaveField,
    leave: () => (keys?.hidden === false ? keys.toggleAttribute("hidden", true) : stage(false)),
  };

  does.stage = () => stage(!onStage());
  watchers.push((_, first) => first && onStage() && leaveField());
  // Heard before all others, so that Escape does not also stop a run and a space does not scroll.
  const onStageKey = (event) => {
    const [name, number] = onStage() ? stageAction(event).split(" ") : [""];
    if (!name || (REPLAYS.has(name) && !forReplay(event.key))) return;
    event.preventDefault();
    acts[name](number);
  };
  document.addEventListener("keydown", onStageKey, true);
  if (localStorage.getItem("elm-stage")) stage(true);
}
