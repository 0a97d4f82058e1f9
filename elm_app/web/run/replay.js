// A run played once more from its log: at its own pace, faster, or step by step. Stands after run.js, in the same
// function. The seconds pass here; the server tells how the run stood then (web/run/replayed_run.py).

import { Playback } from "../lib/playback.js";
import { replayBar } from "./replay_bar.js";

{
  const viewer = Math.random().toString(36).slice(2);
  const playback = new Playback();
  const show = (back) => {
    if (back) since = -1;
    ask();
  };
  const bar = replayBar(part("replay"), playback, show, { close: () => open(run) });

  const play = (id, pace = "1", playing = true) => {
    open(id);
    bar.speed.value = pace;
    replay = {
      ask() {
        bar.tick();
        return { viewer, at: playback.at };
      },
      wait: () => (playback.playing || playback.at === null ? LIVE_MS : IDLE_MS),
      close() {
        replay = null;
        playback.close();
        part("replay").hidden = true;
      },
      does: (name) => playback.span && bar.does[name](),
    };
    playback.begin(performance.now(), playing);
    address(id);
    ask();
    bar.toggle.focus({ preventScroll: true });
  };

  watchers.push((answer) => {
    if (!replay || !answer.replay) return;
    playback.know(answer.replay);
    part("replay").hidden = false;
    bar.draw();
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-replay]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    play(link.dataset.replay, link.dataset.speed);
  });
  window.elm.replay = play;
  if (given.replay) play(given.replay);
}
