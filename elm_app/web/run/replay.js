// A run played once more from its log: at its own pace, faster, or step by step. Stands after run.js, in the same
// function. The seconds pass here; the server tells how the run stood then (web/run/replayed_run.py).

import { minutes, Playback } from "../lib/playback.js";

{
  const bar = part("replay");
  const control = (name) => bar.querySelector(`[data-replay-do="${name}"]`);
  const [toggle, slider, speed] = ["toggle", "seek", "speed"].map(control);
  const viewer = Math.random().toString(36).slice(2);
  const playback = new Playback();
  const tick = () => playback.tick(performance.now(), Number(speed.value));

  const draw = () => {
    const [from, to] = [playback.span.start, playback.span.length];
    const told = `${minutes(playback.at - from)} of ${minutes(to - from)}`;
    toggle.textContent = playback.playing ? "Pause" : playback.ended ? "Play again" : "Play";
    slider.max = to - from;
    slider.value = playback.at - from;
    part("replay-clock").textContent = told;
    slider.setAttribute("aria-valuetext", told);
    control("back").disabled = playback.before === undefined;
    control("next").disabled = playback.after === undefined;
  };

  const go = (moment, playing) => {
    tick();
    if (playback.go(moment, playing)) since = -1;
    draw();
    ask();
  };

  const does = {
    toggle: () => (playback.ended ? go(playback.span.start, true) : go(playback.at, !playback.playing)),
    seek: () => go(playback.span.start + Number(slider.value), playback.playing),
    speed: tick,
    back: () => go(playback.before ?? playback.span.start, false),
    next: () => go(playback.after ?? playback.span.length, false),
    close: () => open(run),
  };

  const play = (id, pace = "1") => {
    open(id);
    speed.value = pace;
    replay = {
      ask() {
        tick();
        return { viewer, at: playback.at };
      },
      wait: () => (playback.playing || playback.at === null ? LIVE_MS : IDLE_MS),
      close() {
        replay = null;
        playback.close();
        bar.hidden = true;
      },
    };
    playback.begin(performance.now());
    address(id);
    ask();
    toggle.focus({ preventScroll: true });
  };

  watchers.push((answer) => {
    if (!replay || !answer.replay) return;
    playback.know(answer.replay);
    bar.hidden = false;
    draw();
  });

  bar.addEventListener("click", (event) => {
    const name = event.target.closest("button")?.dataset.replayDo;
    if (name && playback.span) does[name]();
  });
  slider.addEventListener("input", () => playback.span && does.seek());
  speed.addEventListener("input", () => playback.span && does.speed());
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-replay]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    play(link.dataset.replay, link.dataset.speed);
  });
  document.addEventListener("keydown", (event) => {
    if (!playback.span || event.defaultPrevented || event.target.closest?.("input, select, textarea, button, a, [tabindex]")) return;
    const name = { " ": "toggle", ArrowLeft: "back", ArrowRight: "next" }[event.key];
    if (!name) return;
    event.preventDefault();
    does[name]();
  });
  if (given.replay) play(given.replay);
}
