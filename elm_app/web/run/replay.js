// A run played once more from its log: at its own pace, faster, or step by step. Stands after elm.js, in the same
// function. The seconds pass here; the server tells how the run stood then (web/run/replayed_run.py).

{
  const bar = part("replay");
  const control = (name) => bar.querySelector(`[data-replay-do="${name}"]`);
  const [toggle, slider, speed] = ["toggle", "seek", "speed"].map(control);
  const viewer = Math.random().toString(36).slice(2);
  let what = null; // start, length and marks of the run, in seconds
  let at = null; // the moment that is shown; null before the server has said where it starts
  let read = 0; // when the clock was last looked at, in ms
  let playing = false;

  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

  function tick() {
    const now = performance.now();
    if (playing && at !== null && what) at = Math.min(what.length, at + ((now - read) / 1000) * Number(speed.value));
    read = now;
    if (what && at >= what.length) playing = false;
  }

  function draw() {
    const [from, to] = [what.start, what.length];
    toggle.textContent = playing ? "Pause" : at >= to ? "Play again" : "Play";
    slider.max = to - from;
    slider.value = at - from;
    slider.setAttribute("aria-valuetext", part("replay-clock").textContent = `${clock(at - from)} of ${clock(to - from)}`);
    control("back").disabled = !what.marks.some((mark) => mark < at - 0.001);
    control("next").disabled = !what.marks.some((mark) => mark > at + 0.001);
  }

  // Goes to a moment; back is a new beginning for the page.
  function go(moment, play) {
    tick();
    if (moment < at) since = -1;
    at = Math.min(what.length, Math.max(what.start, moment));
    playing = play;
    draw();
    ask();
  }

  const does = {
    toggle: () => (at >= what.length ? go(what.start, true) : go(at, !playing)),
    seek: () => go(what.start + Number(slider.value), playing),
    speed: tick,
    back: () => go(what.marks.findLast((mark) => mark < at - 0.001) ?? what.start, false),
    next: () => go(what.marks.find((mark) => mark > at + 0.001) ?? what.length, false),
    close: () => open(run),
  };

  function play(id) {
    open(id);
    replay = {
      ask() {
        tick();
        return { viewer, at };
      },
      wait: () => (playing || at === null ? LIVE_MS : IDLE_MS),
      close() {
        replay = what = at = null;
        bar.hidden = true;
      },
    };
    playing = true;
    read = performance.now();
    address(id);
    ask();
    toggle.focus({ preventScroll: true });
  }

  watchers.push((answer) => {
    if (!replay || !answer.replay) return;
    what = answer.replay;
    at ??= what.start;
    bar.hidden = false;
    draw();
  });

  bar.addEventListener("click", (event) => {
    const name = event.target.closest("button")?.dataset.replayDo;
    if (name && what) does[name]();
  });
  slider.addEventListener("input", () => what && does.seek());
  speed.addEventListener("input", () => what && does.speed());
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-replay]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    play(link.dataset.replay);
  });
  document.addEventListener("keydown", (event) => {
    if (!what || event.defaultPrevented || event.target.closest?.("input, select, textarea, button, a, [tabindex]")) return;
    const name = { " ": "toggle", ArrowLeft: "back", ArrowRight: "next" }[event.key];
    if (!name) return;
    event.preventDefault();
    does[name]();
  });
  if (given.get("replay")) play(given.get("replay"));
}
