// The bar of a replay over its clock (lib/playback.js): buttons, slider, speed, and keys while nothing else has them.

import { minutes } from "../lib/playback.js";

const KEYS = { " ": "toggle", ArrowLeft: "back", ArrowRight: "next" };
const HOLD_KEYS = "input, select, textarea, button, a, [tabindex]"; // what has the focus may want a key itself

// `show(back)` is called when the moment to be shown has changed by more than time passing; `back`: it lies before the
// one that was shown. `more` are further buttons, by name.
export function replayBar(bar, playback, show, more = {}) {
  const control = (name) => bar.querySelector(`[data-replay-do="${name}"]`);
  const [toggle, slider, speed] = ["toggle", "seek", "speed"].map(control);
  const clock = bar.querySelector('[data-part="replay-clock"]');
  const tick = () => playback.tick(performance.now(), Number(speed.value));

  const draw = () => {
    const [from, to] = [playback.span.start, playback.span.length];
    const told = `${minutes(playback.at - from)} of ${minutes(to - from)}`;
    toggle.textContent = playback.playing ? "Pause" : playback.ended ? "Play again" : "Play";
    slider.max = to - from;
    slider.value = playback.at - from;
    clock.textContent = told;
    slider.setAttribute("aria-valuetext", told);
    control("back").disabled = playback.before === undefined;
    control("next").disabled = playback.after === undefined;
  };

  const go = (moment, playing) => {
    tick();
    const back = playback.go(moment, playing);
    draw();
    show(back);
  };

  const does = {
    toggle: () => (playback.ended ? go(playback.span.start, true) : go(playback.at, !playback.playing)),
    seek: () => go(playback.span.start + Number(slider.value), playback.playing),
    speed: tick,
    back: () => go(playback.before ?? playback.span.start, false),
    next: () => go(playback.after ?? playback.span.length, false),
    end: () => go(playback.span.length, false),
    ...more,
  };

  bar.addEventListener("click", (event) => {
    const name = event.target.closest("button")?.dataset.replayDo;
    if (name && playback.span) does[name]();
  });
  slider.addEventListener("input", () => playback.span && does.seek());
  speed.addEventListener("input", () => playback.span && does.speed());
  document.addEventListener("keydown", (event) => {
    const hidden = !bar.offsetParent; // another tab is open
    const others = event.altKey || event.ctrlKey || event.metaKey; // the browser's own, such as going back
    if (!playback.span || hidden || others || event.defaultPrevented || event.target.closest?.(HOLD_KEYS)) return;
    const name = KEYS[event.key];
    if (!name) return;
    event.preventDefault();
    does[name]();
  });
  return { tick, draw, does, toggle, speed };
}
